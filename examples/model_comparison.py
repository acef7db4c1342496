"""Choosing a model for counts, start to end: candidates, cross-validation, one table, and a look at the winner
============================================================================================================

How many satellites, males beside her own, does a female horseshoe crab have? The wider she is, the more. But many have none,
and the counts vary more than Poisson's law allows. Which law describes them, and does the width act on the zeros, on the
others, or on both?
"""

import matplotlib.pyplot as plt
from comparison import read
from scipy.stats import shapiro
from sklearn.model_selection import RepeatedKFold

from sk_mle import Inference, MLERegressor
from sk_mle.diagnostics import quantile_residuals
from sk_mle.displays import QuantileResidualDisplay, RootogramDisplay
from sk_mle.likelihoods import Geometric, Hurdle, NegativeBinomial, Poisson, ZeroInflated
from sk_mle.selection import LikelihoodSearch, compare, likelihood_ratio_test

crabs = read("crabs")
X, y = crabs[["width", "color"]], crabs["satellites"]

# %%
# 1. which laws are worth a try?
# ------------------------------
search = LikelihoodSearch(cv=RepeatedKFold(n_splits=10, n_repeats=2, random_state=0)).fit(X, y)
print(search.ranking_, end="\n\n")

# %%
# 2. candidates that differ in more than the law
# ----------------------------------------------
base = NegativeBinomial()
table = compare(
    {
        "Poisson": MLERegressor(Poisson()),
        "Geometric": MLERegressor(Geometric()),
        "NB": MLERegressor(base),
        "ZINB, inflation ~ 1": MLERegressor(ZeroInflated(base)),
        "ZINB, inflation ~ width": MLERegressor(ZeroInflated(base), predictors={"inflation": ["width"]}),
        "hurdle, zero ~ width": MLERegressor(Hurdle(base), predictors={"zero": ["width"]}),
        "ZINB, only inflation ~ width": MLERegressor(
            ZeroInflated(base), predictors={"mean": "intercept", "inflation": ["width"]}
        ),
    },
    X,
    y,
    cv=RepeatedKFold(n_splits=10, n_repeats=2, random_state=0),
)
print(table, end="\n\n")

# %%
# 3. do the zeros need the width, and the others?
# -----------------------------------------------
fits = table.estimators_
print(likelihood_ratio_test(fits["ZINB, inflation ~ 1"], fits["ZINB, inflation ~ width"]))
print(likelihood_ratio_test(fits["ZINB, only inflation ~ width"], fits["ZINB, inflation ~ width"]), end="\n\n")

# %%
# 4. what the chosen model says
# -----------------------------
best = fits[table.best]
print(Inference.from_estimator(best, X, y).summary(), end="\n\n")

# %%
# 5. does it fit?
# ---------------
residuals = quantile_residuals(best, X, y, random_state=0)
print(f"Quantile residuals: mean {residuals.mean():.2f}, standard deviation {residuals.std():.2f},", end=" ")
print(f"normal by Shapiro and Wilk's test with p = {shapiro(residuals).pvalue:.2f}")

figure, (top, left, right) = plt.subplots(3, 1, figsize=(7, 11), layout="constrained")
table.plot(top)
RootogramDisplay.from_estimator(best, X, y, ax=left)
QuantileResidualDisplay.from_estimator(best, X, y, ax=right)
plt.show()
