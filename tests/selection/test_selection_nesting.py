"""Which models lie in which: declared limits of laws, columns, links, offsets, wrappers and what surrounds an estimator."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_mle import MLEClassifier, MLEDensity, MLERegressor
from sk_mle import likelihoods as L
from sk_mle.likelihoods import LAWS
from sk_mle.selection import Nesting, nested
from sk_mle.selection._reductions import reductions, same_family

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
COUNTS = RNG.poisson(RNG.gamma(2.0, np.exp(0.3 * X[:, 0] + 0.5) / 2)).astype(float)
POSITIVE = RNG.gamma(1.5, np.exp(0.2 * X[:, 0]))
REAL = X[:, 0] + RNG.standard_t(4, 150)

CHAINS = [  # (full, special) beyond the declarations: chains, wrappers, settings
    (L.ZeroInflated(L.NegativeBinomial()), L.Geometric()),
    (L.ZeroInflated(L.NegativeBinomial()), L.ZeroInflated(L.Poisson())),
    (L.Hurdle(L.Poisson()), L.Poisson()),
    (L.Transformed(L.StudentT(), "yeo-johnson"), L.Normal()),
    (L.Truncated(L.Weibull(), low=0.3), L.Truncated(L.Exponential(), low=0.3)),
    (L.SkewT(), L.Normal()),
    (L.GeneralizedGamma(), L.Exponential()),
    (L.BetaBinomial(trials=9), L.Binomial(trials=9)),
]


def declared():
    for name, kind in LAWS.items():
        law = kind(trials=9) if "trials" in kind._get_param_names() else kind()
        for special in law.relations.limits:
            other = getattr(L, special)
            target = other(trials=9) if "trials" in other._get_param_names() else other()
            yield pytest.param(law, target, id=f"{name}-{special}")


@pytest.mark.parametrize(("full", "special"), [*declared(), *CHAINS])
def test_the_larger_law_is_the_special_one_there(full, special):
    """At the declared values; where these are not taken, the difference falls with the distance to the limit."""
    rng = np.random.default_rng(3)
    reduction = next(reductions(full, special))
    params = {name: float(special.layout[name].domain.draw(rng)) for name in special.layout.free}
    params |= special.layout.fixed
    y = special.rvs(rng, (40,), **params)
    expected = special.loglik(y, **params)
    gaps = []
    for distance in (1e-6, 1e-8):
        at = {**full.layout.fixed, **reduction.expand(params, distance)}
        near = {k: _near(v, full.layout[k].domain, distance) for k, v in at.items()}
        gaps.append(np.abs(full.loglik(y, **near) - expected).max())
    assert gaps[1] < 1e-5 * (1 + np.abs(expected).max())
    assert gaps[0] < 1e-3 * (1 + np.abs(expected).max())


def _near(value, domain, distance):
    """The value, or one close to it where it is an edge."""
    if value == np.inf:
        return 1 / distance
    return value + distance if value == domain.low else value - distance if value == domain.high else value


def test_laws_that_could_be_limits_are_declared():
    """Every declared name is a law, and every value lies in its domain or at an edge of it."""
    for kind in LAWS.values():
        law = kind()
        for special, values in law.relations.limits.items():
            assert hasattr(L, special)
            for name, value in values.items():
                domain = kind(trials=1).layout[name].domain if special == "Binomial" else law.layout[name].domain
                if isinstance(value, float):
                    assert domain.contains(value) or value in (domain.low, domain.high)


def fit(law, y, data=X, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MLERegressor(law, **options).fit(data, y)


INSIDE, EDGE = Nesting(1), lambda *names, df=0: Nesting(df, names)


@pytest.mark.parametrize(
    ("small", "large", "y", "expected"),
    [
        (L.Poisson(), L.NegativeBinomial(), COUNTS, EDGE("dispersion")),
        (L.Poisson(), L.GeneralizedPoisson(), COUNTS, INSIDE),
        (L.Poisson(), L.GeneralizedPoisson(links={"dispersion": "log"}), COUNTS, EDGE("dispersion")),  # by the link's range
        (L.Geometric(), L.NegativeBinomial(), COUNTS, INSIDE),
        (L.Geometric(), L.ZeroInflated(L.NegativeBinomial()), COUNTS, EDGE("inflation", df=1)),
        (L.Poisson(), L.ZeroInflated(L.NegativeBinomial()), COUNTS, EDGE("dispersion", "inflation")),
        (L.ZeroInflated(L.Poisson()), L.ZeroInflated(L.NegativeBinomial()), COUNTS, EDGE("dispersion")),
        (L.NegativeBinomial(dispersion=0.0), L.ZeroInflated(L.Poisson()), COUNTS, EDGE("inflation")),
        (L.NegativeBinomial(dispersion=0.5), L.NegativeBinomial(), COUNTS, INSIDE),
        (L.NegativeBinomial(), L.NegativeBinomial(power=None), COUNTS, INSIDE),
        (L.Poisson(), L.ConwayMaxwellPoisson(), COUNTS, INSIDE),
        (L.Exponential(), L.Gamma(), POSITIVE, INSIDE),
        (L.Exponential(), L.Weibull(), POSITIVE, INSIDE),
        (L.Exponential(), L.GeneralizedGamma(), POSITIVE, Nesting(2)),
        (L.LogNormal(), L.BoxCoxColeGreen(), POSITIVE, INSIDE),
        (L.Censored(L.Exponential()), L.Censored(L.Weibull()), POSITIVE, INSIDE),
        (L.Normal(), L.StudentT(), REAL, EDGE("df")),
        (L.Gamma(), L.Tweedie(power=None), POSITIVE, EDGE("power")),
        (L.Cauchy(), L.StudentT(), REAL, INSIDE),
        (L.StudentT(df=np.inf), L.StudentT(), REAL, EDGE("df")),
        (L.Fixed(L.StudentT(), {"df": 4.0}), L.StudentT(), REAL, INSIDE),
        (L.Normal(), L.SkewNormal(), REAL, INSIDE),
        (L.Normal(), L.SinhArcsinh(), REAL, Nesting(2)),
        (L.Normal(), L.GeneralizedNormal(), REAL, INSIDE),
        (L.Normal(), L.Transformed(L.Normal(), "yeo-johnson"), REAL, INSIDE),
        # not nested
        (L.NegativeBinomial(), L.Poisson(), COUNTS, None),
        (L.Poisson(), L.Poisson(), COUNTS, None),
        (L.Poisson(), L.Hurdle(L.Poisson()), COUNTS, None),
        (L.Poisson(links={"mean": "softplus"}), L.NegativeBinomial(), COUNTS, None),
        (L.Geometric(links={"prob": "probit"}), L.NegativeBinomial(), COUNTS, None),
        (L.Geometric(), L.NegativeBinomial(power=1.0), COUNTS, None),
        (L.Normal(), L.StudentT(df=4), REAL, None),
        (L.StudentT(df=3), L.SkewNormal(), REAL, None),
        (L.Gamma(), L.Weibull(), POSITIVE, None),
    ],
)
def test_laws_in_laws(small, large, y, expected):
    assert nested(fit(small, y), fit(large, y)) == expected


@pytest.mark.parametrize(
    ("small", "large", "boundary"),
    [
        (L.HalfNormal(), L.SkewNormal(), ("shape",)),
        (L.Exponential(), L.ExponentiallyModifiedNormal(), ("scale",)),
        (L.Exponential(), L.AsymmetricLaplace(quantile=None), ("quantile",)),
    ],
)
def test_a_law_with_an_edge_in_one_without(small, large, boundary):
    """With loc at zero: the likelihood-ratio statistic has no known law."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = nested(*(MLEDensity(law).fit(POSITIVE[:, None]) for law in (small, large)))
    assert found == Nesting(
        1, boundary, "the density of the smaller model ends at an edge, where that of the larger one is smooth"
    )


