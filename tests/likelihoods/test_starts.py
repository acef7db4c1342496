"""Starting values come close to the maximum: a formula with a wrong sign or factor in them costs steps, and no fit shows it."""

from __future__ import annotations

import numpy as np
import pytest
from _laws import example, repeated, sized

from sk_mle.likelihoods import (
    LAWS,
    Beta,
    BetaBinomial,
    Censored,
    Gamma,
    Hurdle,
    NegativeBinomial,
    Normal,
    Poisson,
    Rounded,
    Transformed,
    Truncated,
    VonMises,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
)
from sk_mle.likelihoods._fallbacks.facts import overrides

N = 1500
CLOSE = 0.01  # log-likelihood of a row, on average, by which a start may fall short of the truth
ROUGH = {  # starts that are meant to be no more than inside
    "ExponentiallyModifiedNormal": 0.15,
    "Gompertz": 0.1,
    "JohnsonSU": 0.15,
    "SinhArcsinh": 0.15,
    "SkewNormal": 0.03,
    "SkewT": 0.6,
    "Dirichlet": 0.05,
}
WRAPPED = {
    ZeroInflated(Poisson()): 0.08,
    ZeroInflated(NegativeBinomial()): 0.03,
    Hurdle(Gamma()): CLOSE,
    Hurdle(Poisson()): 0.2,
    ZeroOneInflated(Beta()): CLOSE,
    Truncated(Normal(), low=-1.0, high=2.0): 0.2,
    Truncated(Gamma(), high=3.0): 0.15,
    Truncated(Poisson(), low=0): 0.3,
    Censored(Weibull()): 0.08,
    Censored(Normal()): 0.03,
    Rounded(Normal(), width=0.5): CLOSE,
    Transformed(Gamma(), "log"): CLOSE,
}
ALL = [(law(), ROUGH.get(law.__name__, CLOSE)) for law in LAWS.values()] + list(WRAPPED.items())


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize(("law", "most"), ALL, ids=lambda value: repr(value) if hasattr(value, "loglik") else "")
def test_starts_are_close(law, most, seed):
    """With weights, which are numbers of copies."""
    law, rng = sized(law), np.random.default_rng(seed)
    theta = example(law, seed)
    weight = rng.integers(0, 3, N).astype(float)
    y = law.rvs(rng, (N,), **repeated(theta, N))
    found = {name: np.asarray(value, float)[None] for name, value in law.start(y, weight).items() if name in law.layout.free}
    assert set(found) == set(law.layout.free)
    at_truth, at_start = (law.loglik(y, **repeated({**theta, **values}, N)) for values in ({}, found))
    assert (weight @ (at_truth - at_start))[()] < most * weight.sum()


@pytest.mark.parametrize("law", [kind() for kind in LAWS.values() if overrides(kind(), "refine")], ids=repr)
def test_refined_constants_are_close(law):
    """The other parameters, once the first is modelled: as close as where it is a constant."""
    law, rng = sized(law), np.random.default_rng(5)
    first, weight = law.layout.free[0], rng.integers(0, 3, N).astype(float)
    theta = repeated(example(law, 3), N)
    link = law.layout[first].link
    theta[first] = link.inverse(link.link(theta[first]) + rng.normal(size=theta[first].shape))
    y = law.rvs(rng, (N,), **theta)
    rough = {name: repeated({name: np.asarray(value, float)[None]}, N)[name] for name, value in law.start(y, weight).items()}
    others = {name: value for name, value in rough.items() if name in law.layout.free and name != first}
    found = law.refine(y, weight, **{**theta, **others})
    assert found
    better = {name: np.broadcast_to(value, theta[name].shape) for name, value in found.items()}
    at_truth, refined = (law.loglik(y, **{**theta, **values}) for values in ({}, {**others, **better}))
    assert weight @ (at_truth - refined) < ROUGH.get(type(law).__name__, CLOSE) * weight.sum()


def test_starts_where_a_formula_has_nothing_to_divide():
    """Single trials tell nothing of the correlation between trials; angles at the cut are on both sides of it."""
    y = np.column_stack([np.arange(10) % 2, np.ones(10)])
    assert 0 < BetaBinomial().start(y, np.ones(10))["precision"] < np.inf
    found = VonMises().start(np.array([np.pi, -np.pi, np.pi]), np.ones(3))
    assert abs(VonMises().layout["loc"].link.link(found["loc"])) < 1e10
