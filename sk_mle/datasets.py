"""Data simulated from any likelihood."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from .likelihoods import get_likelihood
from .likelihoods._functions import sized


class Simulated(NamedTuple):
    """Simulated data and the coefficients that they were drawn with.

    Examples
    --------
    >>> from sk_mle.datasets import make_mle_regression
    >>> data = make_mle_regression("gamma", n_samples=100, coefs={"mean": [0.5, 0.0, -0.5]}, random_state=0)
    >>> data.X.shape, data.y.shape
    ((100, 3), (100,))
    >>> print(data.coefs["mean"])
    [0.5, 0.0, -0.5]
    """

    X: np.ndarray
    y: np.ndarray
    coefs: dict[str, np.ndarray]
    intercepts: dict[str, float | np.ndarray]


def make_mle_regression(
    likelihood: Any = "normal",
    n_samples: int = 200,
    n_features: int = 3,
    *,
    coefs: dict | None = None,
    intercepts: dict | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Simulated:
    """Draw X from the standard normal law and y from a likelihood whose parameters depend on X.

    Parameters
    ----------
    likelihood : Likelihood or str
        Class laws give class codes as y. Laws that take the number of classes or targets from y have three, unless the
        law or the first parameter's intercept says otherwise.
    n_samples, n_features : int
    coefs : dict of str to array of shape (n_features,), optional
        On the scale of the linear predictor; parameters that are absent do not depend on X. Default: the first parameter
        gets coefficients between -0.5 and 0.5.
    intercepts : dict of str to float, or to array for a vector parameter, optional
        Default: from the typical range of the parameter's domain.
    random_state : int, RandomState or None

    Returns
    -------
    Simulated
        Named tuple of X (n, p), y (n,) or (n, n_targets), coefs and intercepts.

    Examples
    --------
    >>> from sk_mle.datasets import make_mle_regression
    >>> X, y, coefs, intercepts = make_mle_regression("poisson", n_samples=50, random_state=0)
    >>> X.shape, y.shape, coefs["mean"].shape
    ((50, 3), (50,), (3,))
    """
    law = get_likelihood(likelihood)
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))
    X = rng.normal(size=(n_samples, n_features))
    coefs, intercepts = dict(coefs or {}), dict(intercepts or {})
    first = law.layout.free[0]
    law = sized(law, *np.shape(intercepts.get(first, 0.0)))
    eta = {}
    for name in law.layout.free:
        shape = law.layout[name].shape
        if name not in intercepts:
            parameter = law.layout[name]
            intercepts[name] = parameter.link.link(parameter.domain.draw(rng, shape or None))
        if name not in coefs:
            coefs[name] = rng.uniform(-0.5, 0.5, size=(*shape, n_features)) * (name == first)
        eta[name] = X @ np.asarray(coefs[name]).T + intercepts[name]
    return Simulated(X, law.rvs(rng, (n_samples,), **law.layout.theta(eta)), coefs, intercepts)
