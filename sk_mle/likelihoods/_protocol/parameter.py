"""What a law says of one parameter: one object, declared by the law and completed by its constructor's arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ...domains import REAL, Domain
from ...links import Link, check_link, default_link

UP_TO_INFINITY = Domain(low=0.0, closed=(False, True))  # of given values: infinity is the law's limit


@dataclass(frozen=True)
class Parameter:
    """A parameter of a law. In a law's `parameters` a bare `Domain` stands for ``Parameter(domain)``.

    Attributes
    ----------
    domain : Domain
        Of estimated values.
    link : Link or None
        Between the parameter and its linear predictor; None: the default of the domain.
    allowed : Domain or None
        Of given values, where more than can be estimated are defined: ``df = inf`` of Student's law.
    intercept : bool
        Whether its linear predictor has an intercept; False where other parameters hold the constant already.
    on_all_columns : bool
        Whether it is modelled on all columns unless the user says otherwise.
    location : bool or None
        Whether it has the unit of y and none of its own, so that differences may take steps of any length; None: where its link
        reaches all real numbers.
    basis : ndarray of shape (K, k) or None
        Of a vector parameter: orthonormal basis of its identified directions. None: a scalar.
    labels : tuple
        Names of the entries of a vector parameter; by default 0..K-1.
    value : float, str or None
        None: estimated. A number: fixed. A name: the column of X that holds the value of every row.
    """

    domain: Domain
    link: Link = None  # type: ignore[assignment]  # filled in by the domain's default
    allowed: Domain | None = None
    intercept: bool = True
    on_all_columns: bool = False
    location: bool | None = None
    basis: np.ndarray | None = None
    labels: tuple = ()
    value: float | str | None = None

    @property
    def vector(self) -> bool:
        """Whether it has several entries in every row."""
        return self.basis is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value in one row: () for a scalar, (K,) for a vector."""
        return () if self.basis is None else (len(self.basis),)

    @property
    def entries(self) -> tuple:
        """Labels of the entries of a vector parameter."""
        return self.labels or tuple(range(*self.shape))

    def admits(self, values) -> np.ndarray:
        """True for each given value for which the law is defined."""
        values, found = np.asarray(values), self.domain.contains(values)
        if self.allowed is None:
            return found
        low, high = self.allowed.closed
        ends = (low & (values == self.allowed.low)) | (high & (values == self.allowed.high))
        return found | self.allowed.contains(values) | ends

    @property
    def stays_inside(self) -> bool:
        """Whether no linear predictor leads outside the domain."""
        return self.domain.includes(self.link.range)

    def completed(self, name: str, link, value) -> Parameter:
        """With the link and the value that a constructor was given; ValueError for a link that does not suit."""
        link = self.link if link is None else check_link(link, self.domain, name)
        return replace(self, link=link, value=value)


@lru_cache(maxsize=1024)
def declared(entry: Domain | Parameter, first: bool) -> Parameter:
    """An entry of a law's `parameters`, complete but for the constructor's arguments."""
    parameter = entry if isinstance(entry, Parameter) else Parameter(entry)
    link = default_link(parameter.domain) if parameter.link is None else parameter.link
    location = link.range == REAL if parameter.location is None else parameter.location
    return replace(parameter, link=link, location=location, on_all_columns=first)
