"""The sinh-arcsinh law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import kv, log_ndtr, ndtri

from ..._special.gamma_functions import horner
from .._families.arsinh import ArsinhLocationScale, zero_unless

MAX_ABS_W = 354.0  # |w| from which on the log-density, about -exp(2 |w|) / 8, overflows
# |w| at which derivatives are taken for larger ones, so that they are finite, for every link
MAX_ABS_W_OF_DERIVATIVES = 300.0

# Of arsinh Z, Z normal: the 2nd, 4th, ... moment over 2!, 4!, ...; and the power of its exponential up to which they suffice.
EVEN_MOMENTS = [
    0.31657945000247668,
    0.035702093011416614,
    0.0021630965182241899,
    8.3829169645877442e-05,
    2.2900909325073256e-06,
    4.6925717760683576e-08,
]
MAX_SMALL_POWER = 0.2


class SinhArcsinh(ArsinhLocationScale):
    r"""Jones and Pewsey's sinh-arcsinh law: skewness, and tails heavier or lighter than the normal law's.

    .. math:: p(y) = \frac{\mathrm{tail}}{\mathrm{scale}} \sqrt{\frac{1 + x^2}{1 + z^2}}\, \varphi(x),
        \quad x = \sinh(\mathrm{tail} \cdot \mathrm{arsinh}\, z - \mathrm{skew}), \quad z = (y - \mathrm{loc})/\mathrm{scale}

    Normal for skew 0 and tail 1; tail below 1 is heavier, above 1 lighter. With
    :math:`P_q = e^{1/4} (8 \pi)^{-1/2} (K_{(q+1)/2}(1/4) + K_{(q-1)/2}(1/4))`: mean `loc + scale * m` with
    `m = sinh(skew / tail) * P(1 / tail)`, variance `scale**2 * ((cosh(2 * skew / tail) * P(2 / tail) - 1) / 2 - m**2)`.
    scipy.stats: none; statsmodels: none; R: gamlss ``SHASHo`` (nu is the skew, tau the tail).
    For a small sample that is more skewed than any such law, `skew` diverges and `scale` tends to zero. The likelihood has no
    bound, whatever the data: where k of n rows lie at one value, it grows like k / tail as `tail` and `scale` tend to 0
    together. A fit reports the highest maximum inside; where many rows repeat one value, model these apart, or fix `tail`.

    Parameters
    ----------
    loc, scale, skew, tail : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc` and `skew`, log for `scale` and `tail`.

    References
    ----------
    Jones, M. C., Pewsey, A. (2009). Sinh-arcsinh distributions. Biometrika 96, 761-780. doi:10.1093/biomet/asp053

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 1))
    >>> y = 2 * X[:, 0] + np.sinh(2 * np.arcsinh(rng.normal(size=500)) + 1)
    >>> MLERegressor(SinhArcsinh()).fit(X, y).coef_.round(1)
    array([2.])
    """

    sign = -1.0
    relations = replace(
        ArsinhLocationScale.relations,
        limits={"Normal": {"skew": 0.0, "tail": 1.0}},
        ends={"scale": {"lower": "law of the logarithm of the distance from loc"}},
        searched=False,
    )

    def transformed(self, w: np.ndarray) -> tuple[float | np.ndarray, ...]:
        w = np.clip(w, -MAX_ABS_W, MAX_ABS_W)
        x = np.sinh(w)
        value = np.log(np.cosh(w)) - 0.5 * x**2 - 0.5 * np.log(2 * np.pi)
        if np.maximum.reduce(np.abs(w), axis=None, initial=0.0) > MAX_ABS_W_OF_DERIVATIVES:
            w = np.clip(w, -MAX_ABS_W_OF_DERIVATIVES, MAX_ABS_W_OF_DERIVATIVES)
            x = np.sinh(w)
        root, share = np.cosh(w), np.tanh(w)
        return value, share - x * root, 1 - share**2 - x**2 - root**2

    def transformed_tail(self, w: np.ndarray, upper: bool) -> np.ndarray:
        with np.errstate(over="ignore"):
            return log_ndtr(-np.sinh(w) if upper else np.sinh(w))

    def transformed_ppf(self, q: np.ndarray) -> np.ndarray:
        return np.arcsinh(ndtri(q))

    def standard_moments(self, skew: np.ndarray, tail: np.ndarray) -> tuple[float | np.ndarray, ...]:
        with np.errstate(over="ignore", invalid="ignore"):
            once, twice = _excess_of_power(1 / tail), _excess_of_power(2 / tail)
            sine = np.sinh(skew / tail)
            of_cosine = twice / 2 - once * (2 + once)  # the variance of cosh(w / tail) without skewness
            return zero_unless(sine, 1 + once), zero_unless(sine**2, of_cosine) + (1 + sine**2) * twice / 2


def _excess_of_power(q: np.ndarray) -> np.ndarray:
    """P(q) - 1 = E cosh(q arsinh Z) - 1 of a normal variable Z; for small q, where it cancels, by the moments of arsinh Z."""
    whole = np.exp(0.25) / np.sqrt(8 * np.pi) * (kv((q + 1) / 2, 0.25) + kv((q - 1) / 2, 0.25)) - 1
    return np.where(q < MAX_SMALL_POWER, q * q * horner(EVEN_MOMENTS, q * q), whole)
