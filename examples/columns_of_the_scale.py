"""Columns that are chosen for the scale: daily returns of a fund
==============================================================

An L1 penalty on the coefficients of the scale leaves out the columns that say nothing of it, along a path of penalties and by
cross-validation; those of the mean are estimated freely.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import MLERegressor
from sk_mle.likelihoods import StudentT

rng = np.random.default_rng(0)
n = 1500
names = ["market", "volatility", "rates", "oil", "month_end", "turnover", "spread", "holiday"]
X = pd.DataFrame(rng.normal(size=(n, 8)), columns=names)
scale = np.exp(-0.5 + 0.4 * X["volatility"] + 0.25 * X["month_end"])
y = 0.8 * X["market"] - 0.1 * X["rates"] + scale * rng.standard_t(6, size=n)

model = MLERegressor(StudentT(), predictors={"scale": "all"}, alpha={"scale": 1.0}, l1_ratio=1.0)
scaled = StandardScaler().set_output(transform="pandas")
path = model.path(scaled.fit_transform(X), y, alphas=12, eps=1e-2)
print("Coefficients of log scale along the path:\n")
print(pd.DataFrame(path.coefs["scale"], columns=names, index=pd.Index(path.alphas.round(3), name="alpha")).round(2))

pipe = make_pipeline(scaled, model)
search = GridSearchCV(pipe, {"mleregressor__alpha": [{"scale": value} for value in path.alphas]}, cv=5).fit(X, y)
chosen = search.best_estimator_[-1]
best = search.best_params_["mleregressor__alpha"]["scale"]
kept = [name for name, value in zip(names, chosen.coefs_["scale"], strict=True) if value]
print(f"\nCross-validation takes alpha = {best:.3f}: the scale depends on {', '.join(kept)}")

plain = make_pipeline(scaled, MLERegressor(StudentT())).fit(X, y)
new = pd.DataFrame(rng.normal(size=(n, 8)), columns=names)
unseen = (
    0.8 * new["market"]
    - 0.1 * new["rates"]
    + rng.standard_t(6, size=n) * np.exp(-0.5 + 0.4 * new["volatility"] + 0.25 * new["month_end"])
)
print(
    f"Log-likelihood per unseen day: {plain.score(new, unseen):.3f} with one scale, {search.score(new, unseen):.3f} with these"
)

ax = plt.figure(layout="constrained").subplots()
lines = ax.semilogx(path.alphas, path.coefs["scale"])
ax.axvline(best, color="grey", linestyle=":", label="by cross-validation")
ax.legend([*lines, ax.lines[-1]], [*names, "by cross-validation"], fontsize="small")
ax.set(xlabel="alpha", ylabel="coefficient of log scale")
ax.invert_xaxis()
plt.show()
