"""Whether a fitted model is a special case of another: columns, fixed values, and laws that are limits of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._predictive.unwrapping import unwrap
from ..likelihoods._functions import irregular
from ._reductions import Reduction, at_limit, reductions, same

# Shifts of linear predictors at which a map between two laws is compared with a linear one.
TRIED_SHIFTS_OF_ETA = np.array([-1.0, -0.4, 0.0, 0.7, 1.3])


@dataclass(frozen=True)
class Nesting:
    """The restrictions by which a model is a special case of another.

    Attributes
    ----------
    df : int
        Restrictions that lie inside the larger model: coefficients that are zero, parameters at a value of their domain.
    boundary : tuple of str
        Parameters of the larger model that the smaller one holds at an edge of their domain, one degree of freedom each.
    irregular : str
        Why the likelihood-ratio statistic has no known law; empty where it has.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.datasets import make_mle_regression
    >>> from sk_mle.selection import nested
    >>> X, y, *_ = make_mle_regression("poisson", random_state=0)
    >>> small, large = MLERegressor("poisson", predictors={"mean": [0]}), MLERegressor("poisson")
    >>> nesting = nested(small.fit(X, y), large.fit(X, y))
    >>> nesting.df, nesting.boundary
    (2, ())
    """

    df: int
    boundary: tuple[str, ...] = ()
    irregular: str = ""


def nested(restricted: Any, full: Any) -> Nesting | None:
    """Whether a fitted model is a special case of another, and with how many restrictions.

    Compared are the columns, offsets and links of every parameter, values that one law fixes and the other estimates, and
    laws that are members or limits of others: a law declares in `relations` which it becomes, and wrappers and chains are
    followed, so that a geometric model lies in ``ZeroInflated(NegativeBinomial())``. Every linear predictor of the larger model
    must be able to take the values that the smaller one has: a Poisson model with an identity link does not lie in a negative
    binomial one with a log link.

    Parameters
    ----------
    restricted, full : fitted estimators
        Of this package, alone or in pipelines, searches and `TransformedTargetRegressor`; what stands before and around them
        must be the same, with the same parameters.

    Returns
    -------
    Nesting or None
        None if no nesting is detected, which does not prove that there is none, and for models with terms, whose penalties
        differ.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import NegativeBinomial, Poisson
    >>> X, y = [[0], [0], [0], [1], [1], [1]], [0, 1, 5, 2, 9, 25]
    >>> nested(MLERegressor(Poisson()).fit(X, y), MLERegressor(NegativeBinomial()).fit(X, y))
    Nesting(df=0, boundary=('dispersion',), irregular='')
    """
    small, large = _Model.of(restricted), _Model.of(full)
    n_restrictions = large.size - small.size
    if n_restrictions <= 0 or any(one.model.fit_.has_terms for one in (small, large)) or not small.is_comparable_with(large):
        return None
    special, names = at_limit(small.law)
    parts = {name: small.part(old) for name, old in names.items()}
    for reduction in reductions(large.law, special):
        match = _within(reduction, parts, special, large)
        if match is not None:
            boundary, irregular = match
            if reduction.singular and n_restrictions > 1:
                irregular = "the information is singular there, and the law is known for this one restriction alone"
            if special.support.low > large.law.support.low:
                irregular = "the density of the smaller model ends at an edge, where that of the larger one is smooth"
            return Nesting(n_restrictions - len(boundary), tuple(boundary), irregular)
    return None


def comparable(a: Any, b: Any) -> bool:
    """Whether `nested` can decide: both models have the same targets and preprocessing, and columns that can be matched."""
    return _Model.of(a).is_comparable_with(_Model.of(b))


def why_irregular(fitted: Any) -> str:
    """Why tests against the fitted law are never regular, as the law declares it; empty for most laws."""
    return irregular(unwrap(fitted).model.likelihood_)


@dataclass
class _Part:
    """One parameter of a model: its domain, and how its value comes about."""

    domain: Any
    link: Any = None
    fixed: float | None = None
    known: Any = None  # column that holds it
    columns: frozenset = frozenset()
    intercept: bool = False
    offsets: dict | None = None  # (kind, column) -> factor
    curve: Any = None
    value: float = 0.0  # linear predictor at zero columns

    @property
    def varies(self) -> bool:
        """Whether the value differs between rows."""
        return self.known is not None or bool(self.columns) or bool(self.offsets) or self.curve is not None

    def theta(self, eta: Any) -> Any:
        return eta if self.known is not None else self.link.inverse(eta) if self.fixed is None else np.float64(self.fixed)

    def reaches(self, value: Any) -> bool:
        """Whether the parameter can have this value in all rows."""
        return self.curve is None and not self.offsets and (self.intercept or bool(abs(self.link.link(value)) < 1e-12))

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the values that the link reaches inside the domain."""
        return max(self.domain.low, self.link.range.low), min(self.domain.high, self.link.range.high)


