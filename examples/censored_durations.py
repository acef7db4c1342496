"""Durations of which some are not over: survival with advanced lung cancer
========================================================================

Patients alive at the end of the study are right-censored: all that is known is that they lived longer. `censored` makes
a target of two columns, which cross-validation splits like any other, and the score counts the probability of living
longer where death was not seen.
"""

import matplotlib.pyplot as plt
import numpy as np
from comparison import compare, read

from sk_mle import MLERegressor, censored
from sk_mle.displays import SurvivalDisplay
from sk_mle.likelihoods import Censored, Exponential, Gamma, GeneralizedGamma, Gompertz, LogLogistic, LogNormal, Weibull

lung = read("lung")
X = lung[["age"]].assign(female=(lung["sex"] == 2).astype(float))
y = censored(lung["days"], event=lung["died"])
laws = [Exponential(), Weibull(), LogLogistic(), LogNormal(), Gamma(), Gompertz(), GeneralizedGamma()]
candidates = {type(law).__name__: MLERegressor(Censored(law)) for law in laws}
print(f"Log-likelihood per unseen patient ({len(y)} patients, {int(lung['died'].sum())} deaths)\n")
best = compare(candidates, X, y)

model = candidates["Weibull"].fit(X, y)
age, female = model.coef_
print(f"\nWeibull: women live {np.exp(female):.2f} times as long; ten years of age, {np.exp(10 * age):.2f} times")
people = X.iloc[[0, 4, 11]]
dist = model.predict_dist(people)
print(f"\n{'age':>5}{'female':>8}{'median days':>13}{'alive after a year':>20}")
for (years, woman), median, alive in zip(people.to_numpy(), dist.median(), dist.sf(np.full(len(people), 365.0)), strict=True):
    print(f"{years:>5.0f}{woman:>8.0f}{median:>13.0f}{alive:>20.2f}")

# %%
# Predicted survival beside Kaplan and Meier's estimate, which knows no law: men below, women above.
SurvivalDisplay.from_estimator(model, X, y, groups="female").ax_.set_xlabel("days")
plt.show()
