"""The laws. Adding one takes an import and an entry of `LAWS` here; CONTRIBUTING.md has the other steps."""

from __future__ import annotations

import re
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import numpy as np

from .._utils.public import publish
from ._classes.bernoulli import Bernoulli
from ._classes.categorical import Categorical
from ._classes.ordinal import Ordinal
from ._continuous.asymmetric_laplace import AsymmetricLaplace
from ._continuous.beta import Beta
from ._continuous.box_cox_cole_green import BoxCoxColeGreen
from ._continuous.cauchy import Cauchy
from ._continuous.exponential import Exponential
from ._continuous.exponentially_modified_normal import ExponentiallyModifiedNormal
from ._continuous.gamma import Gamma
from ._continuous.generalized_extreme_value import GeneralizedExtremeValue
from ._continuous.generalized_gamma import GeneralizedGamma
from ._continuous.generalized_normal import GeneralizedNormal
from ._continuous.generalized_pareto import GeneralizedPareto
from ._continuous.gompertz import Gompertz
from ._continuous.gumbel import Gumbel
from ._continuous.gumbel_min import GumbelMin
from ._continuous.half_normal import HalfNormal
from ._continuous.inverse_gamma import InverseGamma
from ._continuous.inverse_gaussian import InverseGaussian
from ._continuous.johnson_su import JohnsonSU
from ._continuous.kumaraswamy import Kumaraswamy
from ._continuous.laplace import Laplace
from ._continuous.log_logistic import LogLogistic
from ._continuous.log_normal import LogNormal
from ._continuous.logistic import Logistic
from ._continuous.logit_normal import LogitNormal
from ._continuous.lomax import Lomax
from ._continuous.normal import Normal
from ._continuous.sinh_arcsinh import SinhArcsinh
from ._continuous.skew_normal import SkewNormal
from ._continuous.skew_t import SkewT
from ._continuous.student_t import StudentT
from ._continuous.tweedie import Tweedie
from ._continuous.von_mises import VonMises
from ._continuous.weibull import Weibull
from ._counts.beta_binomial import BetaBinomial
from ._counts.binomial import Binomial
from ._counts.conway_maxwell_poisson import ConwayMaxwellPoisson
from ._counts.generalized_poisson import GeneralizedPoisson
from ._counts.geometric import Geometric
from ._counts.negative_binomial import NegativeBinomial
from ._counts.poisson import Poisson
from ._counts.poisson_inverse_gaussian import PoissonInverseGaussian
from ._fallbacks.algebra import Eval
from ._fallbacks.facts import code, resolved, title
from ._multivariate.dirichlet import Dirichlet
from ._multivariate.multinomial import Multinomial
from ._multivariate.multivariate_normal import MultivariateNormal
from ._protocol.base import Likelihood
from ._protocol.parameter import Parameter
from ._protocol.relations import Relations
from ._scipy.from_scipy import from_scipy
from ._scipy.scipy_law import ScipyLaw
from ._wrappers.censored import Censored, censored
from ._wrappers.fixed import Fixed
from ._wrappers.hurdle import Hurdle
from ._wrappers.mixture import Mixture
from ._wrappers.rounded import Rounded
from ._wrappers.transformed import Transformed
from ._wrappers.transforms import Transform, YeoJohnson
from ._wrappers.truncated import Truncated
from ._wrappers.wrapper import Wrapper
from ._wrappers.zero_inflated import ZeroInflated
from ._wrappers.zero_one_inflated import ZeroOneInflated

LAWS: dict[str, type[Likelihood]] = {
    "asymmetric_laplace": AsymmetricLaplace,
    "bernoulli": Bernoulli,
    "beta": Beta,
    "beta_binomial": BetaBinomial,
    "binomial": Binomial,
    "box_cox_cole_green": BoxCoxColeGreen,
    "categorical": Categorical,
    "cauchy": Cauchy,
    "conway_maxwell_poisson": ConwayMaxwellPoisson,
    "dirichlet": Dirichlet,
    "exponential": Exponential,
    "exponentially_modified_normal": ExponentiallyModifiedNormal,
    "gamma": Gamma,
    "generalized_extreme_value": GeneralizedExtremeValue,
    "generalized_gamma": GeneralizedGamma,
    "generalized_normal": GeneralizedNormal,
    "generalized_pareto": GeneralizedPareto,
    "generalized_poisson": GeneralizedPoisson,
    "geometric": Geometric,
    "gompertz": Gompertz,
    "gumbel": Gumbel,
    "gumbel_min": GumbelMin,
    "half_normal": HalfNormal,
    "inverse_gamma": InverseGamma,
    "inverse_gaussian": InverseGaussian,
    "johnson_su": JohnsonSU,
    "kumaraswamy": Kumaraswamy,
    "laplace": Laplace,
    "log_logistic": LogLogistic,
    "log_normal": LogNormal,
    "logistic": Logistic,
    "logit_normal": LogitNormal,
    "lomax": Lomax,
    "multinomial": Multinomial,
    "multivariate_normal": MultivariateNormal,
    "negative_binomial": NegativeBinomial,
    "normal": Normal,
    "ordinal": Ordinal,
    "poisson": Poisson,
    "poisson_inverse_gaussian": PoissonInverseGaussian,
    "sinh_arcsinh": SinhArcsinh,
    "skew_normal": SkewNormal,
    "skew_t": SkewT,
    "student_t": StudentT,
    "tweedie": Tweedie,
    "von_mises": VonMises,
    "weibull": Weibull,
}

