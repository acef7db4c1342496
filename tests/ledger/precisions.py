"""Weights that are precisions of the rows, as those of R's lm."""

from __future__ import annotations

import numpy as np
from scipy import stats

from sk_mle import MLERegressor

from ._case import Case


def precisions_at_fit():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=40), rng.uniform(1, 90, 40)
    y = 10 + 3 * x + 50 * rng.normal(size=40) / np.sqrt(w)
    model = MLERegressor(exposure={"scale": 1}).fit(np.column_stack([x, w**-0.5]), y)
    Z = np.column_stack([np.ones(40), x])
    beta = np.linalg.solve(Z.T @ (w[:, None] * Z), Z.T @ (w * y))
    scale = np.sqrt(np.mean(w * (y - Z @ beta) ** 2))
    np.testing.assert_allclose([model.intercept_, *model.coef_], beta, rtol=1e-8)
    np.testing.assert_allclose(np.exp(model.intercepts_["scale"]), scale, rtol=1e-8)
    right = stats.norm.logpdf(y, Z @ beta, scale / np.sqrt(w)).sum()  # logLik of lm(y ~ x, weights = w)
    np.testing.assert_allclose(model.loglikelihood_, right, rtol=1e-10)


CASES = [Case("weights that are precisions", "weighted least squares", "Normal", precisions_at_fit)]
