"""Over-dispersed counts with exposure: damage to cargo ships
==========================================================

Waves damage ships, the more the longer they are in service: months of service are an exposure, a column of X whose
logarithm is added to the linear predictor, so it survives pipelines and cross-validation. Poisson says that the variance
equals the mean; the rivals let it be larger.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from comparison import compare, read
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sk_mle import MLERegressor
from sk_mle.displays import RootogramDisplay
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import NegativeBinomial, Poisson, PoissonInverseGaussian

warnings.simplefilter("ignore", BoundaryWarning)  # in some folds the dispersion is zero: there the law is Poisson's

ships = read("ships")
X, y = ships[["type", "built", "period", "months"]], ships["incidents"].to_numpy(float)


def model(law):
    columns = make_column_transformer(
        (OneHotEncoder(drop="first", sparse_output=False), ["type", "built", "period"]),
        ("passthrough", ["months"]),
        verbose_feature_names_out=False,
    )
    return make_pipeline(columns.set_output(transform="pandas"), MLERegressor(law, exposure="months", alpha=0.01))


candidates = {
    "Poisson": model(Poisson()),
    "negative binomial, quadratic": model(NegativeBinomial()),
    "negative binomial, linear": model(NegativeBinomial(power=1.0)),
    "Poisson inverse Gaussian": model(PoissonInverseGaussian()),
}
print(f"Log-likelihood per unseen group of ships ({len(y)} groups; a small ridge keeps rare types in bounds)\n")
best = compare(candidates, X, y, n_splits=8)

fitted = candidates[best].fit(X, y)
last = fitted[-1]
print(f"\n{best}: incidents per month of service, relative to type A built 1960-64 and sailing 1960-74")
for name, coef in zip(last.predictors_["mean"], last.coef_, strict=True):
    print(f"  {name:<12}{np.exp(coef):6.2f}")
dispersion = {name: round(float(np.exp(value)), 3) for name, value in last.intercepts_.items() if name == "dispersion"}
print(f"  dispersion  {dispersion.get('dispersion', 0.0):6.3f}")

# %%
# How often each number of incidents is seen (bars, hanging from the curve) and expected (the curve).
RootogramDisplay.from_estimator(fitted, X, y)
plt.show()
