""" "mean" is the mean of y, also in laws that have a parameter of that name and another mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, gammainc
from sklearn.compose import TransformedTargetRegressor

from sk_mle import Inference, MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import (
    AsymmetricLaplace,
    Beta,
    BetaBinomial,
    Censored,
    Gamma,
    Hurdle,
    Likelihood,
    NegativeBinomial,
    Poisson,
    Rounded,
    Truncated,
    ZeroInflated,
    ZeroOneInflated,
)


def truncated_gamma(e):
    mean, shape = np.exp(e["mean"]), np.exp(e["shape"])
    return mean * gammainc(shape + 1, 3 * shape / mean) / gammainc(shape, 3 * shape / mean)


# law, further predictors, the mean from linear predictors by another formula than the package's
CASES = {
    "hurdle": (Hurdle(Poisson()), ["zero"], lambda e: expit(-e["zero"]) * np.exp(e["mean"]) / -np.expm1(-np.exp(e["mean"]))),
    "zero-inflated": (ZeroInflated(Poisson()), ["inflation"], lambda e: expit(-e["inflation"]) * np.exp(e["mean"])),
    "zero-inflated negative binomial": (
        ZeroInflated(NegativeBinomial(dispersion=0.5)),
        [],
        lambda e: expit(-e["inflation"]) * np.exp(e["mean"]),
    ),
    "zero-one-inflated": (
        ZeroOneInflated(Beta()),
        ["one"],
        lambda e: expit(-e["zero"]) * (expit(e["one"]) + expit(-e["one"]) * expit(e["mean"])),
    ),
    "truncated counts": (Truncated(Poisson(), low=0), [], lambda e: np.exp(e["mean"]) / -np.expm1(-np.exp(e["mean"]))),
    "truncated": (
        Truncated(Gamma(), high=3.0),
        ["shape"],
        truncated_gamma,
    ),
    "beta-binomial": (BetaBinomial(trials=10), ["precision"], lambda e: 10 * expit(e["mean"])),
    "rounded": (Rounded(Gamma(), 0.1), ["shape"], lambda e: np.exp(e["mean"])),
}


def linear_predictors(inference, vector, A):
    coefs, intercepts = inference.layout.unflatten(vector)
    columns = inference.model.predictors_
    return {name: A[:, columns[name]] @ coefs[name] + intercepts[name] for name in coefs}


def delta_method(inference, mean, A):
    """Values and standard errors by central differences of a formula in the coefficients."""
    params = inference.params
    slopes = []
    for i, size in enumerate(1e-3 * inference.bse):
        step = size * (np.arange(len(params)) == i)
        ends = [mean(linear_predictors(inference, params + sign * step, A)) for sign in (1, -1)]
        slopes.append((ends[0] - ends[1]) / (2 * size))
    G = np.transpose(slopes)
    return mean(linear_predictors(inference, params, A)), G


@pytest.mark.parametrize("name", CASES)
def test_the_mean_is_the_mean_of_y(name):
    law, more, formula = CASES[name]
    A, y = make_mle_regression(law, 300, 2, random_state=3)[:2]
    model = MLERegressor(law, predictors=dict.fromkeys(more, "all")).fit(A, y)
    inference, few = model.inference(A, y), A[:5]
    mean, G = delta_method(inference, formula, few)
    table = inference.predict(few)
    np.testing.assert_allclose(table["mean"], mean, rtol=1e-7)
    np.testing.assert_allclose(table["mean"], model.predict(few), rtol=1e-10)
    error = np.sqrt(np.einsum("ni,ij,nj->n", G, inference.cov_params(), G))
    np.testing.assert_allclose(table["std err"], error, rtol=1e-4)
    step = 1e-4 * np.array([1.0, 0.0])
    effects = inference.marginal_effects(few)
    slope = (
        formula(linear_predictors(inference, inference.params, few + step))
        - formula(linear_predictors(inference, inference.params, few - step))
    ).mean() / 2e-4
    assert effects["effect"][0] == pytest.approx(slope, rel=1e-5)
    by_predict = (model.predict(few + step) - model.predict(few - step)).mean() / 2e-4
    assert effects["effect"][0] == pytest.approx(by_predict, rel=1e-5)
    _, up = delta_method(inference, formula, few + step)
    _, down = delta_method(inference, formula, few - step)
    gradient = (up - down).mean(axis=0) / 2e-4
    assert effects["std err"][0] == pytest.approx(np.sqrt(gradient @ inference.cov_params() @ gradient), rel=1e-3)
    parameter = inference.predict(few, "param:mean")
    np.testing.assert_allclose(parameter["parameter mean"], model.predict_params(few)["mean"], rtol=1e-12)


def test_a_transformed_target_has_the_mean_of_the_original():
    rng = np.random.default_rng(4)
    A = rng.normal(size=(300, 1))
    y = np.expm1(rng.gamma(8.0, np.exp(0.2 * A[:, 0]) / 8))
    wrapped = TransformedTargetRegressor(MLERegressor(Gamma()), func=np.log1p, inverse_func=np.expm1).fit(A, y)
    inference = Inference.from_estimator(wrapped, A, y)

    def mean(eta):  # E exp(T) - 1: the moment generating function of the gamma law
        mean, shape = np.exp(eta["mean"]), np.exp(eta["shape"])
        return (1 - mean / shape) ** -shape - 1

    value, G = delta_method(inference, mean, A[:4])
    table = inference.predict(A[:4])
    np.testing.assert_allclose(table["mean"], value, rtol=1e-8)
    np.testing.assert_allclose(table["std err"], np.sqrt(np.einsum("ni,ij,nj->n", G, inference.cov_params(), G)), rtol=1e-5)
    np.testing.assert_allclose(
        inference.predict(A[:4], "param:mean")["parameter mean"], inference.model.predict(A[:4]), rtol=1e-12
    )


class LogNormalOfMean(Likelihood):
    """The log-normal law by the mean and standard deviation of log y."""

    parameters = {"mean": REAL, "std": POSITIVE}
    support = POSITIVE

    def __init__(self, *, mean=None, std=None, links=None):
        self.mean, self.std, self.links = mean, std, links

    def loglik(self, y, mean, std):
        return stats.norm.logpdf(np.log(y), mean, std) - np.log(y)


def test_names_of_functionals_are_never_parameters():
    rng = np.random.default_rng(5)
    A = rng.normal(size=(200, 1))
    y = np.exp(0.5 * A[:, 0] + 0.7 * rng.normal(size=200))
    model = MLERegressor(LogNormalOfMean()).fit(A, y)
    inference, few = model.inference(A, y), A[:3]
    params = model.predict_params(few)
    right = stats.lognorm(params["std"], scale=np.exp(params["mean"]))
    np.testing.assert_allclose(inference.predict(few)["mean"], right.mean(), rtol=1e-6)
    np.testing.assert_allclose(inference.predict(few, "std")["std"], right.std(), rtol=1e-5)
    np.testing.assert_allclose(inference.predict(few, "param:std")["parameter std"], params["std"], rtol=1e-12)
    np.testing.assert_allclose(inference.predict(few, "param:mean")["parameter mean"], params["mean"], rtol=1e-12)
    assert inference.marginal_effects(A, what="param:mean").title == "Average marginal effects on the parameter mean"
    assert inference.marginal_effects(A, what="param:mean")["effect"][0] == pytest.approx(model.coef_[0], rel=1e-9)
    with pytest.raises(ValueError, match=r"parameters of the predicted LogNormalOfMean are \['mean', 'std'\]"):
        inference.predict(few, "param:loc")
    with pytest.raises(ValueError, match="no further argument"):
        inference.predict(few, "param:mean", q=0.5)
    with pytest.raises(ValueError, match=r"a parameter: \['param:mean', 'param:std'\]"):
        inference.predict(few, "loc")


def test_quantiles_are_requested_by_level_and_parameters_by_prefix():
    rng = np.random.default_rng(6)
    A = rng.normal(size=(200, 1))
    y = A[:, 0] + rng.laplace(size=200)
    model = MLERegressor(AsymmetricLaplace(quantile=None)).fit(A, y)
    inference = model.inference(A, y, cov="expected")
    with pytest.raises(ValueError, match="argument q, got none, or 'param:quantile' for the parameter of AsymmetricLaplace"):
        inference.predict(A[:2], "quantile")
    table = inference.predict(A[:2], "param:quantile")
    np.testing.assert_allclose(table["parameter quantile"], model.predict_params(A[:2])["quantile"])
    assert inference.predict(A[:2], "scale")["scale"] == pytest.approx(model.predict_params(A[:2])["scale"])


def test_mean_of_censored_data_is_that_of_the_uncensored_law():
    A, y = make_mle_regression(Censored(Gamma()), 200, 2, random_state=7)[:2]
    model = MLERegressor(Censored(Gamma())).fit(A, y)
    inference = model.inference(A, y)
    np.testing.assert_allclose(inference.predict(A[:3])["mean"], model.predict_params(A[:3])["mean"], rtol=1e-12)


def test_intervals_of_a_mean_stay_between_the_ends_of_the_support():
    rng = np.random.default_rng(8)
    A = rng.normal(size=(60, 1))
    y = rng.binomial(10, expit(3 + A[:, 0])).astype(float)
    model = MLERegressor(BetaBinomial(trials=10, precision=50.0)).fit(A, y)
    table = model.inference(A, y).predict([[4.0], [-9.0]])
    share = model.inference(A, y).predict([[4.0], [-9.0]], "param:mean")
    np.testing.assert_allclose(table["97.5%"], 10 * share["97.5%"], rtol=1e-9)
    assert (table["97.5%"] < 10).all()


def test_a_function_called_probability_has_numbers_for_entries():
    rng = np.random.default_rng(9)
    A = rng.normal(size=(50, 1))
    y = rng.poisson(2.0, 50).astype(float)

    def probability(dist):
        return np.stack([dist.pmf(np.full(dist.shape, k)) for k in (0.0, 1.0)], axis=1)

    inference = MLERegressor("poisson").fit(A, y).inference(A, y)
    assert inference.predict(A[:1], probability).index == ["0, 0", "0, 1"]


def test_data_frames_name_the_effects():
    rng = np.random.default_rng(0)
    A = pd.DataFrame({"x": rng.normal(size=500)})
    y = rng.poisson(np.exp(0.5 * A["x"])) * (rng.uniform(size=500) < 0.6)
    model = MLERegressor(Hurdle(Poisson()), predictors={"zero": "all"}).fit(A, y)
    inference = model.inference(A, y)
    masses = np.stack([model.predict_dist(A[:2]).pmf(np.full(2, k)) for k in range(60)])
    np.testing.assert_allclose(inference.predict(A[:2])["mean"], np.arange(60) @ masses, rtol=1e-9)
    assert inference.marginal_effects(A).index == ["d/d x"]
