"""Every shipped law meets `check_likelihood`; and `check_likelihood` finds what is wrong with broken ones."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from _laws import UserGumbel, numerical, recorded
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from sk_mle import MLEDensity, MLERegressor, likelihoods
from sk_mle.domains import POSITIVE, REAL, UNIT
from sk_mle.likelihoods import (
    LAWS,
    Exponential,
    Gamma,
    HalfNormal,
    Laplace,
    Likelihood,
    Logistic,
    NegativeBinomial,
    Normal,
    Parameter,
    Poisson,
    StudentT,
    get_likelihood,
)
from sk_mle.likelihoods._fallbacks.facts import sized, with_values
from sk_mle.likelihoods._protocol import evaluation
from sk_mle.likelihoods._protocol.derived import prepared
from sk_mle.testing import _CHECKS, check_likelihood

VARIANTS = [
    StudentT(df=4),
    StudentT(df=np.inf),
    NegativeBinomial(dispersion=0),
    NegativeBinomial(dispersion=0.5, links={"mean": "softplus"}),
    Normal(scale=2.0),
    Normal(links={"scale": "softplus"}),
    Poisson(links={"mean": "sqrt"}),
    *(LAWS["bernoulli"](links={"prob": link}) for link in ("probit", "cloglog", "loglog", "cauchit")),
    *(LAWS["beta"](links={"mean": link}) for link in ("probit", "loglog")),
]


MOVING = "the support depends on the parameters: far linear predictors put y outside it, as they should"
UNMET = {  # checks that do not hold for a law, and why
    "GeneralizedExtremeValue": {"extremes": MOVING},
    "GeneralizedPareto": {"extremes": MOVING},
    "GeneralizedPoisson": {"extremes": MOVING},
    "VonMises": {"moments": "its expectation is the mean direction, not the mean of the angle as a number"},
}


@pytest.mark.parametrize("law", [*(law() for law in LAWS.values()), *VARIANTS], ids=repr)
def test_law(law):
    check_likelihood(law, random_state=1, skip=UNMET.get(type(law).__name__, {}))


@pytest.mark.parametrize("name", UNMET)
def test_exempted_checks_still_fail(name):
    for check in UNMET[name]:
        others = [other for other in _CHECKS if other != check]
        failing = [seed for seed in range(4) if fails(getattr(likelihoods, name)(), seed, others)]
        assert failing, (name, check)


def fails(law, seed, skip):
    try:
        check_likelihood(law, random_state=seed, skip=skip)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("law", [law() for law in LAWS.values()], ids=repr)
def test_law_with_numerical_derivatives(law):
    skip = ["derivatives"] if law.smooth else ["derivatives", "recovery", "weights"]
    check_likelihood(numerical(law), random_state=1, skip=[*skip, *UNMET.get(type(law).__name__, {})])


def test_law_of_a_user():
    check_likelihood(UserGumbel(), random_state=2)


class WrongGradient(Gamma):
    def gradient(self, y, mean, shape):
        return {**super().gradient(y, mean, shape), "mean": -shape * (y - mean) / mean**2}


class WrongHessian(Gamma):
    def hessian(self, y, mean, shape):
        return {**super().hessian(y, mean, shape), ("mean", "shape"): 0 * y}


class WrongFisher(Gamma):
    def fisher(self, mean, shape):
        return {("mean", "mean"): 2 * shape / mean**2, ("shape", "shape"): super().fisher(mean, shape)["shape", "shape"]}


class NotADensity(Gamma):
    def loglik(self, y, mean, shape):
        return super().loglik(y, mean, shape) + 0.1


class WrongCdf(Normal):
    def standard_tail(self, z, upper, log):
        return super().standard_tail(z if upper or log else 0.9 * z, upper, log)


class WrongSampler(Normal):
    def rvs(self, rng, size, loc, scale):
        return rng.normal(loc, 1.3 * scale, size)


class WrongVariance(Normal):
    def variance(self, loc, scale):
        return scale + 0 * loc


class WrongStart(Normal):
    def start(self, y, sample_weight):
        return {"loc": 0.0, "scale": -1.0}


class WrongDomain(Normal):
    parameters = {"loc": REAL, "scale": REAL}


class WrongTail(Normal):
    def logsf(self, y, loc, scale):
        return np.maximum(super().logsf(y, loc, scale), -0.5)


class WrongShape(Normal):
    def loglik(self, y, loc, scale):
        return super().loglik(y, loc, scale).sum()


class Overflows(Normal):
    def standard_terms(self, z, order):
        value, *derivatives = super().standard_terms(z, order)
        return value + 0 * np.exp(np.abs(z)), *derivatives


class ChangesWhenCloned(Normal):
    def __init__(self, *, loc=None, scale=None, links=None, extra=0.0):
        super().__init__(loc=loc, scale=scale, links=links)
        self.extra = np.random.default_rng().normal()


class WrongFused(LAWS["bernoulli"]):
    def evaluate(self, y, eta, order=1, information="observed"):
        result = super().evaluate(y, eta, order, information)
        return result._replace(gradient={name: 2 * value for name, value in result.gradient.items()})


class TermsOfAnother(Gamma):
    terms = Gamma.terms

    def loglik(self, y, mean, shape):
        return super().loglik(y, mean, shape + 0.1)


class TwoDensities(UserGumbel):
    """Its derivatives are differences of its own `evaluate`, with which it agrees."""

    def evaluate(self, y, eta, order=1, information="observed"):
        result = super().evaluate(y, eta, order, information)
        return result._replace(loglik=result.loglik + 0.1)


class WeightsIgnored(Normal):
    """Its scale comes from the number of rows."""

    def bind(self, y):
        return WeightsIgnored(scale=1 + len(y) / 100)


class NoNormaliser(UserGumbel):
    def loglik(self, y, loc, scale):
        return super().loglik(y, loc, scale) + np.log(scale)


class StartAtTheEdge(Gamma):
    def start(self, y, sample_weight):
        return {"mean": y.mean(), "shape": 1 / y.var() if y.var() else np.inf}


class AtomOutside(Normal):
    support = replace(POSITIVE, atoms=(np.nan,))


class CdfOutside(HalfNormal):
    """Its cdf is even in y."""

    def cdf(self, y, scale):
        return super().cdf(np.abs(y), scale)


class NoSupport(UserGumbel):
    def loglik(self, y, loc, scale):
        return Gamma().loglik(y, np.exp(loc), scale)


class GradientWithoutNames(Exponential):
    def gradient(self, y, mean):
        return super().gradient(y, mean)["mean"]


class TypicalOutside(Normal):
    parameters = {"loc": replace(REAL, low=3.0), "scale": POSITIVE}


class WrongSign(UserGumbel):
    def loglik(self, y, loc, scale):
        return -super().loglik(y, loc, scale)


class DensityItself(UserGumbel):
    def loglik(self, y, loc, scale):
        return np.exp(super().loglik(y, loc, scale))


class TupleSupport(UserGumbel):
    support = (0, np.inf)


class Raises(UserGumbel):
    def loglik(self, y, loc, scale):
        return super().loglik(y, loc, scale) + undefined  # noqa: F821


BROKEN = {
    r"fails 1 check\(s\)\n  normalised: .* adds up to inf instead of 1, .*the sign of WrongSign.loglik is wrong": WrongSign,
    r"fails 1 check\(s\)\n  normalised: .*DensityItself.loglik adds up to 1 itself.*: return its logarithm$": DensityItself,
    r"fails 1 check\(s\)\n  declaration: .*TupleSupport.support must be a domain of sk_mle.domains": TupleSupport,
    r"1 check\(s\)\n  declaration: raised NameError.*in loglik, line \d+ of test_likelihoods.py: return .* undefined": Raises,
    r"normalised: .*instead of 1.*NoSupport.loglik is NaN at y = -.*, which its support \(-inf, inf\) contains": NoSupport,
    "derivatives: .*must return a dict with an array of shape .* it returned ndarray": GradientWithoutNames,
    "cdf_and_ppf: cdf at y = -1, outside of the support: found ": CdfOutside,
    "derivatives: gradient": WrongGradient,
    r"derivatives: observed information of \(mean, shape\)": WrongHessian,
    "fisher: .*against the variance of the score": WrongFisher,
    "normalised: total probability": NotADensity,
    r"cdf_and_ppf: cdf\(ppf\(q\)\)": WrongCdf,
    "sampler: found cdf": WrongSampler,
    "moments: found variance": WrongVariance,
    "start: found start scale": WrongStart,
    "derivatives: |normalised: |recovery: ": WrongDomain,
    r"cdf_and_ppf: exp\(logsf\)": WrongTail,
    "declaration: found loglik of shape": WrongShape,
    r"fails 1 check\(s\)\n  normalised: total probability at .*: found .*, expected 1": NoNormaliser,
    "extremes: found ": Overflows,
    "fused_forms: evaluate's gradient": WrongFused,
    "fused_forms: loglik of terms against loglik": TermsOfAnother,
    "fused_forms: loglik of evaluate": TwoDensities,
    "weights: log-likelihood with weights": WeightsIgnored,
    "raised RuntimeError": ChangesWhenCloned,
    r"start: found start shape = inf where y is a single value, expected a value in \(0, inf\)": StartAtTheEdge,
    r"declaration: found atoms \[nan\], expected points of the support": AtomOutside,
    r"declaration: found domain \(3, inf\) of loc with typical=\(-2.0, 2.0\)": TypicalOutside,
}


@pytest.mark.parametrize(("message", "law"), BROKEN.items(), ids=[law.__name__ for law in BROKEN.values()])
def test_broken_law_is_found_out(message, law):
    with pytest.raises(AssertionError, match=message):
        check_likelihood(law())


def test_check_names_a_loglik_of_wrong_shape():
    class Columns(Normal):
        def loglik(self, y, **params):
            return super().loglik(y, **params)[:, None]

    with pytest.raises(AssertionError, match=r"fails 1 check.*\n.*declaration: found loglik of shape \(10, 1\)"):
        check_likelihood(Columns())


@pytest.mark.parametrize("written", ["terms", "gradient"])
def test_a_subclass_with_other_terms_is_evaluated_by_these(written):
    if written == "terms":
        terms = lambda self, y, order, mean: (-2 * mean, {"mean": -2 + 0 * mean}, {("mean", "mean"): 0 * mean})
        Other = type("Other", (Poisson,), {"terms": terms})
    else:
        Other = type("Other", (Poisson,), {"gradient": lambda self, y, mean: {"mean": -2 + 0 * mean}})
    y, eta = np.array([0.0, 3.0]), np.array([0.5, -1.0])
    assert_allclose(prepared(Other()).evaluate(y, {"mean": eta}, 1).gradient["mean"], -2 * np.exp(eta))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_poisson_terms_follow_from_the_linear_predictor_as_from_the_mean(order):
    y, eta = np.array([0.0, 0.0, 1.0, 7.0, 256.0]), np.array([-700.0, 3.0, -30.0, 2.0, 5.0])
    law = prepared(Poisson())
    found, expected = law.evaluate(y, {"mean": eta}, order), evaluation.evaluate(law, y, {"mean": eta}, order)
    assert_allclose(found.loglik, expected.loglik, rtol=1e-14, atol=1e-300)
    assert found.gradient.keys() == expected.gradient.keys()
    assert found.information.keys() == expected.information.keys()
    if order:
        assert_allclose(found.gradient["mean"], y - np.exp(eta))
    if order == 2:
        assert_allclose(found.information["mean", "mean"], np.exp(eta))


def test_recovery_finds_a_biased_start_that_never_moves():
    class Stuck(Poisson):
        def gradient(self, y, mean):
            return {"mean": 0 * y}

    with pytest.raises(AssertionError, match="recovery: found log-likelihood"):
        check_likelihood(Stuck(), skip=["derivatives"])


def test_an_exception_that_several_checks_meet_is_told_once():
    class Fails(Normal):
        def rvs(self, rng, size, loc, scale):
            raise RuntimeError("no samples")

    with pytest.raises(AssertionError, match="no samples") as error:
        check_likelihood(Fails())
    assert str(error.value).count("raised RuntimeError") == 1


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_progress_is_shown_where_it_is_wanted(with_tqdm, capsys, monkeypatch):
    if with_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    only = ["declaration", "clone_and_pickle"]
    skip = {"declaration", "normalised", "clone_and_pickle", "derivatives", "fused_forms", "extremes", "fisher", "cdf_and_ppf",
            "moments", "sampler", "start", "weights", "recovery"} - set(only)  # fmt: skip
    for verbose in (None, 0):
        check_likelihood(Normal(), skip=skip, verbose=verbose)
        assert capsys.readouterr() == ("", "")
    check_likelihood(Normal(), skip=skip, verbose=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "check_likelihood(Normal)" in shown.err
    assert "clone_and_pickle" in shown.err


def test_unknown_check_and_wrong_type():
    with pytest.raises(ValueError, match="unknown checks"):
        check_likelihood(Normal(), skip=["nothing"])
    with pytest.raises(TypeError, match="instance of a Likelihood"):
        check_likelihood(Normal)


def test_names():
    for name, law in LAWS.items():
        assert type(get_likelihood(name)) is law


def test_docstrings_name_the_peers():
    for law in LAWS.values():
        text = " ".join(law.__doc__.split())  # Python 3.13 takes the indentation away
        for word in ("scipy.stats", "statsmodels", " R:", "Parameters", "Examples", ".. math::"):
            assert word in text, (law, word)


def test_constants_are_complete():
    """Log-likelihoods against scipy's, at values chosen by hand."""
    from scipy import stats

    y = np.array([0.2, 1.5, 4.0])
    k = np.array([0.0, 3.0, 11.0])
    pairs = [
        (Normal().loglik(y, 1.0, 2.0), stats.norm(1, 2).logpdf(y)),
        (Laplace().loglik(y, 1.0, 2.0), stats.laplace(1, 2).logpdf(y)),
        (StudentT().loglik(y, 1.0, 2.0, 3.5), stats.t(3.5, 1, 2).logpdf(y)),
        (Gamma().loglik(y, 1.5, 2.5), stats.gamma(2.5, scale=1.5 / 2.5).logpdf(y)),
        (LAWS["beta"]().loglik(y / 5, 0.3, 7.0), stats.beta(2.1, 4.9).logpdf(y / 5)),
        (Poisson().loglik(k, 2.5), stats.poisson(2.5).logpmf(k)),
        (NegativeBinomial().loglik(k, 2.5, 0.4), stats.nbinom(2.5, 0.5).logpmf(k)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


# Their density there is zero, or its logarithm lies beyond the range of floating point numbers: exp(exp(20) ...).
VANISHING = {"Gumbel", "GumbelMin", "Weibull", "GeneralizedNormal", *(n for n in UNMET if UNMET[n].get("extremes") == MOVING)}


@pytest.mark.parametrize("law", [law() for law in LAWS.values()], ids=repr)
@pytest.mark.parametrize("level", [-20.0, 20.0])
def test_far_linear_predictors_stay_finite(law, level):
    law, rng = sized(law), np.random.default_rng(0)
    middle = {name: np.zeros((50, *law.layout[name].shape)) for name in law.layout.free}
    drawn = law.support.draw(rng, 50) if law.target_type != "targets" else law.rvs(rng, (50,), **law.layout.theta(middle))
    y = recorded(law, rng, drawn if law.layout[law.layout.free[0]].shape == () or law.target_type == "targets" else drawn % 3)
    for name in law.layout.free:
        eta = middle | {name: middle[name] + level}
        result = law.evaluate(y, eta, 2)
        assert not np.isnan(result.loglik).any()
        assert (result.loglik < np.inf).all()
        if type(law).__name__ in VANISHING:
            continue
        assert np.isfinite(result.loglik).all()
        assert all(np.isfinite(value).all() for value in (*result.gradient.values(), *result.information.values()))


def test_limits_join_the_laws():
    y, k = np.linspace(-3, 3, 7), np.arange(7.0)
    np.testing.assert_allclose(StudentT().loglik(y, 0.2, 1.3, np.inf), Normal().loglik(y, 0.2, 1.3), rtol=1e-14)
    np.testing.assert_allclose(NegativeBinomial().loglik(k, 2.2, 0.0), Poisson().loglik(k, 2.2), rtol=1e-13)
    np.testing.assert_allclose(NegativeBinomial().loglik(k, 2.2, 1e-12), Poisson().loglik(k, 2.2), rtol=1e-10)


class Whole(Likelihood):
    parameters = {"mean": POSITIVE}
    support = POSITIVE

    def __init__(self, *, mean=None, links=None):
        self.mean, self.links = mean, links

    def terms(self, y, order, mean):
        first, second = {"mean": (y / mean - 1) / mean}, {("mean", "mean"): (1 - 2 * y / mean) / mean**2}
        return -y / mean - np.log(mean), first if order else {}, second if order == 2 else {}


def test_loglik_gradient_and_hessian_follow_from_terms_unless_written_apart():
    class Halved:
        def loglik(self, y, mean):
            return super().loglik(y, mean) / 2

    class Half(Halved, Whole):
        pass

    class Again(Half):
        terms = Whole.terms

    y, mean = np.array([0.5, 2.0]), np.array([1.0, 3.0])
    check_likelihood(Whole())
    for law, factor in ((Whole(), 1.0), (Half(), 0.5), (type("Still", (Half,), {})(), 0.5), (Again(), 1.0)):
        value, gradient, hessian = law.terms(y, 2, mean=mean)
        for found in (law.loglik(y, mean), value, law.evaluate(y, {"mean": np.log(mean)}, 0).loglik):
            np.testing.assert_allclose(found, factor * Exponential().loglik(y, mean))
        np.testing.assert_allclose(law.gradient(y, mean)["mean"], Exponential().gradient(y, mean)["mean"])
        np.testing.assert_allclose(gradient["mean"], law.gradient(y, mean)["mean"])
        np.testing.assert_allclose(hessian["mean", "mean"], law.hessian(y, mean)["mean", "mean"])


@pytest.mark.parametrize("names", [("q", "size"), ("sample_weight", "order")])
def test_parameters_may_be_called_as_the_protocol_calls_its_own_arguments(names):
    def init(self, *, links=None):
        self.links = links

    def loglik(self, y, /, **params):
        return Normal().loglik(y, *(params[name] for name in names))

    law = type("Named", (Likelihood,), {
        "parameters": dict(zip(names, (REAL, POSITIVE), strict=True)), "support": REAL, "__init__": init, "loglik": loglik,
    })()  # fmt: skip
    X, y = np.arange(12.0)[:, None], np.arange(12.0) + np.tile([-0.5, 0.7, 0.1], 4)
    model, normal = MLERegressor(law).fit(X, y), MLERegressor().fit(X, y)
    dist, expected = model.predict_dist(X), normal.predict_dist(X)
    np.testing.assert_allclose(dist.ppf(0.3), expected.ppf(0.3), rtol=1e-5)
    np.testing.assert_allclose(dist.logsf(y), expected.logsf(y), rtol=1e-5)
    assert np.isfinite(dist.rvs(random_state=0)).all()


def test_a_second_derivative_of_zero_may_be_left_out_where_a_kink_is_not_told():
    class Untold(Likelihood):
        parameters, support = {"loc": REAL, "scale": POSITIVE}, REAL

        def loglik(self, y, loc, scale):
            return -np.abs((y - loc) / scale) - np.log(2 * scale)

    X, y = np.random.default_rng(0).normal(size=(100, 1)), np.random.default_rng(1).laplace(size=100)
    with pytest.warns(ConvergenceWarning, match="kink"):
        MLERegressor(Untold()).fit(X, y)


class Tailed(Whole):
    def tail_probability(self, y, upper, log, mean):
        above = -y / mean
        below = np.where(above > -0.7, np.log(-np.expm1(above)), np.log1p(-np.exp(above)))
        return (above if upper else below) if log else np.exp(above) if upper else -np.expm1(above)


class TwoTails(Whole):
    def cdf(self, y, mean):
        return -np.expm1(-y / mean)

    def sf(self, y, mean):
        return np.exp(-y / mean)


class LoggedTails(Whole):
    def logsf(self, y, mean):
        return -y / mean


class Doubled:
    def logsf(self, y, mean):
        return 2 * super().logsf(y, mean=mean)


TAILS = {"cdf": (False, False), "sf": (True, False), "logcdf": (False, True), "logsf": (True, True)}


@pytest.mark.parametrize(
    "law", [Whole(), Tailed(), TwoTails(), LoggedTails(), Exponential()], ids=lambda law: type(law).__name__
)
def test_distribution_functions_follow_from_tail_or_it_from_them(law):
    y, mean = np.array([1e-9, 0.5, 2.0, 1500.0, 3000.0]), np.array([1.0, 1.0, 3.0, 1.0, 2.0])
    for name, (upper, log) in TAILS.items():
        expected = getattr(stats.expon(scale=mean), name)(y)
        for found in (getattr(law, name)(y, mean=mean), law.tail_probability(y, upper, log, mean=mean)):
            np.testing.assert_allclose(found, expected, rtol=1e-10)
    if type(law) in (LoggedTails, Tailed):
        np.testing.assert_array_equal(law.sf(y, mean=mean), np.exp(law.logsf(y, mean=mean)))


@pytest.mark.parametrize("law", [Whole, Tailed, TwoTails, LoggedTails, Exponential])
def test_a_subclass_may_replace_one_of_the_tails(law):
    changed, y, mean = type("Changed", (Doubled, law), {})(), np.array([0.5, 2.0]), np.array([1.0, 3.0])
    again = type("Again", (type(changed),), {"tail_probability": Tailed.tail_probability})()
    for one, factor in ((changed, 2.0), (type("Still", (type(changed),), {})(), 2.0), (again, 1.0)):
        for found in (one.logsf(y, mean=mean), one.tail_probability(y, True, True, mean=mean)):
            np.testing.assert_allclose(found, -factor * y / mean, rtol=1e-10)
        np.testing.assert_allclose(one.logcdf(y, mean=mean), Exponential().logcdf(y, mean), rtol=1e-10)


class OneCdf(Normal):
    """The logistic law by its cdf alone, and the density of another."""

    def cdf(self, y, loc, scale):
        return expit((y - loc) / scale)


class OneDensity(Normal):
    """The logistic law by its density alone."""

    def loglik(self, y, loc, scale):
        z = np.abs(y - loc) / scale
        return -z - 2 * np.log1p(np.exp(-z)) - np.log(scale)


def test_a_subclass_that_replaces_the_cdf_or_the_density_takes_no_formula_of_the_others():
    y, given = np.array([-1.0, 0.3, 2.0]), {"loc": np.zeros(3), "scale": np.ones(3)}
    for law in (OneCdf(), type("Still", (OneCdf,), {})()):
        for name in TAILS:
            np.testing.assert_allclose(getattr(law, name)(y, **given), getattr(stats.logistic, name)(y), rtol=1e-10)
        assert law.crps is law.interval is None
    named = type("Named", (OneDensity,), {"cdf": Normal.cdf})()
    np.testing.assert_allclose(named.cdf(y, **given), stats.norm.cdf(y))
    law, dist = OneDensity(), stats.logistic
    for name in TAILS:
        np.testing.assert_allclose(getattr(law, name)(y, **given), getattr(dist, name)(y), rtol=1e-7)
    np.testing.assert_allclose(law.ppf(np.array([0.1, 0.5, 0.8]), **given), dist.ppf([0.1, 0.5, 0.8]), atol=1e-7)
    row = {"loc": np.zeros(1), "scale": np.ones(1)}
    moments = [law.expectation(**row), law.variance(**row), law.entropy(**row)]
    np.testing.assert_allclose(np.ravel(moments), [dist.mean(), dist.var(), dist.entropy()], rtol=1e-6, atol=1e-9)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X @ [1.0, -1.0] + rng.standard_t(3, size=200)
    one, other = (MLERegressor(law).fit(X, y) for law in (OneDensity(), Logistic()))
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-6)
    np.testing.assert_allclose(one.loglikelihood_, other.loglikelihood_, rtol=1e-9)


HELD = [
    (StudentT(), {"df": 3.0}),
    (NegativeBinomial(), {"dispersion": 0.5}),
    (likelihoods.Hurdle(NegativeBinomial()), {"dispersion": 0.5, "zero": 0.1}),
    (likelihoods.Mixture([("a", Normal()), ("b", Normal())]), {"a__scale": 2.0}),
    (likelihoods.Fixed(StudentT(), {"scale": 1.0}), {"df": 3.0}),
]


@pytest.mark.parametrize(("law", "values"), HELD, ids=lambda value: repr(value))
def test_prepared_law_equals_the_law_and_its_copies_use_their_own_arguments(law, values):
    ready = prepared(law)
    assert prepared(ready) is ready
    for name in ("free", "fixed", "known"):
        assert getattr(ready.layout, name) == getattr(law.layout, name)
        assert getattr(with_values(ready, values).layout, name) == getattr(with_values(law, values).layout, name)
    for name, value in values.items():
        assert ready.layout[name].value is None
        assert with_values(ready, values).layout[name].value == prepared(with_values(ready, values)).layout[name].value == value
        assert ready.layout[name].value is None


class SplitNormal(Likelihood):
    """A user's law with a vector parameter: one scale below zero, another above."""

    parameters = {"scales": Parameter(POSITIVE, basis=np.eye(2), labels=("below", "above"))}

    def loglik(self, y, scales):
        below, above = np.moveaxis(scales, -1, 0)
        return 0.5 * np.log(2 / np.pi) - np.log(below + above) - 0.5 * (y / np.where(y < 0, below, above)) ** 2

    def start(self, y, sample_weight):
        return {"scales": np.full(2, np.std(y))}


def test_vector_parameter_of_a_user():
    y = np.array([-1.0, -0.5, 0.2, 1.0, 3.0])
    below, above = np.sum(y[y < 0] ** 2), np.sum(y[y > 0] ** 2)
    ratio = np.cbrt(above / below)  # of the scales, where both derivatives of the log-likelihood vanish
    first = np.sqrt(below * (1 + ratio) / len(y))
    found = MLEDensity(SplitNormal()).fit(y[:, None]).distribution_.params["scales"]
    np.testing.assert_allclose(found, [first, first * ratio], rtol=1e-8)
    without_start = type("WithoutStart", (SplitNormal,), {"start": Likelihood.start})
    with pytest.raises(ValueError, match=r"WithoutStart must define start\(y, sample_weight\)"):
        MLEDensity(without_start()).fit(y[:, None])


def test_density_only_law_costs_no_accuracy():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 3))
    y = 1e3 + 50 * X[:, 0] + rng.gumbel(size=400) * np.exp(0.3 * X[:, 1])
    model = MLERegressor(UserGumbel(), predictors={"scale": [1]}).fit(X, y)
    assert model.converged_
    assert model.optimize_result_.gradient_size < 1e-8
    assert UNIT.contains(model.predict_dist(X).cdf(y)).all()


class PoissonOfScipy(likelihoods.Poisson):
    def loglik(self, y, mean):
        return stats.poisson.logpmf(y, mean)


class PoissonInTerms(likelihoods.Poisson):
    def terms(self, y, order, mean):
        return stats.poisson.logpmf(y, mean), {"mean": y / mean - 1}, {("mean", "mean"): -y / mean**2}


class PoissonOfItsParent(likelihoods.Poisson):
    def loglik(self, y, mean):
        return super().loglik(y, mean)


@pytest.mark.parametrize("law", [PoissonOfScipy(), PoissonInTerms(), PoissonOfItsParent()], ids=str)
def test_a_density_of_a_subclass_has_its_constants_once(law):
    y = np.random.default_rng(0).poisson(3.0, 30).astype(float)
    right = stats.poisson.logpmf(y, y.mean()).sum()
    assert MLEDensity(law).fit(y[:, None]).loglikelihood_ == pytest.approx(right, rel=1e-12)
