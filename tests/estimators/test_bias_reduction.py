"""`penalty=`: Jeffreys' penalty and the scores adjusted for mean and median bias."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from _reference import load
from scipy.optimize import minimize, root
from scipy.sparse import csr_array
from scipy.special import expit, gammaln, polygamma
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_mle import Inference, MLEClassifier, MLERegressor
from sk_mle._model.bias import BiasReduced
from sk_mle.datasets import make_mle_regression
from sk_mle.exceptions import ConvergenceWarning, IdentificationWarning, SeparationWarning
from sk_mle.likelihoods import (
    BetaBinomial,
    Binomial,
    Censored,
    Hurdle,
    Likelihood,
    NegativeBinomial,
    Normal,
    Poisson,
    ZeroInflated,
)
from sk_mle.predictors import Nonlinear

PENALTIES = ("jeffreys", "mean_bias", "median_bias")


@pytest.mark.exhaustive
@parametrize_with_checks([MLEClassifier(penalty="jeffreys"), MLERegressor("gamma", penalty="jeffreys")])
@pytest.mark.filterwarnings("default")
def test_estimator_checks(estimator, check):
    check(estimator)


def fixture(name):
    content = load(name)
    X, y = np.array(content["designs"]["loc"]["X"], dtype=float)[:, 1:], np.array(content["data"]["y"])
    return X, y, content["reference"]


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", ["separation_endometrial", "separation_none_birthwt"])
def test_fixtures_of_brglm2(name, penalty):
    X, y, expected = fixture(name)
    key = "AS_median" if penalty == "median_bias" else "firth_AS_mean"
    model = MLEClassifier(penalty=penalty).fit(X, y)
    assert model.converged_
    assert np.allclose([*model.intercept_, *model.coef_[0]], expected[f"{key}_coef"], rtol=1e-9)
    assert np.allclose(model.inference(X, y).bse, expected[f"{key}_se"], rtol=1e-8)


def test_the_warning_of_separated_data_names_the_cure():
    X, y, _ = fixture("separation_endometrial")
    with pytest.warns(SeparationWarning, match="penalty='jeffreys'"):
        MLEClassifier().fit(X, y)


# The adjustments of one sample are numbers, so that the estimates are known: of k successes in n, of the mean of counts and of
# exponential times, and of the scale of normal values (residual sum of squares S, p coefficients), all in the linear predictor.
CLOSED_FORMS = {
    "logit": ("bernoulli", lambda k, n: np.log((k + 0.5) / (n - k + 0.5)), ("jeffreys", "mean_bias")),
    "log of counts": ("poisson", lambda k, n: np.log((k + 0.5) / n), ("jeffreys", "mean_bias")),
    "log of counts, median": ("poisson", lambda k, n: np.log((k + 1 / 6) / n), ("median_bias",)),
    "log of times": ("exponential", lambda k, n: np.log(k / (n - 0.5)), ("mean_bias",)),
    "log of times, median": ("exponential", lambda k, n: np.log(k / (n - 1 / 3)), ("median_bias",)),
    "log of times, plain": ("exponential", lambda k, n: np.log(k / n), ("jeffreys",)),
}


@pytest.mark.parametrize("case", CLOSED_FORMS)
def test_closed_forms(case):
    law, estimate, penalties = CLOSED_FORMS[case]
    y = np.array([0.0, 1, 1, 0, 0, 1, 0]) if law == "bernoulli" else np.array([1.0, 3, 2, 1, 1, 5])
    X = np.empty((len(y), 1))
    X[:] = np.arange(len(y))[:, None]
    for penalty in penalties:
        model = MLEClassifier if law == "bernoulli" else MLERegressor
        name = "prob" if law == "bernoulli" else "mean"
        fitted = model(law, penalty=penalty, predictors={name: "intercept"}).fit(X, y)
        assert np.isclose(np.ravel(fitted.intercept_)[0], estimate(y.sum(), len(y)), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("penalty", "divisor"), [("jeffreys", 20 + 3), ("mean_bias", 20 - 4), ("median_bias", 20 - 3 - 2 / 3)])
def test_scale_of_normal_values(penalty, divisor):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    plain, model = MLERegressor().fit(X, y), MLERegressor(penalty=penalty).fit(X, y)
    assert np.allclose(model.coef_, plain.coef_, atol=1e-9)
    squares = 20 * np.exp(2 * plain.intercepts_["scale"])
    assert np.isclose(np.exp(2 * model.intercepts_["scale"]), squares / divisor, rtol=1e-8)


def score_of_beta_values(eta, y):
    """The score of a Beta sample in logit(mean) and log(precision), adjusted for mean bias by cumulants (polygammas)."""
    mu, phi = expit(eta[0]), np.exp(eta[1])
    a, b, d = mu * phi, (1 - mu) * phi, mu * (1 - mu) * phi
    J = np.array([[d, a], [-d, b]])
    curved = d * (1 - 2 * mu)
    second = np.array([[[curved, d], [d, a]], [[-curved, -d], [-d, b]]])
    mean, variance, third = (np.array([polygamma(k, a), polygamma(k, b)]) for k in range(3))
    centred = np.log([y, 1 - y]) - (mean - polygamma(0, phi))[:, None]
    covariance = np.diag(variance) - polygamma(1, phi)
    cube = np.full((2, 2, 2), -polygamma(2, phi))
    cube[0, 0, 0] += third[0]
    cube[1, 1, 1] += third[1]
    information = J.T @ covariance @ J
    moments = np.einsum("ijk,ia,jb,kc->abc", cube, J, J, J) + np.einsum("iab,ij,jc->abc", second, covariance, J)
    return J.T @ centred.sum(axis=1) + np.einsum("ab,abc->c", np.linalg.inv(information), moments) / 2


def test_shapes_of_beta_values_at_the_edge():
    """Their density grows towards 1, where an integral over y loses digits."""
    y = np.array([0.9999999, 0.98, 0.999999999, 0.7, 0.9997, 0.4, 0.99999999999])
    model = MLERegressor("beta", penalty="mean_bias", predictors={"mean": "intercept"}).fit(y[:, None], y)
    assert model.converged_
    estimate = list(model.intercepts_.values())
    assert np.allclose(estimate, root(score_of_beta_values, estimate, args=(y,), tol=1e-12).x, rtol=1e-9)


def test_a_shape_at_zero_has_a_finite_step():
    """As a law's start has it; the derivatives of its information are differenced over the distance to the domain's end."""
    X, y = make_mle_regression("generalized_extreme_value", 25, 1, random_state=0)[:2]
    model = MLERegressor("generalized_extreme_value", penalty="jeffreys").fit(X, y)
    assert model.converged_
    assert model.intercepts_["shape"] != 0


class Rates(Likelihood):
    """A user's density without derivatives or information: a log-linear Poisson law by its formula."""

    parameters = {"rate": Poisson.parameters["mean"]}
    support = Poisson.support

    def __init__(self, *, rate=None, links=None):
        self.rate, self.links = rate, links

    def loglik(self, y, rate):
        return y * np.log(rate) - rate - gammaln(y + 1)


