"""A response whose spread depends on X: the size of a fetus by gestational age
============================================================================

Reference charts need centiles, not only a mean, and a spread that is constant makes them wrong at both ends. Every
parameter of a law may depend on X: scale, skewness, tails.
"""

import matplotlib.pyplot as plt
import numpy as np
from comparison import compare, read

from sk_mle import MLERegressor
from sk_mle.likelihoods import BoxCoxColeGreen, Gamma, Normal, SkewNormal, StudentT

data = read("abdomen")
X = data[["weeks"]].assign(square=data["weeks"] ** 2)
y = data["circumference"].to_numpy()
spread = {"scale": ["weeks"]}
candidates = {
    "normal": MLERegressor(),
    "normal, scale ~ weeks": MLERegressor(Normal(), predictors=spread),
    "Student t (df 8), scale ~ weeks": MLERegressor(StudentT(df=8), predictors=spread),
    "skew normal, scale ~ weeks": MLERegressor(SkewNormal(), predictors=spread),
    "Box-Cox Cole-Green (LMS)": MLERegressor(BoxCoxColeGreen(links={"loc": "identity"}), predictors=spread),
    "gamma, identity link": MLERegressor(Gamma(links={"mean": "identity"})),
}
print(f"Log-likelihood per unseen measurement ({len(y)} measurements)\n")
best = compare(candidates, X, y)

weeks = np.array([15.0, 20, 25, 30, 35, 40])
grid = X.iloc[:0].reindex(range(6)).assign(weeks=weeks, square=weeks**2)
model = candidates[best].fit(X, y)
print(f"\n{best}: centiles of abdominal circumference (mm)\n\n{'weeks':>6}{'3%':>7}{'10%':>7}{'50%':>7}{'90%':>7}{'97%':>7}")
for week, row in zip(weeks, model.predict_quantiles(grid, [0.03, 0.1, 0.5, 0.9, 0.97]), strict=True):
    print(f"{week:>6.0f}" + "".join(f"{value:>7.0f}" for value in row))
inside = [np.mean(y < model.predict_quantiles(X, [q])[:, 0]) for q in (0.1, 0.5, 0.9)]
print("\nObserved below the 10%, 50% and 90% centiles:", ", ".join(f"{share:.0%}" for share in inside))

# %%
# The centiles over all measurements.
figure, ax = plt.subplots(layout="constrained")
ax.plot(data["weeks"], y, ".", color="grey", markersize=3)
weeks = np.linspace(data["weeks"].min(), data["weeks"].max(), 100)
grid = X.iloc[:0].reindex(range(100)).assign(weeks=weeks, square=weeks**2)
for q, centile in zip((3, 10, 50, 90, 97), model.predict_quantiles(grid, [0.03, 0.1, 0.5, 0.9, 0.97]).T, strict=True):
    ax.plot(weeks, centile, color="C0")
    ax.annotate(f"{q}%", (weeks[-1], centile[-1]), fontsize=8)
ax.set(xlabel="weeks", ylabel="abdominal circumference (mm)")
plt.show()