def test_a_limit_is_meant_by_its_class_and_not_by_its_name():
    class Poisson(L.Geometric):
        """Another law of that name."""

    assert nested(fit(Poisson(), COUNTS), fit(L.NegativeBinomial(), COUNTS)) is None

    class Special(L.Exponential):
        pass

    class Whole(L.Gamma):
        relations = L.Relations(limits={"Special": {"shape": 1.0}})

    assert nested(fit(Special(), POSITIVE), fit(Whole(), POSITIVE)) == INSIDE


def test_hurdle_holds_its_law_where_the_zeros_have_its_link_and_columns():
    large = L.Hurdle(L.Poisson(), links={"zero": "loglog"})  # P(0) = exp(-mean) and log mean is linear
    assert nested(fit(L.Poisson(), COUNTS), fit(large, COUNTS, predictors={"zero": "all"})) == Nesting(4)
    assert nested(fit(L.Poisson(), COUNTS), fit(large, COUNTS, predictors={"zero": [0]})) is None


def test_irregular_comparisons_are_named():
    small = fit(L.Poisson(), COUNTS)
    for law, options, word in (
        (L.NegativeBinomial(power=None), {}, "power is not identified"),
        (L.NegativeBinomial(), {"predictors": {"dispersion": [0]}}, "on columns"),
    ):
        assert word in nested(small, fit(law, COUNTS, **options)).irregular
    assert "singular" in nested(fit(L.Normal(), REAL), fit(L.SkewNormal(), REAL, predictors={"shape": [0]})).irregular


