"""scikit-learn's own estimators as references, data to compare on, and what it means to agree.

The estimators have one spelling over scikit-learn's releases, and are as accurate as they can be made.
Their Newton solver is left to run until rounding stops it, so its warnings say nothing here. `rotated` fits it on
orthogonal combinations of the centred columns and maps the coefficients back: in exact arithmetic the same model, L2
penalty included, without the condition number of X. Where columns are dependent, the coefficients are the shortest, which
an unpenalised `LogisticRegression` or `PoissonRegressor` does not promise by itself.
"""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
from scipy import linalg
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.utils.fixes import parse_version

NEWTON = {"solver": "newton-cholesky", "tol": 1e-14, "max_iter": 200}


def logistic(C=np.inf, **options) -> LogisticRegression:
    """`LogisticRegression(C)`, which before scikit-learn 1.8 is spelt penalty=None without a penalty."""
    if np.isinf(C) and parse_version(sklearn.__version__) < parse_version("1.8"):
        return LogisticRegression(penalty=None, **NEWTON, **options)
    return LogisticRegression(C=C, **NEWTON, **options)


def plain(model, X, y, weight=None):
    """The peer, fitted on X as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y, sample_weight=weight)


def rotated(model, X, y, weight=None, penalised=False):
    """The peer, fitted on orthogonal columns; its coefficients are set to those of the columns of X."""
    center = np.average(X, axis=0, weights=weight) if model.fit_intercept else np.zeros(X.shape[1])
    centered = X - center
    centered[:, np.abs(centered).max(axis=0) <= 1e-14 * np.abs(center)] = 0.0  # rounding of a constant column's mean
    scale = np.abs(centered).max(axis=0)
    scale = np.ones(X.shape[1]) if penalised else np.where(scale > 0, scale, 1.0)
    _, size, right = linalg.svd(centered / scale, full_matrices=False)
    size, right = size[size > 1e-11 * size[0]], right[size > 1e-11 * size[0]]
    basis = right.T if penalised else right.T / size * np.sqrt(len(X))
    plain(model, (centered / scale) @ basis, y, weight)
    slopes = basis @ np.atleast_2d(model.coef_).T / scale[:, None]
    if len(right) < X.shape[1]:  # the shortest solution lies in the row space
        rows = linalg.svd(centered, full_matrices=False)[2][: len(right)]
        slopes = rows.T @ (rows @ slopes)
    start = model.intercept_ - center @ slopes
    model.coef_ = slopes.T.reshape(*np.shape(model.coef_)[:-1], -1)
    model.intercept_ = start if np.ndim(model.intercept_) else float(start[0])
    model.n_features_in_ = X.shape[1]
    return model


def agree(actual, expected, rtol=1e-8, what=""):
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    size = np.abs(expected).max(initial=0.0)
    error = np.abs(actual - expected).max(initial=0.0)
    assert error <= rtol * size, f"{what}: differs by {error / size if size else error:.2e} of the largest entry"


def real(name, columns=slice(None), rows=slice(None)):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    keep = y >= rows if isinstance(rows, int) else slice(None)
    return X[keep][:, columns], y[keep].astype(float)


def simulated(kind):
    """Columns of the named kind, and a linear predictor of unit variance."""
    rng = np.random.default_rng(7)
    n, p = {"tall": (9000, 40), "wide": (30, 80)}.get(kind, (300, 6))  # 9000 rows of 40 are two blocks
    X = rng.normal(size=(n, p))
    mean = X @ rng.normal(size=p)
    if kind == "duplicate":
        X = np.column_stack([X, X[:, :2], X[:, 0] - 2 * X[:, 1]])
    elif kind == "dummies":
        X = np.column_stack([np.eye(4)[rng.integers(4, size=n)], np.eye(3)[rng.integers(3, size=n)], X[:, :2]])
    elif kind == "constant":
        X = np.column_stack([np.zeros(n), X, np.full(n, 3.7), np.full(n, 1e5 / 3)])
    elif kind == "scales":
        X = X * np.logspace(-6, 6, p)
    elif kind == "far":
        X = 1e4 * X + 1e5
    return X, mean / mean.std()


SIMULATED = ["tall", "wide", "duplicate", "dummies", "constant", "scales", "far"]
REAL = ["diabetes", "breast_cancer", "wine", "iris", "digits"]


def load(name):
    return real(name) if name in REAL else simulated(name)


def classes(kind, n_classes):
    X, mean = simulated(kind)
    noise = np.random.default_rng(2).gumbel(size=(len(X), n_classes))
    return X, np.argmax(noise + np.outer(mean, np.arange(n_classes)), axis=1).astype(float)


def counts(mean):
    return np.random.default_rng(5).poisson(np.exp(0.5 * mean + 1)).astype(float)


def weights(n, weighted=True):
    return np.random.default_rng(3).gamma(1.0, size=n) if weighted else None


def per_deviation(X):
    """Scales to compare coefficients by: those of the columns where they differ by far."""
    scale = X.std(axis=0)
    return scale if scale.max() > 1e6 * scale.min() > 0 else np.ones(X.shape[1])


def agree_linear(model, peer, X, what):
    scale = per_deviation(X)
    slopes, start = np.asarray(model.coef_) * scale, np.asarray(peer.coef_) * scale
    agree(slopes, start, what=f"{what}: coef_")
    # an intercept is a mean minus a sum: it is known to the size of what is subtracted
    size = max(np.abs(peer.intercept_).max(), np.abs(np.asarray(peer.coef_) * X.mean(axis=0)).max())
    assert np.abs(model.intercept_ - peer.intercept_).max() <= 1e-8 * size, f"{what}: intercept_"
    assert np.shape(model.intercept_) == np.shape(peer.intercept_)


ETA = np.random.default_rng(11).normal(size=(400, 3))
_rng = np.random.default_rng(12)
MEAN = ETA @ [0.5, -0.3, 0.0] + 0.4
TARGETS = {
    "normal": MEAN + 0.7 * _rng.normal(size=400),
    "student_t": MEAN + 0.7 * _rng.standard_t(3, size=400),
    "laplace": MEAN + 0.7 * _rng.laplace(size=400),
    "poisson": _rng.poisson(np.exp(MEAN)).astype(float),
    "negative_binomial": _rng.poisson(np.exp(MEAN) * _rng.gamma(2, 0.5, size=400)).astype(float),
    "gamma": np.exp(MEAN) * _rng.gamma(2, 0.5, size=400),
    "beta": np.clip(_rng.beta(3 / (1 + np.exp(-MEAN)), 3 / (1 + np.exp(MEAN))), 1e-6, 1 - 1e-6),
    "bernoulli": (_rng.logistic(size=400) < MEAN).astype(float),
    "categorical": np.argmax(_rng.gumbel(size=(400, 3)) + np.outer(MEAN, [0, 1, 2]), axis=1).astype(float),
}
