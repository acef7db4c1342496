"""The likelihood by hand: five observations, three means
======================================================

How plausible are 4.3, 4.8, 5.0, 5.2 and 5.7 under N(5, 1), N(4, 1) and N(6, 1)? Densities of independent points multiply,
logs of densities add up; both rank the candidates alike, and the best mean of all is the average of the points. With
thousands of points the product is zero for a computer, the sum of logs is not.
"""

import matplotlib.pyplot as plt
import numpy as np

from sk_mle import Distribution, MLERegressor
from sk_mle.likelihoods import Normal

y = np.array([4.3, 4.8, 5.0, 5.2, 5.7])
means = [5.0, 4.0, 6.0]
laws = [Distribution(Normal(), {"loc": mean, "scale": 1.0}) for mean in means]


def row(label, values, form):
    print(f"{label:<22}" + "".join(f"{value:>14{form}}" for value in values))


print("Density of each point\n")
row("", [f"N({mean:g}, 1)" for mean in means], "")
for point in y:
    row(f"y = {point}", [law.pdf(point) for law in laws], ".4f")
row("product", [law.pdf(y).prod() for law in laws], ".4e")
row("sum of logs", [law.logpdf(y).sum() for law in laws], ".4f")
row("log of the product", [np.log(law.pdf(y).prod()) for law in laws], ".4f")

model = MLERegressor(Normal(scale=1), predictors={"loc": "intercept"}).fit(y[:, None], y)  # a mean, no columns
print(f"\nThe best mean of all is {model.intercept_:.4f}, the average of y; its log-likelihood is {model.loglikelihood_:.4f}.")
print("N(4, 1) and N(6, 1) tie: the points lie symmetrically about 5.")
odds = np.exp(laws[0].logpdf(y).sum() - laws[1].logpdf(y).sum())
print(f"Under N(5, 1) the points are {odds:.1f} times as likely as under either, exp(5/2).")

print("\nMore points from N(5, 1): the product underflows, the sum of logs does not\n")
row("", ["product", "sum of logs", "per point"], "")
for n in (5, 50, 500, 5_000, 50_000):
    logs = laws[0].logpdf(laws[0].rvs(n, random_state=0))
    row(f"n = {n:,}", [f"{np.exp(logs).prod():.4g}", f"{logs.sum():,.4f}", f"{logs.mean():.4f}"], "")
print(f"\nPer point it approaches {-laws[0].entropy():.4f}, minus the entropy of the law: -log(2 pi e) / 2.")

# %%
# Densities of the points under each law: those under N(5, 1) are high for all five.
figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
grid = np.linspace(1.5, 8.5, 300)
for ax, mean, law in zip(axes, means, laws, strict=True):
    ax.plot(grid, law.pdf(grid), color="grey")
    ax.vlines(y, 0, law.pdf(y), color="C0")
    ax.set(title=f"N({mean:g}, 1): log-likelihood {law.logpdf(y).sum():.2f}", xlabel="y")
axes[0].set_ylabel("density")
plt.show()
