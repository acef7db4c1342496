"""A law of your own in seven lines: the Gumbel law of yearly maxima
=================================================================

A law is its parameters, its support and its log density; derivatives, starting values, quantiles and sampling are derived.
`check_likelihood` tells whether what was written is consistent, cross-validation whether it is the right law, here for the
strongest gust of a year at stations of different altitude. The data are simulated, so the truth is known.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import cross_val_score

from sk_mle import MLERegressor
from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import Likelihood, Normal
from sk_mle.testing import check_likelihood


class Gumbel(Likelihood):
    parameters = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links

    def loglik(self, y, loc, scale):
        z = (y - loc) / scale
        return -z - np.exp(-z) - np.log(scale)


class Slip(Gumbel):
    def gradient(self, y, loc, scale):  # optional, saves time; here a -1 is missing
        z = (y - loc) / scale
        return {"loc": (1 - np.exp(-z)) / scale, "scale": z * (1 - np.exp(-z)) / scale}


# %%
# is it consistent?
# -----------------
check_likelihood(Gumbel())
print("check_likelihood(Gumbel()) passes. With a slip in a hand-written gradient it says:\n")
try:
    check_likelihood(Slip())
except AssertionError as error:
    print(error)

# %%
# is it the right law?
# --------------------
rng = np.random.default_rng(0)
altitude = rng.uniform(0, 2, size=(300, 1))  # km
gusts = (12 + 3 * altitude + rng.exponential(2.5, size=(300, 365))).max(axis=1)  # m/s; the maximum of 365 days

models = {"Gumbel": MLERegressor(Gumbel()), "Normal": MLERegressor(Normal())}
scores = {name: cross_val_score(model, altitude, gusts, cv=10) for name, model in models.items()}
gap = scores["Gumbel"] - scores["Normal"]
print("\nMean log-likelihood of unseen years, 10 folds")
for name, values in scores.items():
    print(f"    {name}{values.mean():>9.3f}")
print(f"    Gumbel is better by {gap.mean():.3f} +- {gap.std(ddof=1) / np.sqrt(len(gap)):.3f}")

# %%
# what does it predict?
# ---------------------
levels, heights = np.array([0.5, 0.9, 0.99]), np.array([[0.0], [1.0], [2.0]])
tables = {name: model.fit(altitude, gusts).predict_quantiles(heights, levels) for name, model in models.items()}
tables["truth"] = 12 + 3 * heights - 2.5 * np.log1p(-(levels ** (1 / 365)))  # of the maximum of 365 exponentials

print("\nStrongest gust (m/s) that one year in two, in ten, in a hundred exceeds\n")
print(f"{'altitude':<8}" + "".join(f"{name:>24}" for name in tables))
for height, *rows in zip(heights.ravel(), *tables.values(), strict=True):
    print(f"{height:.0f} km    " + "".join(f"{'{:.1f}   {:.1f}   {:.1f}'.format(*row):>24}" for row in rows))

# %%
# The gusts with the levels that one year in two, ten and a hundred exceeds.
figure, ax = plt.subplots(layout="constrained")
ax.plot(altitude, gusts, ".", color="grey", markersize=4)
grid = np.linspace(0, 2, 50)[:, None]
for name, color in (("Gumbel", "C0"), ("Normal", "C1")):
    ax.plot(grid, models[name].predict_quantiles(grid, levels), color=color, label=[name, None, None])
ax.set(xlabel="altitude (km)", ylabel="strongest gust (m/s)")
ax.legend()
plt.show()
