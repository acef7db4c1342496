"""A dose-response curve: ferulic acid and ryegrass
================================================

A four-parameter logistic curve for the length of roots, found without starting values. Roots of strong doses are short and
alike, so that the spread may follow the length: a gamma law, or a normal one whose scale depends on the dose. The dose that
halves the effect is a coefficient; those that take a tenth and nine tenths of it are functions of two.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from comparison import read

from sk_mle import MLERegressor, compare
from sk_mle.likelihoods import Gamma, Normal
from sk_mle.predictors import Nonlinear

grass = read("ryegrass")
X, y = grass[["conc"]], grass["length"]
curve = Nonlinear("four_parameter_logistic(conc, at_zero, at_infinity, ed50, slope)")

models = {
    "normal": MLERegressor(Normal(), predictors={"loc": curve}),
    "normal, scale ~ conc": MLERegressor(Normal(), predictors={"loc": curve, "scale": ["conc"]}),
    "gamma": MLERegressor(Gamma(links={"mean": "identity"}), predictors={"mean": curve}),
}
fitted = {name: model.fit(X, y) for name, model in models.items()}
print(compare(fitted, X, y))

model = fitted["normal"]
inference = model.inference(X, y, use_t=True)
print(f"\n{inference.summary()}")
low, high = inference.conf_int(method="profile", names=["ed50"])[0]
print(f"\nProfile interval of ed50: {low:.3f} to {high:.3f}")


def doses(fit):
    """The doses that have a tenth, half and nine tenths of the effect."""
    b = dict(zip(fit.predictors_["loc"], fit.coef_, strict=True))
    return [b["ed50"] * (share / (1 - share)) ** (1 / b["slope"]) for share in (0.1, 0.5, 0.9)]


print(f"\n{inference.derived(doses, names=['ED10', 'ED50', 'ED90'])}")
print(f"\n{inference.wald_test('slope = 1')}")

# %%
# The three curves with the lengths that were measured.
figure, ax = plt.subplots(layout="constrained")
ax.plot(X["conc"], y, "o", color="grey", markersize=4)
grid = pd.DataFrame({"conc": np.linspace(0, 30, 300)})
for name, fit in fitted.items():
    ax.plot(grid["conc"], fit.predict(grid), label=name)
ax.set(xlabel="ferulic acid (mM)", ylabel="length of roots (cm)")
ax.legend()
plt.show()
