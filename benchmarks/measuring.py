"""Both sides in turns: the tolerance at which a peer is accurate, medians of wall-clock times, peaks of memory."""

from __future__ import annotations

import gc
import signal
import statistics
import time
import tracemalloc
import warnings
from collections import namedtuple
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import r_peers
from peers import peers_of
from workloads import SIZES, make_case, mean_nll, our_coefficients, our_fit

CLOSE = 1e-9  # of the best mean NLL: the accuracy that both sides must reach
TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10, 1e-12)  # a peer runs at the loosest that is accurate enough
ONCE = 5.0  # who takes more seconds than this runs once; a peer is not asked for more accuracy after four times this
MOST = 31  # rounds
MB = 1 << 20

# Seconds and least number of a workload's rounds, seconds after which a peer's fit is cut off, our threads, whether R is timed.
Settings = namedtuple("Settings", "budget rounds limit n_jobs use_r")
# What a peer came to; `trouble` says that it was cut off, and seconds are less than it needs, that it raised errors or that,
# by its own word, it did not converge.
Reached = namedtuple("Reached", "nll tol seconds trouble")
NOT_CONVERGED = "did not converge"


@contextmanager
def cut_off(seconds):
    """TimeoutError in what runs longer, between two of its Python instructions; where the system has no timer, it runs on."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def timed(call):
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def judged(call):
    """`timed`, and whether the call warned that it did not converge; each library has a ConvergenceWarning of its own."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        seconds, result = timed(call)
    return seconds, result, any(warning.category.__name__ == "ConvergenceWarning" for warning in told)


def peaks(calls: dict[str, Callable], x_mb: float) -> dict[str, float]:
    """Megabytes that NumPy and Python hold at once during a call of each; of less than one megabyte of X, nothing is said.

    What BLAS and C++ code take for themselves is not seen.
    """
    found = {}
    for name, call in calls.items() if x_mb > 1 else ():
        gc.collect()
        tracemalloc.start()
        call()
        found[name] = tracemalloc.get_traced_memory()[1] / MB
        tracemalloc.stop()
    return found


def alternate(calls: dict[str, Callable], settings: Settings) -> tuple[dict[str, float], dict]:
    """Medians over rounds in which every call runs once, for the seconds of the settings; and what the calls return."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    results = {}
    end = time.perf_counter() + settings.budget
    for done in range(MOST):
        if done >= settings.rounds and time.perf_counter() > end:
            break
        for name, call in calls.items():
            seconds, results[name] = timed(call)
            times[name].append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}, results


def reach(law, case, peer, goal, limit) -> Reached:
    """The loosest tolerance at which a peer converges within `CLOSE` of the goal, or its best."""
    best = Reached(np.inf, None, 0.0, "fails")
    for tol in TOLERANCES:
        begin = time.perf_counter()
        try:
            with cut_off(limit):
                seconds, fit, warned = judged(lambda tol=tol: peer(case, tol))
        except TimeoutError:
            return Reached(best.nll, tol, time.perf_counter() - begin, "cut off")
        except (ArithmeticError, ValueError, RuntimeError):  # where a solver gives up
            continue
        nll = mean_nll(law, case, fit)
        found = Reached(nll if np.isfinite(nll) else np.inf, tol, seconds, NOT_CONVERGED if warned else "")
        if is_close(found.nll, goal) and not warned:
            return found
        best = min(best, found, key=lambda one: one.nll)
        if seconds > 4 * ONCE:
            break
    return best


def is_close(nll: float, best: float) -> bool:
    """Whether a fit is as accurate as both sides must be."""
    return bool(nll - best <= CLOSE * abs(best))


def reach_all(law, case, others, ours: float, limit: float) -> tuple[dict[str, Reached], float]:
    """What each peer came to, and the best NLL of all; where a peer finds a better one than ours, that is the goal of all."""
    reached = {name: reach(law, case, peer, ours, limit) for name, peer in others.items()}
    best = min([ours, *(found.nll for found in reached.values())])
    if not is_close(ours, best):
        reached = {name: reach(law, case, peer, best, limit) for name, peer in others.items()}
        best = min([best, *(found.nll for found in reached.values())])
    return reached, best


def size_of(X) -> float:
    """Megabytes of X."""
    return sum(part.nbytes for part in ((X.data, X.indices, X.indptr) if hasattr(X, "indptr") else (X,))) / MB


def measure(law: str, size: str, columns: str, settings: Settings) -> list[dict]:
    """A row per peer."""
    case = make_case(law, SIZES[size], columns)
    others = peers_of(law, case)
    first, model, warned = judged(lambda: our_fit(law, case, settings.n_jobs))
    ours = mean_nll(law, case, our_coefficients(model))
    ours = ours if np.isfinite(ours) else np.inf
    reached, best = reach_all(law, case, others, ours, settings.limit)
    calls = {"ours": lambda: our_fit(law, case, settings.n_jobs)} if first <= ONCE else {}
    calls |= {
        name: lambda peer=peer, tol=reached[name].tol: peer(case, tol)
        for name, peer in others.items()
        if reached[name].trouble in ("", NOT_CONVERGED) and reached[name].seconds <= ONCE
    }
    times = {"ours": first} | {name: found.seconds for name, found in reached.items()} | alternate(calls, settings)[0]
    memory = peaks(calls, size_of(case.X))
    if settings.use_r and size == r_peers.SIZE:
        for name, (seconds, fit) in r_peers.live(law, case).items():
            reached[name], times[name] = Reached(mean_nll(law, case, fit), None, seconds, ""), seconds
            best = min(best, reached[name].nll)
    shared = {"workload": f"{law} {size} {columns}", "n": case.X.shape[0], "p": case.X.shape[1], "columns": columns}
    shared |= {"our_ms": 1e3 * times["ours"], "passes": float(model.optimize_result_.n_passes), "our_mb": memory.get("ours")}
    our_trouble = (
        NOT_CONVERGED if warned or not model.converged_ else "" if is_close(ours, best) else f"stops {ours - best:.0e} above"
    )
    shared |= {"x_mb": size_of(case.X), "our_gap": ours - best, "our_trouble": our_trouble}
    return [
        {
            **shared,
            "peer": name,
            "peer_ms": 1e3 * times[name],
            "ratio": times[name] / times["ours"],
            "peer_mb": memory.get(name),
            "peer_tol": found.tol,
            "peer_gap": found.nll - best if np.isfinite(found.nll) else None,
            "peer_close": is_close(found.nll, best) and not found.trouble,
            "trouble": found.trouble,
        }
        for name, found in reached.items()
    ]
