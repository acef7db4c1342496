"""Is the model right? Every display
=================================

Each display for a model that fits and for one that does not, on real data. Satellites of horseshoe crabs vary far more than a
Poisson law allows; abdominal circumferences of fetuses scatter more with every week. Pictures also go to a folder that is given
on the command line.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from comparison import read
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from sk_mle import MLEDensity, MLERegressor, censored
from sk_mle.diagnostics import cooks_distance, leverage, quantile_residuals
from sk_mle.displays import (
    CoefficientDisplay,
    CoverageDisplay,
    FanChartDisplay,
    LikelihoodDisplay,
    PITDisplay,
    ProfileLikelihoodDisplay,
    QuantileResidualDisplay,
    RootogramDisplay,
    WormDisplay,
)
from sk_mle.inference import Inference
from sk_mle.likelihoods import Censored, Hurdle, NegativeBinomial, Normal, Poisson, Weibull


def save(name, figure):
    """Into the folder of the command line, if there is one."""
    for folder in map(Path, sys.argv[1:]):
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"{name}.png", dpi=110)


crabs, abdomen, lung = read("crabs"), read("abdomen"), read("lung")
X, y = crabs[["width", "color"]], crabs["satellites"].to_numpy(float)
weeks, girth = abdomen[["weeks"]], abdomen["circumference"].to_numpy(float)
counts = {
    "Poisson": MLERegressor(Poisson()),
    "negative binomial hurdle": MLERegressor(Hurdle(NegativeBinomial()), predictors={"zero": "all"}),
}
sizes = {
    "constant scale": make_pipeline(PolynomialFeatures(2, include_bias=False), MLERegressor(Normal())),
    "scale on weeks": make_pipeline(
        PolynomialFeatures(2, include_bias=False), MLERegressor(Normal(), predictors={"scale": [0]})
    ),
}
tasks = [("crabs", counts, X, y), ("fetuses", sizes, weeks, girth)]

print("Share of quantile residuals beyond 2 (5% are expected), and beyond 3 (0.3%)\n")
for data, models, features, target in tasks:
    for name, model in models.items():
        residuals = quantile_residuals(model.fit(features, target), features, target, random_state=0)
        print(f"  {data:<9}{name:<26}{np.mean(np.abs(residuals) > 2):6.1%}{np.mean(np.abs(residuals) > 3):7.1%}")

# %%
# QQ plot, worm plot, probability integral transform and coverage: all of them straight where the model is right.
for data, models, features, target in tasks:
    figure, axes = plt.subplots(2, 2, figsize=(10, 9), layout="constrained")
    for name, model in models.items():
        kinds = [QuantileResidualDisplay, WormDisplay, PITDisplay, CoverageDisplay]
        for ax, kind in zip(axes.flat, kinds, strict=True):
            kind.from_estimator(model, features, target, ax=ax, name=name, random_state=0)
    save(f"residuals_{data}", figure)

# %%
# Counts of each size, seen and expected.
figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
for ax, (name, model) in zip(axes, counts.items(), strict=True):
    RootogramDisplay.from_estimator(model, X, y, ax=ax, name=name)
save("rootograms", figure)

# %%
# Worms by ranges of the weeks: a constant scale is too large early and too small late.
figure, axes = plt.subplots(2, 4, figsize=(13, 7), layout="constrained", sharey=True)
for row, (name, model) in zip(axes, sizes.items(), strict=True):
    WormDisplay.from_estimator(model, weeks, girth, feature="weeks", ax=row, name=name)
save("worms", figure)

# %%
# Predictive distributions along a column.
figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained", sharey=True)
for ax, (name, model) in zip(axes, sizes.items(), strict=True):
    FanChartDisplay.from_estimator(model, weeks, girth, feature="weeks", ax=ax, name=name)
    ax.set(ylabel="abdominal circumference (mm)")
save("fans", figure)

# %%
# The same of durations, some of them censored.
durations = censored(lung["days"], event=lung["died"])
survival = MLERegressor(Censored(Weibull())).fit(lung[["age", "sex"]], durations)
fan = FanChartDisplay.from_estimator(survival, lung[["age", "sex"]], durations, feature="age", coverages=[0.5, 0.9])
fan.ax_.set_ylabel("days")
save("fan_censored", fan.figure_)

# %%
# Coefficients of three laws with their intervals, and the profile of one parameter.
rivals = {**counts, "negative binomial": MLERegressor(NegativeBinomial())}
found = {name: Inference.from_estimator(model.fit(X, y), X, y) for name, model in rivals.items()}
save("coefficients", CoefficientDisplay.from_inference(found, names=["mean:width", "mean:color"]).figure_)
hurdle = found["negative binomial hurdle"]
save("profile", ProfileLikelihoodDisplay.from_inference(hurdle, "dispersion:intercept", X, y).figure_)

# %%
# The likelihood itself: of one parameter, of two, and of counts.
five = np.array([[4.3], [4.8], [5.0], [5.2], [5.7]])
for name, law, sample in (("one", Normal(scale=1.0), five), ("two", Normal(), five), ("counts", Poisson(), y[:, None])):
    density = MLEDensity(law).fit(sample)
    save(f"likelihood_of_{name}", LikelihoodDisplay.from_estimator(density, sample).figure_)

# %%
# Rows that decide the fit.
model = rivals["Poisson"]
moved = cooks_distance(model, X, y)
print("\nThe crabs that move the coefficients of the Poisson model most\n")
print("  row   width   satellites   leverage   Cook's distance")
for row in np.argsort(-moved)[:3]:
    print(f"  {row:<6}{X['width'][row]:5.1f}{y[row]:13.0f}{leverage(model, X, y)[row]:11.3f}{moved[row]:18.3f}")
plt.show()
