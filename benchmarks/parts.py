"""Passes, bytes, seconds and resident memory of fits of rows in parts.

    python benchmarks/parts.py make FOLDER 4000000 20    # a folder of parquet files: counts, an exposure, 20 columns
    python benchmarks/parts.py parquet FOLDER            # fit and standard errors, read part by part
    python benchmarks/parts.py memory FOLDER             # the same of the frame that pandas reads
    python -P benchmarks/parts.py cluster 1000000 20     # five laws on two worker processes of Dask, beside dask-ml's Newton

Each prints a line of the table in README.md. DataReferences is the largest resident set of the process, libraries included.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd

from sk_mle import MLEClassifier, MLERegressor, Source
from sk_mle._sources import open_source

ROWS_PER_FILE = 1_000_000
LAW, EXPOSURE = "negative_binomial", "hours"


def simulated(n, p, seed) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    hours = rng.uniform(0.5, 2.0, n)
    mean = hours * np.exp(0.2 * X[:, :5].sum(axis=1) - 0.5)
    y = rng.poisson(mean * rng.gamma(2.0, 0.5, n)).astype(float)
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(p)]).assign(hours=hours, y=y)


def make(folder, n, p):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, n, ROWS_PER_FILE)):
        frame = simulated(min(ROWS_PER_FILE, n - first), p, number)
        frame.to_parquet(Path(folder) / f"part-{number:05d}.parquet", index=False, row_group_size=1 << 17)


class Counted(Source):
    """A source that counts passes and the bytes of the functions sent and of the results received."""

    def __init__(self, source):
        self.source, self.passes, self.sent, self.received = source, 0, [], 0

    def __iter__(self):
        return iter(self.source)

    def fold(self, fn, combine):
        self.passes += 1
        self.sent.append(len(cloudpickle.dumps((fn, combine))))
        result = self.source.fold(fn, combine)
        self.received += len(cloudpickle.dumps(result))
        return result


def timed(label, n, fit):
    cpu, wall = time.process_time(), time.perf_counter()
    note = fit()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {label} | {note} | {wall:.1f} s | {cpu:.1f} s | {1e9 * cpu / n:.0f} ns | {memory:.0f} MB |")


def parquet(folder):
    source = Counted(open_source(Path(folder), "y").source)
    n = source.source.dataset.count_rows()

    def fit():
        model = MLERegressor(LAW, exposure=EXPOSURE).fit(source, "y")
        passes = source.passes
        inference = model.inference(source, "y")
        sent = f"{max(source.sent) / 1e3:.1f} kB a pass, {source.received / 1e6:.1f} MB"
        return f"{passes} + {source.passes - passes} | {sent} | {model.coef_[0]:.15f} | {inference.bse[1]:.15f}"

    timed(f"parquet, {n:.0e} rows", n, fit)


def memory(folder):
    frame = pd.read_parquet(folder)

    def fit():
        X = frame.drop(columns="y")
        model = MLERegressor(LAW, exposure=EXPOSURE).fit(X, frame["y"])
        inference = model.inference(X, frame["y"])
        return f"{model.optimize_result_.n_passes} + 3 | | {model.coef_[0]:.15f} | {inference.bse[1]:.15f}"

    timed(f"in memory, {len(frame):.0e} rows", len(frame), fit)


def cluster(n, p, n_workers=2):
    import dask.array as da
    from dask import delayed
    from distributed import Client, LocalCluster, wait

    laws = {
        "Normal": (MLERegressor("normal"), lambda eta, rng: eta + rng.standard_normal(len(eta))),
        "Poisson": (MLERegressor("poisson"), lambda eta, rng: rng.poisson(np.exp(eta)).astype(float)),
        "NegativeBinomial": (
            MLERegressor(LAW),
            lambda eta, rng: rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, len(eta))).astype(float),
        ),
        "Gamma": (MLERegressor("gamma"), lambda eta, rng: np.exp(eta) * rng.gamma(2.0, 0.5, len(eta))),
        "Bernoulli": (MLEClassifier(), lambda eta, rng: (rng.uniform(size=len(eta)) < 1 / (1 + np.exp(-eta))).astype(int)),
    }
    size, n_parts, peers = n // (4 * n_workers), 4 * n_workers, newton_of_dask_ml()
    with (
        LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as local,
        Client(local) as client,
    ):
        rows = [delayed(lambda seed: np.random.default_rng(seed).standard_normal((size, p)))(k) for k in range(n_parts)]
        X = da.concatenate([da.from_delayed(part, (size, p), float) for part in rows]).persist()
        for law, (model, draw) in laws.items():

            def targets(block, draw=draw):
                return draw(0.2 * block[:, :5].sum(axis=1), np.random.default_rng(abs(int(1e6 * block[0, 0]))))

            y = X.map_blocks(targets, drop_axis=1, dtype=float).persist()
            wait([X, y])
            before = sum(client.run(time.process_time).values())
            timed_on_workers = []

            def fit(model=model, y=y, before=before, taken=timed_on_workers):
                rows = open_source(X, y)
                source = Counted(rows.source)
                model.fit(source, None)
                taken.append(sum(client.run(time.process_time).values()) - before)
                sent = f"{max(source.sent) / 1e3:.1f} kB a pass, {source.received / 1e6:.1f} MB"
                return f"{source.passes}, {model.coef_.ravel()[0]:.12f} | {sent} | workers {taken[0]:.1f} s"

            timed(f"{law}, {n:.0e} x {p}", n, fit)
            if law in peers:
                timed(f"{law}, dask-ml", n, lambda law=law, y=y: peer(client, peers[law], X, y))
            whole_X, whole_y = X.compute(), y.compute()
            timed(f"{law} in memory", n, lambda m=model, a=whole_X, b=whole_y: m.fit(a, b).optimize_result_.n_passes)


def newton_of_dask_ml() -> dict:
    """Estimators of dask-ml with Newton's method, for the laws that it has; none where it is not installed."""
    try:
        from dask_ml import linear_model
    except ImportError:
        return {}
    kinds = {"Normal": "LinearRegression", "Poisson": "PoissonRegression", "Bernoulli": "LogisticRegression"}
    return {law: getattr(linear_model, kind)(solver="newton") for law, kind in kinds.items()}


def peer(client, model, X, y) -> str:
    before = sum(client.run(time.process_time).values())
    model.fit(X, y)
    return f"{model.coef_[0]:.12f} | | workers {sum(client.run(time.process_time).values()) - before:.1f} s"


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"make": make, "parquet": parquet, "memory": memory, "cluster": cluster}[command](
        *(int(one) if one.isdigit() else one for one in arguments)
    )
