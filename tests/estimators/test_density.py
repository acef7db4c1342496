"""MLEDensity: a law of the columns of X themselves."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sk_mle import MLEDensity, MLERegressor, censored, from_scipy
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import (
    LAWS,
    Beta,
    Binomial,
    Categorical,
    Censored,
    Gamma,
    Mixture,
    MultivariateNormal,
    Normal,
    Truncated,
    Weibull,
)

# ---- scikit-learn --------------------------------------------------------------------------------------------------


class MeanDensity(MLEDensity):
    """A law of one variable sees the mean of the columns, so that every check can run on it."""

    def _values(self, X, law):
        return super()._values(X.mean(axis=1, keepdims=True), law)


MANY = "X of this check has several columns; Normal takes one, see MeanDensity"
SEVERAL_COLUMNS = [
    "check_fit_score_takes_y",
    "check_estimators_overwrite_params",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_readonly_memmap_input",
    "check_n_features_in_after_fitting",
    "check_positive_only_tag_during_fit",
    "check_estimators_dtypes",
    "check_sample_weights_pandas_series",
    "check_sample_weights_not_an_array",
    "check_sample_weights_list",
    "check_all_zero_sample_weights_error",
    "check_sample_weights_shape",
    "check_sample_weights_not_overwritten",
    "check_sample_weight_equivalence_on_dense_data",
    "check_dtype_object",
    "check_pipeline_consistency",
    "check_estimators_nan_inf",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_fit2d_1sample",
    "check_dict_unchanged",
    "check_fit_idempotent",
    "check_fit_check_is_fitted",
    "check_n_features_in",
    "check_fit2d_predict1d",
]


def expected_failures(estimator):
    one = type(estimator) is MLEDensity and isinstance(estimator.likelihood, Normal)
    return dict.fromkeys(SEVERAL_COLUMNS, MANY) if one else {}


ESTIMATORS = [
    MLEDensity(),
    MLEDensity(MultivariateNormal(lower=0.0)),
    MeanDensity(Normal()),
    MLEDensity(Normal()),
]


@pytest.mark.filterwarnings("default")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_check_estimator(estimator, check):
    if type(estimator) is MLEDensity and estimator.likelihood is None and "weight_equivalence" in check.func.__name__:
        pytest.skip("495 parameters take 10 s and more; MultivariateNormal(lower=0.0) meets this check in their place")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.mark.filterwarnings("ignore")
def test_check_estimator_of_a_scipy_law():
    check_estimator(MeanDensity(stats.gumbel_r))


def positive(n=400, seed=0):
    return np.random.default_rng(seed).gamma(2.0, 3.0, size=(n, 1))


def test_pipelines_and_searches():
    X = positive()
    grid = {"likelihood": ["normal", "gamma", Weibull(), stats.lognorm, from_scipy(stats.gamma, a=1.0)]}
    search = GridSearchCV(MLEDensity(), grid, cv=4).fit(X)
    assert search.best_params_["likelihood"] == "gamma"
    assert search.cv_results_["mean_test_score"].argmin() == 0
    assert search.score(X) == search.best_estimator_.score(X)
    deeper = GridSearchCV(MLEDensity(from_scipy(stats.gamma)), {"likelihood__a": [0.5, 2.0, None]}, cv=3).fit(X)
    assert deeper.best_params_["likelihood__a"] != 0.5
    pipe = make_pipeline(StandardScaler(), MLEDensity()).fit(X)
    assert pipe.score(X) == pytest.approx(stats.norm.logpdf(stats.zscore(X)).mean())
    assert cross_val_score(make_pipeline(FunctionTransformer(np.log), MLEDensity("student_t")), X, cv=3).shape == (3,)


def test_clone_pickle_and_names():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"wait": positive()[:, 0]})
    model = MLEDensity(stats.gamma).fit(frame)
    assert model.feature_names_in_.tolist() == ["wait"]
    for other in (pickle.loads(pickle.dumps(model)), clone(model).fit(frame)):
        np.testing.assert_array_equal(other.score_samples(frame), model.score_samples(frame))
    chosen = make_pipeline(make_column_transformer(("passthrough", ["wait"])), MLEDensity("gamma"))
    assert chosen.fit(frame.assign(other=1.0)).score(frame.assign(other=2.0)) == pytest.approx(model.score(frame))


# ---- the fit -------------------------------------------------------------------------------------------------------


def test_default_is_the_normal_law():
    X = np.random.default_rng(1).normal(2.0, 3.0, size=(50, 1))
    model = MLEDensity().fit(X)
    assert model.params_ == pytest.approx({"loc": X.mean(), "scale": X.std()}, rel=1e-10)
    Z = np.random.default_rng(2).normal(size=(80, 3)) @ [[1, 0.4, 0], [0, 2, 0.3], [0, 0, 0.5]]
    model, mixture = MLEDensity().fit(Z), GaussianMixture(1, reg_covar=0).fit(Z)
    assert model.score(Z) == pytest.approx(mixture.score(Z), rel=1e-10)
    np.testing.assert_allclose(model.score_samples(Z), mixture.score_samples(Z), rtol=1e-9)
    assert model.bic_ == pytest.approx(mixture.bic(Z), rel=1e-10)
    assert model.aic_ == pytest.approx(mixture.aic(Z), rel=1e-10)
    assert model.n_params_ == 9


CONVERGES = ["alpha", "burr12", "chi", "exponnorm", "fatiguelife", "foldnorm", "gamma", "genlogistic", "gengamma", "gumbel_l"]
CONVERGES += ["invgauss", "johnsonsu", "logistic", "lomax", "mielke", "nakagami", "rice", "skewnorm", "t", "weibull_min"]


@pytest.mark.parametrize("name", CONVERGES)
def test_equals_scipy_where_scipy_converges(name):
    rv, law = getattr(stats, name), from_scipy(getattr(stats, name))
    others = [name for name in law.parameters if name not in ("loc", "scale")]
    shapes = {name: np.mean(law.layout[name].domain.typical) for name in others}
    x = rv.rvs(**shapes, size=200, random_state=5)
    theirs = rv.logpdf(x, *rv.fit(x, **{f"f{key}": value for key, value in law.layout.fixed.items()})).sum()
    model = MLEDensity(law).fit(x[:, None])
    assert model.converged_
    assert theirs - 1e-6 <= model.loglikelihood_ <= theirs + 1e-4


@pytest.mark.parametrize(
    ("name", "shapes", "gain"),
    [("t", (1.2,), 100), ("jf_skew_t", (1.2, 1.1), 1000), ("crystalball", (1.0, 2.0), 1000), ("genextreme", (0.3,), 1)],
)
def test_beats_scipy_where_scipy_stops_short(name, shapes, gain):
    """Values near 1000 with a spread of 1e-3, as of a measured length in metres: scipy's start loses its way."""
    rv = getattr(stats, name)
    x = 1e3 + 1e-3 * rv.rvs(*shapes, size=300, random_state=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = rv.logpdf(x, *rv.fit(x)).sum()
    model = MLEDensity(rv).fit(x[:, None])
    assert model.converged_
    assert model.loglikelihood_ > theirs + gain
    scaled = MLEDensity(rv).fit((x[:, None] - 1e3) * 1e3)  # the same data in millimetres from there
    assert model.loglikelihood_ == pytest.approx(scaled.loglikelihood_ + 300 * np.log(1e3), abs=1e-5)


@pytest.mark.parametrize("name", ["gamma", "student_t", "weibull", "log_normal", "gumbel"])
def test_equals_an_intercept(name):
    X, y = np.zeros((60, 1)), positive(60)[:, 0]
    regressor = MLERegressor(name, predictors={next(iter(LAWS[name].parameters)): "intercept"}).fit(X, y)
    model = MLEDensity(name).fit(y[:, None])
    assert model.loglikelihood_ == pytest.approx(regressor.loglikelihood_, rel=1e-12)
    assert (model.aic_, model.bic_, model.n_params_) == pytest.approx((regressor.aic_, regressor.bic_, regressor.n_params_))
    for key, values in regressor.predict_params(X[:1]).items():
        assert model.params_[key] == pytest.approx(values[0], rel=1e-8)


def test_weights_are_repetitions():
    X, rng = positive(60), np.random.default_rng(3)
    weight = rng.integers(0, 4, 60)
    one, other = MLEDensity("weibull").fit(X, sample_weight=weight), MLEDensity("weibull").fit(np.repeat(X, weight, axis=0))
    assert one.params_ == pytest.approx(other.params_, rel=1e-9)
    assert (one.loglikelihood_, one.aicc_, one.bic_) == pytest.approx((other.loglikelihood_, other.aicc_, other.bic_))
    assert one.score(X, sample_weight=weight) == pytest.approx(other.score(np.repeat(X, weight, axis=0)), rel=1e-10)
    assert one.score(X, sample_weight=weight) * weight.sum() == pytest.approx(one.loglikelihood_, rel=1e-10)


def test_fitted_attributes():
    X = positive()
    model = MLEDensity(Gamma(shape=2.0)).fit(X)
    assert model.params_ == {"mean": pytest.approx(X.mean()), "shape": 2.0}
    assert model.n_params_ == 1
    assert model.likelihood_.layout.fixed == {"shape": 2.0}
    assert model.n_features_in_ == 1
    assert model.n_iter_ <= 5
    assert model.optimize_result_.gradient_size <= 1e-8
    assert model.distribution_.shape == ()
    grid = np.linspace(0, 30, 7)
    np.testing.assert_allclose(model.distribution_.pdf(grid), stats.gamma(2, scale=X.mean() / 2).pdf(grid), rtol=1e-9)
    np.testing.assert_allclose(model.score_samples(X), model.distribution_.logpdf(X[:, 0]), rtol=1e-12)
    assert not hasattr(model, "predict")
    assert not hasattr(model, "coefs_")
    assert model.score_samples([[-1.0], [2.0]])[0] == -np.inf


def test_sample():
    model = MLEDensity("gamma").fit(positive())
    draws = model.sample(3000, random_state=0)
    assert draws.shape == (3000, 1)
    assert stats.kstest(draws[:, 0], model.distribution_.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(draws, model.sample(3000, random_state=0))
    assert model.sample().shape == (1, 1)
    assert MLEDensity().fit(np.random.default_rng(0).normal(size=(50, 3))).sample(4, random_state=1).shape == (4, 3)
    for wrong in (0, 2.5, True):
        with pytest.raises(ValueError, match="n_samples must be a positive integer"):
            model.sample(wrong)


# ---- laws of other targets -----------------------------------------------------------------------------------------


def test_censored_samples_have_two_columns():
    x = np.random.default_rng(4).weibull(1.5, size=300) * 2
    Y = censored(np.minimum(x, 2.5), event=x < 2.5)
    model = MLEDensity(Censored(Weibull())).fit(Y)
    left = stats.CensoredData.right_censored(np.minimum(x, 2.5), x >= 2.5)
    shape, _, scale = stats.weibull_min.fit(left, floc=0)
    assert model.params_ == pytest.approx({"scale": scale, "shape": shape}, rel=1e-3)
    assert model.n_features_in_ == 2
    assert model.sample(5).shape == (5, 1)  # durations themselves
    assert model.distribution_.sf(2.5) == pytest.approx((x >= 2.5).mean(), abs=0.05)
    assert MLEDensity(Censored(Weibull())).fit(x[:, None]).n_features_in_ == 1  # none censored


def test_other_laws():
    x = np.random.default_rng(5).normal(size=(400, 1))
    cut = MLEDensity(Truncated(Normal(), low=-0.5)).fit(x[x[:, 0] > -0.5][:, None, 0])
    assert cut.params_["low"] == -0.5
    codes = MLEDensity(Categorical()).fit(np.array([[0.0], [1.0], [1.0], [2.0]]))
    np.testing.assert_allclose(codes.score_samples([[0.0], [1.0], [2.0]]), np.log([0.25, 0.5, 0.25]), atol=1e-8)
    two = np.concatenate([x - 4, x + 4])
    mixture = MLEDensity(Mixture([("low", Normal()), ("high", Normal())])).fit(two)
    assert mixture.converged_
    assert mixture.score(two) > MLEDensity().fit(two).score(two) + 0.3


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("likelihood", "X", "words"),
    [
        ("normal", [[1.0, 2.0], [2.0, 1.0]], "X has 2 features, and Normal does not take so many.*'multivariate_normal'"),
        ("normal", [1.0, 2.0], "Expected 2D array, got 1D array"),
        ("gamma", [[1.0], [-2.0]], r"X must lie in \(0, inf\), the support of Gamma, but does not in row 1"),
        ("normal", [[1.0], [np.nan]], "Input X contains NaN in row 1"),
        ("normal", [[1.0], [np.inf]], "Input X contains infinity in row 1"),
        (Normal(loc=0.0, scale=1.0), [[1.0], [2.0]], "every parameter of Normal is fixed"),
        (Binomial(trials="n"), [[1.0], [2.0]], "takes .*'trials'.* from columns of X, and here X holds the samples alone"),
        ("nothing", [[1.0]], "likelihood='nothing' is unknown"),
        (Beta(mean=2.0), [[0.1], [0.2]], "mean must lie in"),
    ],
)
def test_errors_name_the_reason(likelihood, X, words):
    model = MLEDensity(likelihood)
    with pytest.raises(ValueError, match=words):
        model.fit(X)
    assert not hasattr(model, "n_features_in_")


def test_bad_numbers():
    for name, value in (("tol", 0), ("max_iter", -1), ("solver", "nothing")):
        with pytest.raises(ValueError, match=name):
            MLEDensity("gamma", **{name: value}).fit(positive())
    with pytest.raises(ValueError, match="sample_weight has length 3"):
        MLEDensity().fit(positive(), sample_weight=[1, 2, 3])


def test_options_reach_the_solver(capsys):
    model = MLEDensity(stats.gumbel_r, solver="lbfgs", tol=1e-6, max_iter=50, verbose=1).fit(positive())
    assert model.converged_
    assert "mean NLL" in capsys.readouterr().out


def test_a_constant_sample_warns():
    with pytest.warns(BoundaryWarning, match="unbounded") as caught:
        MLEDensity().fit([[2.0]] * 5)
    assert caught[0].filename == __file__


def test_inference_of_data_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"life": np.random.default_rng(0).gamma(2.0, 3.0, 200)})
    inference = MLEDensity("gamma").fit(frame).inference(frame)
    plain = MLEDensity("gamma").fit(frame.to_numpy()).inference(frame.to_numpy())
    np.testing.assert_allclose(inference.bse, plain.bse)
