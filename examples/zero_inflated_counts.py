"""Counts with too many zeros: satellites of horseshoe crabs
=========================================================

A third of the females have no male around them, and the others have many. Does the zero come from the same process
(over-dispersion), from a second one that adds zeros (inflation), or is it a matter of its own (hurdle)?
"""

import matplotlib.pyplot as plt
import numpy as np
from comparison import compare, read

from sk_mle import MLERegressor
from sk_mle.displays import RootogramDisplay
from sk_mle.likelihoods import Hurdle, NegativeBinomial, Poisson, ZeroInflated

crabs = read("crabs")
X, y = crabs[["width", "color"]], crabs["satellites"].to_numpy(float)
candidates = {
    "Poisson": MLERegressor(Poisson()),
    "negative binomial": MLERegressor(NegativeBinomial()),
    "zero-inflated Poisson": MLERegressor(ZeroInflated(Poisson()), predictors={"inflation": "all"}),
    "zero-inflated negative binomial": MLERegressor(ZeroInflated(NegativeBinomial()), predictors={"inflation": "all"}),
    "hurdle Poisson": MLERegressor(Hurdle(Poisson()), predictors={"zero": "all"}),
    "hurdle negative binomial": MLERegressor(Hurdle(NegativeBinomial()), predictors={"zero": "all"}),
}
print(f"Log-likelihood per unseen crab ({len(y)} crabs)\n")
best = compare(candidates, X, y)

print("\nCrabs without satellites, observed and expected")
print(f"  {'observed':<34}{np.sum(y == 0):6.0f}")
for name, model in candidates.items():
    print(f"  {name:<34}{model.fit(X, y).predict_dist(X).pmf(0).sum():6.1f}")

fitted = candidates[best]
print(f"\n{best}")
for parameter, coef in fitted.coefs_.items():
    terms = "  ".join(f"{name} {value:+.3f}" for name, value in zip(fitted.predictors_[parameter], coef, strict=True))
    print(f"  {parameter:<12}{fitted.intercepts_[parameter]:+8.3f}  {terms}")

# %%
# Poisson's law has too few zeros and too few large counts.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, name in zip(axes, ("Poisson", best), strict=True):
    RootogramDisplay.from_estimator(candidates[name], X, y, ax=ax, name=name)
plt.show()
