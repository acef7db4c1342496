"""Link functions: `eta = link(theta)` is real, `theta = inverse(eta)` is a distribution's parameter.

One convention for every method that differentiates: it returns `(value, d1, d2)`, the value and its plain first and
second derivative with respect to `eta`, elementwise, as float64 of `eta`'s shape. The three may share memory with each
other and with `eta`: do not write into them. Nothing here warns: overflow gives inf, an `eta` without a `theta` gives
NaN.

Probabilities enter likelihoods as `log_inverse` and `log_complement`, never as `log(inverse(eta))`: for the links that
are distribution functions both keep full relative accuracy, value and derivatives, in both tails.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._utils.public import publish
from ..domains import CIRCLE, Domain
from ._base import Link
from ._cdf import Cauchit, CLogLog, Logit, LogLog, Probit, ScaledLogit
from ._plain import Identity, Inverse, InverseSquared, Log, Power, ShiftedLog, Softplus, Sqrt, TanHalf

__all__ = [
    "LINKS", "CLogLog", "Cauchit", "Identity", "Inverse", "InverseSquared", "Link", "Log", "LogLog", "Logit", "Power",
    "Probit", "ScaledLogit", "ShiftedLog", "Softplus", "Sqrt", "TanHalf", "check_link", "default_link", "get_link",
]  # fmt: skip


LINKS: dict[str, type[Link]] = {
    "identity": Identity,
    "log": Log,
    "softplus": Softplus,
    "logit": Logit,
    "probit": Probit,
    "cloglog": CLogLog,
    "loglog": LogLog,
    "cauchit": Cauchit,
    "sqrt": Sqrt,
    "tan_half": TanHalf,
    "inverse": Inverse,
    "inverse_squared": InverseSquared,
}


def get_link(link: Any) -> Link:
    """The link itself, or the one with that name in `LINKS`.

    Parameters
    ----------
    link : str or Link

    Returns
    -------
    Link

    Raises
    ------
    TypeError, ValueError
        For what is neither a link nor a name; for an unknown name.

    Examples
    --------
    >>> from sk_mle.links import get_link
    >>> get_link("log")
    Log()
    """
    if isinstance(link, Link):
        return link
    if not isinstance(link, str):
        raise TypeError(f"a link is an instance of Link or a name, got {link!r}")
    if link not in LINKS:
        raise ValueError(f"unknown link {link!r}; the names are {', '.join(LINKS)}")
    return LINKS[link]()


def default_link(domain: Domain) -> Link:
    """The link whose range is the interior of a domain.

    Parameters
    ----------
    domain : Domain

    Returns
    -------
    Link

    Examples
    --------
    >>> from sk_mle.domains import POSITIVE
    >>> from sk_mle.links import default_link
    >>> default_link(POSITIVE)
    Log()
    """
    low, high = domain.low, domain.high
    if low == -np.inf and high == np.inf:
        return Identity()
    if high == np.inf:
        return Log() if low == 0 else ShiftedLog(low)
    if (low, high) == (CIRCLE.low, CIRCLE.high):
        return TanHalf()
    if low > -np.inf:
        return Logit() if (low, high) == (0, 1) else ScaledLogit(low, high)
    raise ValueError(f"no default link for {domain}, which has only an upper end: model the negative, or pass a link")


def check_link(link: Any, domain: Domain, parameter: str) -> Link:
    """The link, if its range contains the parameter's domain or lies in it.

    Parameters
    ----------
    link : str or Link
    domain : Domain
    parameter : str
        Its name, for the message.

    Returns
    -------
    Link

    Raises
    ------
    ValueError
        For a link that suits the domain in neither way.

    Examples
    --------
    >>> from sk_mle.domains import POSITIVE
    >>> from sk_mle.links import check_link
    >>> check_link("sqrt", POSITIVE, "mean")
    Sqrt()
    """
    link = get_link(link)
    if link.range.includes(domain) or domain.includes(link.range):
        return link
    raise ValueError(
        f"link {link!r} does not suit parameter {parameter!r}: neither of its range {link.range} and the "
        f"domain {domain} contains the other"
    )


publish(globals())
