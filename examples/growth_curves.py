"""Growth curves under two likelihoods: the girth of orange trees
==============================================================

A logistic curve in the age, by name and without starting values. The spread of the trees grows with their girth, so that the
gamma law, whose standard deviation is a share of the mean, is far ahead of the normal one. The five trees are measured seven
times each: standard errors sum their scores, and each tree may have a height of its own, a coefficient linear in columns.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from comparison import read

from sk_mle import MLERegressor, compare
from sk_mle.likelihoods import Gamma, Normal
from sk_mle.predictors import Nonlinear
from sk_mle.selection import likelihood_ratio_test

orange = read("orange")
y = orange["circumference"]
X = pd.concat([orange[["age"]], pd.get_dummies(orange["tree"], prefix="tree", dtype=float).iloc[:, 1:]], axis=1)
trees = list(X.columns[1:])

curve = Nonlinear("logistic(age, height, middle, width)")
own_heights = Nonlinear("logistic(age, height, middle, width)", on={"height": trees})
gamma = Gamma(links={"mean": "identity"})
models = {
    "normal": MLERegressor(Normal(), predictors={"loc": curve}).fit(X, y),
    "gamma": MLERegressor(gamma, predictors={"mean": curve}).fit(X, y),
    "gamma, a height per tree": MLERegressor(gamma, predictors={"mean": own_heights}).fit(X, y),
}
print(compare(models, X, y))

print("\nThe five trees as clusters:")
print(models["gamma"].inference(X, y, groups=orange["tree"]).table())
print(f"\n{likelihood_ratio_test(models['gamma'], models['gamma, a height per tree'], X, y)}")
print("\nGirth of the first tree after two, three and four years:")
later = X.iloc[:3].assign(age=[730.0, 1095.0, 1460.0])
print(models["gamma, a height per tree"].inference(X, y).predict(later))

# %%
# Each tree on the way to a height of its own.
figure, ax = plt.subplots(layout="constrained")
ages = np.linspace(100, 1600, 200)
for tree, rows in orange.groupby("tree"):
    (line,) = ax.plot(rows["age"], rows["circumference"], "o", markersize=4, label=f"tree {tree}")
    grid = X.loc[[rows.index[0]] * len(ages)].assign(age=ages)
    ax.plot(ages, models["gamma, a height per tree"].predict(grid), color=line.get_color())
ax.set(xlabel="age (days)", ylabel="girth (mm)")
ax.legend()
plt.show()
