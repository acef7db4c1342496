"""Dask collections: fits on a small cluster equal those in memory, and rows stay on the workers."""

from __future__ import annotations

import os
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_mle import MLEClassifier, MLEDensity, MLERegressor, cross_val_predict_dist
from sk_mle.formulas import FormulaModel

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pd = pytest.importorskip("pandas")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

pytestmark = pytest.mark.filterwarnings("default")  # of the cluster, as of ports in use

N = 70_000
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(N, 3)), columns=["a", "b", "c"])
FRAME["hours"] = RNG.uniform(0.5, 2.0, N)
FRAME["y"] = RNG.poisson(np.exp(0.3 * FRAME["a"]) * FRAME["hours"] * RNG.gamma(2.0, 0.5, N)).astype(float)
FRAME["weight"], FRAME["group"] = RNG.integers(0, 3, N).astype(float), RNG.integers(0, 40, N)
COLUMNS = ["a", "b", "c", "hours"]


@pytest.fixture(scope="module")
def lazy():
    return dd.from_pandas(FRAME, npartitions=9)  # more than are merged at one place


def test_arrays_and_unknown_lengths(lazy):
    X, y = FRAME[["a", "b"]].to_numpy(), FRAME["y"].to_numpy()
    whole = MLERegressor("poisson").fit(X, y)
    known = da.from_array(X, chunks=(20_000, 1)), da.from_array(y, chunks=20_000)
    unknown = lazy[["a", "b"]].to_dask_array(), lazy["y"].to_dask_array()
    delayed = [dask.delayed(X[first : first + 20_000]) for first in range(0, N, 20_000)]
    y_delayed = [dask.delayed(y[first : first + 20_000]) for first in range(0, N, 20_000)]
    for data in (known, unknown, (delayed, y_delayed)):
        assert_allclose(MLERegressor("poisson").fit(*data).coef_, whole.coef_, rtol=1e-9)