def test_a_density_without_formulas_has_its_information_integrated():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(25, 2)), rng.poisson(1.0, 25)
    formula, own = (MLERegressor(law, penalty="jeffreys").fit(X, y) for law in (Poisson(), Rates()))
    assert np.allclose(formula.coef_, own.coef_, atol=1e-7)
    assert not np.allclose(formula.coef_, MLERegressor(Poisson()).fit(X, y).coef_, atol=1e-3)


def test_slow_integrals_are_told_beforehand(monkeypatch):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(60, 2)), rng.poisson(1.0, 60)
    monkeypatch.setattr("sk_mle._solvers.bias.MAX_SECONDS_OF_SILENCE", 1e-6)
    with pytest.warns(UserWarning, match=r"Rates has no formula .* for each of 60 rows"):
        MLERegressor(Rates(), penalty="jeffreys").fit(X, y)
    MLERegressor("poisson", penalty="jeffreys").fit(X, y)  # a formula


def penalised_loglik(b, X, y, classes):
    """Log-likelihood of multinomial logits with the first class as reference, and half the log determinant."""
    Z = np.column_stack([np.ones(len(X)), X])
    eta = np.column_stack([np.zeros(len(X)), Z @ b.reshape(classes - 1, -1).T])
    p = np.exp(eta - np.logaddexp.reduce(eta, axis=1)[:, None])
    information = sum(np.kron(np.diag(q) - np.outer(q, q), np.outer(z, z)) for q, z in zip(p[:, 1:], Z, strict=True))
    return np.log(p[np.arange(len(y)), y]).sum() + np.linalg.slogdet(information)[1] / 2


