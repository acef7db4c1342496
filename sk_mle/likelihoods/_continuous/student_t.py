"""Student's t law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from ..._special.gamma_functions import digamma_delta, lgamma_delta, lgamma_half_delta
from ..._special.logarithms import log1p_remainder
from ..._special.skew import df_derivatives
from ..._special.tails import log_student_tail
from ...domains import POSITIVE, REAL
from .._fallbacks.quantile import newton_quantile
from .._fallbacks.starting_values import weighted_median
from .._families.location_scale import LocationScale
from .._protocol.parameter import UP_TO_INFINITY, Parameter
from .._protocol.relations import Relations

MAX_ABS_Z = 1e150  # |z| up to which z**2 does not overflow
MAX_DF_OF_A_PEAK = 1.0  # df below which a few rows, around a narrow peak, may make a maximum beside that of all rows
MAX_DF_OF_SCIPY = 1e15  # df from which on scipy's functions no longer depend on it
DF_OF_NORMAL = 1e60  # df from which on, and at infinity, the law is the normal one to the last digit


class StudentT(LocationScale):
    r"""Student's t law with location and scale, the robust alternative to the normal one.

    .. math:: p(y) = \frac{\Gamma((\mathrm{df}+1)/2)}{\Gamma(\mathrm{df}/2)\sqrt{\pi\,\mathrm{df}}\,\mathrm{scale}}
        (1 + z^2/\mathrm{df})^{-(\mathrm{df}+1)/2}, \quad z = (y - \mathrm{loc})/\mathrm{scale}

    Mean `loc` for df > 1, variance `scale**2 * df / (df - 2)` for df > 2. scipy.stats: ``t(df, loc, scale)``;
    statsmodels: ``TLinearModel``; R: gamlss ``TF``, VGAM ``studentt3``. `scale` is not the standard deviation.

    With `scale` and `df` both estimated the likelihood has no bound, whatever the data: at a value that k of n rows repeat, one
    row included, it grows without end as `scale` tends to 0 with any df below k / (n - k). A fit reports the highest maximum
    inside. Where k / (n - k) is no longer small, as with many zeros, that maximum is a choice of scale, not of the likelihood:
    model these rows apart, or fix df above that ratio.

    Parameters
    ----------
    loc, scale, df : float, optional
        A number fixes the parameter (df=inf: the normal law); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale` and `df`.

    References
    ----------
    Fernandez, C., Steel, M. F. J. (1999). Multivariate Student-t regression models: pitfalls and inference. Biometrika 86,
    153-167. doi:10.1093/biomet/86.1.153

    Lange, K. L., Little, R. J. A., Taylor, J. M. G. (1989). Robust statistical modeling using the t distribution. JASA 84,
    881-896. doi:10.1080/01621459.1989.10478852

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(StudentT(df=3)).fit([[0], [1], [2], [3], [4]], [1, 3.1, 4.9, 7, 90]).coef_.round(2)
    array([1.98])
    """

    parameters = {"loc": REAL, "scale": POSITIVE, "df": Parameter(POSITIVE, allowed=UP_TO_INFINITY)}
    relations = Relations(
        limits={"Normal": {"df": np.inf}, "Cauchy": {"df": 1.0}},
        tried={"df": (1.0, 2.0, 4.0, 10.0, 50.0)},
        competing=lambda law, loc, scale, df: bool(np.min(df) < MAX_DF_OF_A_PEAK),
    )

    def __init__(self, *, loc: Any = None, scale: Any = None, df: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.df, self.links = loc, scale, df, links

    def standard_terms(self, z: np.ndarray, order: int, df: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        norm, depends_on_df, square = lgamma_half_delta(df, order=order), df <= DF_OF_NORMAL, z * z
        df = np.minimum(df, DF_OF_NORMAL)
        if np.maximum.reduce(square, axis=None, initial=0.0) == np.inf:
            return self._beyond_squares(z, order, df)
        w = square / df
        value = norm[0] - 0.5 * np.log(2 * np.pi) - 0.5 * (df + 1) * np.log1p(w)
        if order == 0:
            return value, {}, {}
        total = df + square
        weight = (df + 1) / total
        by_df = norm[1] + 0.5 * (w / total - log1p_remainder(w, square / total, order=1)[0]) * depends_on_df
        first = {"z": -z * weight, "df": by_df}
        if order == 1:
            return value, first, {}
        df_df = norm[2] + 0.5 * square * (df * square - 2 * df - square) / (df * total) ** 2 * depends_on_df
        z_df = z * (1 - square) / total**2 * depends_on_df
        return value, first, {("z", "z"): weight * ((square - df) / total), ("z", "df"): z_df, ("df", "df"): df_df}

    def _beyond_squares(self, z: np.ndarray, order: int, df: Any) -> tuple[Any, Any, Any]:
        """`standard_terms` if z * z overflows: from a smaller |z|, as the density is a power of |z| there."""
        z = np.where(z == 0, 1e-300, z)
        near = np.clip(z, -MAX_ABS_Z, MAX_ABS_Z)
        fall = np.where(near == z, 0.0, np.log(np.abs(z)) - np.log(MAX_ABS_Z))
        value, first, second = self.standard_terms(near, order, df)
        ratio = near / z
        if order:
            first |= {"z": first["z"] * ratio, "df": first["df"] - fall}
        if order == 2:
            second |= {("z", "z"): second["z", "z"] * ratio * ratio, ("z", "df"): second["z", "df"] * ratio}
        return value - (df + 1) * fall, first, second

    def standard_information(self, df: np.ndarray) -> dict:
        norm, df = lgamma_half_delta(df)[2], np.minimum(df, DF_OF_NORMAL)
        d_df = -norm + (3 - df) / (2 * df**2 * (df + 1) * (df + 3))
        return {
            ("loc", "loc"): (df + 1) / (df + 3),
            ("scale", "scale"): 2 * df / (df + 3),
            ("scale", "df"): -2 / ((df + 1) * (df + 3)),
            ("df", "df"): np.maximum(d_df, 0.0),
        }

    def centre(self, y: np.ndarray, sample_weight: np.ndarray, df: float) -> float:
        return weighted_median(y, sample_weight)

    def spread(self, residual: np.ndarray, sample_weight: np.ndarray, df: float) -> float:
        square, share = residual**2, sample_weight / sample_weight.sum()
        first = last = share @ square
        if first == 0:
            return 0.0
        df = min(df, DF_OF_NORMAL)
        for _ in range(30):  # EM steps: reweighted second moments
            last, before = max(share @ (square * ((df + 1) / (df + square / last))), 1e-12 * first), last
            if abs(last - before) < 1e-3 * last:
                break
        return float(np.sqrt(last))

    def standard_moments(self, df: np.ndarray) -> tuple[float | np.ndarray, ...]:
        df = np.minimum(df, DF_OF_NORMAL)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = np.where(df > 2, df / (df - 2), np.where(df > 1, np.inf, np.nan))
        tail = (df + 1) / 2 * digamma_delta(df / 2, 0.5) - lgamma_half_delta(df)[0]
        return np.where(df > 1, 0.0, np.nan), variance, tail + 0.5 * np.log(2 * np.pi)

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, df: np.ndarray) -> np.ndarray:
        z = -z if upper else z
        outer = log_student_tail(z, np.minimum(df, MAX_DF_OF_SCIPY))
        value = np.where(z < 0, outer, np.log1p(-np.exp(outer)))
        return value if log else np.exp(value)

    def standard_tail_derivatives(self, z: np.ndarray, log_tail: np.ndarray, df: np.ndarray) -> tuple[dict, dict]:
        log_density, score, _ = self.standard_terms(z, 1, df)
        first, second = df_derivatives(z, np.zeros(()), df, log_tail)
        return {"df": first}, {("z", "df"): np.exp(log_density - log_tail) * score["df"], ("df", "df"): second}

    def standard_ppf(self, q: np.ndarray, df: np.ndarray) -> np.ndarray:
        def logs(x: np.ndarray, upper: bool, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            z = np.sinh(x)
            return self.standard_tail(z, upper, True, df), self.standard_logpdf(z, df) + np.log(np.cosh(x))

        start = np.clip(np.arcsinh(stdtrit(np.minimum(df, MAX_DF_OF_SCIPY), q)), -700, 700)
        x = newton_quantile(logs, q, {"df": df}, (-710.4, 710.4), start)
        return np.where(np.abs(x) < 710.39, np.sinh(x), np.copysign(np.inf, x))

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray, df: np.ndarray
    ) -> np.ndarray:
        return loc + scale * rng.standard_t(np.minimum(df, DF_OF_NORMAL), size)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray, df: np.ndarray) -> np.ndarray:
        df = np.where(df > 1.001, np.minimum(df, MAX_DF_OF_SCIPY), np.nan)
        z = (y - loc) / scale
        far = 2 * np.exp(self.standard_logpdf(z, df)) * (df + z**2)
        ratio = np.exp(2 * lgamma_delta(df / 2, 0.5) - lgamma_delta(df - 0.5, 0.5)) / np.sqrt(np.pi)  # of beta functions
        return scale * (z * (stdtr(df, z) - stdtr(df, -z)) + (far - 2 * np.sqrt(df) * ratio) / (df - 1))
