"""The cumulative law of ordered classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._special.intervals import BETWEEN
from ...domains import POSITIVE, REAL, Domain
from ...links import Identity, get_link
from .._fallbacks.algebra import outer
from .._fallbacks.recession import axis_recession_cone
from .._families.classes import Classes
from .._protocol.derived import derived
from .._protocol.forms import cones
from .._protocol.parameter import Parameter, Parameters


class Ordinal(Classes):
    r"""Cumulative law of ordered classes 0..K-1: a continuous latent variable, observed only as its interval between cutpoints.

    .. math:: P(y \le j) = F\left(\frac{c_j - \mathrm{loc}}{\mathrm{scale}}\right), \quad
        c_0 = 0, \; c_j = c_{j-1} + \mathrm{gaps}_{j-1}, \quad j = 0, \ldots, K - 2

    The first cutpoint is zero because `loc` has an intercept, and the others follow at positive distances `gaps`, so they
    are in order whatever the coefficients. With `intercept_` and `gaps`, the cutpoints of other software, that of
    :math:`F(\mathrm{cutpoint}_j - x^\top \mathrm{coef})`, are ``-intercept_ + [0, cumsum(gaps)]``: see `cutpoints`. They are
    the intercept, so leave `fit_intercept` at True: False holds the first cutpoint at zero, as it holds even odds at x = 0
    for two classes. A positive coefficient moves towards higher classes. Numbers are in their order, an ordered categorical
    (of pandas, or an Enum of polars) in that of its categories; other labels have none, and `categories` gives it. With two
    classes this is `Bernoulli`. scipy.stats: none; statsmodels: ``OrderedModel``; R: ``ordinal::clm``, ``MASS::polr``, VGAM
    ``cumulative``.

    Parameters
    ----------
    scale : float, str or None, default=1.0
        Spread of the continuous quantity. None estimates how it depends on X, without an intercept, which the cutpoints
        have already: name its columns in `predictors`.
    distribution : {"logit", "probit", "cloglog", "loglog", "cauchit"}
        F by the name of its link: logistic (proportional odds), normal, 1 - exp(-exp(z)) (proportional hazards),
        exp(-exp(-z)), Cauchy.
    n_classes : int, optional
        Number of classes; None takes it from the data.
    categories : sequence, optional
        The labels in their order: ``Ordinal(categories=["low", "medium", "high"])``. Those that y lacks are left out.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `gaps` and `scale`. With `gaps` modelled on columns,
        ``predictors={"gaps": ["dose"]}``, effects differ between cutpoints.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B 42, 109-142.
    doi:10.1111/j.2517-6161.1980.tb01109.x

    Examples
    --------
    >>> from sk_mle import MLEClassifier
    >>> model = MLEClassifier(Ordinal()).fit([[0], [0], [0], [0], [1], [1], [1], [1]], [1, 1, 2, 3, 1, 2, 3, 3])
    >>> model.coef_.round(3), model.likelihood_.cutpoints(model.intercepts_).round(3) + 0.0
    (array([[1.099]]), array([0.   , 1.099]))
    >>> model.predict_proba([[1]])
    array([[0.25, 0.25, 0.5 ]])
    """

    def __init__(
        self, *, scale: Any = 1.0, distribution: Any = "logit", n_classes: Any = None, categories: Any = None, links: Any = None
    ) -> None:
        self.scale, self.distribution, self.n_classes, self.links = scale, distribution, n_classes, links
        self.categories = categories

    @property
    def parameters(self) -> dict[str, Domain | Parameter]:
        gaps = {} if self.n_classes == 2 else {"gaps": POSITIVE}
        return {"loc": REAL, **gaps, "scale": POSITIVE}

    def check(self) -> None:
        super().check()
        if self.distribution not in BETWEEN:
            raise ValueError(f"Ordinal(distribution={self.distribution!r}): choose one of {list(BETWEEN)}")
        if self.categories is None:
            return
        if isinstance(self.categories, str | bytes) or not hasattr(self.categories, "__len__"):
            raise TypeError(f"Ordinal(categories={self.categories!r}): give a list of the labels in their order")
        if len(set(self.categories)) < max(len(self.categories), 2):
            raise ValueError(f"Ordinal(categories={self.categories!r}): give every label once, and at least two")

    @derived
    def layout(self) -> Parameters:
        layout = super().layout.changed(["scale"], intercept=False)
        if self.distribution == "logit" and self.scale == 1 and isinstance(layout["loc"].link, Identity):
            layout = layout.changed(["loc"], ratio="odds ratio of a higher class")
        return layout.changed(["gaps"], basis=np.eye((self.n_classes or 3) - 2))

    def cutpoints(self, intercepts: dict) -> np.ndarray:
        """The K-1 cutpoints of P(y <= j) = F((cutpoint_j - x @ coef) / scale), from the `intercepts_` of a fit."""
        gaps = self.layout["gaps"].link.inverse(intercepts["gaps"]) if "gaps" in intercepts else np.zeros(0)
        return np.append(0.0, np.cumsum(gaps)) - self.layout["loc"].link.inverse(intercepts["loc"])

    # ---- the density and its derivatives --------------------------------------------------------------------------------

    @np.errstate(all="ignore")
    def terms(
        self,
        y: float | np.ndarray,
        order: int,
        loc: np.ndarray,
        gaps: np.ndarray | None = None,
        scale: float | np.ndarray = 1.0,
    ) -> tuple[np.ndarray, dict, dict]:
        """From the class's lower end a (of the first class, the upper one) and its width w, on the scale of F."""
        y, loc, scale = np.broadcast_arrays(*(np.asarray(v, float) for v in (y, loc, scale)))
        gaps = np.zeros((*loc.shape, 0)) if gaps is None else np.asarray(gaps, float)
        number, last = np.arange(gaps.shape[-1]), gaps.shape[-1] + 1
        below, own = number < y[..., None] - 1, number == y[..., None] - 1
        a = (np.where(below, gaps, 0.0).sum(axis=-1) - loc) / scale
        w = np.where(own, gaps, 0.0).sum(axis=-1) / scale
        value, derivatives = np.full(a.shape, -np.inf), [np.zeros(a.shape) for _ in range(5)]
        link = get_link(self.distribution)
        for rows, parts in ((y == 0, link.log_inverse), ((y == last) & (y > 0), link.log_complement)):
            value[rows], derivatives[0][rows], derivatives[2][rows] = parts(a[rows])
        inner = (y > 0) & (y < last)
        if inner.any():
            for whole, part in zip((value, *derivatives), BETWEEN[self.distribution](a[inner], w[inner]), strict=True):
                whole[inner] = part
        if order == 0:
            return value, {}, {}
        d_a, d_w, aa, aw, ww = derivatives
        column, by_scale = scale[..., None], -(a * d_a + w * d_w)
        below, own = below / column, own / column  # derivatives of a and w in the gaps
        gradient = {"loc": -d_a / scale, "gaps": d_a[..., None] * below + d_w[..., None] * own, "scale": by_scale / scale}
        if order == 1:
            return value, gradient, {}
        tilt_a, tilt_w = a * aa + w * aw + d_a, a * aw + w * ww + d_w  # derivatives of -by_scale in a and in w
        of_a, of_w, tilt = (u[..., None] * below + v[..., None] * own for u, v in ((aa, aw), (aw, ww), (tilt_a, tilt_w)))
        second = {
            ("loc", "loc"): aa / scale**2,
            ("loc", "gaps"): -of_a[..., None, :] / column[..., None],
            ("loc", "scale"): tilt_a / scale**2,
            ("gaps", "gaps"): below[..., :, None] * of_a[..., None, :] + own[..., :, None] * of_w[..., None, :],
            ("gaps", "scale"): -(tilt / column)[..., None],
            ("scale", "scale"): (a * tilt_a + w * tilt_w - by_scale) / scale**2,
        }
        return value, gradient, second

    def fisher(self, **params: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        """Sum over the classes of probability times the square of the score."""
        total: dict = {}
        for code in range(self.n_classes):
            value, gradient, _ = self.terms(float(code), 1, **params)
            root = np.exp(value / 2)
            part = {name: root.reshape(-1, *[1] * (gradient[name].ndim - 1)) * gradient[name] for name in self.layout.free}
            part = {name: np.where(np.isfinite(v), v, 0.0) for name, v in part.items()}  # without probability
            for i, first in enumerate(self.layout.free):
                for second in self.layout.free[i:]:
                    total[first, second] = total.get((first, second), 0.0) + outer(part[first], part[second])
        return total

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        share = np.bincount(y.astype(int), weights=sample_weight, minlength=self.n_classes)
        share = np.maximum(share, 1e-6 * share.sum())
        cutpoints = get_link(self.distribution).link(np.cumsum(share)[:-1] / share.sum())
        return {"loc": -cutpoints[0], "gaps": np.diff(cutpoints), "scale": 1.0}

    # ---- the distribution -----------------------------------------------------------------------------------------------

    def _scaled_cutpoints(self, loc: np.ndarray, gaps: np.ndarray | None = None, scale: float | np.ndarray = 1.0) -> np.ndarray:
        """The cutpoints on the scale of F: (..., K-1)."""
        loc = np.asarray(loc, float)[..., None]
        cutpoints = np.zeros_like(loc)
        if gaps is not None:
            cutpoints = np.concatenate([np.zeros((*np.shape(gaps)[:-1], 1)), np.cumsum(gaps, axis=-1)], axis=-1)
        return (cutpoints - loc) / np.asarray(scale, float)[..., None]

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, **params: np.ndarray) -> np.ndarray:
        link, ends = get_link(self.distribution), self._scaled_cutpoints(**params)
        table = (link.log_complement if upper else link.log_inverse)(ends)[0]
        codes = np.arange(table.shape[-1])
        y = np.floor(np.asarray(y, float))
        value = np.where(codes == np.clip(y, 0, codes[-1])[..., None], table, 0.0).sum(axis=-1)
        start, end = (0.0, -np.inf) if upper else (-np.inf, 0.0)
        value = np.where(y < 0, start, np.where(y > codes[-1], end, value))
        return value if log else np.exp(value)

    def _upper_probabilities(self, params: dict) -> np.ndarray:
        return np.exp(get_link(self.distribution).log_complement(self._scaled_cutpoints(**params))[0])

    def expectation(self, **params: np.ndarray) -> np.ndarray:
        return self._upper_probabilities(params).sum(axis=-1)

    def variance(self, **params: np.ndarray) -> np.ndarray:
        above = self._upper_probabilities(params)
        return (above * (2 * np.arange(above.shape[-1]) + 1)).sum(axis=-1) - above.sum(axis=-1) ** 2

    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        q = np.asarray(q, float)
        table = np.exp(get_link(self.distribution).log_inverse(self._scaled_cutpoints(**params))[0])
        code = np.sum(table < q[..., None], axis=-1).astype(float)
        return np.where(q == 0, -1.0, np.where((q >= 0) & (q <= 1), code, np.nan))


@cones.register(Ordinal)
def cone_of_cutpoints(law: Ordinal, y: np.ndarray, eta: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The cone of recession of `loc`: away from both cutpoints of the class.

    Cutpoints but the first are further columns of the cone if they are the same in every row.
    """
    if name != "loc":
        return axis_recession_cone(law, y, eta, name)
    params, last = law.layout.theta(eta), law.n_classes - 1
    gaps = params.get("gaps", np.zeros((len(y), 0)))
    move = np.eye(last)[:, 1:] if (gaps == gaps[:1]).all() else np.zeros((last, 0))
    cone = np.zeros((len(y), 2, 1 + move.shape[1]))
    cone[:, 0, 0], cone[:, 0, 1:] = -1.0, move[np.minimum(y, last - 1).astype(int)]
    cone[:, 1, 0], cone[:, 1, 1:] = 1.0, -move[np.maximum(y - 1, 0).astype(int)]
    cone *= np.stack([y < last, y > 0], axis=1)[:, :, None]
    without = [law.logsf(y - 1, **params), law.logcdf(y, **params)]  # one of the cutpoints
    return cone, np.stack(without, axis=1) - law.evaluate(y, eta, 0).loglik[:, None]