def test_columns_offsets_and_intercepts():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    law, large = L.Poisson(), fit(L.NegativeBinomial(dispersion=1.0), COUNTS, frame)
    whole = fit(law, COUNTS, frame)
    assert nested(fit(law, COUNTS, frame, predictors={"mean": ["a"]}), whole) == Nesting(2)
    assert nested(fit(law, COUNTS, frame[["c", "a"]]), whole) == Nesting(1)  # other columns of X, by name
    assert nested(fit(law, COUNTS, frame[["a"]].to_numpy()), fit(law, COUNTS)) is None  # cannot be told without names
    assert nested(fit(law, COUNTS, frame, fit_intercept=False), whole) == Nesting(1)
    assert nested(fit(law, COUNTS, frame[["a"]]), fit(law, COUNTS, frame, fit_intercept=False)) is None
    assert nested(fit(law, COUNTS, frame, predictors={"mean": ["a"]}), large) is None
    assert nested(fit(law, COUNTS, frame, offset="a"), whole) is None  # fixes the coefficient at one: not seen
    assert (
        nested(fit(law, COUNTS, frame, offset="a", predictors={"mean": ["b"]}), fit(law, COUNTS, frame, offset="a")) == INSIDE
    )
    assert nested(fit(law, COUNTS, frame, offset="b", predictors={"mean": ["a"]}), fit(law, COUNTS, frame, offset="c")) is None
    # log mean = -logit prob, so the same offset means the opposite
    shifted = fit(L.NegativeBinomial(), COUNTS, frame, offset="a", predictors={"mean": ["b"]})
    assert nested(fit(L.Geometric(), COUNTS, frame, offset="a", predictors={"prob": ["b"]}), shifted) is None
    known = pd.DataFrame({"n": np.full(150, 20.0), "m": np.full(150, 21.0), "a": X[:, 0]})
    small = fit(L.Binomial(trials="n"), COUNTS, known, predictors={"prob": ["a"]})
    one, other = (fit(L.BetaBinomial(trials=t), COUNTS, known, predictors={"mean": ["a"]}) for t in ("n", "m"))
    assert nested(small, one) == EDGE("precision")
    assert nested(small, other) is None


def test_nesting_requires_equal_transformations():
    def pipe(law, scaler):
        return make_pipeline(scaler, MLERegressor(law)).fit(X, COUNTS)

    assert nested(pipe("geometric", StandardScaler()), pipe("negative_binomial", StandardScaler())) == INSIDE
    assert nested(pipe("geometric", StandardScaler()), pipe("negative_binomial", MinMaxScaler())) is None
    search = GridSearchCV(MLERegressor("negative_binomial"), {"fit_intercept": [True]}, cv=2).fit(X, COUNTS)
    assert nested(fit("geometric", COUNTS), search) == INSIDE

    def logs(law, function=np.log):
        inverse = {np.log: np.exp, np.sqrt: np.square}[function]
        return TransformedTargetRegressor(MLERegressor(law), func=function, inverse_func=inverse).fit(X, POSITIVE)

    assert nested(logs(L.Normal()), logs(L.StudentT())) == EDGE("df")
    assert nested(logs(L.Normal()), logs(L.StudentT(), np.sqrt)) is None
    labels = np.digitize(REAL, [-1, 1])
    few, many = (MLEClassifier(predictors=p).fit(X, labels) for p in ({"logits": [0]}, None))
    assert nested(few, many) == Nesting(4)
    assert nested(few, MLEClassifier(class_weight="balanced").fit(X, labels)) is None
    spread = MLEClassifier(L.Ordinal(scale=None), predictors={"scale": [0]}).fit(X, labels)
    for scale, expected in ((1.0, INSIDE), (2.0, None)):  # a scale without an intercept is one at zero columns
        assert nested(MLEClassifier(L.Ordinal(scale=scale)).fit(X, labels), spread) == expected
    with pytest.raises(TypeError, match="StandardScaler"):
        nested(StandardScaler().fit(X), many)


def test_same_family_looks_inside():
    two = [L.Mixture([("a", L.Normal(scale=s)), ("b", L.Normal())]) for s in (None, 2.0)]
    assert same_family(*two)
    assert not same_family(two[0], L.Mixture([("a", L.Normal()), ("b", L.StudentT())]))
    assert not same_family(L.Binomial(), L.Binomial(trials=3))