def test_classes():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(40, 2)), rng.integers(0, 3, 40)
    y[X[:, 0] > 1] = 2  # separated
    model = MLEClassifier(penalty="jeffreys").fit(X, y)
    own = np.column_stack([model.intercept_, model.coef_])
    own = (own - own[0])[1:].ravel()
    best = minimize(lambda b: -penalised_loglik(b, X, y, 3), own + 0.01, options={"gtol": 1e-7})
    assert np.allclose(own, best.x, atol=1e-5)
    assert np.allclose(model.coef_.sum(axis=0), 0, atol=1e-10)
    with pytest.raises(ValueError, match="determined up to a constant"):
        MLEClassifier(penalty="median_bias").fit(X, y)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_equivariance(penalty):
    """Weights are repetitions, columns may be recombined and rescaled, y may change its unit, classes their names."""
    rng = np.random.default_rng(3)
    X, weight = rng.normal(size=(12, 2)), rng.integers(1, 4, 12)
    y = rng.weibull(2.0, 12) * np.exp(X[:, 0])
    model = MLERegressor("weibull", penalty=penalty)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    repeated = clone(model).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert np.allclose(weighted.coef_, repeated.coef_, atol=1e-8)
    unit = clone(model).fit(X * [1e3, -1e-2], 1e4 * y, sample_weight=weight)
    assert np.allclose(unit.coef_ * [1e3, -1e-2], weighted.coef_, atol=1e-8)
    assert np.isclose(unit.intercept_ - np.log(1e4), weighted.intercept_, atol=1e-8)
    if penalty != "median_bias":  # which is of single coefficients
        turn = np.array([[1.0, 2.0], [0.5, -1.0]])
        turned = clone(model).fit(X @ turn + 5, y, sample_weight=weight)
        assert np.allclose(turn @ turned.coef_, weighted.coef_, atol=1e-8)
    labels = (y > np.median(y)).astype(int)
    one, other = (MLEClassifier(penalty=penalty).fit(X, code) for code in (labels, 1 - labels))
    assert np.allclose(one.coef_, -other.coef_, atol=1e-8)


def test_alpha_adds_to_the_penalty():
    X, y, _ = fixture("separation_endometrial")
    Z = np.column_stack([np.ones(len(X)), X])

    def loss(b):
        p = expit(Z @ b)
        information = (Z * (p * (1 - p))[:, None]).T @ Z
        penalised = np.sum(y * (Z @ b) - np.logaddexp(0, Z @ b)) + np.linalg.slogdet(information)[1] / 2
        return -penalised / len(y) + 0.05 * np.sum(b[1:] ** 2)

    model = MLEClassifier(penalty="jeffreys", alpha=0.1).fit(X, y)
    own = np.array([*model.intercept_, *model.coef_[0]])
    best = minimize(loss, own + 0.01, options={"gtol": 1e-8})
    assert np.allclose(own, best.x, atol=1e-5)
    with pytest.raises(ValueError, match="alpha > 0"):
        model.inference(X, y)


def test_profiles_and_tests_are_those_of_the_penalised_likelihood():
    """The endometrial data, where logistf gives 0.61 to 7.85 and p = 0.009 for NV (Heinze and Schemper 2002)."""
    X, y, _ = fixture("separation_endometrial")
    inference = MLEClassifier(penalty="jeffreys").fit(X, y).inference(X, y)
    low, high = inference.conf_int(method="profile", names="x0")[0]
    assert np.allclose([low, high], [0.6097244, 7.8546317], atol=1e-5)
    test = inference.likelihood_ratio_test("x0")
    assert np.isclose(test.statistic, 6.79846, atol=1e-4)
    assert test.test.startswith("Penalised")
    assert np.isclose(inference.likelihood_ratio_test("x0 = 0, x1 = 0").df, 2)
    with pytest.raises(ValueError, match="derivative of no likelihood"):
        MLEClassifier(penalty="median_bias").fit(X, y).inference(X, y).conf_int(method="profile")


