"""Standard errors, tests, intervals, predictions and effects of statsmodels, each fitted to the end."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from _inference import native
from scipy import special

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.inference import score_test
from sk_mle.likelihoods import Bernoulli, Beta, Gamma, NegativeBinomial, Ordinal, Poisson, ZeroInflated

sm = pytest.importorskip("statsmodels.api")
miscmodels = pytest.importorskip("statsmodels.miscmodels.ordinal_model")
betareg = pytest.importorskip("statsmodels.othermod.betareg")

RNG = np.random.default_rng(20)
N = 400
X = RNG.normal(size=(N, 2))
C = sm.add_constant(X)
WEIGHT, EXPOSURE, GROUPS = RNG.uniform(0.5, 2, N), RNG.uniform(1, 5, N), RNG.integers(0, 40, N)
BINARY = (0.3 + X @ [1.0, -0.5] + RNG.logistic(size=N) > 0).astype(int)
COUNTS = RNG.poisson(np.exp(0.5 + X @ [0.5, -0.3]) * RNG.gamma(2, 0.5, N)).astype(float)
EXPOSED = RNG.poisson(EXPOSURE * np.exp(-0.2 + X @ [0.5, -0.3])).astype(float)
INFLATED = np.where(special.expit(-1 + 0.8 * X[:, 0]) > RNG.uniform(size=N), 0.0, COUNTS)
INFLATED_POISSON = np.where(INFLATED == 0, 0.0, RNG.poisson(np.exp(0.8 + X @ [0.5, -0.3])))
ORDERED = np.digitize(X @ [1.0, -0.5] + RNG.logistic(size=N), [-1.0, 0.2, 1.4])
LABELS = np.argmax(C @ RNG.normal(size=(3, 3)) + RNG.gumbel(size=(N, 3)), axis=1)
SHARE = RNG.beta(*(special.expit(0.3 + s * X @ [0.6, -0.4]) * np.exp(2 + 0.4 * X[:, 1]) for s in (1, -1)))
POSITIVE = RNG.gamma(3.0, np.exp(1 + X @ [0.4, -0.2]) / 3)
REAL = 1 + X @ [1.0, -0.5] + np.exp(0.3 * X[:, 0]) * RNG.normal(size=N)
RTOL = 1e-6


class Peer(NamedTuple):
    """A model of statsmodels, ours, and our coefficients as theirs."""

    theirs: Any
    ours: Any
    y: np.ndarray
    translate: Any
    X: np.ndarray = X


def flat(*parameters):
    """Intercept and coefficients of the parameters, one after the other."""
    return lambda model: np.concatenate([np.r_[model.intercepts_[name], model.coefs_[name]] for name in parameters])


def dispersed(*parameters):
    return lambda model: np.r_[flat(*parameters)(model), np.exp(model.intercepts_["dispersion"])]


def ordered(model):
    cuts = model.likelihood_.cutpoints(model.intercepts_)
    return np.r_[model.coefs_["loc"], cuts[0], np.log(np.diff(cuts))]


def logits(model):
    values = np.column_stack([model.intercepts_["logits"], model.coefs_["logits"]])
    return (values - values[0])[1:].ravel()


ALL = {"inflation": "all"}
EXPOSED_X = np.column_stack([X, EXPOSURE])
PEERS = {
    "logit": Peer(sm.Logit(BINARY, C), MLEClassifier(), BINARY, flat("prob")),
    "probit": Peer(sm.Probit(BINARY, C), MLEClassifier(Bernoulli(links={"prob": "probit"})), BINARY, flat("prob")),
    "poisson": Peer(sm.Poisson(COUNTS, C), MLERegressor("poisson"), COUNTS, flat("mean")),
    "exposed": Peer(
        sm.Poisson(EXPOSED, C, exposure=EXPOSURE), MLERegressor("poisson", exposure=2), EXPOSED, flat("mean"), EXPOSED_X
    ),
    "negative binomial": Peer(sm.NegativeBinomial(COUNTS, C), MLERegressor(NegativeBinomial()), COUNTS, dispersed("mean")),
    "multinomial": Peer(sm.MNLogit(LABELS, C), MLEClassifier("categorical"), LABELS, logits),
    "ordered logit": Peer(miscmodels.OrderedModel(ORDERED, X, distr="logit"), MLEClassifier(Ordinal()), ORDERED, ordered),
    "ordered probit": Peer(
        miscmodels.OrderedModel(ORDERED, X, distr="probit"), MLEClassifier(Ordinal(distribution="probit")), ORDERED, ordered
    ),
    "beta": Peer(
        betareg.BetaModel(SHARE, C, exog_precision=C),
        MLERegressor(Beta(), predictors={"precision": "all"}),
        SHARE,
        flat("mean", "precision"),
    ),
    "inflated poisson": Peer(
        sm.ZeroInflatedPoisson(INFLATED_POISSON, C, exog_infl=C),
        MLERegressor(ZeroInflated(Poisson()), predictors=ALL),
        INFLATED_POISSON,
        flat("inflation", "mean"),
    ),
    "inflated negative binomial": Peer(
        sm.ZeroInflatedNegativeBinomialP(INFLATED, C, exog_infl=C),
        MLERegressor(ZeroInflated(NegativeBinomial()), predictors=ALL),
        INFLATED,
        dispersed("inflation", "mean"),
    ),
}


def polished(peer, **options):
    """Their fit, by Newton steps from our estimates, which must be theirs before."""
    start = np.asarray(peer.translate(peer.ours), float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peer.theirs.fit(start_params=start, method="newton", maxiter=50, tol=1e-12, disp=0, **options)


def vector(values):
    return np.asarray(values).T.ravel()


def their_covariance(name, theirs):
    """That of statsmodels, except for inflated laws, where its Hessian is replaced by differences of its scores.

    The Hessian of ZeroInflatedPoisson of statsmodels 0.15 is not the derivative of its score (the block of inflation and mean),
    and that of ZeroInflatedNegativeBinomialP is made of one-sided differences.
    """
    if not name.startswith("inflated"):
        return np.asarray(theirs.cov_params())
    score, at, step = theirs.model.score, np.asarray(theirs.params), 1e-4 * np.eye(len(theirs.params))
    near, far = (np.array([score(at + k * h) - score(at - k * h) for h in step]) for k in (1, 2))
    hessian = (8 * near - far) / 12e-4
    return -np.linalg.inv((hessian + hessian.T) / 2)


@pytest.mark.parametrize("name", PEERS)
def test_tables(name):
    peer = PEERS[name]
    inference = peer.ours.fit(peer.X, peer.y).inference(peer.X, peer.y)
    theirs = polished(peer)
    value, covariance = native(inference, peer.translate)
    rtol = 5e-5 if name.startswith("ordered") else RTOL  # where statsmodels has one-sided differences of differences
    np.testing.assert_allclose(value, vector(theirs.params), rtol=rtol)
    error, given = np.sqrt(np.diag(covariance)), their_covariance(name, theirs)
    size = np.outer(error, error)
    np.testing.assert_allclose(covariance / size, given / size, rtol=0, atol=rtol)
    derived = inference.derived(peer.translate, level=0.9)
    np.testing.assert_allclose(derived["std err"], error, rtol=1e-7)
    if not name.startswith("inflated"):
        np.testing.assert_allclose(error, vector(theirs.bse), rtol=rtol)
        ends = np.stack([derived["5%"], derived["95%"]], axis=1)
        np.testing.assert_allclose(ends, np.asarray(theirs.conf_int(0.1)).reshape(-1, 2), rtol=rtol, atol=rtol * error.max())


@pytest.mark.parametrize("name", ["logit", "probit", "poisson", "exposed"])
def test_tests(name):
    peer = PEERS[name]
    inference, theirs = peer.ours.fit(peer.X, peer.y).inference(peer.X, peer.y), polished(peer)
    np.testing.assert_allclose(inference.zvalues, theirs.tvalues, rtol=RTOL)
    np.testing.assert_allclose(inference.pvalues, theirs.pvalues, rtol=RTOL)
    np.testing.assert_allclose(inference.conf_int(), theirs.conf_int(), rtol=RTOL)
    R, r = np.array([[0.0, 1, 2], [1, 0, 0]]), np.array([0.3, 0.1])
    wald, joint = inference.wald_test(R, r), theirs.wald_test((R, r), scalar=True)
    np.testing.assert_allclose([wald.statistic, wald.pvalue], [joint.statistic, joint.pvalue], rtol=RTOL)
    ours, contrast = inference.contrast(["x0 + 2 * x1 = 0.3"]), theirs.t_test((R[:1], r[:1]))
    np.testing.assert_allclose(ours["estimate"], contrast.effect - 0.3, rtol=RTOL)
    np.testing.assert_allclose([ours["std err"][0], ours["z"][0], ours["p"][0]],
                               [contrast.sd.item(), contrast.tvalue.item(), contrast.pvalue.item()], rtol=RTOL)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in PEERS if name != "inflated poisson"])
def test_robust_covariances(name):
    """In models of discrete y, statsmodels corrects clusters by a k that counts the dispersion, and HC1 not at all.

    Ours counts the coefficients of the parameters that are modelled on columns, as R's sandwich does, for both.
    """
    peer = PEERS[name]
    model = peer.ours.fit(peer.X, peer.y)
    k = len(peer.translate(model))
    ours = k - ("negative" in name) - 2 * ("ordered" in name)  # a dispersion, or two gaps, without columns

    def agrees(theirs, factor=1.0, **options):
        _, covariance = native(model.inference(peer.X, peer.y, **options), peer.translate)
        size, given = np.sqrt(np.diag(covariance)), factor * np.asarray(theirs.cov_params())
        atol = 5e-5 if name.split()[0] in ("ordered", "inflated") else RTOL  # one-sided differences
        np.testing.assert_allclose(covariance / np.outer(size, size), given / np.outer(size, size), rtol=0, atol=atol)

    agrees(polished(peer, cov_type="HC0"), cov="HC0")
    agrees(polished(peer, cov_type="HC1"), cov="HC1", factor=N / (N - ours))
    clusters = {"cov_type": "cluster", "cov_kwds": {"groups": GROUPS}}
    agrees(polished(peer, **clusters), groups=GROUPS, factor=(N - k) / (N - ours))
    clusters["cov_kwds"] = {"groups": GROUPS, "use_correction": False}
    agrees(polished(peer, **clusters), groups=GROUPS, cov="HC0")


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["ols", "wls"])
def test_linear_regression(weight):
    model = MLERegressor().fit(X, REAL, sample_weight=weight)
    model_of_theirs = sm.OLS(REAL, C) if weight is None else sm.WLS(REAL, C, weights=weight)
    clusters = {"cov_type": "cluster", "cov_kwds": {"groups": GROUPS}}
    for options, theirs in [
        ({}, {}),
        ({"cov": "expected"}, {}),
        ({"cov": "HC0"}, {"cov_type": "HC0"}),
        ({"cov": "HC1"}, {"cov_type": "HC1"}),
        ({"cov": "HC2"}, {"cov_type": "HC2"}),
        ({"cov": "HC3"}, {"cov_type": "HC3"}),
        ({"groups": GROUPS}, clusters),
    ]:
        if weight is not None:
            options = {"weights": "analytic", "sample_weight": weight, **options}
        inference, result = model.inference(X, REAL, use_t=True, **options), model_of_theirs.fit(**theirs, use_t=True)
        np.testing.assert_allclose(inference.cov_params()[:3, :3], result.cov_params(), rtol=RTOL)
        np.testing.assert_allclose(inference.bse[:3], result.bse, rtol=RTOL)
        np.testing.assert_allclose(inference.zvalues[:3], result.tvalues, rtol=RTOL)
        np.testing.assert_allclose(inference.pvalues[:3], result.pvalues, rtol=RTOL)
        np.testing.assert_allclose(inference.conf_int(0.99)[:3], result.conf_int(0.01), rtol=RTOL)
        test, other = inference.wald_test("x0 = 1, x1 = -0.4"), result.f_test("x1 = 1, x2 = -0.4")
        np.testing.assert_allclose([test.statistic, test.pvalue], [float(other.statistic), other.pvalue], rtol=RTOL)
        assert test.df == (other.df_num, other.df_denom)


def test_gamma_glm():
    """Statsmodels takes the dispersion as known: given ours, both informations of the mean agree, and the sandwich."""
    model = MLERegressor(Gamma()).fit(X, POSITIVE)
    glm, scale = sm.GLM(POSITIVE, C, sm.families.Gamma(sm.families.links.Log())), np.exp(-model.intercepts_["shape"])
    for information in ("expected", "observed"):
        hessian = {"expected": "eim", "observed": "oim"}[information]
        inference = model.inference(X, POSITIVE, cov=information)
        theirs = glm.fit(scale=scale, tol=1e-13)
        if information == "observed":
            theirs = glm.fit(scale=scale, method="newton", optim_hessian=hessian, start_params=theirs.params, tol=1e-13)
        np.testing.assert_allclose(inference.cov_params()[:3, :3], theirs.cov_params(), rtol=RTOL)
        np.testing.assert_allclose(inference.pvalues[:3], theirs.pvalues, rtol=RTOL)
    theirs = glm.fit(scale=scale, tol=1e-13, cov_type="HC0").cov_params()  # with the observed information
    for name, factor in (("HC0", 1.0), ("HC1", N / (N - 3))):
        sandwich = model.inference(X, POSITIVE, cov=name).cov_params()[:3, :3]
        np.testing.assert_allclose(sandwich, factor * theirs, rtol=RTOL)


@pytest.mark.parametrize("name", ["logit", "poisson", "exposed", "gamma"])
def test_predictions_of_a_glm(name):
    family, model, y, what = {
        "logit": (sm.families.Binomial(), MLEClassifier(), BINARY, lambda dist: dist.mean()),
        "poisson": (sm.families.Poisson(), MLERegressor("poisson"), COUNTS, "mean"),
        "exposed": (sm.families.Poisson(), MLERegressor("poisson", exposure=2), EXPOSED, "mean"),
        "gamma": (sm.families.Gamma(sm.families.links.Log()), MLERegressor(Gamma()), POSITIVE, "mean"),
    }[name]
    A, exposure = (EXPOSED_X, {"exposure": EXPOSURE}) if name == "exposed" else (X, {})
    model.fit(A, y)
    scale = {"scale": np.exp(-model.intercepts_["shape"])} if name == "gamma" else {}
    theirs = sm.GLM(y, C, family, **exposure).fit(tol=1e-13, **scale).get_prediction(C, **exposure)
    table = model.inference(A, y, cov="expected").predict(A, what)
    np.testing.assert_allclose(next(iter(table.columns.values())), theirs.predicted_mean, rtol=RTOL)
    np.testing.assert_allclose(table["std err"], theirs.se_mean, rtol=RTOL)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", ["logit", "probit", "poisson"])
def test_marginal_effects(name, binary):
    A = np.column_stack([X, BINARY[::-1]]) if binary else X
    y, ours = PEERS[name].y, PEERS[name].ours
    theirs = type(PEERS[name].theirs)(y, sm.add_constant(A)).fit(method="newton", tol=1e-13, disp=0)
    theirs = theirs.get_margeff(at="overall", method="dydx", dummy=binary)
    what = "mean" if name == "poisson" else (lambda dist: dist.pmf(np.ones(dist.shape)))
    table = ours.fit(A, y).inference(A, y).marginal_effects(A, what=what)
    np.testing.assert_allclose(table["effect"], theirs.margeff, rtol=RTOL)
    np.testing.assert_allclose(table["std err"], theirs.margeff_se, rtol=RTOL)
    np.testing.assert_allclose(table["p"], theirs.pvalues, rtol=RTOL)
    np.testing.assert_allclose(np.stack([table["2.5%"], table["97.5%"]], axis=1), theirs.conf_int(), rtol=RTOL)


@pytest.mark.parametrize("name", ["logit", "probit", "poisson"])
def test_score_tests(name):
    family, ours, y = {
        "logit": (sm.families.Binomial(), MLEClassifier, BINARY),
        "probit": (sm.families.Binomial(sm.families.links.Probit()), MLEClassifier, BINARY),
        "poisson": (sm.families.Poisson(), MLERegressor, COUNTS),
    }[name]
    law = PEERS[name].ours.get_params(deep=False)["likelihood"]
    parameter = "mean" if name == "poisson" else "prob"
    theirs = sm.GLM(y, C[:, :2], family).fit(tol=1e-13)
    small = ours(law, predictors={parameter: [0]}).fit(X, y)
    for information in ("expected", "observed"):
        statistic, pvalue = theirs.score_test(exog_extra=X[:, [1]], observed=information == "observed")
        test = score_test(small, ours(law), X, y, information=information)
        np.testing.assert_allclose([test.statistic, test.pvalue], [statistic.item(), pvalue.item()], rtol=RTOL)
        assert test.df == 1
    assert score_test(small, ours(law), X, y) == score_test(small, ours(law), X, y, information="expected")


def test_effects_on_the_probabilities_of_classes():
    peer = PEERS["multinomial"]
    table = peer.ours.fit(X, LABELS).inference(X, LABELS).marginal_effects(X)
    theirs = polished(peer).get_margeff()
    np.testing.assert_allclose(table["effect"].reshape(2, 3), theirs.margeff, rtol=RTOL)
    np.testing.assert_allclose(table["std err"].reshape(2, 3), theirs.margeff_se, rtol=RTOL)


def test_score_test_of_a_constant_variance_is_that_of_breusch_and_pagan():
    """Breusch and Pagan (1979), doi:10.2307/1911963: the score test of a scale with a log link."""
    small = MLERegressor().fit(X, REAL)
    test = score_test(small, MLERegressor(predictors={"scale": "all"}), X, REAL)
    statistic, pvalue, _, _ = sm.stats.het_breuschpagan(REAL - small.predict(X), C, robust=False)
    np.testing.assert_allclose([test.statistic, test.pvalue], [statistic, pvalue], rtol=RTOL)
    assert test.df == 2
