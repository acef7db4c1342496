"""A smooth function with effects of groups: follicles in the ovaries of mares over their cycle
============================================================================================

How many large follicles a mare has depends on the time in her cycle, in a way that only has to be smooth and to end as it
begins, and on the mare. Both have a penalty that the data choose: that of the mares is one over the variance of a random
intercept. Laws, here Poisson's and one whose counts may vary less, and models without one of the terms compare by criteria that
count effective degrees of freedom.
"""

import matplotlib.pyplot as plt
import pandas as pd
from comparison import read

from sk_mle import MLERegressor, compare
from sk_mle.displays import EffectDisplay
from sk_mle.likelihoods import ConwayMaxwellPoisson, Poisson
from sk_mle.predictors import Groups, Smooth

ovary = read("ovary")
X, y = ovary[["time", "mare"]].astype({"mare": str}), ovary["follicles"]
terms = [Smooth("time", cyclic=(0, 1)), Groups("mare")]
models = {
    "Poisson": MLERegressor(Poisson(), penalties={"mean": terms}, alpha="reml"),
    "Conway-Maxwell-Poisson": MLERegressor(ConwayMaxwellPoisson(), penalties={"mean": terms}, alpha="reml"),
    "Poisson, mares alike": MLERegressor(Poisson(), penalties={"mean": terms[:1]}, predictors={"mean": []}, alpha="reml"),
}
fitted = {name: model.fit(X, y) for name, model in models.items()}
print(compare(fitted, X, y))

model = fitted["Poisson"]
inference = model.inference(X, y)
print(f"\n{inference.summary()}")
print(f"\nStandard deviation of the mares: {model.penalties_['mean']['groups(mare)'] ** -0.5:.3f} on the log scale")

print("\nExpected follicles at four times of the cycle, of a mare like those of the study:")
print(inference.predict(pd.DataFrame({"time": [0.0, 0.25, 0.5, 0.75], "mare": "another one"})))

# %%
# The two terms on the log scale, with bands that cover the function on average over its range.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
EffectDisplay.from_inference(inference, X, "time", "smooth(time)", ax=left)
EffectDisplay.from_inference(inference, X, "mare", "groups(mare)", ax=right)
plt.show()