def test_likelihood_ratio_test_of_a_plain_fit():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(80, 3)), rng.poisson(1.0, 80)
    full, small = MLERegressor("poisson").fit(X, y), MLERegressor("poisson").fit(X[:, :1], y)
    test = full.inference(X, y).likelihood_ratio_test("x1 = 0, x2 = 0")
    assert np.isclose(test.statistic, 2 * (full.loglikelihood_ - small.loglikelihood_), atol=1e-7)
    assert test.df == 2
    with pytest.raises(ValueError, match="use wald_test"):
        full.inference(X, y, cov="HC0").likelihood_ratio_test("x1")


def test_pipelines_clones_and_pickles():
    X, y, expected = fixture("separation_endometrial")
    pipe = make_pipeline(StandardScaler(), MLEClassifier(penalty="jeffreys")).fit(X, y)
    again = pickle.loads(pickle.dumps(pipe))
    assert np.allclose(again.predict_proba(X), pipe.predict_proba(X))
    assert np.allclose(pipe[-1].coef_[0] / pipe[0].scale_, expected["firth_AS_mean_coef"][1:], rtol=1e-8)
    assert Inference.from_estimator(pipe, X, y).bse.shape == (4,)


REFUSED = {
    "name": (MLERegressor(penalty="l2"), "penalty='l2' is unknown; use None or one of"),
    "kinks": (MLERegressor("laplace", penalty="jeffreys"), "has kinks"),
    "censored": (MLERegressor(Censored(Normal()), penalty="jeffreys"), "needs the expected information"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    model, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        model.fit(np.arange(6.0)[:, None], np.array([1.0, 2, 2, 4, 1, 3]))


def test_more_columns_than_rows():
    """The penalty is of the coordinates of the row space, where the information has full rank."""
    X = np.random.default_rng(6).normal(size=(6, 9))
    y = [0, 1, 0, 1, 1, 1]
    model = MLEClassifier(penalty="jeffreys").fit(X, y)
    assert model.converged_
    assert np.allclose(model.predict_proba(X)[:, 1], (np.array(y) + 0.5) / 2, atol=1e-8)  # each row is its own sample


def test_dependent_columns_have_no_median():
    X = np.arange(8.0)[:, None] ** [1, 1]
    y = np.array([1, 0, 2, 3, 1, 4, 2, 5])
    assert MLERegressor("poisson", penalty="jeffreys").fit(X, y).converged_
    with pytest.raises(ValueError, match="linearly dependent"):
        MLERegressor("poisson", penalty="median_bias").fit(X, y)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("law", "n", "samples"),
    [
        ("poisson", 30, 300),
        ("poisson", 120, 300),
        ("bernoulli", 30, 300),
        ("bernoulli", 120, 300),
        ("weibull", 30, 100),
        ("beta", 30, 60),
    ],
)
def test_bias_is_of_order_less_than_1_over_n(law, n, samples):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 1))
    truth, estimates = [0.0, 0.5, np.log(2.0)][: 3 if law in ("weibull", "beta") else 2], {None: [], "mean_bias": []}
    for _ in range(samples):
        eta = 0.5 * X[:, 0]
        y = {
            "weibull": lambda eta: np.exp(eta) * rng.weibull(2.0, n),
            "beta": lambda eta: np.clip(rng.beta(2 * expit(eta), 2 - 2 * expit(eta)), 1e-12, 1 - 1e-12),
            "poisson": lambda eta: rng.poisson(np.exp(eta)),
            "bernoulli": lambda eta: (rng.uniform(size=n) < expit(eta)).astype(float),
        }[law](eta)
        for penalty, values in estimates.items():
            model = (MLEClassifier if law == "bernoulli" else MLERegressor)(law, penalty=penalty).fit(X, y)
            others = list(model.intercepts_.values())[1:]
            values.append([*np.ravel(model.intercept_), *np.ravel(model.coef_), *others])
    error = {penalty: np.array(values) - truth for penalty, values in estimates.items()}
    z = error["mean_bias"].mean(axis=0) / error["mean_bias"].std(axis=0) * np.sqrt(samples)
    assert (np.abs(z) < 3.5).all()
    if law == "weibull":  # the plain bias of the shape is outside
        assert abs(error[None][:, 2].mean() / error[None][:, 2].std() * np.sqrt(samples)) > 3.5


