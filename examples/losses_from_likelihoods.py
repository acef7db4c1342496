"""Squared error and cross-entropy are negative log-likelihoods
============================================================

    Gaussian      -log N(y | m, 1)     =  (y - m)^2 / 2 + log(2 pi) / 2
    Bernoulli     -log p(y | eta)      =  log(1 + exp(eta)) - y eta
    categorical   -log p(y | logits)   =  log sum_k exp(logits_k) - logits_y

For each, the loss is written out in numpy at the coefficients of scikit-learn's linear model, beside the negative
log-likelihood that `sk_mle` reaches: equal minimisers, and equal values up to the constant above.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import scale

from sk_mle import Distribution, MLEClassifier, MLERegressor
from sk_mle.likelihoods import Laplace, Normal, StudentT


def show(title, theirs, ours, values):
    print(title)
    for what, value in values.items():
        print(f"    {what:<40}{value:>12.8f}")
    print(f"    {'largest difference of the coefficients':<40}{np.abs(theirs.coef_ - ours.coef_).max():>12.0e}\n")


# %%
# squared error: the scale of the Gaussian is known, 1
# ----------------------------------------------------
X, y = load_diabetes(return_X_y=True)
y = scale(y)
theirs, ours = LinearRegression().fit(X, y), MLERegressor(Normal(scale=1)).fit(X, y)
mse = np.mean((y - theirs.predict(X)) ** 2)
show(
    "Squared error is Gaussian: LinearRegression on diabetes, standardised target",
    theirs,
    ours,
    {
        "half the mean squared error": mse / 2,
        "log(2 pi) / 2": np.log(2 * np.pi) / 2,
        "their sum": mse / 2 + np.log(2 * np.pi) / 2,
        "mean negative log-likelihood": -ours.score(X, y),
    },
)
free = MLERegressor(Normal()).fit(X, y)  # the scale estimated: the same coefficients, and the root mean squared error
show(
    "... with the scale estimated as well",
    theirs,
    free,
    {
        "root mean squared error": np.sqrt(mse),
        "estimated scale": free.predict_params(X)["scale"][0],
    },
)

# %%
# binary cross-entropy
# --------------------
X, y = load_breast_cancer(return_X_y=True)
X = scale(X[:, [0, 1, 4]])  # all thirty columns separate the classes: no finite maximum
theirs, ours = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y), MLEClassifier().fit(X, y)
eta = theirs.decision_function(X)
show(
    "Binary cross-entropy is Bernoulli: LogisticRegression on breast cancer, three columns",
    theirs,
    ours,
    {
        "mean binary cross-entropy": np.mean(np.logaddexp(0, eta) - y * eta),
        "mean negative log-likelihood": -ours.score(X, y),
    },
)

# %%
# cross-entropy
# -------------
X, y = load_wine(return_X_y=True)
X = scale(X[:, :3])
theirs, ours = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y), MLEClassifier().fit(X, y)
logits = theirs.decision_function(X)
show(
    "Cross-entropy is categorical: LogisticRegression on wine, three classes, three columns",
    theirs,
    ours,
    {
        "mean cross-entropy": np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(y)), y]),
        "mean negative log-likelihood": -ours.score(X, y),
    },
)

# %%
# Other laws, other losses: the negative log density, as a function of the residual, is what the fit adds up.
figure, ax = plt.subplots(layout="constrained")
residual = np.linspace(-5, 5, 301)
for law in (Normal(scale=1.0), Laplace(scale=1.0), StudentT(scale=1.0, df=3.0)):
    loss = -Distribution(law, {"loc": 0.0}).logpdf(residual)
    ax.plot(residual, loss - loss.min(), label=type(law).__name__)
ax.set(xlabel="y - loc", ylabel="loss above its minimum")
ax.legend()
plt.show()
