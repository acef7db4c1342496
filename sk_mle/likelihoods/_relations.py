"""What laws say of themselves for comparisons and searches: which others they become, and when they are worth a try."""

from __future__ import annotations

from typing import Any, ClassVar


class Relations:
    """Declarations that `sk_mle.selection` reads; a law of a user may say them as well.

    Attributes
    ----------
    limits : dict of str to dict
        Laws that this one becomes, by their class name, with the values of our parameters there: a number, inside the domain or
        at an edge of it; the name of the other law's parameter; or a function of its parameters, by their names. A parameter
        that is not listed is the other law's of the same name; where that has none, the law no longer depends on it.
        ``{"Poisson": {"dispersion": 0.0}}``; "law" stands for the law inside a wrapper.
    singular : tuple of str
        Parameters at whose value in `limits` the information is singular. The likelihood-ratio statistic of such a parameter
        alone still has the usual law, as the skewness is an odd power of it (Rotnitzky, Cox, Bottai, Robins, 2000,
        doi:10.2307/3318589); with other restrictions beside it, none is known.
    irregular : str
        Why tests against this law are never regular; empty for most.
    grouped : bool
        Whether `loglik` is of the probability of an interval, also where the law inside has a density.
    searched : bool
        Whether `LikelihoodSearch` tries the law without being told to.
    """

    limits: ClassVar[Any] = {}
    singular: ClassVar[tuple[str, ...]] = ()
    irregular: ClassVar[str] = ""
    grouped: ClassVar[bool] = False
    searched: ClassVar[bool] = True
