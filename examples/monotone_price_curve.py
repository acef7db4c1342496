"""A price curve that falls
========================

B-splines whose coefficients fall make a curve that falls; a scipy LinearConstraint on their differences says so.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import LinearConstraint
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from sk_mle import MLERegressor

rng = np.random.default_rng(0)
price = rng.uniform(1, 10, size=(150, 1))
sold = rng.negative_binomial(2, 1 / (1 + 0.5 * np.exp(3 - 0.25 * price[:, 0])))


def curve(**options):
    splines = SplineTransformer(n_knots=10, include_bias=False)
    return make_pipeline(splines, MLERegressor("negative_binomial", **options))


falling = LinearConstraint(np.diff(np.eye(11), axis=0), -np.inf, 0)
candidates = {"free": curve(), "falling": curve(constraints=falling)}
grid = np.linspace(1, 10, 10)[:, None]
print(f"{'price':>8}" + "".join(f"{value:8.1f}" for value in grid[:, 0]) + "   log-likelihood per unseen sale")
for name, model in candidates.items():
    score = cross_val_score(model, price, sold, cv=10).mean()
    expected = model.fit(price, sold).predict(grid)
    print(f"{name:>8}" + "".join(f"{value:8.1f}" for value in expected) + f"   {score:.3f}")
held = candidates["falling"][-1]
print(f"\n{len(held.fit_.at_bounds)} of the falling curve's differences are held at zero; {held.n_params_} parameters are free")

# %%
# The free curve rises where the noise does.
figure, ax = plt.subplots(layout="constrained")
ax.plot(price, sold, ".", color="grey", markersize=4)
fine = np.linspace(1, 10, 300)[:, None]
for name, model in candidates.items():
    ax.plot(fine, model.predict(fine), label=name)
ax.set(xlabel="price", ylabel="sold", yscale="symlog")
ax.legend()
plt.show()
