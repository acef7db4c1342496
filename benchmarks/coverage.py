"""How often 95% intervals cover: simulations of Wald, profile, sandwich and predictive intervals.

    python benchmarks/coverage.py                        # about 10 minutes on two cores
    python benchmarks/coverage.py --samples 100 --quick  # n = 200 only

Each line is a law and a number of rows; its figures are percentages over `--samples` simulated data sets, with the binomial
standard error of a single figure in the last column. "worst" is the coefficient furthest from the nominal level.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import numpy as np
from joblib import Parallel, delayed

from sk_mle import MLEClassifier, MLERegressor
from sk_mle._utils.tables import Table
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import (
    AsymmetricLaplace,
    Bernoulli,
    Beta,
    Censored,
    Gamma,
    Laplace,
    Likelihood,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Weibull,
    ZeroInflated,
)

LEVEL = 0.95


class UserGumbel(Likelihood):
    """What a user writes: a density."""

    parameters = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    def loglik(self, y, loc, scale):
        z = (y - loc) / scale
        return -z - np.exp(-z) - np.log(scale)


SLOPES = np.array([0.5, -0.3])
CASES = {  # label: law, intercepts, predictors of further parameters with their slopes
    "Normal": (Normal(), {"loc": 1.0, "scale": 0.0}, {}),
    "Normal, scale on X": (Normal(), {"loc": 1.0, "scale": 0.0}, {"scale": SLOPES}),
    "StudentT, df estimated": (StudentT(), {"loc": 1.0, "scale": 0.0, "df": np.log(4.0)}, {}),
    "Gamma": (Gamma(), {"mean": 1.0, "shape": np.log(2.0)}, {}),
    "Beta, precision on X": (Beta(), {"mean": 0.5, "precision": 2.0}, {"precision": SLOPES}),
    "Bernoulli": (Bernoulli(), {"prob": -0.5}, {}),
    "Poisson": (Poisson(), {"mean": 0.5}, {}),
    "NegativeBinomial": (NegativeBinomial(), {"mean": 1.0, "dispersion": np.log(0.7)}, {}),
    "ZeroInflated(Poisson)": (ZeroInflated(Poisson()), {"mean": 1.0, "inflation": -0.5}, {"inflation": SLOPES}),
    "Censored(Weibull)": (Censored(Weibull()), {"scale": 1.0, "shape": np.log(1.5)}, {}),
    "Laplace": (Laplace(), {"loc": 1.0, "scale": 0.0}, {}),
    "AsymmetricLaplace, quantile 0.9": (AsymmetricLaplace(quantile=0.9), {"loc": 1.0, "scale": 0.0}, {}),
    "AsymmetricLaplace": (AsymmetricLaplace(quantile=None), {"loc": 1.0, "scale": 0.0, "quantile": np.log(9.0)}, {}),
    "user's Gumbel, density alone": (UserGumbel(), {"loc": 1.0, "scale": 0.0}, {}),
}


def one(label, n, seed, profile):
    """Which coefficients Wald and profile intervals cover, and the share of new observations in a 90% interval."""
    law, intercepts, more = CASES[label]
    first = law.layout.free[0]
    coefs = {first: SLOPES, **more}
    X, y, coefs, intercepts = make_mle_regression(law, n, 2, coefs=coefs, intercepts=intercepts, random_state=seed)
    estimator = MLEClassifier if law.target_type == "classes" else MLERegressor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = estimator(law, predictors=dict.fromkeys(more, "all")).fit(X, y)
    try:
        inference = model.inference(X, y)
        truth = inference.layout.flatten({name: coefs[name][: len(model.predictors_[name])] for name in coefs}, intercepts)
        wald = inference.conf_int(LEVEL)
        ends = inference.conf_int(LEVEL, "profile", X, y) if profile and law.smooth else wald  # kinks have no profile
    except ValueError:
        return None
    if law.target_type == "classes" or law.support.integer or seed % 10:  # costly, and 200 new rows tell much
        return [(e[:, 0] <= truth) & (truth <= e[:, 1]) for e in (wald, ends)], np.nan, inference.names
    new = make_mle_regression(law.predictive, 200, 2, coefs=coefs, intercepts=intercepts, random_state=seed + 10**6)
    low, high = inference.predict_interval(new.X, 0.9, n_draws=100, random_state=seed).T
    inside = np.mean((low <= new.y) & (new.y <= high))
    return [(e[:, 0] <= truth) & (truth <= e[:, 1]) for e in (wald, ends)], inside, inference.names


def wrong_variance(n, seed):
    """Coverage of the slope by model-based and sandwich intervals where the noise grows with x but is taken as constant."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 1 + 0.5 * x + (0.3 + np.abs(x)) * rng.normal(size=n)
    model = MLERegressor().fit(x[:, None], y)
    ends = [model.inference(x[:, None], y, cov=cov).conf_int(LEVEL)[1] for cov in ("observed", "HC1")]
    return [low <= 0.5 <= high for low, high in ends]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    run, error = Parallel(n_jobs=chosen.jobs), 100 * np.sqrt(LEVEL * (1 - LEVEL) / chosen.samples)
    rows, index = [], []
    for label in CASES:
        for n in (200,) if chosen.quick else (200, 2000):
            found = run(delayed(one)(label, n, seed, True) for seed in range(chosen.samples))
            kept = [result for result in found if result is not None]
            wald, profile = (100 * np.mean([result[0][k] for result in kept], axis=0) for k in (0, 1))
            worst = [kept[0][2][np.argmax(np.abs(c - 100 * LEVEL))] for c in (wald, profile)]
            ends = [c[np.argmax(np.abs(c - 100 * LEVEL))] for c in (wald, profile)]
            shares = [result[1] for result in kept if result[1] == result[1]]
            inside = 100 * np.mean(shares) if shares else np.nan
            rows.append([wald.mean(), f"{ends[0]:.1f} {worst[0]}", profile.mean(), f"{ends[1]:.1f} {worst[1]}", inside])
            rows[-1] += [len(found) - len(kept), error]
            index.append(f"{label}, n = {n}")
            print(index[-1], f"Wald {wald.mean():.1f} profile {profile.mean():.1f}", file=sys.stderr, flush=True)
    names = ["Wald", "worst", "profile", "worst ", "90% prediction", "no maximum", "+-"]
    table = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    plain = {
        name: (lambda value: "" if value != value else f"{value:.1f}") for name in ("Wald", "profile", "90% prediction", "+-")
    }
    print(Table(table, index, title=f"Coverage of 95% intervals, {chosen.samples} samples", formats=plain))
    for n in (200, 2000):
        share = 100 * np.mean(run(delayed(wrong_variance)(n, seed) for seed in range(4 * chosen.samples)), axis=0)
        print(
            f"noise that grows with x, n = {n}: observed information {share[0]:.1f}%, HC1 {share[1]:.1f}% (+- {error / 2:.1f})"
        )


if __name__ == "__main__":
    main()
