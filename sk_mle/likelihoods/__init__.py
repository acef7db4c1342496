"""The laws. Adding one touches its own file and one line here."""

from __future__ import annotations

import re
from contextlib import suppress
from difflib import get_close_matches

import numpy as np
from sklearn.base import clone

from ._algebra import Eval
from ._base import Likelihood
from ._parameter import Parameter
from ._transforms import Transform, YeoJohnson
from .asymmetric_laplace import AsymmetricLaplace
from .bernoulli import Bernoulli
from .beta import Beta
from .beta_binomial import BetaBinomial
from .binomial import Binomial
from .box_cox_cole_green import BoxCoxColeGreen
from .categorical import Categorical
from .cauchy import Cauchy
from .censored import Censored, censored
from .conway_maxwell_poisson import ConwayMaxwellPoisson
from .dirichlet import Dirichlet
from .exponential import Exponential
from .exponentially_modified_normal import ExponentiallyModifiedNormal
from .fixed import Fixed
from .from_scipy import from_scipy
from .gamma import Gamma
from .generalized_extreme_value import GeneralizedExtremeValue
from .generalized_gamma import GeneralizedGamma
from .generalized_normal import GeneralizedNormal
from .generalized_pareto import GeneralizedPareto
from .generalized_poisson import GeneralizedPoisson
from .geometric import Geometric
from .gompertz import Gompertz
from .gumbel import Gumbel
from .gumbel_min import GumbelMin
from .half_normal import HalfNormal
from .hurdle import Hurdle
from .inverse_gamma import InverseGamma
from .inverse_gaussian import InverseGaussian
from .johnson_su import JohnsonSU
from .kumaraswamy import Kumaraswamy
from .laplace import Laplace
from .log_logistic import LogLogistic
from .log_normal import LogNormal
from .logistic import Logistic
from .logit_normal import LogitNormal
from .lomax import Lomax
from .mixture import Mixture
from .multinomial import Multinomial
from .multivariate_normal import MultivariateNormal
from .negative_binomial import NegativeBinomial
from .normal import Normal
from .ordinal import Ordinal
from .poisson import Poisson
from .poisson_inverse_gaussian import PoissonInverseGaussian
from .rounded import Rounded
from .scipy_law import ScipyLaw
from .sinh_arcsinh import SinhArcsinh
from .skew_normal import SkewNormal
from .skew_t import SkewT
from .student_t import StudentT
from .transformed import Transformed
from .truncated import Truncated
from .tweedie import Tweedie
from .von_mises import VonMises
from .weibull import Weibull
from .zero_inflated import ZeroInflated
from .zero_one_inflated import ZeroOneInflated

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
    "ScipyLaw",
    "Transform",
    "YeoJohnson",
    "censored",
    "from_scipy",
    "get_likelihood",
    *(law.__name__ for law in LAWS.values()),
    *(law.__name__ for law in WRAPPERS.values()),
]


def get_likelihood(likelihood) -> Likelihood:
    """A law from an instance, from its name, such as ``"negative_binomial"``, or from a distribution of scipy.stats.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the names. For a distribution that cannot be fitted.
    TypeError
        For anything that is neither a name nor a Likelihood instance nor a distribution.
    """
    if isinstance(likelihood, str):
        if likelihood not in LAWS:
            plain = {name.replace("_", ""): name for name in LAWS}
            near = get_close_matches(re.sub(r"\W|_", "", likelihood.lower()), plain, n=1)
            guess = f" (did you mean {plain[near[0]]!r}?)" if near else ""
            raise ValueError(f"likelihood={likelihood!r} is unknown{guess}; the names are {sorted(LAWS)}")
        return LAWS[likelihood]()
    if hasattr(likelihood, "logpdf") or hasattr(likelihood, "logpmf"):
        return from_scipy(likelihood)
    if not isinstance(likelihood, Likelihood):
        hint = " (write an instance: add parentheses)" if isinstance(likelihood, type) else ""
        raise TypeError(f"likelihood must be a name or a Likelihood instance, got {likelihood!r}{hint}")
    return likelihood


def alternatives(law, y) -> list[str]:
    """Code of laws that take a y which `law` does not: the same beside the points that it lacks, and those of that support."""
    values = y[np.isfinite(y)]
    options = {} if {0, 1} <= set(values.tolist()) else {"zero": 0} if (values == 1).any() else {"one": 0}
    said = "".join(f", {name}={value}" for name, value in options.items())
    inner, found = getattr(law, "law", None), []
    for wrapper, chosen, text in ((ZeroOneInflated, options, said), (Hurdle, {}, "")):
        found.append((f"{wrapper.__name__}({law.code}{text})", lambda law, w=wrapper, o=chosen: w(law, **o)))
        if isinstance(inner, Likelihood):
            code = law.code.replace(inner.code, f"{wrapper.__name__}({inner.code}{text})")
            found.append((code, lambda law, w=wrapper, o=chosen: clone(law).set_params(law=w(law.law, **o))))
    names = _narrowest(values)
    names = names if y.ndim == 1 else [f"{law.title}({name}())" for name in names]
    for code, made in found:
        with suppress(TypeError, ValueError):
            candidate = made(law)
            candidate.check()
            if candidate.inside(y).all():
                return [code, *names]
    return names


def _narrowest(y) -> list[str]:
    """Names of the shipped laws of one number that take y, without those that take much more."""
    whole = bool((y == np.floor(y)).all())
    found = [
        law
        for law in (kind() for kind in LAWS.values())
        if not law.classes and not law.multivariate and law.predictive is law
        if law.support.contains(y).all() and (whole or not law.support.integer)
    ]
    positive = [law for law in found if law.support.low >= 0]
    unit = [law for law in positive if law.support.high == 1]
    return [law.title for law in unit or positive or found]
