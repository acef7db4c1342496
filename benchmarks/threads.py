"""What threads over blocks of rows gain: fits on one thread and on several in turns, and a plain numpy pass on both.

    python benchmarks/threads.py              # as many threads as cores
    python benchmarks/threads.py --threads 4

Only on an otherwise idle machine. Medians of seconds.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from joblib import cpu_count
from measuring import Settings, alternate
from scipy.special import expit
from threadpoolctl import threadpool_limits
from workloads import SIZES, make_case, our_fit

LAWS = ("linear", "logistic", "poisson", "gamma", "student-t", "negative-binomial", "beta")
CELLS = [(law, "1e6x20") for law in LAWS] + [(law, "2e5x100") for law in LAWS[:3]]
ROWS_PER_BLOCK = 52_428  # 8 MB of 20 columns, as in fits
SETTINGS = Settings(budget=2.0, rounds=5, limit=None, n_jobs=None, use_r=False)


def plain_pass(X: np.ndarray, y: np.ndarray, n_threads: int) -> float:
    """A logistic loss plus the sum of its gradient, in blocks on threads: what the cores can gain."""
    w = np.full(X.shape[1], 0.05)

    def block(first: int) -> float:
        rows = slice(first, first + ROWS_PER_BLOCK)
        eta = X[rows].dot(w)
        return np.logaddexp(0, eta).sum() + X[rows].T.dot(y[rows] - expit(eta)).sum()

    with ThreadPoolExecutor(n_threads) as pool:
        return sum(pool.map(block, range(0, len(X), ROWS_PER_BLOCK)))


def row(name: str, call, n_threads: int) -> None:
    seconds, results = alternate({k: partial(call, k) for k in (1, n_threads)}, SETTINGS)
    one, several = seconds.values()
    apart = np.abs(np.subtract(*(np.ravel(getattr(result, "coef_", result)) for result in results.values()))).max()
    print(f"| {name} | {1e3 * one:.0f} | {1e3 * several:.0f} | {one / several:.2f} | {apart:.0e} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=cpu_count())
    n_threads = max(parser.parse_args().threads, 2)
    print(f"| | ms on one thread | on {n_threads} | gain | coefficients apart |\n|---|---|---|---|---|")
    with threadpool_limits(1):
        case = make_case("logistic", SIZES["1e6x20"], "iid")
        row("plain numpy", lambda k: plain_pass(case.X, case.y, k), n_threads)
        for law, size in CELLS:
            case = make_case(law, SIZES[size], "iid")
            row(f"{law}, {size}", lambda k, case=case, law=law: our_fit(law, case, k), n_threads)


if __name__ == "__main__":
    main()
