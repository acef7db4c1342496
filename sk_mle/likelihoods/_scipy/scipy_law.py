"""Any distribution of scipy.stats as a law."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats

from ...domains import POSITIVE, REAL, Domain
from .._fallbacks import inversion, quadrature
from .._fallbacks.density_score import density_score
from .._fallbacks.facts import code_of, name_of, with_values
from .._protocol.base import Likelihood
from .._protocol.derived import derived
from .._protocol.parameter import Parameter, Parameters, completed
from . import probing, starting_values

KINKED_PARAMETERS = {  # parameters in which the log-likelihood has a kink at every sample, which probing does not find
    "dgamma": ("loc",),
    "dweibull": ("loc",),
    "laplace": ("loc",),
    "laplace_asymmetric": ("loc",),
    "loglaplace": ("scale",),
    "trapezoid": ("c", "d"),
    "triang": ("c",),
}
# Laws of SciPy that have a law of this package in their place.
NATIVE_LAWS = {"laplace": "Laplace", "laplace_asymmetric": "AsymmetricLaplace"}
# Arguments of the law at standard location and scale.
STANDARD_LOC_SCALE = {"loc": 0.0, "scale": 1.0}
REDUNDANT_PARAMETERS = {"dpareto_lognorm": "scale", "genexpon": "scale"}  # not identified beside the shapes

SAFE_RANGES = {  # far outside of these ranges, C++ code behind scipy ends the whole process
    "nchypergeom_fisher": {"odds": (1e-8, 1e8)},
    "nct": {"df": (1e-3, np.inf)},
}

MAX_QUANTILE_ERROR = 1e-8  # of a quantile from the density, in probability


class ScipyLaw(Likelihood):
    r"""A distribution of scipy.stats, in scipy's own parameters; made by `from_scipy`.

    .. math:: p(y) = \frac{1}{\mathrm{scale}}\, f\!\left(\frac{y - \mathrm{loc}}{\mathrm{scale}};\; \mathrm{shapes}\right)

    and for a discrete distribution the mass at ``y - loc``. Mean and variance are scipy's. scipy.stats: the distribution
    itself; statsmodels: ``GenericLikelihoodModel`` with its ``logpdf``; R: gamlss, where it has the family.

    The parameter on all columns of X is `loc` for laws on the whole line, `scale` for laws on a half line, the first shape
    for laws on an interval and for discrete ones. Where a parameter moves an end of the support, maximum likelihood is
    irregular: the maximum lies at an extreme of the sample, or nowhere. So `loc` is estimated for laws on the whole line and
    held at 0 for others; `scale` is estimated for these and for laws on a half line that ends at zero, and held at 1 for
    others; a shape that moves an end must be given, as must shapes that take whole numbers only, such as `n` of binom.

    Parameters
    ----------
    rv : rv_continuous or rv_discrete
        Such as ``scipy.stats.gumbel_r``.
    parameters : sequence of str, or dict of str to Domain, optional
        The parameters to estimate, the first of them on all columns of X; `loc` and `scale` are held at 0 and 1 unless they
        are named. A dict also gives the domains of shapes, which are otherwise found by probing.
    links : dict of str to str or Link, optional
        Link per parameter; default by its domain: identity for `loc`, log for `scale`.
    **values : float, str or None
        By the name of the parameter: a number fixes it, a string is the column of X that holds it, None estimates it.

    See Also
    --------
    from_scipy : The same, for frozen distributions as well.

    Examples
    --------
    >>> from scipy import stats
    >>> from sk_mle import MLERegressor
    >>> law = ScipyLaw(stats.weibull_min)
    >>> law.layout.free, law.layout.fixed
    (['scale', 'c'], {'loc': 0.0})
    >>> MLERegressor(law).fit([[0], [1], [2]] * 2, [1.0, 2.0, 4.1, 0.7, 1.6, 3.0]).coef_.round(2)
    array([0.71])
    """

    def __init__(self, rv: Any, *, parameters: Any = None, links: Any = None, **values: Any) -> None:
        self.rv, self.links, self._named, self._values = rv, links, parameters, values
        known = [*probing.names(rv), "loc", *([] if self._discrete else ["scale"])]
        unknown = [name for name in (*values, *(parameters or ())) if name not in known]
        if unknown:
            raise TypeError(f"{rv.name} of scipy.stats has no parameters {unknown}; they are {known}")

    def get_params(self, deep: bool = True) -> dict:
        """Constructor arguments, with those of every parameter of the law."""
        return {"rv": self.rv, "parameters": self._named, "links": self.links, **self._all_given}

    def set_params(self, **params: Any) -> Likelihood:
        """Set constructor arguments by their names."""
        valid = self.get_params()
        for name in params:
            if name not in valid:
                raise ValueError(
                    f"Invalid parameter {name!r} for {self.rv.name} of scipy.stats. Valid parameters are: {list(valid)}"
                )
        self.__dict__.clear()  # cached properties too
        ScipyLaw.__init__(self, **{**valid, **params})
        return self

    # ---- estimated and fixed parameters -------------------------------------------------------------------------

    @property
    def _discrete(self) -> bool:
        return isinstance(self.rv, stats.rv_discrete)

    @cached_property
    def _domains(self) -> dict[str, Domain]:
        """The domain of every parameter, in scipy's order."""
        names, given = probing.names(self.rv), self._named if isinstance(self._named, dict) else {}
        shapes = given if set(names) <= set(given) else {**probing.shape_domains(self.rv), **given}
        return {name: shapes[name] for name in names} | {"loc": REAL} | ({} if self._discrete else {"scale": POSITIVE})

    @cached_property
    def _ends(self) -> probing.Ends:
        """Ends of the standard law's support, for the shapes that are given as numbers."""
        shapes = {name: self._values.get(name) for name in probing.names(self.rv)}
        return probing.ends(self.rv, {name: value for name, value in shapes.items() if not isinstance(value, str | None)})

    def _default(self, name: Any) -> float | None | None:
        """The default value of a parameter: a number, or None for one to estimate."""
        if name not in ("loc", "scale"):
            return None
        if self._named is not None:
            return None if name in self._named else float(name == "scale")
        ends = self._ends
        if name == "loc":
            return 0.0 if self._discrete or any(ends.bounded) else None
        moves = any(always and end != 0 for always, end in zip(ends.bounded, ends[:2], strict=True))
        return 1.0 if moves or REDUNDANT_PARAMETERS.get(self.rv.name) == name else None

    @cached_property
    def parameters(self) -> dict[str, Domain | Parameter]:
        domains, named = self._domains, self._named or ()
        order = [*named, *([] if any(self._ends.bounded) else ["loc"]), *([] if self._discrete else ["scale"]), *domains]
        first = [name for name in order if name in domains and self._given(name) is None][:1]
        return {name: domains[name] for name in dict.fromkeys([*first, *named, *domains]) if name in domains}

    @derived
    def layout(self) -> Parameters:
        entries = completed(self, self.parameters)
        return Parameters(
            {
                name: replace(parameter, value=self._given(name), location=name == "loc" and parameter.location)
                for name, parameter in entries.items()
            }
        )

    @property
    def _all_given(self) -> dict:
        return {name: self._given(name) for name in self.parameters}

    def _given(self, name: Any) -> Any:
        return self._values[name] if name in self._values else self._default(name)

    def check(self) -> None:
        name, domains = self.rv.name, self._domains
        for key in self.layout.free:
            obstacle = self._obstacle(key, domains[key])
            if obstacle:
                raise ValueError(
                    f"{obstacle}: give {key} as a number, or as the name of a column of X that holds it, "
                    f"from_scipy(scipy.stats.{name}, {key}={key!r})"
                )
        if not self.layout.free and all(value == self._default(key) for key, value in self._all_given.items()):
            given = self._all_given
            raise ValueError(
                f"the support of {name} moves with {' and '.join(given)}, so maximum likelihood is irregular and they are "
                f"held at {list(given.values())}; to estimate one all the same, set it to None"
            )
        for key, value in self.layout.fixed.items():
            if (domains[key].integer or (self._discrete and key == "loc")) and value != np.rint(value):
                raise ValueError(f"{key} of {name} takes whole numbers only, got {value!r}")
        super().check()

    def _obstacle(self, key: Any, domain: Any) -> str:
        """Why a parameter cannot be estimated, or only if the user names it; empty if it can."""
        name, named = self.rv.name, self._named or ()
        if domain.integer or (self._discrete and key == "loc"):
            return f"{key} of {name} takes whole numbers only, which no gradient can find"
        if key in named:
            return ""
        if self._named is not None and key not in self._values:
            return f"parameters={list(named)} does not name {key!r}, which has no default in {name}; name it"
        if key in self._ends.shifting:
            return f"{key} moves an end of the support of {name}, so maximum likelihood is irregular"
        if key in KINKED_PARAMETERS.get(name, ()):
            own = f" ({NATIVE_LAWS[name]}() ends on them)" if name in NATIVE_LAWS else ""
            return f"the log-likelihood of {name} has kinks in {key}, at every sample{own}"
        return ""

    # ---- support and start --------------------------------------------------------------------------------------

    @cached_property
    def support(self) -> Domain:
        given = self._all_given
        loc, scale = (None if isinstance(v, str) else v for v in (given["loc"], given.get("scale", 1.0)))
        return probing.located(self._ends, loc, scale, self._discrete)

    def inside(self, y: np.ndarray) -> np.ndarray:
        return super().inside(y) & (np.rint(y) == y) if self._discrete else super().inside(y)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        keep = self.inside(y)  # y of rows with other known values than these may lie outside
        y, weight = (y[keep], sample_weight[keep]) if keep.any() else (y, sample_weight)
        return starting_values.constant_fit(self, y, weight)

    # ---- the distribution ---------------------------------------------------------------------------------------

    def _safe(self, params: dict) -> dict:
        """Parameters with NaN, which scipy treats as invalid, for values at which its code may crash."""
        limits = SAFE_RANGES.get(self.rv.name, {})
        within = {name: np.where((params[name] >= low) & (params[name] <= high), params[name], np.nan)
                  for name, (low, high) in limits.items()}  # fmt: skip
        return {**params, **within}

    def loglik(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        params = self._safe(params)
        density = self.rv.logpmf if self._discrete else self.rv.logpdf
        with np.errstate(all="ignore"):
            try:
                value = np.asarray(density(y, **params))
            except (OverflowError, SystemError):  # one extreme value makes the call fail for all
                value = probing.one_by_one(density, y, params)
        return np.where(np.isfinite(value), value, -np.inf)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, **params: np.ndarray) -> np.ndarray:
        """scipy's; integrated for all values at once where scipy integrates them one by one, took one minus the other tail, or
        the log of an underflow."""
        y, *values = np.broadcast_arrays(*(np.asarray(v, float) for v in (y, *self._safe(params).values())))
        params, rv = dict(zip(params, values, strict=True)), self.rv
        if self._has_default("_cdf"):
            value = quadrature.log_tail(self, y, params, upper)
            if not np.isnan(value).any():
                return value if log else np.exp(value)
        own, other, logged = (rv.sf, rv.cdf, rv.logsf) if upper else (rv.cdf, rv.sf, rv.logcdf)
        with np.errstate(all="ignore"):
            found, rest = np.array((logged if log else own)(y, **params), dtype=float), 1 - other(y, **params)
            poor = (found == np.log(rest)) & (found < -13) | (found == -np.inf) if log else (found == rest) & (found < 1e-6)
            poor &= self.loglik(y, **params) > -np.inf  # inside the support
            if poor.any():
                value = quadrature.log_tail(self, y[poor], {name: v[poor] for name, v in params.items()}, upper)
                found[poor] = np.where(np.isnan(value), found[poor], value if log else np.exp(value))
        return found

    def ppf(self, q: np.ndarray, loc: np.ndarray, scale: float | np.ndarray = 1.0, **shapes: np.ndarray) -> np.ndarray:
        q, integrated = (
            np.asarray(q, float),
            lambda q, *at: inversion.quantile(
                self._standard, q, STANDARD_LOC_SCALE | dict(zip(probing.names(self.rv), at, strict=True))
            ),
        )
        try:
            z = self._distinct(self._ppf_at_once(integrated) if self._has_default("_ppf") else self.rv.ppf, shapes, q)
        except (ValueError, ArithmeticError, RuntimeError):  # scipy's search for a root has met a NaN
            z = self._distinct(integrated, shapes, q)
        return loc + scale * z

    def _ppf_at_once(self, integrated: Callable) -> Callable:
        """Quantiles from the density; scipy's where that does not know them, and at the ends."""

        def ppf(q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
            z = np.where((q > 0) & (q < 1), integrated(q, *shapes), np.nan)
            rest = ~np.isfinite(z)
            if not self._has_default("_cdf"):  # a density that is not one, as that of angles on the whole line
                rest |= ~(np.abs(self.rv.cdf(z, *shapes) - q) <= MAX_QUANTILE_ERROR)
            if rest.any():
                z[rest] = self.rv.ppf(q[rest], *(shape[rest] for shape in shapes))
            return z

        return ppf

    def _has_default(self, method: str) -> bool:
        """Whether scipy searches or integrates for a method, one value after the other."""
        return not self._discrete and getattr(type(self.rv), method) is getattr(stats.rv_continuous, method)

    @property
    def _standard(self) -> Any:
        return type(self)(self.rv, parameters=self._named, loc=0.0, **({} if self._discrete else {"scale": 1.0}))

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: float | np.ndarray = 1.0, **shapes: np.ndarray) -> np.ndarray:
        if self._discrete:
            return np.full(np.shape(y), np.nan)
        return scale * density_score(
            self._standard, np.asarray((y - loc) / scale, float), {**STANDARD_LOC_SCALE, **self._safe(shapes)}
        )

    def expectation(self, loc: np.ndarray, scale: float | np.ndarray = 1.0, **shapes: np.ndarray) -> np.ndarray:
        return loc + scale * self._distinct(self.rv.mean, shapes)

    def variance(self, loc: np.ndarray, scale: float | np.ndarray = 1.0, **shapes: np.ndarray) -> np.ndarray:
        return scale**2 * self._distinct(self.rv.var, shapes) + 0 * loc

    def entropy(self, loc: np.ndarray, scale: float | np.ndarray = 1.0, **shapes: np.ndarray) -> np.ndarray:
        return np.log(scale) + self._distinct(self.rv.entropy, shapes) + 0 * loc

    def rvs(
        self,
        rng: np.random.Generator,
        size: int | tuple[int, ...],
        loc: np.ndarray,
        scale: float | np.ndarray = 1.0,
        **shapes: np.ndarray,
    ) -> np.ndarray:
        for name, values in shapes.items():
            values = np.rint(values).astype(int) if self._domains[name].integer else np.asarray(values)
            same = values.size > 0 and (values == values.flat[0]).all()
            shapes[name] = values.flat[0] if same else values  # scipy loops over arrays
        return loc + scale * np.asarray(self.rv.rvs(size=size, random_state=rng, **shapes), dtype=float)

    def _distinct(self, method: Any, shapes: Any, *values: Any) -> Any:
        """A method of the standard law, called on distinct rows only: scipy inverts and integrates them one by one."""
        shapes = self._safe(shapes)
        arrays = np.broadcast_arrays(*values, *(np.asarray(shapes[name], float) for name in probing.names(self.rv)))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not arrays:
                return np.asarray(method())
            rows, index = np.unique(np.stack([a.ravel() for a in arrays]), axis=1, return_inverse=True)
            result = np.asarray(method(*rows), dtype=float)
        return np.broadcast_to(result, rows.shape[1])[index.ravel()].reshape(arrays[0].shape)


@name_of.register
def _(law: ScipyLaw) -> str:
    return f"{law.rv.name} of scipy.stats"


@code_of.register
def _(law: ScipyLaw) -> str:
    return probing.code(law.rv, law._values)


@with_values.register(ScipyLaw)
def _with_whole_numbers(law: ScipyLaw, values: dict) -> Likelihood:
    """Parameters that take whole numbers are rounded."""
    rounded = {name: np.rint(value) if law.layout[name].domain.integer else value for name, value in values.items()}
    return with_values.dispatch(Likelihood)(law, rounded)
