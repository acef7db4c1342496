"""Fits of rows in parts against the same rows in memory: every law and wrapper, arguments, checks, inference."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from _laws import UserGumbel
from _parts import Parts, cut
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import genextreme
from sklearn.base import clone
from test_sweep import LAWS_AND_WRAPPERS, name

from sk_mle import MLEClassifier, MLEDensity, MLERegressor, Source
from sk_mle._model.data import Data
from sk_mle._model.moments import products_of_columns
from sk_mle.datasets import make_mle_regression
from sk_mle.diagnostics import leverage, quantile_residuals
from sk_mle.exceptions import ConvergenceWarning, IdentificationWarning, SeparationWarning
from sk_mle.inference import score_test
from sk_mle.likelihoods import (
    AsymmetricLaplace,
    Dirichlet,
    Hurdle,
    Laplace,
    Multinomial,
    MultivariateNormal,
    Normal,
    Ordinal,
    Poisson,
)
from sk_mle.selection import LikelihoodSearch
from sk_mle.testing import check_source

RNG = np.random.default_rng(0)
N = 500
X = RNG.normal(size=(N, 3))
MEAN = np.exp(0.4 * X[:, 0] - 0.2 * X[:, 1])
COUNTS = RNG.poisson(MEAN * RNG.gamma(3.0, 1 / 3, N)).astype(float)
REALS = X[:, 0] + RNG.normal(size=N)
WEIGHT = RNG.integers(0, 3, N).astype(float)
LABELS = np.array(["low", "middle", "high"])[np.digitize(REALS, [-0.7, 0.8])]
HALVES = slice(0, 100), slice(100, N)
SOME_LAWS = {"Normal()", "Laplace()", "NegativeBinomial()", "GeneralizedExtremeValue()", "Ordinal()", "Hurdle(law=Poisson())"}


def fitted(model, X, y, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of boundaries, in memory as well
        return clone(model).fit(X, y, **kwargs)


def assert_same(model, one, rtol=1e-9):
    """Two fits of the same rows."""
    for parameter, value in model.coefs_.items():
        assert_allclose(one.coefs_[parameter], value, rtol=rtol, atol=1e-10)
        assert_allclose(one.intercepts_[parameter], model.intercepts_[parameter], rtol=rtol, atol=1e-10)
    assert_allclose(one.loglikelihood_, model.loglikelihood_, rtol=1e-12)
    assert_allclose([one.aic_, one.aicc_, one.bic_], [model.aic_, model.aicc_, model.bic_], rtol=1e-12)
    assert (one.n_params_, one.converged_) == (model.n_params_, model.converged_)
    assert_allclose(one.fit_.fingerprint, model.fit_.fingerprint, rtol=1e-12)


@pytest.mark.parametrize("law", [law for law in LAWS_AND_WRAPPERS if name(law) in SOME_LAWS], ids=name)
def test_laws_as_in_memory(law):  # all of them: test_references_in_parts.py
    data = make_mle_regression(law, n_samples=N, n_features=2, random_state=1)
    model = MLEClassifier(law) if law.target_type == "classes" else MLERegressor(law)
    whole, parts = fitted(model, data.X, data.y), fitted(model, cut(data.X, data.y), None)
    assert_same(whole, parts, 1e-7 if whole.fit_.limits or not whole.converged_ else 1e-9)
    assert_allclose(parts.score(cut(data.X, data.y, at=(3, 3)), None), whole.score(data.X, data.y), rtol=1e-12)


@pytest.mark.parametrize("law", [MultivariateNormal(), Dirichlet(), Multinomial()], ids=repr)
def test_several_targets(law):
    data = make_mle_regression(law, n_samples=N, n_features=2, random_state=1)
    assert_same(fitted(MLERegressor(law), data.X, data.y), fitted(MLERegressor(law), cut(data.X, data.y), None))


MODELS = {
    "a user's law": (MLERegressor(UserGumbel()), REALS),
    "two parameters on columns": (MLERegressor("negative_binomial", predictors={"dispersion": [0, 2]}), COUNTS),
    "no intercept": (MLERegressor("poisson", fit_intercept=False), COUNTS),
    "penalty": (MLERegressor("gamma", alpha=0.3), COUNTS + 0.5),
    "few columns": (MLERegressor("poisson", predictors={"mean": [1]}), COUNTS),
    "no columns": (MLERegressor("negative_binomial", predictors={"mean": "intercept"}), COUNTS),
    "offset": (MLERegressor("poisson", offset=2), COUNTS),
    "known": (MLERegressor(Normal(scale="x2"), predictors={"loc": [0]}), REALS),
    "lbfgs": (MLERegressor("poisson", solver="lbfgs"), COUNTS),
    "classes": (MLEClassifier(), LABELS),
    "two classes": (MLEClassifier(), LABELS == "low"),
    "balanced": (MLEClassifier(class_weight="balanced"), LABELS),
    "class weights": (MLEClassifier(class_weight={"low": 0.5, "middle": 2.0, "high": 1.0}), LABELS),
    "ordinal": (MLEClassifier(Ordinal(categories=["low", "middle", "high"])), LABELS),
}


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weights"])
@pytest.mark.parametrize("sample", [Source.rows_of_sample, 200], ids=["all in memory", "a sample"])
@pytest.mark.parametrize("case", MODELS)
def test_arguments_as_in_memory(case, sample, weight):
    model, y = MODELS[case]
    columns = np.column_stack([X[:, :2], np.exp(X[:, 2])]) if case == "known" else X
    given = (columns, y) if weight is None else (columns, y, weight)
    whole = fitted(model, columns, y, sample_weight=weight)
    parts = fitted(model, cut(*given, rows_of_sample=sample), None)
    assert_same(whole, parts, 1e-7 if case == "lbfgs" else 1e-9)
    found, expected = parts.predict(cut(columns)), parts.predict(columns)
    if expected.dtype.kind == "f":
        assert_allclose(found, expected, rtol=1e-13)
    else:
        assert_array_equal(found, expected)


def test_frames_by_names():
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(hours=np.exp(X[:, 2]), y=COUNTS, w=WEIGHT)
    source = Parts([frame[:3], frame[3:3], frame[3:300], frame[300:]])
    model = MLERegressor("negative_binomial", exposure="hours", predictors={"dispersion": ["a"]})
    whole = fitted(model, frame[["a", "b", "c", "hours"]], frame["y"], sample_weight=frame["w"])
    parts = fitted(model, source, "y", sample_weight="w")
    assert_same(whole, parts)
    assert list(parts.feature_names_in_) == ["a", "b", "c", "hours"]
    assert_allclose(parts.score(source, "y", "w"), whole.score(frame[["a", "b", "c", "hours"]], frame["y"], frame["w"]))
    with pytest.raises(ValueError, match=r"y='z' names a column, but X has none of that name: its columns are \['a'"):
        model.fit(source, "z")
    with pytest.raises(TypeError, match="y must be the name of a column"):
        model.fit(source, COUNTS)
    other = Parts([frame, frame.rename(columns={"a": "A"})])
    with pytest.raises(ValueError, match="parts of X have different columns"):
        model.fit(other, "y", sample_weight="w")


def test_sparse_parts_and_columns_of_one_part():
    dense = (RNG.uniform(size=(N, 4)) < 0.2) * RNG.normal(size=(N, 4))
    dense[:300, 3] = 0.0  # non-zero in one part only
    for kind in (np.asarray, sparse.csr_matrix):
        whole = fitted(MLERegressor("poisson"), kind(dense), COUNTS)
        for sample in (Source.rows_of_sample, 20):
            assert_same(whole, fitted(MLERegressor("poisson"), cut(kind(dense), COUNTS, rows_of_sample=sample), None))


def test_dependent_columns_have_the_minimum_norm():
    dependent = np.column_stack([X, X[:, 0] - 2 * X[:, 1], np.ones(N)])
    whole, parts = (fitted(MLERegressor("poisson"), *data) for data in ((dependent, COUNTS), (cut(dependent, COUNTS), None)))
    assert_same(whole, parts)


def test_a_start_that_is_impossible_in_rows_not_at_hand():
    rng = np.random.default_rng(3)
    columns = rng.normal(size=(N, 1))
    y = genextreme.rvs(0.2, size=N, random_state=rng) + 2 * columns[:, 0]
    parts = fitted(MLERegressor("generalized_extreme_value"), cut(columns, y, rows_of_sample=20), None)
    assert_same(fitted(MLERegressor("generalized_extreme_value"), columns, y), parts)


def test_few_passes_for_kinks():
    columns = RNG.normal(size=(20_000, 3))
    y = columns[:, 0] + RNG.standard_t(3, size=20_000)
    for law in (Laplace(), AsymmetricLaplace(quantile=0.9)):
        source = cut(columns, y, at=(9_000,), rows_of_sample=4096)
        parts = MLERegressor(law).fit(source, None)
        assert source.passes <= 40
        assert_same(MLERegressor(law).fit(columns, y), parts)


def test_far_columns():
    far = 1e6 + 1e3 * X
    for law, y in (("poisson", COUNTS), ("normal", REALS)):
        assert_same(fitted(MLERegressor(law), far, y), fitted(MLERegressor(law), cut(far, y), None))


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("centered", [True, False])
def test_products_of_parts_join_to_those_of_all_rows(centered, small):
    columns, weight = 5.0 + X * [1.0, 10.0, 0.1], WEIGHT + 0.5
    whole = products_of_columns(Data(columns, COUNTS, weight, {}), centered, small)
    parts = [products_of_columns(Data(columns[rows], COUNTS[rows], weight[rows], {}), centered, small) for rows in HALVES]
    for one, two in zip(parts[0].joined(parts[1]), whole, strict=True):
        assert_allclose(one, two, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("sample", [Source.rows_of_sample, 60])
def test_separated_rows(sample):
    separated, crossed = (X[:, 0] > 0).astype(int), (X[:, 0] > 0).astype(int)
    crossed[np.argsort(np.abs(X[:, 0]))[:4]] ^= 1  # which few samples see
    for y, warns in ((separated, True), (crossed, False)):
        for data in ((X, y), (cut(X, y, rows_of_sample=sample), None)):
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                model = MLEClassifier().fit(*data)
            assert any(one.category is SeparationWarning for one in found) == warns
            assert model.converged_ != warns


def test_coefficients_without_information():
    zero = X[:, 0] > 0.5
    columns, y = np.column_stack([zero, X[:, 1]]), np.where(zero, 0.0, COUNTS)
    models = []
    for data in ((columns, y), (cut(columns, y), None)):
        with pytest.warns((IdentificationWarning, SeparationWarning)):
            models.append(MLERegressor(Hurdle(Poisson()), predictors={"zero": [1]}).fit(*data))
    assert_same(*models)


def test_density():
    values = np.exp(X[:, :1])
    for weight in (None, WEIGHT):
        given = (values, None) if weight is None else (values, None, weight)
        whole = fitted(MLEDensity("gamma"), values, None, sample_weight=weight)
        parts = MLEDensity("gamma").fit(Parts([values_of(given, slice(0, 2)), values_of(given, slice(2, N))]))
        for parameter, value in whole.params_.items():
            assert_allclose(parts.params_[parameter], value, rtol=1e-9)
        assert_allclose(parts.loglikelihood_, whole.loglikelihood_, rtol=1e-12)
    parts = MLEDensity("gamma").fit(values)
    assert_allclose(parts.score(Parts([(values[:7],), (values[7:],)])), parts.score(values), rtol=1e-13)
    assert_allclose(parts.inference(Parts([(values[:7],), (values[7:],)])).bse, parts.inference(values).bse, rtol=1e-9)


def values_of(columns, rows):
    return tuple(None if column is None else column[rows] for column in columns)


@pytest.mark.parametrize(
    "options", [{}, {"cov": "expected"}, {"cov": "opg"}, {"cov": "HC0"}, {"cov": "HC1", "bread": "expected"}]
)
@pytest.mark.parametrize("law", ["negative_binomial", "student_t"])
def test_inference(law, options):
    y = COUNTS if law == "negative_binomial" else X[:, 0] + RNG.standard_t(4, size=N)
    weight = None if options.get("cov") == "opg" else WEIGHT
    given = (X, y) if weight is None else (X, y, weight)
    whole, source = fitted(MLERegressor(law), X, y, sample_weight=weight), cut(*given)
    parts = fitted(MLERegressor(law), source, None)
    expected = whole.inference(X, y, sample_weight=weight, **options)
    source.passes = 0
    found = parts.inference(source, None, **options)
    assert_allclose(found.bse, expected.bse, rtol=1e-9)
    assert_allclose(found.centre - found.params, expected.centre - expected.params, rtol=1e-6)
    assert found.names == expected.names
    assert source.passes == 4  # look, survey, sums, and the centre, as rows are few


@pytest.mark.parametrize("weights", ["analytic", "probability"])
def test_inference_with_other_weights(weights):
    cov = {"cov": "HC1"} if weights == "probability" else {}
    whole = fitted(MLERegressor("poisson"), X, COUNTS, sample_weight=WEIGHT)
    expected = whole.inference(X, COUNTS, sample_weight=WEIGHT, weights=weights, **cov)
    found = whole.inference(cut(X, COUNTS, WEIGHT), None, weights=weights, **cov)
    assert_allclose(found.bse, expected.bse, rtol=1e-9)


@pytest.mark.parametrize("groups", [np.arange(N) % 23, np.array(list("abcde"))[np.arange(N) % 5]], ids=["numbers", "text"])
def test_clusters_span_parts(groups):
    model = fitted(MLERegressor("poisson"), X, COUNTS)
    expected = model.inference(X, COUNTS, groups=groups)
    frame = pd.DataFrame(X).assign(y=COUNTS, g=groups).rename(columns=str)
    model.fit(frame[["0", "1", "2"]], COUNTS)
    source = Parts([frame[:20], frame[20:20], frame[20:23], frame[23:]])
    found = model.inference(source, "y", groups="g")
    assert_allclose(found.bse, expected.bse, rtol=1e-9)
    assert found.n_clusters == expected.n_clusters


def test_profiles_and_score_tests():
    model, small = fitted(MLERegressor("poisson"), X, COUNTS), MLERegressor("poisson", predictors={"mean": [0, 1]})
    source = cut(X, COUNTS)
    found = model.inference(source, None).profile("x0", source, None, values=[0.2, 0.3, 0.5])
    expected = model.inference(X, COUNTS).profile("x0", X, COUNTS, values=[0.2, 0.3, 0.5])
    assert_allclose(found.loglikelihood, expected.loglikelihood, rtol=1e-12)
    small = fitted(small, X, COUNTS)
    assert_allclose(score_test(small, model, source, None).statistic, score_test(small, model, X, COUNTS).statistic, rtol=1e-9)


def test_few_passes_and_few_bytes():
    n = 40_000
    columns = RNG.normal(size=(n, 5))
    y = RNG.poisson(np.exp(0.3 * columns[:, 0])).astype(float)
    labels = (columns[:, 0] + RNG.logistic(size=n) > 0).astype(int)
    for model, target, most in (
        (MLERegressor(), y, 7),
        (MLERegressor("poisson"), y, 7),
        (MLERegressor("gamma"), y + 0.5, 7),
        (MLEClassifier(), labels, 7),
    ):
        source = cut(columns, target, at=(20_000,), rows_of_sample=8192)
        model.fit(source, None)
        assert source.passes == model.optimize_result_.n_passes <= most
        assert len(pickle.dumps(model)) < 20_000


def test_what_is_sent_to_a_part_is_small():
    cloudpickle = pytest.importorskip("cloudpickle")  # which Dask depends on
    sizes = []

    class Measured(Parts):
        def fold(self, fn, combine):
            sizes.append(len(cloudpickle.dumps((fn, combine))))
            fn, combine = cloudpickle.loads(cloudpickle.dumps((fn, combine)))
            return super().fold(fn, combine)

    columns = RNG.normal(size=(N, 20))
    source = Measured([(columns[:100], COUNTS[:100]), (columns[100:], COUNTS[100:])])
    parts = MLERegressor("negative_binomial", predictors={"dispersion": [0, 1]}).fit(source, None)
    assert max(sizes) < 15_000
    assert_same(MLERegressor("negative_binomial", predictors={"dispersion": [0, 1]}).fit(columns, COUNTS), parts)


def test_few_rows_are_gathered():
    source = cut(X, COUNTS)
    source.rows_to_gather = Source.rows_to_gather
    model = MLERegressor("poisson").fit(source, None)
    assert source.passes == 2
    assert_same(MLERegressor("poisson").fit(X, COUNTS), model, 0)


def error_of(call):
    with pytest.raises((ValueError, TypeError)) as found:
        call()
    return type(found.value), str(found.value)


def faulty(values, rows, bad):
    values = np.array(values)
    values[rows] = bad
    return values


FAULTS = {
    "NaN in X": (MLERegressor("poisson"), faulty(X, ([3, 140, 450], [0, 2, 1]), np.nan), COUNTS, None),
    "infinity in X": (MLERegressor("poisson"), faulty(X, (444, 2), np.inf), COUNTS, None),
    "NaN in y": (MLERegressor("poisson"), X, faulty(COUNTS, [5, 490], np.nan), None),
    "weights": (MLERegressor("poisson"), X, COUNTS, faulty(WEIGHT, [0, 200], -1.0)),
    "exposure": (MLERegressor("poisson", exposure=0), X, COUNTS, None),
    "known": (MLERegressor(Normal(scale="x0")), X, REALS, None),
    "labels": (MLEClassifier(), X, faulty(REALS.round(), [7, 300], np.nan), None),
    "continuous labels": (MLEClassifier(), X, REALS, None),
    "one class": (MLEClassifier(), X, np.ones(N), None),
    "no weight": (MLERegressor("poisson"), X, COUNTS, np.zeros(N)),
    "text": (MLERegressor("poisson"), np.full((N, 1), "a"), COUNTS, None),
}


@pytest.mark.parametrize("case", FAULTS)
def test_errors_have_the_words_and_row_numbers_of_memory(case):
    model, columns, y, weight = FAULTS[case]
    given = (columns, y) if weight is None else (columns, y, weight)
    expected = error_of(lambda: clone(model).fit(columns, y, sample_weight=weight))
    for sample in (Source.rows_of_sample, 50):
        untouched = clone(model)
        assert error_of(lambda s=sample, m=untouched: m.fit(cut(*given, rows_of_sample=s), None)) == expected
        assert not hasattr(untouched, "fit_")


def test_values_outside_the_support_are_numbered_over_all_parts():
    y = faulty(COUNTS, [2, 3, 400], [-2.0, -1.0, -7.0])
    kind, text = error_of(lambda: MLERegressor("poisson").fit(cut(X, y), None))
    assert kind is ValueError
    assert "does not in 3 rows (2, 3, 400), where the first value is -2; take a law whose support holds every y" in text


@pytest.mark.parametrize(
    "call",
    [
        lambda model, source: model.predict_dist(source),
        lambda model, source: model.predict_params(source),
        lambda model, source: model.predict(source, "dist"),
        lambda model, source: model.score_samples(source, None),
        lambda model, source: LikelihoodSearch().fit(source, None),
        lambda model, source: quantile_residuals(model, source, None),
        lambda model, source: leverage(model, source, None),
        lambda model, source: MLERegressor("poisson").fit(cut(np.ones((N, 600)), COUNTS), None),
    ],
)
def test_what_needs_all_rows_says_so(call):
    model = MLERegressor("poisson").fit(X, COUNTS)
    with pytest.raises((ValueError, TypeError), match=r"rows|parts"):
        call(model, cut(X, COUNTS))


def test_a_warning_of_memory_is_one_of_parts():
    for data in ((X, COUNTS), (cut(X, COUNTS, rows_of_sample=100), None)):
        with pytest.warns(ConvergenceWarning, match="did not converge"):
            MLERegressor("negative_binomial", max_iter=1, solver="bfgs", tol=1e-12).fit(*data)


def test_predictions():
    model = MLEClassifier().fit(X, LABELS)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found, expected = getattr(model, method)(cut(X)), getattr(model, method)(X)
        assert_array_equal(found, expected) if method == "predict" else assert_allclose(found, expected, rtol=1e-13)
    model = MLERegressor("poisson").fit(X, COUNTS)
    assert_allclose(model.predict_interval(cut(X), 0.5), model.predict_interval(X, 0.5))
    assert_allclose(model.predict_quantiles(cut(X), [0.2, 0.7]), model.predict_quantiles(X, [0.2, 0.7]))
    assert_allclose(model.predict(cut(X), "std"), model.predict(X, "std"))


@pytest.mark.parametrize("model", [MLERegressor("negative_binomial"), MLEClassifier(), MLEDensity()])
def test_a_part_without_weight_may_have_no_target(model):
    weight, y = WEIGHT.copy(), (COUNTS > 1 if isinstance(model, MLEClassifier) else COUNTS).astype(float)
    columns = REALS[:, None].copy() if isinstance(model, MLEDensity) else X
    weight[137:410], y[137:410] = 0.0, np.nan
    weight[0], y[0] = 0.0, np.nan
    if columns is not X:
        columns[137:410] = np.nan
    source = cut(columns, y, weight)
    parts, whole = clone(model).fit(source, None), clone(model).fit(columns, y, sample_weight=weight)
    assert_allclose(parts.loglikelihood_, whole.loglikelihood_, rtol=1e-9)
    given = () if isinstance(model, MLEDensity) else (y,)
    expected = whole.inference(columns, *given, sample_weight=weight)
    found = parts.inference(source, *(None for _ in given))
    assert_allclose(found.bse, expected.bse, rtol=1e-8)


def test_columns_of_a_part_without_weight_are_checked():
    weight = WEIGHT.copy()
    weight[137:410] = 0.0
    given = faulty(X, (200, 1), np.nan), COUNTS, weight
    expected = error_of(lambda: MLERegressor("poisson").fit(*given))
    assert error_of(lambda: MLERegressor("poisson").fit(cut(*given), None)) == expected


def test_check_source():
    check_source(cut(X, COUNTS))

    class Once(Source):
        def __init__(self, parts):
            self.parts = iter(parts)

        def __iter__(self):
            return self.parts

    class Unordered(Parts):
        def fold(self, fn, combine):
            return combine(fn(self.parts[1], 1), fn(self.parts[0], 0))

    class Misnumbered(Parts):
        def map(self, fn):
            return [fn(part, 0) for part in self]

    with pytest.raises(AssertionError, match="second pass"):
        check_source(Once([X[:3], X[3:]]))
    with pytest.raises(AssertionError, match="order"):
        check_source(Unordered([X[:3], X[3:]]))
    with pytest.raises(AssertionError, match="map"):
        check_source(Misnumbered([X[:3], X[3:]]))
    with pytest.raises(AssertionError, match="no parts"):
        check_source(Parts([]))
