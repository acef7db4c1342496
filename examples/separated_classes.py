"""Separated classes: the endometrial data
=======================================

Every patient with neovasculature has the higher grade, so the likelihood has no maximum. Jeffreys' penalty (Firth) has one,
with intervals and tests from the penalised likelihood.
"""

import warnings

import matplotlib.pyplot as plt
from comparison import read

from sk_mle import MLEClassifier
from sk_mle.displays import ProfileLikelihoodDisplay

cancer = read("endometrial")
X, y = cancer[["neovasculature", "pulsatility", "endometrium"]], cancer["high_grade"].to_numpy()

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    plain = MLEClassifier().fit(X, y)
print(f"Maximum likelihood: {caught[0].message}\n")

for penalty in ("jeffreys", "median_bias"):
    model = MLEClassifier(penalty=penalty).fit(X, y)
    print(f"penalty={penalty!r}\n{model.inference(X, y).table()}\n")

inference = MLEClassifier(penalty="jeffreys").fit(X, y).inference(X, y)
low, high = inference.conf_int(method="profile", names="neovasculature")[0]
print(f"Profile interval of neovasculature: {low:.2f} to {high:.2f} (the Wald interval is too short above)")
print(inference.likelihood_ratio_test("neovasculature = 0"))

# %%
# The profile of the separated column is far from a parabola: it hardly falls to the right.
ProfileLikelihoodDisplay.from_inference(inference, "neovasculature", X, y)
plt.show()