@pytest.mark.exhaustive
@pytest.mark.parametrize(("law", "n"), [("bernoulli", 30), ("poisson", 30)])
def test_profile_intervals_cover(law, n):
    """Intervals of 95% of the penalised likelihood, in 100 samples: within three standard errors, 2.2% each."""
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 1))
    model = (MLEClassifier if law == "bernoulli" else MLERegressor)(law, penalty="jeffreys")
    inside = []
    while len(inside) < 100:
        y = (rng.uniform(size=n) < expit(X[:, 0])).astype(int) if law == "bernoulli" else rng.poisson(np.exp(0.5 * X[:, 0]))
        if law == "bernoulli" and y.min() == y.max():
            continue
        low, high = clone(model).fit(X, y).inference(X, y).conf_int(method="profile", names="x0")[0]
        inside.append(low <= (1.0 if law == "bernoulli" else 0.5) <= high)
    assert np.mean(inside) >= 0.885


SEPARATED = {  # what the marked rows are, and the others
    "bernoulli": (MLEClassifier("bernoulli"), 1, lambda rng, n: rng.integers(0, 2, n)),
    "categorical": (MLEClassifier("categorical"), 2, lambda rng, n: rng.integers(0, 2, n)),
    "ordinal": (MLEClassifier("ordinal"), 2, lambda rng, n: rng.integers(0, 2, n)),
    "poisson": (MLERegressor("poisson"), 0, lambda rng, n: rng.poisson(2, n)),
    "geometric": (MLERegressor("geometric"), 0, lambda rng, n: rng.geometric(0.4, n) - 1),
    "binomial": (MLERegressor(Binomial(trials=5)), 5, lambda rng, n: rng.integers(0, 6, n)),
    "beta-binomial": (MLERegressor(BetaBinomial(trials=5)), 5, lambda rng, n: rng.integers(0, 6, n)),
}


@pytest.mark.parametrize("case", SEPARATED)
def test_the_cure_that_the_warning_names_works(case):
    model, marked, others = SEPARATED[case]
    rng = np.random.default_rng(5)
    X = np.column_stack([np.arange(80) < 8, rng.normal(size=80)]).astype(float)
    y = np.where(X[:, 0] == 1, marked, others(rng, 80))
    with pytest.warns(SeparationWarning, match="Use penalty='jeffreys', whose estimates are finite and have inference"):
        clone(model).fit(X, y)
    cured = clone(model).set_params(penalty="jeffreys").fit(X, y)
    assert cured.converged_
    assert np.isfinite(cured.inference(X, y).bse).all()


def test_zero_inflation_is_reduced_too():
    y = np.repeat([0.0, 1, 2, 3, 4], [6, 2, 5, 3, 2])
    options = {"predictors": {"mean": "intercept"}, "tol": 1e-6}
    plain, reduced = (
        MLERegressor(ZeroInflated(Poisson()), penalty=p, **options).fit(y[:, None], y) for p in (None, "jeffreys")
    )
    mean, inflation = np.exp(reduced.intercepts_["mean"]), expit(reduced.intercepts_["inflation"])

    def loss(u):
        m, p = np.exp(u[0]), expit(u[1])
        zero = p + (1 - p) * np.exp(-m)
        loglik = 6 * np.log(zero) + np.sum(np.log(1 - p) + y[y > 0] * np.log(m) - m)
        k = np.arange(60)
        mass = (1 - p) * np.exp(k * np.log(m) - m - gammaln(k + 1)) + p * (k == 0)
        score_m = np.where(k == 0, -(1 - p) * m * np.exp(-m) / zero, k - m)
        score_p = np.where(k == 0, p * (1 - p) * (1 - np.exp(-m)) / zero, -p)
        scores = np.stack([score_m, score_p])
        return -(loglik + np.linalg.slogdet((scores * mass) @ scores.T * len(y))[1] / 2)

    best = minimize(loss, [np.log(mean) + 0.1, 0.0], options={"gtol": 1e-7}).x
    assert np.allclose([np.log(mean), np.log(inflation / (1 - inflation))], best, atol=1e-5)
    assert reduced.intercepts_ != plain.intercepts_


