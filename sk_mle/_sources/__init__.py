"""Sources of rows that lie elsewhere, found by the module of the type of X; no engine is imported before one is passed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .protocol import Opened, Rows, Source, join
from .shared import in_shared_passes

ENGINES = {"dask": "dask", "dask_expr": "dask", "pyarrow": "parquet", "pathlib": "parquet"}  # module of a type -> file here

__all__ = ["Opened", "Rows", "Source", "check_in_memory", "in_shared_passes", "join", "open_source"]


def open_source(X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None, features: Any = None) -> Opened | None:
    """The source that X is, with the columns of y, weights and groups; None for X in memory.

    `features` are names of the columns of a fit, which are chosen from data frames that have others too.
    """
    if isinstance(X, str):
        raise TypeError(f"X is a str: for a folder of parquet files pass a path, pathlib.Path({X!r})")
    if isinstance(X, Source):
        names = {"y": y, "sample_weight": sample_weight, "groups": groups}
        for argument, name in names.items():
            if not isinstance(name, str | None):
                raise TypeError(
                    f"X is a Source, so {argument} must be the name of a column of its frames, or None where its parts are "
                    f"tuples that hold it, got {type(name).__name__}"
                )
        return Opened(X, features=features, **names)
    kind = type(X[0] if isinstance(X, list) and X else X)
    engine = ENGINES.get(kind.__module__.partition(".")[0])
    if engine is None:
        return None
    module = import_module(f".{engine}", __package__)
    if not module.is_lazy(X):
        return None
    source, names = module.open_source(X, y, sample_weight, groups)
    return Opened(source, features=features, **names)


def check_in_memory(X: Any) -> None:
    """Raise TypeError for a source of rows, where rows in memory are needed."""
    rows = open_source(X)
    if rows is not None:
        raise TypeError(
            f"X ({type(X).__name__}) lies in parts, and rows in memory are needed here: pass some of them, as by "
            f"{rows.source.some_rows}, or gather them, as by {rows.source.all_rows}. Of a fitted model, predict, "
            "predict_interval, predict_quantiles, predict_proba, score and inference take X as it is; predict_params and "
            "predict_dist take the rows of one part after the other"
        )
