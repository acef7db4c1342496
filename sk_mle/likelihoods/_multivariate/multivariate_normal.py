"""The multivariate normal law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...domains import POSITIVE, REAL, Domain
from .._fallbacks.starting_values import resolution
from .._families.several_targets import Multivariate
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations

LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


def _has_narrow_direction(
    law: MultivariateNormal, y: np.ndarray, mean: np.ndarray, scale: np.ndarray, lower: float | np.ndarray = 0.0
) -> bool:
    """Whether the residuals of a target from those before it are narrower than the rounding of y."""
    _, L, _, scale, _ = law._residuals(y, mean, scale, lower)
    rounding = np.array([resolution(column) for column in y.T])
    return bool((scale <= 64 * (rounding + _times(np.abs(L), rounding))).all(axis=0).any())


class MultivariateNormal(Multivariate):
    r"""Normal law of several targets: each is regressed on X and on the residuals of the targets before it.

    .. math:: p(y) = \prod_k \frac{1}{\sqrt{2\pi}\,\mathrm{scale}_k} \exp\{-z_k^2/2\}, \quad
        z = D^{-1} T (y - \mathrm{mean}), \quad T = I - L, \quad D = \mathrm{diag}(\mathrm{scale})

    L has the entries `lower` below its diagonal, row by row: L_21, L_31, L_32, ... and zeros elsewhere. Mean `mean`,
    covariance :math:`T^{-1} D^2 T^{-\top}`, its inverse :math:`T^\top D^{-2} T`: the modified Cholesky form, in which any real
    `lower` and positive `scale` make a covariance, and each may be modelled on X. `scale_k` is the standard deviation of
    target k given the targets before it; ``lower=0`` makes the targets independent. By default the coefficients are those of
    `LinearRegression`. scipy.stats: ``multivariate_normal(mean, cov)``; statsmodels: none; R:
    ``lm(cbind(y1, y2) ~ x)``, mvtnorm ``dmvnorm``.

    Parameters
    ----------
    mean, scale, lower : float, optional
        A number fixes all entries of the parameter; None estimates them.
    n_targets : int, optional
        Number of targets; None takes it from y.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `mean` and `lower`, log for `scale`.

    References
    ----------
    Pourahmadi, M. (1999). Joint mean-covariance models with applications to longitudinal data: unconstrained
    parameterisation. Biometrika 86, 677-690. doi:10.1093/biomet/86.3.677

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> X, y = [[0], [1], [2], [3]], [[0.0, 1.0], [1.2, 1.9], [1.9, 3.3], [3.1, 3.8]]
    >>> model = MLERegressor(MultivariateNormal()).fit(X, y)
    >>> model.coef_.round(2)
    array([[1.  ],
           [0.98]])
    >>> model.predict_dist([[1]]).cov().round(4)
    array([[[ 0.0125, -0.0175],
            [-0.0175,  0.0345]]])
    """

    support = REAL
    relations = Relations(is_degenerate=_has_narrow_direction)
    min_targets = 1

    def __init__(
        self, *, mean: Any = None, scale: Any = None, lower: Any = None, n_targets: Any = None, links: Any = None
    ) -> None:
        self.mean, self.scale, self.lower, self.n_targets, self.links = mean, scale, lower, n_targets, links

    @property
    def parameters(self) -> Mapping[str, Domain | Parameter]:
        own = {"mean": REAL, "scale": POSITIVE}
        return own if self.n_targets == 1 else {**own, "lower": REAL}

    def width(self, name: str) -> int:
        size = super().width(name)
        return size * (size - 1) // 2 if name == "lower" else size

    @staticmethod
    def _factor(lower: Any, size: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """L, and the row and column indices of its entries."""
        places = np.tril_indices(size, -1)
        factor = np.zeros((*np.shape(lower)[:-1], size, size))
        factor[(..., *places)] = lower
        return factor, *places

    def _residuals(
        self, y: np.ndarray, mean: np.ndarray, scale: np.ndarray, lower: Any
    ) -> tuple[np.ndarray, np.ndarray, Any, np.ndarray, np.ndarray]:
        """Residuals, L, the indices of its entries, a scale for every target, and the standardised residuals."""
        r = y - mean
        L, *places = self._factor(lower, r.shape[-1])
        scale, _ = np.broadcast_arrays(scale, r)
        return r, L, places, scale, (r - _times(L, r)) / scale

    def _root(self, mean: np.ndarray, scale: np.ndarray, lower: Any) -> tuple[np.ndarray, np.ndarray, Any]:
        """The inverse of T, the scales for every target, and the shape of y."""
        sizes = [np.shape(value)[-1] for value in (mean, scale) if np.ndim(value)]
        size: Any = sizes[0] if sizes else self.n_targets
        shape = *np.broadcast_shapes(*(np.shape(value)[:-1] for value in (mean, scale, lower))), size
        L, *_ = self._factor(lower, size)
        inverse = np.eye(size) + 0 * L
        for i in range(1, size):
            inverse[..., i, :i] = (L[..., i : i + 1, :i] @ inverse[..., :i, :i])[..., 0, :]
        return inverse, np.broadcast_to(scale, shape), shape

    def terms(
        self, y: np.ndarray, order: int, mean: np.ndarray, scale: np.ndarray, lower: float | np.ndarray = 0.0
    ) -> tuple[np.ndarray, dict, dict]:
        r, L, (k, j), scale, z = self._residuals(y, mean, scale, lower)
        value = -(0.5 * z**2 + np.log(scale) + LOG_ROOT_2PI).sum(axis=-1)
        if order == 0:
            return value, {}, {}
        w = z / scale
        first = {"mean": w - np.einsum("...kj,...k->...j", L, w), "scale": (z**2 - 1) / scale, "lower": w[:, k] * r[:, j]}
        if order == 1:
            return value, first, {}
        eye, step = np.eye(r.shape[1]), r[:, j] / scale[:, k]
        half = (eye - L) / scale[:, :, None]
        second = {
            ("mean", "mean"): -half.transpose(0, 2, 1) @ half,
            ("mean", "scale"): -2 * (half * w[:, :, None]).transpose(0, 2, 1),
            ("mean", "lower"): -eye[:, j] * w[:, None, k] - half[:, k].transpose(0, 2, 1) * step[:, None],
            ("scale", "scale"): eye * ((1 - 3 * z**2) / scale**2)[:, None],
            ("scale", "lower"): -2 * eye[:, k] * (w[:, k] * step)[:, None],
            ("lower", "lower"): -_regressions(r[:, :, None] * r[:, None], scale),
        }
        return value, first, second

    def fisher(self, mean: np.ndarray, scale: np.ndarray, lower: float | np.ndarray = 0.0) -> dict[tuple[str, str], np.ndarray]:
        covariance = self.covariance(mean, scale, lower)
        _, scale, (*_, size) = self._root(mean, scale, lower)
        half = (np.eye(size) - self._factor(lower, size)[0]) / scale[..., None]
        return {
            ("mean", "mean"): half.transpose(0, 2, 1) @ half,
            ("scale", "scale"): 2 * np.eye(size) / scale[:, None] ** 2,
            ("lower", "lower"): _regressions(covariance, scale),
        }

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = self.layout.fixed.get("mean", np.average(y, axis=0, weights=sample_weight))
        params = self.refine(y, sample_weight, mean)
        spread = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=sample_weight))
        params["scale"] = np.maximum(params["scale"], 0.1 * spread)  # for a well-conditioned first step; `refine` follows it
        return {"mean": mean, **params}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        """`scale` and `lower` from regressions of each target's residuals on earlier ones, the maximum without covariates."""
        r, share = y - mean, (sample_weight / sample_weight.sum())[:, None]
        rounding = np.array([resolution(column) for column in y.T])
        root = np.zeros((r.shape[1], r.shape[1]))
        triangle = np.linalg.qr(np.sqrt(share) * r, mode="r")
        root[: len(triangle)] = triangle
        diagonal = np.diag(root)
        independent = np.abs(diagonal) > rounding
        unit_lower = np.where(independent, root.T / np.where(independent, diagonal, 1.0), np.eye(len(root)))
        L = np.eye(len(root)) - np.linalg.inv(unit_lower)
        if "lower" in self.layout.fixed:
            L, *_ = self._factor(self.layout.fixed["lower"], len(root))
        scale = np.sqrt((share * (r - _times(L, r)) ** 2).sum(axis=0))
        return {"scale": np.maximum(scale, rounding), "lower": L[np.tril_indices(len(root), -1)]}

    def expectation(self, mean: np.ndarray, scale: np.ndarray, lower: float | np.ndarray = 0.0) -> np.ndarray:
        return np.broadcast_to(mean, self._root(mean, scale, lower)[-1])

    def covariance(self, mean: np.ndarray, scale: np.ndarray, lower: float | np.ndarray = 0.0) -> np.ndarray:
        """Covariance matrices of the targets: (n, K, K)."""
        inverse, scale, _ = self._root(mean, scale, lower)
        root = inverse * scale[..., None, :]
        return root @ np.swapaxes(root, -1, -2)

    def entropy(self, mean: np.ndarray, scale: np.ndarray, lower: float | np.ndarray = 0.0) -> np.ndarray:
        *_, scale, _ = self._root(mean, scale, lower)
        return (0.5 + LOG_ROOT_2PI + np.log(scale)).sum(axis=-1)

    def rvs(
        self,
        rng: np.random.Generator,
        size: tuple[int, ...],
        mean: np.ndarray,
        scale: np.ndarray,
        lower: float | np.ndarray = 0.0,
    ) -> np.ndarray:
        inverse, scale, shape = self._root(mean, scale, lower)
        return mean + _times(inverse, scale * rng.standard_normal((*size, shape[-1])))


def _regressions(products: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The information of each target's regression on the targets before it, from the `products` of these."""
    size = scale.shape[1]
    result = np.zeros((len(scale), size * (size - 1) // 2, size * (size - 1) // 2))
    for k in range(1, size):
        own = slice(k * (k - 1) // 2, k * (k + 1) // 2)
        result[:, own, own] = products[:, :k, :k] / scale[:, k, None, None] ** 2
    return result


def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.einsum("...kj,...j->...k", matrix, vector)