WRAPPERS: dict[str, type[Likelihood]] = {
    "censored": Censored,
    "fixed": Fixed,
    "hurdle": Hurdle,
    "mixture": Mixture,
    "rounded": Rounded,
    "transformed": Transformed,
    "truncated": Truncated,
    "zero_inflated": ZeroInflated,
    "zero_one_inflated": ZeroOneInflated,
}

__all__ = [
    "Eval",
    "Likelihood",
    "Parameter",
    "Relations",
    "ScipyLaw",
    "Transform",
    "YeoJohnson",
    "censored",
    "from_scipy",
    "get_likelihood",
    *(law.__name__ for law in LAWS.values()),
    *(law.__name__ for law in WRAPPERS.values()),
]


def get_likelihood(likelihood: Any) -> Likelihood:
    """A law from an instance, from its name, such as ``"negative_binomial"``, or from a distribution of scipy.stats.

    Parameters
    ----------
    likelihood : Likelihood, str, or distribution of scipy.stats

    Returns
    -------
    Likelihood

    Raises
    ------
    ValueError
        For an unknown name; the message lists the names. For a distribution that cannot be fitted.
    TypeError
        For anything that is neither a name nor a Likelihood instance nor a distribution.

    Examples
    --------
    >>> from sk_mle.likelihoods import get_likelihood
    >>> get_likelihood("negative_binomial")
    NegativeBinomial()
    """
    if isinstance(likelihood, str):
        if likelihood not in LAWS:
            plain = {name.replace("_", ""): name for name in LAWS}
            near = get_close_matches(re.sub(r"\W|_", "", likelihood.lower()), plain, n=1)
            guess = f" (did you mean {plain[near[0]]!r}?)" if near else ""
            raise ValueError(f"likelihood={likelihood!r} is unknown{guess}; the names are {sorted(LAWS)}")
        return LAWS[likelihood]()
    if not isinstance(likelihood, Likelihood) and (hasattr(likelihood, "logpdf") or hasattr(likelihood, "logpmf")):
        return from_scipy(likelihood)
    if not isinstance(likelihood, Likelihood):
        hint = " (write an instance: add parentheses)" if isinstance(likelihood, type) else ""
        raise TypeError(f"likelihood must be a name or a Likelihood instance, got {likelihood!r}{hint}")
    return likelihood


def alternatives(law: Likelihood, y: np.ndarray) -> list[str]:
    """Code of laws that take a y which `law` does not: the same beside the points that it lacks, and those of that support."""
    values = y[np.isfinite(y)]
    options = {} if {0, 1} <= set(values.tolist()) else {"zero": 0} if (values == 1).any() else {"one": 0}
    said = "".join(f", {name}={value}" for name, value in options.items())
    law = resolved(law)
    inner, found = [child.law for child in law.children] if isinstance(law, Wrapper) else [], []
    for wrapper, chosen, text in ((ZeroOneInflated, options, said), (Hurdle, {}, "")):
        found.append((f"{wrapper.__name__}({code(law)}{text})", lambda law, w=wrapper, o=chosen: w(law, **o)))
        for one in inner:
            whole = code(law).replace(code(one), f"{wrapper.__name__}({code(one)}{text})")
            found.append((whole, lambda law, w=wrapper, o=chosen: law.with_children([w(law.law, **o)])))
    names = _narrowest(values)
    names = names if y.ndim == 1 else [f"{title(law)}({name}())" for name in names]
    for written, made in found:
        with suppress(TypeError, ValueError):
            candidate = made(law)
            candidate.check()
            if candidate.inside(y).all():
                return [written, *names]
    return names


def _narrowest(y: np.ndarray) -> list[str]:
    """Names of the shipped laws of one number that take y, without those that take much more."""
    whole = bool((y == np.floor(y)).all())
    found = [
        law
        for law in (kind() for kind in LAWS.values())
        if law.target_type == "number" and law.predictive is law
        if law.support.contains(y).all() and (whole or not law.support.integer)
    ]
    positive = [law for law in found if law.support.low >= 0]
    unit = [law for law in positive if law.support.high == 1]
    return [title(law) for law in unit or positive or found]


publish(globals())