class _Model:
    """A fitted estimator without what wraps it, for comparison with another."""

    def __init__(self, unwrapped: Any) -> None:
        self.unwrapped, self.model = unwrapped, unwrapped.model
        self.law, self.size = self.model.likelihood_, self.model.n_params_
        names = unwrapped.feature_names()
        self.names = None if names is None else list(map(str, names))

    @classmethod
    def of(cls, fitted: Any) -> _Model:
        return cls(unwrap(fitted))

    def is_comparable_with(self, other: _Model) -> bool:
        """Whether both have the same targets and preprocessing, and columns that can be matched."""
        own, others = self.unwrapped, other.unwrapped
        if (self.names is None) != (other.names is None):
            return False
        if self.names is None and self.model.n_features_in_ != other.model.n_features_in_:
            return False
        steps = [[getattr(step, "__self__", step) for step in unwrapped.to_X] for unwrapped in (own, others)]
        labels = [getattr(m, "ordered_classes_", None) for m in (self.model, other.model)]
        weights = [m.class_weight for m in (self.model, other.model)]
        alike = len(steps[0]) == len(steps[1]) and all(map(_same_columns, *steps))
        return alike and same(own.transformers, others.transformers) and same(*labels) and same(*weights)

    def _label(self, index: int) -> Any:
        return int(index) if self.names is None else self.names[index]

    def part(self, name: str) -> _Part:
        """The parameter with this name."""
        law, fit = self.law, self.model.fit_
        domain = law.layout[name].domain
        if name in law.layout.fixed:
            return _Part(domain, fixed=float(law.layout.fixed[name]))
        if name in law.layout.known:
            return _Part(domain, known=self._label(fit.known[name]))
        predictor = fit.predictors[name]
        columns = frozenset(self._label(j) for j in predictor.columns) if predictor.curve is None else frozenset()
        shifts = (("offset", predictor.offset), ("exposure", predictor.exposure))
        offsets = {(kind, self._label(index)): 1.0 for kind, index in shifts if index is not None}
        value = 0.0 if columns or offsets or np.ndim(fit.intercepts[name]) else float(fit.intercepts[name])
        link, intercept = law.layout[name].link, predictor.intercept
        return _Part(domain, link, columns=columns, intercept=intercept, offsets=offsets, curve=predictor.curve, value=value)


def _same_columns(a: Any, b: Any) -> bool:
    """Whether columns of one name, from a step before each of two models, are the same.

    Models by formula may each have columns of their own: what both learned must be the same.
    """
    if not (hasattr(a, "learned") and hasattr(b, "learned")):
        return same(a, b)
    states = a.learned(), b.learned()
    return all(same(*(state[key] for state in states)) for key in states[0].keys() & states[1].keys())


def _within(reduction: Reduction, parts: dict[str, _Part], special: Any, large: _Model) -> tuple[Any, str] | None:
    """Parameters at an edge and what is irregular, or None if the larger model does not contain the smaller."""
    boundary, irregular = [], ""
    for name in large.law.parameters:
        larger_part = large.part(name)
        image = _Image(reduction, parts, name, larger_part)
        if not image.determined:
            if larger_part.fixed is None and larger_part.known is None:
                irregular = irregular or f"{name} is not identified in the smaller model"
        elif not image.possible:
            return None
        elif image.at_end:
            boundary.append(name)
            if larger_part.columns:
                irregular = irregular or f"{name} lies at an edge of its domain, and the larger model has it on columns"
    return boundary, irregular