def test_curves_are_refused():
    X = np.arange(1.0, 9)[:, None]
    curve = Nonlinear("a * exp(-b * x0)", start={"a": 1.0, "b": 0.1})
    with pytest.raises(ValueError, match="not linear in its coefficients"):
        MLERegressor(penalty="jeffreys", predictors={"loc": curve}).fit(X, np.exp(-X[:, 0]))


@pytest.mark.parametrize("read", [np.asarray, csr_array])
def test_parameters_of_different_columns(read):
    rng = np.random.default_rng(0)
    X, beta = np.round(rng.normal(size=(40, 3))) + 2, np.array([0.5, 1.0, 0.0, -1.0])
    y = X @ beta[1:] + np.exp(0.3 * X[:, 1]) * rng.normal(size=40)
    model = MLERegressor(Normal(), predictors={"scale": [1, 2]}, penalty="jeffreys").fit(read(X), y)
    Z, S = np.column_stack([np.ones(40), X]), np.column_stack([np.ones(40), X[:, 1:]])

    def loss(theta):
        log_scale, precision = S @ theta[4:], np.exp(-2 * S @ theta[4:])
        information = np.linalg.slogdet(Z.T * precision @ Z)[1] + np.linalg.slogdet(2 * S.T @ S)[1]
        return log_scale.sum() + precision @ (y - Z @ theta[:4]) ** 2 / 2 - information / 2

    at = np.concatenate([np.append(model.intercepts_[name], model.coefs_[name]) for name in ("loc", "scale")])
    assert np.allclose(at, minimize(loss, at + 0.01, tol=1e-12).x, atol=1e-5)


@pytest.mark.exhaustive
def test_the_penalty_alone_drives_no_coefficient_off_without_end():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=30), np.arange(30) < 6])
    y = np.where(X[:, 1] == 1, 0, rng.poisson(2.0, size=30))
    model = MLERegressor(Hurdle(Poisson()), predictors={"zero": "all"}, penalty="jeffreys", max_iter=200)
    with (
        pytest.warns(ConvergenceWarning, match="penalty='jeffreys' alone drives them off"),
        pytest.warns(IdentificationWarning, match=r"column 1 in its parameter 'mean'.*predictors=\{'mean': \[the others\]\}"),
    ):
        model.fit(X, y)
    assert model.n_iter_ < 100


@pytest.fixture
def watched(monkeypatch):
    """Evaluations of reduced likelihoods fail far out, where they would take very long."""
    evaluate = BiasReduced.evaluate

    def watch(self, u, *args):
        assert max(np.abs(eta).max() for eta in self.eta(u).values()) < 40
        return evaluate(self, u, *args)

    monkeypatch.setattr(BiasReduced, "evaluate", watch)


@pytest.mark.usefixtures("watched")
def test_where_the_start_says_little_steps_are_measured():
    """The dispersion has next to no information at the start: scoring would step to exp(1e8)."""
    model = MLERegressor(NegativeBinomial(mean=1e-3), penalty="jeffreys", tol=0.1)
    assert model.fit(np.zeros((1, 1)), np.zeros(1)).converged_


@pytest.mark.exhaustive
@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("penalty", PENALTIES)
def test_all_counts_are_zero(penalty):
    model, X = MLERegressor(NegativeBinomial(), penalty=penalty, tol=1e-6), np.arange(3.0)[:, None]
    if penalty == "jeffreys":
        assert model.fit(X, np.zeros(3)).converged_
        return
    with pytest.warns(ConvergenceWarning, match=f"penalty='{penalty}' adjusts does not fall to zero.*penalty='jeffreys'"):
        model.fit(X, np.zeros(3))
    assert model.n_iter_ < 20


@pytest.mark.parametrize("seed", range(3))
def test_far_from_the_information_steps_of_the_penalised_likelihood_still_converge_fast(seed):
    """At a dispersion of 100 the information is far from the Hessian: by itself it makes 30 steps and more."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(50, 2))
    y = rng.negative_binomial(0.01, 1 / (1 + 100 * np.exp(1 + 0.5 * X[:, 0])))
    model = MLERegressor(NegativeBinomial(), penalty="jeffreys").fit(X, y)
    assert model.converged_
    assert model.n_iter_ <= 20
