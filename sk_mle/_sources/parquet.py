"""A pyarrow dataset, or a folder of parquet files, as a source: read part by part, without a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds

from .protocol import Source

BYTES_PER_PART, MAX_ROWS_PER_PART = 1 << 24, 1 << 18  # smaller parts cost more in Python calls than in arithmetic


class ParquetSource(Source):
    """Batches of rows of a dataset, as data frames of pandas."""

    def __init__(self, X: ds.Dataset | Path) -> None:
        is_path = isinstance(X, Path)
        self.dataset: ds.Dataset = ds.dataset(X) if is_path else X
        rows = "pyarrow.dataset.dataset(X)" if is_path else "X"
        self.some_rows = f"{rows}.head(10_000).to_pandas()"
        self.all_rows = "pandas.read_parquet(X)" if is_path else "X.to_table().to_pandas()"

    def __iter__(self) -> Iterator[Any]:
        rows = int(np.clip(BYTES_PER_PART / (8 * max(len(self.dataset.schema), 1)), 1, MAX_ROWS_PER_PART))
        options: dict[str, Any] = {"batch_readahead": 0, "fragment_readahead": 0, "use_threads": False}  # nothing is read ahead
        if isinstance(getattr(self.dataset, "format", None), ds.ParquetFileFormat):
            options["fragment_scan_options"] = ds.ParquetFragmentScanOptions(pre_buffer=False)
        # columns stay where they were decoded, as blocks of a frame would be one more copy
        return (
            batch.to_pandas(split_blocks=True, use_threads=False)
            for batch in self.dataset.to_batches(batch_size=rows, **options)
        )


def open_source(X: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Source, dict]:
    """The source of a dataset or path; y, sample_weight and groups are names of its columns."""
    names = {"y": y, "sample_weight": sample_weight, "groups": groups}
    for argument, name in names.items():
        if not isinstance(name, str | None):
            raise TypeError(f"X is a dataset, so {argument} must be the name of one of its columns, got {type(name).__name__}")
    return ParquetSource(X), names


def is_lazy(value: Any) -> bool:
    """Whether a value is a dataset or a path; tables of pyarrow are in memory."""
    return isinstance(value, ds.Dataset | Path)
