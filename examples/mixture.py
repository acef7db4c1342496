"""A mixture: eruptions of Old Faithful are short or long
======================================================

One law for all eruptions puts most of its mass where hardly any eruption lies. A mixture of two finds both kinds, their
shares, and for each eruption how likely it is of either.
"""

import matplotlib.pyplot as plt
import numpy as np
from comparison import compare, read

from sk_mle import MLERegressor
from sk_mle.likelihoods import Gamma, Mixture, Normal, SkewNormal

y = read("faithful")["minutes"].to_numpy()
X = np.zeros((len(y), 1))  # no covariates
alone = {"predictors": {"loc": "intercept"}}
candidates = {
    "normal": MLERegressor(Normal(), **alone),
    "skew normal": MLERegressor(SkewNormal(), **alone),
    "gamma": MLERegressor(Gamma(), predictors={"mean": "intercept"}),
    "two normals": MLERegressor(
        Mixture([("short", Normal()), ("long", Normal())]), predictors={"short__loc": "intercept", "long__loc": "intercept"}
    ),
    "two gammas": MLERegressor(
        Mixture([("short", Gamma()), ("long", Gamma())]), predictors={"short__mean": "intercept", "long__mean": "intercept"}
    ),
}
print(f"Log-likelihood per unseen eruption ({len(y)} eruptions)\n")
best = compare(candidates, X, y, n_repeats=1)

model = candidates["two normals"].fit(X, y)
params = {name: value[:1] for name, value in model.predict_params(X[:1]).items()}
share = np.exp(params["logits"][0]) / np.exp(params["logits"][0]).sum()
print()
for k, name in enumerate(("short", "long")):
    print(
        f"{name:<6}{share[k]:6.0%} of eruptions, {params[name + '__loc'][0]:.2f} +- {params[name + '__scale'][0]:.2f} minutes"
    )
law, grid = model.likelihood_, np.array([2.0, 2.6, 3.0, 3.4, 4.0])
many = {name: np.repeat(value, len(grid), axis=0) for name, value in params.items()}
print("\nminutes          ", "  ".join(f"{m:.1f}" for m in grid))
print("probability long ", "  ".join(f"{p:.1f}" for p in law.responsibilities(grid, **many)[:, 1]))

# %%
# The density of each candidate over the eruptions.
figure, ax = plt.subplots(layout="constrained")
ax.hist(y, bins=30, density=True, color="lightgrey")
grid = np.linspace(1, 6, 200)
for name in ("normal", "gamma", "two normals"):
    dist = candidates[name].fit(X, y).predict_dist(np.zeros((len(grid), 1)))
    ax.plot(grid, dist.pdf(grid), label=name)
ax.set(xlabel="minutes", ylabel="density")
ax.legend()
plt.show()