def test_lazy_predictions_with_names(lazy):
    model = MLERegressor("poisson").fit(lazy[["a", "b"]], lazy["y"])
    mean = model.predict(lazy[["a", "b"]])
    assert dask.is_dask_collection(mean)
    assert_allclose(mean.compute(), model.predict(FRAME[["a", "b"]]), rtol=1e-13)
    assert_array_equal(mean.compute().index, FRAME.index)
    intervals = model.predict_interval(lazy[["a", "b"]], 0.5).compute()
    assert list(intervals.columns) == list(model.predict(lazy[["a", "b"]], "interval").columns) == ["lower", "upper"]
    assert list(model.predict_quantiles(lazy[["a", "b"]], [0.1, 0.9]).columns) == [0.1, 0.9]
    assert_allclose(intervals, model.predict_interval(FRAME[["a", "b"]], 0.5))
    array = da.from_array(FRAME[["a", "b"]].to_numpy(), chunks=(30_000, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that arrays lack
        assert_allclose(model.predict(array).compute(), model.predict(FRAME[["a", "b"]]), rtol=1e-13)
        assert model.predict_quantiles(array, [0.1, 0.9]).compute().shape == (N, 2)
    classifier = MLEClassifier().fit(lazy[["a", "b"]], lazy["y"] > 1)
    probabilities = classifier.predict_proba(lazy[["a", "b"]])
    assert list(probabilities.columns) == [False, True]
    assert_allclose(probabilities.compute(), classifier.predict_proba(FRAME[["a", "b"]]), rtol=1e-12)
    assert_array_equal(classifier.predict(lazy[["a", "b"]]).compute(), classifier.predict(FRAME[["a", "b"]]))


@pytest.mark.parametrize("transformer", [FunctionTransformer(np.tanh), StandardScaler()], ids=["lazy", "gathers"])
def test_pipelines_fit_what_transformers_pass_on(lazy, transformer):
    X, y = FRAME[["a", "b"]], FRAME["y"]
    parts, whole = (make_pipeline(clone(transformer), MLERegressor("poisson")) for _ in range(2))
    parts.fit(lazy[["a", "b"]], lazy["y"])
    assert_allclose(parts[-1].coef_, whole.fit(X, y)[-1].coef_, rtol=1e-9)
    assert_allclose(parts.score(lazy[["a", "b"]], lazy["y"]), whole.score(X, y), rtol=1e-12)
    assert_allclose(parts.predict(lazy[["a", "b"]]), whole.predict(X), rtol=1e-9)


def test_density(lazy):
    parts, whole = MLEDensity("gamma").fit(lazy[["hours"]]), MLEDensity("gamma").fit(FRAME[["hours"]])
    assert_allclose(list(parts.params_.values()), list(whole.params_.values()), rtol=1e-9)


def test_errors(lazy):
    model = MLERegressor("poisson")
    with pytest.raises(ValueError, match="does not in row 69999, where the first value is -1"):
        model.fit(lazy[["a"]], lazy["y"].map_partitions(lambda y: y.mask(y.index == N - 1, -1.0), meta=("y", float)))
    with pytest.raises(ValueError, match=r"X is a Dask collection and y is not: .*from_array"):
        model.fit(lazy[["a"]], FRAME["y"])
    with pytest.raises(ValueError, match="X has 9 parts and y has 2: repartition"):
        model.fit(lazy[["a"]], lazy["y"].repartition(npartitions=2))


def test_advice_works_as_it_is_written(lazy):
    model, y = MLERegressor("poisson"), FRAME["y"]
    expected = model.fit(FRAME[["a", "b"]], y).coef_
    frame = lazy[["a", "b"]]
    for X in (frame, frame.to_dask_array(), frame.to_dask_array(lengths=True), frame.to_delayed()):
        with pytest.raises(ValueError, match=r"as by dask\.array") as found:
            model.fit(X, y)
        target = eval(str(found.value).partition("as by ")[2], {"dask": dask, "numpy": np, "X": X, "y": y})
        assert_allclose(MLERegressor("poisson").fit(X, target).coef_, expected, rtol=1e-9)
        for call in (model.predict_dist, model.predict_params):
            with pytest.raises(TypeError, match="predict_params and predict_dist take the rows of one part") as found:
                call(X)
            some, every = re.search(r"as by (\S+\)), or gather them, as by (\S+\))", str(found.value)).groups()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of names that arrays lack
                call(eval(some, {"X": X}))
            rows = eval(every, {"X": X, "dask": dask})
            assert sum(map(len, rows if isinstance(rows, tuple) else [rows])) == N


@pytest.mark.parametrize(
    "call",
    [
        lambda model, X, y: model.inference(X, y).predict(X),
        lambda model, X, y: model.inference(X, y).predict_interval(X),
        lambda model, X, y: model.inference(X, y).marginal_effects(X),
        lambda model, X, y: model.inference(X, y).partial_effects(X, "a"),
        lambda model, X, y: cross_val_predict_dist(model, X, y),
        lambda model, X, y: FormulaModel("y ~ a", model).fit(X),
    ],
)
def test_what_needs_rows_in_memory_says_so(call, lazy):
    model = MLERegressor("poisson").fit(FRAME[["a", "b"]], FRAME["y"])
    with pytest.raises((TypeError, ValueError), match=r"in memory.* as by X\.compute\(\)"):
        call(model, lazy[["a", "b"]], lazy["y"])


def test_parts_without_rows_and_without_weight():
    frame = FRAME[["a", "b", "y", "weight"]].copy()
    frame.loc[: N // 4, "weight"], frame.loc[: N // 4, "y"] = 0.0, np.nan
    lazy, X = dd.from_pandas(frame, npartitions=5), frame[["a", "b"]]
    model, whole = MLERegressor("poisson").fit(lazy, "y", "weight"), MLERegressor("poisson").fit(X, frame["y"], frame["weight"])
    assert_allclose(model.coef_, whole.coef_, rtol=1e-9)
    array = da.from_array(X.to_numpy(), chunks=(N // 4, 2))
    kept = np.arange(N) >= N // 4 + 1
    some = array[da.from_array(kept, chunks=N // 4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that arrays lack
        assert_allclose(model.predict(some).compute(), whole.predict(X[kept]), rtol=1e-9)
        assert_allclose(model.predict_interval(some).compute(), whole.predict_interval(X[kept]))
        empty = [dask.delayed(X.to_numpy()[:0]), dask.delayed(X[:0])]
        assert [part.shape for part in dask.compute(*model.predict_quantiles(empty))] == [(0, 3), (0, 3)]


def test_columns_of_the_fit_are_chosen_by_name(lazy):
    columns = [*COLUMNS, "y", "weight"]
    model = MLERegressor("poisson", exposure="hours").fit(lazy[columns], "y", sample_weight="weight")
    X, y, weight = FRAME[COLUMNS], FRAME["y"], FRAME["weight"]
    for frame in (lazy[columns], lazy[columns[::-1]], lazy):
        assert_allclose(model.predict(frame).compute(), model.predict(X), rtol=1e-12)
        assert_allclose(model.score(frame, "y"), model.score(X, y), rtol=1e-12)
        found, expected = model.inference(frame, "y", sample_weight="weight"), model.inference(X, y, sample_weight=weight)
        assert_allclose(found.conf_int(), expected.conf_int(), rtol=1e-9)
    with pytest.raises(ValueError, match="missing"):
        model.predict(lazy[["a", "b", "y"]])


def test_columns_by_name(lazy):
    parts = MLERegressor("poisson", exposure="hours").fit(lazy[[*COLUMNS, "y", "weight"]], "y", "weight")
    whole = MLERegressor("poisson", exposure="hours").fit(FRAME[COLUMNS], FRAME["y"], FRAME["weight"])
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-9)


@pytest.fixture(scope="module")
def cluster():
    # last, as a client stays in use
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_cluster_of_two_processes(cluster, lazy):
    model = MLERegressor("negative_binomial", exposure="hours")
    parts = model.fit(lazy[COLUMNS], lazy["y"], lazy["weight"])
    whole = MLERegressor("negative_binomial", exposure="hours").fit(FRAME[COLUMNS], FRAME["y"], FRAME["weight"])
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-9)
    assert_allclose(parts.loglikelihood_, whole.loglikelihood_, rtol=1e-12)
    assert list(parts.feature_names_in_) == COLUMNS
    assert parts.optimize_result_.n_passes <= 8
    expected = whole.inference(FRAME[COLUMNS], FRAME["y"], sample_weight=FRAME["weight"], groups=FRAME["group"])
    found = parts.inference(lazy[COLUMNS], lazy["y"], sample_weight=lazy["weight"], groups=lazy["group"])
    assert_allclose(found.bse, expected.bse, rtol=1e-9)


def test_a_law_of_the_main_module(cluster, lazy):
    from sk_mle.domains import POSITIVE, REAL
    from sk_mle.likelihoods import Likelihood

    class Gumbel(Likelihood):  # pickled by value
        parameters = {"loc": REAL, "scale": POSITIVE}

        def __init__(self, *, loc=None, scale=None, links=None):
            self.loc, self.scale, self.links = loc, scale, links

        def loglik(self, y, loc, scale):
            z = (y - loc) / scale
            return -z - np.exp(-z) - np.log(scale)

    parts, whole = MLERegressor(Gumbel()).fit(lazy[["a"]], lazy["b"]), MLERegressor(Gumbel()).fit(FRAME[["a"]], FRAME["b"])
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-9)


def test_a_worker_that_dies(cluster, lazy):
    def dies_once(frame):
        if os.environ.pop("SK_MLE_TEST_DIES", None):
            os._exit(1)
        return frame

    cluster.run(lambda: os.environ.update(SK_MLE_TEST_DIES="1"), workers=[next(iter(cluster.scheduler_info()["workers"]))])
    frail = lazy.map_partitions(dies_once, meta=lazy)
    parts = MLERegressor("poisson").fit(frail[["a", "b"]], frail["y"])
    whole = MLERegressor("poisson").fit(FRAME[["a", "b"]], FRAME["y"])
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-9)
