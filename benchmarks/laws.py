"""Seconds of processor time that every law takes for 2,000 rows with parameters of their own.

    python benchmarks/laws.py                  # all laws and wrappers, a line each: about two minutes
    python benchmarks/laws.py Gamma Hurdle     # those whose name contains one of these
    python benchmarks/laws.py --compare        # `compare(cv=5)` of six laws of counts on 3,000 rows

Cells above `--limit` seconds (default 1) are listed at the end, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats

from sk_mle import MLERegressor, compare, from_scipy
from sk_mle.datasets import make_mle_regression
from sk_mle.likelihoods import (
    LAWS,
    Beta,
    BetaBinomial,
    Censored,
    ConwayMaxwellPoisson,
    Fixed,
    Gamma,
    GeneralizedExtremeValue,
    GeneralizedPoisson,
    Hurdle,
    InverseGaussian,
    Likelihood,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    PoissonInverseGaussian,
    Rounded,
    SkewT,
    StudentT,
    Transformed,
    Truncated,
    Tweedie,
    Weibull,
    YeoJohnson,
    ZeroInflated,
    ZeroOneInflated,
)
from sk_mle.metrics import crps

N_ROWS = 2000
CLASSES_AND_SEVERAL = ("bernoulli", "categorical", "dirichlet", "multinomial", "multivariate_normal", "ordinal")
SCIPY = ("gamma", "t", "burr12", "skewnorm", "exponnorm", "norminvgauss", "genhyperbolic", "nbinom", "skellam")
COUNTS = (Poisson(), NegativeBinomial(), ConwayMaxwellPoisson(), PoissonInverseGaussian())
METHODS = ("fit", "cdf", "ppf", "crps", "mean", "std", "interval", "rvs")


def mixed(one: Likelihood, other: Likelihood) -> Mixture:
    return Mixture([("one", one), ("other", other)])


def wrapped() -> list[Likelihood]:
    """Wrappers around cheap laws and dear ones."""
    censored = (Gamma(), StudentT(), Weibull(), GeneralizedExtremeValue(), InverseGaussian())
    return [
        *(Censored(inner) for inner in censored),
        *(Hurdle(inner) for inner in (*COUNTS, Gamma())),
        *(ZeroInflated(inner) for inner in (*COUNTS, BetaBinomial(trials=9))),
        *(Truncated(Normal(), low=-1.0), Truncated(Gamma(), high=8.0), Truncated(GeneralizedPoisson(), low=0)),
        *(mixed(Normal(), Normal()), mixed(Poisson(), Poisson()), mixed(SkewT(), Normal())),
        *(Rounded(Normal(), 0.5), Rounded(SkewT(), 0.5), Transformed(Normal(), YeoJohnson()), ZeroOneInflated(Beta())),
        *(Fixed(Tweedie(), {"power": 1.5}), Fixed(StudentT(), {"df": 3.0})),
    ]


def all_laws() -> dict[str, Likelihood]:
    """Every law of one number, wrappers, and some laws of scipy.stats, by what is printed."""
    plain = [law() for name, law in LAWS.items() if name not in CLASSES_AND_SEVERAL]
    plain = [law.set_params(trials=9) if "trials" in law.get_params() else law for law in plain]
    named = {" ".join(repr(law).split()): law for law in (*plain, *wrapped())}
    return named | {f"scipy {name}": from_scipy(getattr(stats, name)) for name in SCIPY}


def seconds(call: Callable) -> tuple[float, object]:
    """Processor time of a call, and its result; NaN and the message where it fails."""
    begin = time.process_time()
    try:
        result = call()
    except Exception as error:  # a line of the table, not the end of it
        return np.nan, f"{type(error).__name__}: {error}"
    return time.process_time() - begin, result


def measured(law: Likelihood) -> dict[str, float]:
    """Seconds of every method."""
    X, y, *_ = make_mle_regression(law, n_samples=N_ROWS, n_features=2, random_state=0)
    model = MLERegressor(law)
    took, fitted = seconds(lambda: model.fit(X, y))
    if isinstance(fitted, str):
        return {"fit": took}
    dist = model.predict_dist(X)
    value = np.asarray(dist.rvs(random_state=0))
    q = np.random.default_rng(0).uniform(size=N_ROWS)
    calls = {
        "cdf": lambda: dist.cdf(value),
        "ppf": lambda: dist.ppf(q),
        "crps": lambda: crps(value, dist),
        "mean": dist.mean,
        "std": dist.std,
        "interval": lambda: model.predict_interval(X),
        "rvs": lambda: dist.rvs(random_state=0),
    }
    return {"fit": took} | {name: seconds(call)[0] for name, call in calls.items()}


def compare_counts() -> None:
    """`compare` of laws of counts by five folds."""
    X, y, *_ = make_mle_regression(NegativeBinomial(), n_samples=3000, n_features=3, random_state=0)
    models = {repr(law): MLERegressor(law) for law in (*COUNTS, GeneralizedPoisson(), ZeroInflated(Poisson()))}
    took, table = seconds(lambda: compare(models, X, y, cv=5))
    print(table, f"{took:.2f} s", sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--limit", type=float, default=1.0)
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.compare:
        compare_counts()
        return 0
    slow = []
    print(f"{'':44}" + "".join(f"{name:>9}" for name in METHODS))
    for title, law in all_laws().items():
        if options.names and not any(name in title for name in options.names):
            continue
        times = measured(law)
        print(f"{title[:43]:44}" + "".join(f"{times.get(name, np.nan):9.3f}" for name in METHODS), flush=True)
        slow += [f"{title}.{name}: {value:.2f} s" for name, value in times.items() if not value <= options.limit]
    print(*(slow or [f"all below {options.limit:g} s"]), sep="\n")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
