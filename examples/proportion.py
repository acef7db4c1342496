"""A proportion: how much of crude oil becomes gasoline
====================================================

Shares lie in (0, 1), and their spread shrinks towards the ends. The Beta law knows both; the rivals are the normal law on
the share itself, on its logit, and Kumaraswamy's law.
"""

import matplotlib.pyplot as plt
import numpy as np
from comparison import compare, read
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sk_mle import MLERegressor, predict_dist
from sk_mle.likelihoods import Beta, Kumaraswamy, LogitNormal, Normal

oil = read("gasoline")
X, y = oil[["batch", "temperature"]], oil["share"].to_numpy()


def model(law, **options):
    columns = make_column_transformer(
        (OneHotEncoder(drop="first", sparse_output=False), ["batch"]),
        ("passthrough", ["temperature"]),
        verbose_feature_names_out=False,
    )
    return make_pipeline(columns.set_output(transform="pandas"), MLERegressor(law, **options))


candidates = {
    "Beta, logit link": model(Beta()),
    "Beta, loglog link": model(Beta(links={"mean": "loglog"})),
    "Beta, precision ~ temperature": model(Beta(), predictors={"precision": ["temperature"]}),
    "logit-normal": model(LogitNormal()),
    "Kumaraswamy": model(Kumaraswamy()),
    "normal": model(Normal()),
}
print(f"Log-likelihood per unseen distillation ({len(y)} runs of ten crudes)\n")
best = compare(candidates, X, y, n_splits=16, n_repeats=1)

fitted = candidates[best].fit(X, y)
dist = predict_dist(fitted, X)
low, high = dist.interval(0.9)
print(f"\n{best}\n{'batch':>8}{'temperature':>13}{'observed':>10}{'mean':>8}{'90% interval':>18}")
for i in range(0, len(y), 6):
    shown = f"{low[i]:.3f} to {high[i]:.3f}"
    print(f"{X['batch'][i]:>8}{X['temperature'][i]:>13}{y[i]:>10.3f}{dist.mean()[i]:>8.3f}{shown:>18}")

# %%
# Means and 90% intervals beside what was observed, in the order of the means.
figure, ax = plt.subplots(layout="constrained")
order = np.argsort(dist.mean())
ax.vlines(np.arange(len(y)), low[order], high[order], color="lightsteelblue", linewidth=4, label="90% interval")
ax.plot(np.arange(len(y)), dist.mean()[order], "_", color="C0", label="mean")
ax.plot(np.arange(len(y)), y[order], ".", color="black", label="observed")
ax.set(xlabel="run", ylabel="share of gasoline")
ax.legend()
plt.show()
