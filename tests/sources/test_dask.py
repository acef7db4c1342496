"""Dask collections: fits on a small cluster equal those in memory, and rows stay on the workers."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_mle import MLEClassifier, MLEDensity, MLERegressor

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
    with pytest.raises(TypeError, match=r"map_partitions\(model"):
        model.fit(FRAME[["a"]], FRAME["y"]).predict_dist(lazy[["a"]])


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
