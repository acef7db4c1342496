"""How the reference fits of the catalogue translate: our law, its parameters behind their components, their constants."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from _reference import design, numbers

from sk_mle import MLERegressor
from sk_mle.likelihoods import (
    AsymmetricLaplace,
    BetaBinomial,
    Binomial,
    BoxCoxColeGreen,
    Censored,
    Exponential,
    Gamma,
    GeneralizedExtremeValue,
    GeneralizedGamma,
    GeneralizedPareto,
    GeneralizedPoisson,
    Geometric,
    Gompertz,
    Gumbel,
    GumbelMin,
    Hurdle,
    InverseGaussian,
    Logistic,
    LogLogistic,
    LogNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    PoissonInverseGaussian,
    SkewNormal,
    SkewT,
    StudentT,
    Truncated,
    Tweedie,
    VonMises,
    Weibull,
    ZeroInflated,
)
from sk_mle.likelihoods._fallbacks.facts import modelled


class Case(NamedTuple):
    """One family of reference fits."""

    law: Any  # of the fixture's "likelihood" entry
    linear: dict  # their component on a linear predictor -> our parameter, and the factor from ours to theirs
    natural: dict = {}  # their component that is a number, or its name -> a function of our natural parameters


def aft(law, **natural):
    """Accelerated failure times: log T = X b + scale * W, where our law has scale exp(X b) and shape 1 / scale."""
    return Case(lambda said: Censored(law), {"loc": ("scale", 1.0)}, natural or {"scale": lambda p: 1 / p["shape"]})


def line(law, **natural):
    return Case(
        law,
        {"loc": ("loc", 1.0), "log_scale": ("scale", 1.0)},
        {"scale": lambda p: p["scale"], "sigma": lambda p: p["scale"], **natural},
    )


def size(p):
    return 1 / p["dispersion"]


def scale(p):
    return p["scale"]


CASES = {
    "asymmetric_laplace": line(lambda said: AsymmetricLaplace(quantile=said["tau"]), scale_s=lambda p: p["scale"]),
    "bccg": Case(
        lambda said: BoxCoxColeGreen(links={"loc": said["links"]["mu"]}),
        {"mu": ("loc", 1.0), "sigma": ("scale", 1.0), "nu": ("nu", 1.0)},
    ),
    "betabinomial": Case(lambda said: BetaBinomial(), {"loc": ("mean", 1.0), "log_phi": ("precision", 1.0)}),
    "binomial": Case(lambda said: Binomial(links={"prob": said["links"]["loc"]}), {"loc": ("prob", 1.0)}),
    "exponential_cens": Case(lambda said: Censored(Exponential()), {"loc": ("mean", 1.0)}),
    "gamma_cens": Case(
        lambda said: Censored(Gamma()),
        {},
        {
            "shape": lambda p: np.log(p["shape"]),
            "rate": lambda p: np.log(p["shape"]) - p["intercept"],
            "slopes": lambda p: -p["coef"],
        },
    ),
    "gengamma_cens": Case(
        lambda said: Censored(GeneralizedGamma()),
        {},
        {
            "mu": lambda p: p["intercept"],
            "sigma": lambda p: np.log(p["scale"]),
            "Q": lambda p: p["shape"],
            "slopes": lambda p: p["coef"],
        },
    ),
    "gompertz_cens": Case(
        lambda said: Censored(Gompertz()),
        {},
        {"shape": lambda p: p["shape"], "rate": lambda p: p["intercept"], "slopes": lambda p: p["coef"]},
    ),
    "genpoisson": Case(lambda said: GeneralizedPoisson(), {"loc": ("mean", 1.0), "log_phi": ("dispersion", 2.0)}),
    "geometric": Case(lambda said: Geometric(), {"loc": ("prob", -1.0)}),
    "gev": line(lambda said: GeneralizedExtremeValue(), shape=lambda p: p["shape"]),
    "gpd": Case(lambda said: GeneralizedPareto(), {}, {"scale": lambda p: p["scale"], "shape": lambda p: p["shape"]}),
    "gpd_reg": Case(lambda said: GeneralizedPareto(), {"log_scale": ("scale", 1.0)}, {"shape": lambda p: p["shape"]}),
    "gumbel_max": line(lambda said: Gumbel()),
    "gumbel_min_cens": line(lambda said: Censored(GumbelMin())),
    "hurdle_negbin": Case(
        lambda said: Hurdle(NegativeBinomial()), {"count": ("mean", 1.0), "zero": ("zero", -1.0)}, {"theta": size}
    ),
    "hurdle_poisson": Case(lambda said: Hurdle(Poisson()), {"count": ("mean", 1.0), "zero": ("zero", -1.0)}),
    "inverse_gaussian": Case(lambda said: InverseGaussian(), {"loc": ("mean", 1.0)}, {"lambda": lambda p: p["shape"]}),
    "logistic_cens": line(lambda said: Censored(Logistic())),
    "logistic_cens_het": line(lambda said: Censored(Logistic())),
    "logistic_het": line(lambda said: Logistic()),
    "logistic_trunc_het": line(lambda said: Truncated(Logistic(), low=said["trunc_lower"])),
    "loglogistic_cens": aft(LogLogistic()),
    "lognormal_cens": line(lambda said: Censored(LogNormal())),
    "negbin1": Case(lambda said: NegativeBinomial(power=1.0), {"loc": ("mean", 1.0), "log_phi": ("dispersion", 1.0)}),
    "normal_cens": line(lambda said: Censored(Normal())),
    "normal_cens_het": line(lambda said: Censored(Normal())),
    "normal_trunc_het": line(lambda said: Truncated(Normal(), low=said["trunc_lower"])),
    "pig": Case(lambda said: PoissonInverseGaussian(), {"mu": ("mean", 1.0), "sigma": ("dispersion", 1.0)}),
    "skew_normal": line(lambda said: SkewNormal(), omega=lambda p: p["scale"], alpha=lambda p: p["shape"]),
    "skew_t": line(lambda said: SkewT(), omega=lambda p: p["scale"], alpha=lambda p: p["shape"], nu=lambda p: p["df"]),
    "student_t_cens_het": line(lambda said: Censored(StudentT(df=said["df_fixed"]))),
    "truncnorm": line(lambda said: Truncated(Normal(), low=said["trunc_lower"])),
    "tweedie": Case(
        lambda said: Tweedie(power=said.get("power_fixed")),
        {"loc": ("mean", 1.0)},
        {"phi": lambda p: p["dispersion"], "power": lambda p: p["power"]},
    ),
    "vonmises": Case(lambda said: VonMises(), {}, {"mu": lambda p: p["loc"], "kappa": lambda p: p["concentration"]}),
    "weibull_cens": aft(Weibull()),
    "zaga": Case(
        lambda said: Hurdle(Gamma()),
        {"mu": ("mean", 1.0), "sigma": ("shape", -0.5), "nu": ("zero", 1.0)},
    ),
    "zinb": Case(
        lambda said: ZeroInflated(NegativeBinomial()), {"count": ("mean", 1.0), "zero": ("inflation", 1.0)}, {"theta": size}
    ),
    "zip": Case(lambda said: ZeroInflated(Poisson()), {"count": ("mean", 1.0), "zero": ("inflation", 1.0)}),
    "ztnb": Case(lambda said: Truncated(NegativeBinomial(), low=0), {"count": ("mean", 1.0)}, {"theta": size}),
    "ztp": Case(lambda said: Truncated(Poisson(), low=0), {"count": ("mean", 1.0)}),
}


def target(data):
    """y, or the ends of the intervals in which it is known to lie, or successes and trials."""
    if "lower" in data:
        low, high = numbers(data["lower"]), numbers(data["upper"])
        return np.column_stack([np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)])
    y = np.array(data["y"], float)
    return np.column_stack([y, numbers(data["trials"])]) if "trials" in data else y


def fit(fixture):
    """Our estimator with default settings, and its estimates in the order of the reference's parameters."""
    said, data = fixture["likelihood"], fixture["data"]
    case = CASES[said["name"]]
    law = case.law(said)
    blocks, predictors, constants = [], {}, {}
    for component in fixture["designs"]:
        if not fixture["designs"][component].get("X", True):  # no column at all
            continue
        X, constants[component] = design(fixture, component)
        parameter = case.linear.get(component, (modelled(law)[0], 1.0))[0]
        start = sum(block.shape[1] for block in blocks)
        predictors[parameter] = list(range(start, start + X.shape[1]))
        blocks.append(X)
    X = np.hstack(blocks) if blocks and sum(b.shape[1] for b in blocks) else np.zeros((len(target(data)), 1))
    model = MLERegressor(law, predictors=predictors or {modelled(law)[0]: "intercept"}, fit_intercept=True)
    model.fit(X, target(data), sample_weight=data.get("weights"))
    first = modelled(law)[0]
    natural = {name: value[0] for name, value in model.predict_params(X[:1]).items()}
    natural |= {"coef": model.coefs_[first], "intercept": model.intercepts_[first]}
    found = []
    for component in dict.fromkeys(p["component"] for p in fixture["reference"]["params"]):
        names = [p["name"] for p in fixture["reference"]["params"] if p["component"] == component]
        if component == "native":
            slopes = iter(case.natural["slopes"](natural))
            found += [case.natural[n](natural) if n in case.natural else next(slopes) for n in names]
        elif component in case.linear and (component in fixture["designs"] or component not in case.natural):
            parameter, factor = case.linear[component]
            coef, at = model.coefs_[parameter], constants.get(component, 0)
            found += list(factor * (coef if at is None else np.insert(coef, at, model.intercepts_[parameter])))
        else:
            found.append(case.natural[component](natural))
    return model, np.array(found, float)
