"""One parameter of a law, as the law declares it and its constructor's arguments complete it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

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
        Of given values, if more are defined than can be estimated: ``df = inf`` of Student's law.
    intercept : bool
        Whether its linear predictor has an intercept; False if other parameters hold the constant already.
    on_all_columns : bool
        Whether it is modelled on all columns unless the user says otherwise.
    location : bool or None
        Whether it is in the unit of y, so that its scale is unknown and differences may take steps of any length; None: if its
        link reaches all real numbers.
    basis : ndarray of shape (K, k) or None
        Orthonormal basis of the identified directions of a vector parameter. None: a scalar.
    ratio : str
        What the exponential of a coefficient is, such as "odds ratio of a higher class"; by default the ratio that the link
        makes of it.
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
    ratio: str = ""
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

    def admits(self, values: Any) -> np.ndarray:
        """True for each given value for which the law is defined."""
        values, inside = np.asarray(values), self.domain.contains(values)
        if self.allowed is None:
            return inside
        low, high = self.allowed.closed
        ends = (low & (values == self.allowed.low)) | (high & (values == self.allowed.high))
        return inside | self.allowed.contains(values) | ends

    @property
    def stays_inside(self) -> bool:
        """Whether every linear predictor gives a value inside the domain."""
        return self.domain.includes(self.link.range)

    def completed(self, name: str, link: str | Link | None, value: float | str | None) -> Parameter:
        """The parameter with the constructor's link and value; ValueError for a link that does not map to the domain."""
        link = self.link if link is None else check_link(link, self.domain, name)
        return replace(self, link=link, value=value)


@lru_cache(maxsize=1024)
def declared(entry: Domain | Parameter, first: bool) -> Parameter:
    """The Parameter of an entry of a law's `parameters`, its defaults filled in; `first` marks the first entry."""
    parameter = entry if isinstance(entry, Parameter) else Parameter(entry)
    link = default_link(parameter.domain) if parameter.link is None else parameter.link
    location = link.range == REAL if parameter.location is None else parameter.location
    return replace(parameter, link=link, location=location, on_all_columns=first)
