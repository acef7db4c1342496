"""From a pipeline to a choice of likelihood, on real data
=======================================================

Disease progression of 442 diabetes patients is a positive number whose spread grows with its mean. Which law describes
it? Every candidate is an ordinary scikit-learn regressor, `score` is the mean log-likelihood of unseen rows, so
cross-validation answers. The winner then predicts a distribution for every patient.
"""

from importlib.util import find_spec

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import MLERegressor
from sk_mle.likelihoods import Gamma, Laplace, Normal, StudentT

data = load_diabetes(scaled=False)
names = data.feature_names
X, X_test, y, y_test = train_test_split(data.data, data.target, test_size=0.25, random_state=0)
spread = [names.index("bmi"), names.index("s5")]  # columns that may change the spread, not only the mean

# %%
# 1. which likelihood?
# --------------------
candidates = {
    "Normal (least squares)": MLERegressor(),
    "Normal, scale ~ bmi + s5": MLERegressor(Normal(), predictors={"scale": spread}),
    "Laplace (least absolute)": MLERegressor(Laplace()),
    "Student t, df = 5": MLERegressor(StudentT(df=5)),
    "Gamma, log link": MLERegressor(Gamma()),
    "Gamma, shape ~ bmi + s5": MLERegressor(Gamma(), predictors={"shape": spread}),
}
folds = KFold(10, shuffle=True, random_state=0)
scores = {name: cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=folds) for name, model in candidates.items()}
ranking = sorted(scores, key=lambda name: -scores[name].mean())
best = ranking[0]

print(f"Mean log-likelihood per unseen patient ({len(y)} patients, 10 folds; higher is better)\n")
print(f"{'model':<26}{'score':>8}{'behind the best':>24}")
for name in ranking:
    gap = scores[best] - scores[name]
    behind = f"{gap.mean():.3f} +- {gap.std(ddof=1) / np.sqrt(len(gap)):.3f}" if name != best else "-"
    print(f"{name:<26}{scores[name].mean():>8.3f}{behind:>24}")

# %%
# 2. what does the best one say?
# ------------------------------
pipe = make_pipeline(StandardScaler(), candidates[best]).fit(X, y)
model = pipe[-1]
print(f"\n{best}: AIC {model.aic_:.1f} with {model.n_params_} parameters; least squares has", end=" ")
print(f"{MLERegressor().fit(X, y).aic_:.1f}\n")
for parameter, coef in model.coefs_.items():  # on the log scale, the default for positive parameters
    terms = "  ".join(f"{names[j]} {b:+.2f}" for j, b in zip(model.predictors_[parameter], coef, strict=True))
    print(f"log {parameter:<6}= {model.intercepts_[parameter]:.2f}  {terms}")

# %%
# 3. a distribution for every patient
# -----------------------------------
mean, interval = pipe.predict(X_test), pipe.predict(X_test, output="interval", coverage=0.9)
print("\nPredictions for patients of the test set")
print(f"{'observed':>10}{'mean':>8}{'90% interval':>16}")
for seen, centre, (low, high) in zip(y_test[:5], mean, interval, strict=False):
    print(f"{seen:>10.0f}{centre:>8.0f}{f'{low:.0f} to {high:.0f}':>16}")
inside = (interval[:, 0] <= y_test) & (y_test <= interval[:, 1])
print(f"The intervals hold {inside.mean():.0%} of all {len(y_test)} test patients (90% +- 3% expected).")

# %%
# 4. the same choice, as a search
# -------------------------------
grid = {"mleregressor__likelihood": [Normal(), Laplace(), StudentT(df=5), Gamma()]}
search = GridSearchCV(make_pipeline(StandardScaler(), MLERegressor()), grid, cv=folds).fit(X, y)
print(f"\nGridSearchCV over likelihoods chooses {search.best_params_['mleregressor__likelihood']}: {search.best_score_:.3f}")

# %%
# 5. the intervals, as a picture (of matplotlib, where it is installed)
# ---------------------------------------------------------------------
if find_spec("matplotlib"):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(layout="constrained")
    order = np.argsort(mean)
    ax.vlines(np.arange(len(mean)), *interval[order].T, color="lightsteelblue", linewidth=3, label="90% interval")
    ax.plot(np.arange(len(mean)), mean[order], color="C0", label="mean")
    ax.plot(np.arange(len(mean)), y_test[order], ".", color="black", label="observed")
    ax.set(xlabel="patients of the test set, by predicted mean", ylabel="progression of the disease")
    ax.legend()
    plt.show()
