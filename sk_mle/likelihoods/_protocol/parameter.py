"""The parameters of a law, as the law declares them and its constructor's arguments complete them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ...domains import REAL, Domain
from ...links import Identity, Link, check_link, default_link

BY_DOMAIN = Identity()  # stands for the default link of a parameter's domain
UP_TO_INFINITY = Domain(low=0.0, closed=(False, True))  # of given values: infinity is the law's limit


@dataclass(frozen=True, eq=False)  # equal if identical, as arrays have no truth value
class Parameter:
    """A parameter of a law. In a law's `parameters` a bare `Domain` stands for ``Parameter(domain)``.

    Attributes
    ----------
    domain : Domain
        Of estimated values.
    link : Link
        Between the parameter and its linear predictor; by default that of the domain.
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

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle.domains import POSITIVE
    >>> from sk_mle.likelihoods import Likelihood, Parameter
    >>> from sk_mle.links import Softplus
    >>> class Waiting(Likelihood):
    ...     parameters = {"mean": Parameter(POSITIVE, link=Softplus())}
    ...     support = POSITIVE
    ...     def __init__(self, *, mean=None, links=None):
    ...         self.mean, self.links = mean, links
    ...     def loglik(self, y, mean):
    ...         return -y / mean - np.log(mean)
    >>> Waiting().layout["mean"].link
    Softplus()
    """

    domain: Domain
    link: Link = BY_DOMAIN
    allowed: Domain | None = None
    intercept: bool = True
    on_all_columns: bool = False
    location: bool | None = None
    basis: np.ndarray | None = None
    ratio: str = ""
    labels: tuple = ()
    value: float | str | None = None

    def __post_init__(self) -> None:
        if self.link is None or self.link is BY_DOMAIN:
            object.__setattr__(self, "link", default_link(self.domain))

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
    def given(self) -> Domain:
        """The domain of given values."""
        return self.domain if self.allowed is None else self.allowed

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
    location = parameter.link.range == REAL if parameter.location is None else parameter.location
    return replace(parameter, location=location, on_all_columns=first)


class Parameters(dict[str, Parameter]):
    """All parameters of a law by name, in order, with the links and values of its constructor's arguments.

    Attributes
    ----------
    free : list of str
        Names of the parameters to estimate.
    fixed : dict of str to float
        Those given as numbers: the same in every row.
    known : dict of str to str
        Those given as the name of a column of X that holds their value in every row.
    """

    def __init__(self, entries: Mapping[str, Parameter]) -> None:
        super().__init__(entries)
        given = {name: parameter.value for name, parameter in entries.items() if parameter.value is not None}
        self.free = [name for name in entries if name not in given]
        self.known = {name: value for name, value in given.items() if isinstance(value, str)}
        self.fixed = {name: value for name, value in given.items() if name not in self.known}

    def changed(self, names: Iterable[str], **fields: Any) -> Parameters:
        """The same parameters, with other `fields` of some of them, if the law has these."""
        return Parameters({**self, **{name: replace(self[name], **fields) for name in names if name in self}})

    def theta(self, eta: dict) -> dict:
        """All parameters on the natural scale from linear predictors; `eta` has the values of the known ones too."""
        return self.with_given(eta, {name: self[name].link.inverse(eta[name]) for name in self.free})

    def with_given(self, eta: dict, values: dict) -> dict:
        """All parameters in order: `values` of the free ones, completed by the known and the fixed ones."""
        given = {**self.fixed, **{name: eta[name] for name in self.known}, **values}
        return {name: given.get(name) for name in self}

    def guarded(self, loglik: np.ndarray, params: dict) -> np.ndarray:
        """`loglik` with -inf where a link led outside a parameter's domain, so that a solver shortens its step."""
        for name in self._leaving:
            inside = self[name].domain.contains(params[name])
            if not np.all(inside):
                loglik = np.where(inside if np.ndim(inside) < 2 else np.all(inside, axis=-1), loglik, -np.inf)
        return loglik

    @cached_property
    def _leaving(self) -> list[str]:
        """Free parameters whose links may lead outside their domains."""
        return [name for name in self.free if not self[name].stays_inside]


@lru_cache(maxsize=256)
def parameters_with(entries: tuple[tuple[str, Parameter], ...]) -> Parameters:
    """The parameters of these entries, which laws of the same entries share: a fit asks for them several times."""
    return Parameters(dict(entries))


def completed(law: Any, names: Iterable[str]) -> dict[str, Parameter]:
    """Parameters of a law's declaration, completed by the arguments of its constructor; ValueError for a wrong link."""
    links, first = getattr(law, "links", None) or {}, next(iter(law.parameters))
    if not isinstance(links, Mapping):
        raise TypeError(f"links must be a dict of links by parameter, such as {{{first!r}: 'log'}}, got {links!r}")
    entries = {}
    for name in names:
        parameter = declared(law.parameters[name], name == first)
        link, value = links.get(name), getattr(law, name, None)
        entries[name] = parameter if link is None and value is None else parameter.completed(name, link, value)
    return entries