class _Image:
    """One parameter of the larger law in the smaller model: a constant, or a combination of its linear predictors."""

    def __init__(self, reduction: Reduction, parts: dict[str, _Part], name: str, larger_part: _Part) -> None:
        self.reduction, self.parts, self.name, self.larger_part = reduction, parts, name, larger_part
        value = self._theta({})
        self.determined = value is not None
        if value is not None:
            self.constant = float(value)
            self.moving = [k for k, part in parts.items() if part.varies and self._depends(k)]

    @property
    def at_end(self) -> bool:
        """Whether an estimated parameter lies at an end of its domain."""
        larger_part = self.larger_part
        return larger_part.known is None and larger_part.fixed is None and not self.moving and self.constant in larger_part.ends

    @property
    def possible(self) -> bool:
        """Whether the larger model can take the same values in all rows."""
        larger_part = self.larger_part
        if larger_part.known is not None:
            return self.moving == [self.name] and self.parts[self.name].known == larger_part.known
        if larger_part.fixed is not None:
            return not self.moving and bool(np.isclose(self.constant, larger_part.fixed, rtol=1e-12, atol=0))
        if self.moving:
            return self._fits()
        if self.at_end:
            return not larger_part.offsets
        return larger_part.ends[0] < self.constant < larger_part.ends[1] and larger_part.reaches(self.constant)

    def _theta(self, shift: dict) -> np.ndarray | None:
        """The larger law's parameter after a shift of the smaller model's linear predictors; None if not identified."""
        with np.errstate(all="ignore"):
            params = {k: part.theta(np.float64(part.value + shift.get(k, 0.0))) for k, part in self.parts.items()}
            return self.reduction.expand(params).get(self.name)

    def _eta(self, shift: dict) -> float:
        return float(self.larger_part.link.link(self._theta(shift)))

    def _depends(self, k: str) -> bool:
        return any(self._theta({k: step}) != self._theta({}) for step in TRIED_SHIFTS_OF_ETA)

    def _fits(self) -> bool:
        """Whether it is linear in the smaller model's linear predictors, on columns and offsets that the larger model has."""
        if any(self.parts[k].known is not None for k in self.moving):
            return False
        larger_part = self.larger_part
        base, slopes = self._eta({}), {k: self._eta({k: 1.0}) - self._eta({}) for k in self.moving}
        for signs in np.random.default_rng(0).uniform(-1, 1, (4, len(self.moving))):
            for step in TRIED_SHIFTS_OF_ETA:
                shift = dict(zip(self.moving, signs * step, strict=True))
                linear = base + sum(slopes[k] * shift[k] for k in self.moving)
                if not abs(self._eta(shift) - linear) < 1e-9 * (1 + abs(linear)):
                    return False
        offsets: dict = {}
        for k in self.moving:
            for key, factor in (self.parts[k].offsets or {}).items():
                offsets[key] = offsets.get(key, 0.0) + slopes[k] * factor
        if larger_part.curve is not None or any(self.parts[k].curve is not None for k in self.moving):
            return self._fits_curve(base, slopes)
        columns = frozenset().union(*(self.parts[k].columns for k in self.moving))
        needs_intercept = abs(base) > 1e-9 or any(self.parts[k].intercept for k in self.moving)
        larger_offsets = larger_part.offsets or {}
        return (
            columns <= larger_part.columns
            and (larger_part.intercept or not needs_intercept)
            and offsets.keys() == larger_offsets.keys()
            and all(abs(offsets[key] - larger_offsets[key]) < 1e-9 for key in larger_offsets)
        )

    def _fits_curve(self, base: Any, slopes: Any) -> bool:
        """Whether it is the curve of the larger model with some coefficients at fixed values."""
        parts, larger_part = [self.parts[k] for k in self.moving], self.larger_part
        if len(parts) != 1 or parts[0].curve is None or larger_part.curve is None:
            return False
        unchanged = abs(base) < 1e-9 and abs(slopes[self.moving[0]] - 1) < 1e-9
        return (
            unchanged and (parts[0].offsets or {}) == (larger_part.offsets or {}) and larger_part.curve.contains(parts[0].curve)
        )
