"""The benchmarks' summary: a fit that fails is never told as a fast one."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def report(monkeypatch):
    if not FOLDER.is_dir():
        pytest.skip("an installed package comes without its benchmarks")
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("report")


def row(ratio, our_trouble="", trouble="", peer_close=True, name="logistic"):
    figures = {
        "our_ms": 1.0,
        "peer_ms": ratio,
        "ratio": ratio,
        "our_mb": None,
        "peer_mb": None,
        "our_gap": 0.0,
        "peer_gap": 1e-6,
    }
    sides = {"our_trouble": our_trouble, "trouble": trouble, "peer_close": peer_close, "peer": "sklearn lbfgs"}
    return {"workload": name, "passes": 5.0, "columns": "iid", **figures, **sides}


def test_our_fit_that_fails_is_behind(report):
    rows = [row(21.6, "did not converge", "cut off", False), row(3.0, name="poisson")]
    assert report.line(rows[0]).endswith("| OURS FAILS: did not converge |")
    lines = report.summary(rows)
    assert lines[0] == "median against scikit-learn's best solver: 1.50 (2 cells)"
    place = lines.index("cells behind the fastest peer, or failed: 1 of 2 (fits: 1 of 2; beyond fits: 0 of 0)")
    assert lines[place + 1 :] == ["  logistic: OURS FAILS: did not converge"]


def test_a_peer_that_fails_is_neither_equal_nor_ahead(report):
    rows = [row(0.5, trouble="did not converge", peer_close=False), row(0.5, peer_close=False, name="poisson")]
    assert report.line(rows[0]).endswith("| did not converge |")
    assert report.line(rows[1]).endswith("| peer stops 1e-06 above |")
    lines = report.summary(rows)
    assert "(2 cells, 2 of them lower bounds" in lines[0]
    assert lines[-1].startswith("cells behind the fastest peer, or failed: 0 of 2")
