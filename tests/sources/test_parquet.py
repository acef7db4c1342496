"""Datasets of pyarrow and folders of parquet files, read part by part."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sk_mle import MLERegressor

pa = pytest.importorskip("pyarrow")
ds = pytest.importorskip("pyarrow.dataset")
pd = pytest.importorskip("pandas")
parquet = pytest.importorskip("pyarrow.parquet")

N = 70_000
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(N, 3)), columns=["a", "b", "c"])
FRAME["hours"] = RNG.uniform(0.5, 2.0, N)
FRAME["y"] = RNG.poisson(np.exp(0.3 * FRAME["a"]) * FRAME["hours"] * RNG.gamma(2.0, 0.5, N)).astype(float)
COLUMNS = ["a", "b", "c", "hours"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows")
    for number, rows in enumerate((slice(0, 1), slice(1, 1), slice(1, 40_000), slice(40_000, N))):
        parquet.write_table(pa.Table.from_pandas(FRAME[rows], preserve_index=False), path / f"part-{number}.parquet")
    return path


def test_a_folder_and_a_dataset(folder):
    whole = MLERegressor("negative_binomial", exposure="hours").fit(FRAME[COLUMNS], FRAME["y"])
    expected = whole.inference(FRAME[COLUMNS], FRAME["y"])
    for data in (folder, ds.dataset(folder)):
        parts = MLERegressor("negative_binomial", exposure="hours").fit(data, "y")
        assert_allclose(parts.coef_, whole.coef_, rtol=1e-9)
        assert list(parts.feature_names_in_) == COLUMNS
        assert_allclose(parts.inference(data, "y").bse, expected.bse, rtol=1e-9)
        assert_allclose(parts.score(data, "y"), whole.score(FRAME[COLUMNS], FRAME["y"]), rtol=1e-12)


def test_fewer_columns(folder):
    dataset = ds.dataset(folder)
    few = dataset.replace_schema(pa.schema([dataset.schema.field(name) for name in ("a", "y")]))
    model = MLERegressor("poisson").fit(few, "y")
    assert_allclose(model.coef_, MLERegressor("poisson").fit(FRAME[["a"]], FRAME["y"]).coef_, rtol=1e-9)
    without_y = dataset.replace_schema(pa.schema([dataset.schema.field("a")]))
    assert_allclose(model.predict(without_y), model.predict(FRAME[["a"]]), rtol=1e-13)


def test_a_target_that_is_no_name(folder):
    with pytest.raises(TypeError, match="X is a dataset, so y must be the name of one of its columns, got Series"):
        MLERegressor("poisson").fit(folder, FRAME["y"])
    with pytest.raises(ValueError, match=r"y='z' names a column, but X has none of that name: its columns are \['a'"):
        MLERegressor("poisson").fit(folder, "z")


def test_messages_and_predictions_of_a_folder(folder):
    model = MLERegressor("poisson", exposure="hours").fit(folder, "y")
    assert_allclose(model.predict(folder), model.predict(FRAME[COLUMNS]), rtol=1e-13)
    for data in (folder, ds.dataset(folder)):
        inference = model.inference(data, "y")
        for call in (model.predict_params, inference.predict, inference.marginal_effects, inference.predict_interval):
            with pytest.raises(TypeError, match="lies in parts") as found:
                call(data)
        for advice in re.search(r"as by (\S+\)), or gather them, as by (\S+\))\.", str(found.value)).groups():
            assert len(model.predict_params(eval(advice, {"X": data, "pyarrow": pa, "pandas": pd})[COLUMNS])["mean"]) >= 10_000
    with pytest.raises(TypeError, match=r"X is a str: for a folder of parquet files pass a path, pathlib\.Path\("):
        MLERegressor("poisson").fit(str(folder), "y")


def test_no_engine_is_imported_before_it_is_passed():
    code = (
        "import sys; import numpy as np, sk_mle; sk_mle.MLERegressor().fit(np.arange(9.0)[:, None], np.arange(9) % 2); "
        "assert not {'dask', 'pyarrow.dataset'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
