"""Passes over the rows of a source that several fits make together, each of them with weights of its own."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from .._utils.messages import rows_apart
from .protocol import Opened, Rows, Source, split


class Reweighted(Source):
    """The rows of an opened source with other weights: ``weigh(rows, number)`` of every part."""

    def __init__(self, rows: Opened, weigh: Callable[[Rows, int], Any], passes: SharedPasses | None = None) -> None:
        source = rows.source
        self.rows, self.weigh, self.through = rows, weigh, source if passes is None else passes
        self.rows_of_sample, self.rows_to_gather = source.rows_of_sample, 0
        self.some_rows, self.all_rows = source.some_rows, source.all_rows

    def __iter__(self) -> Iterator[Any]:
        changed = partial(_with_weights, self.rows.columns, self.weigh)
        return (changed(part, number) for number, part in enumerate(self.rows.source))

    def fold(self, fn: Callable, combine: Callable) -> Any:
        return self.through.fold(partial(_of_changed, fn, self.rows.columns, self.weigh), combine)


class SharedPasses:
    """Passes over a source that `n` threads make together: one pass serves the functions that all of them ask for."""

    def __init__(self, source: Source, n: int) -> None:
        self.source, self.n_running = source, n
        self._changed = threading.Condition()
        self._asked: dict[int, tuple[Callable, Callable]] = {}
        self._results: dict[int, Any] = {}

    def fold(self, fn: Callable, combine: Callable) -> Any:
        """`Source.fold`, in the next pass; waits until every running thread has asked for something."""
        me = threading.get_ident()
        with self._changed:
            self._asked[me] = fn, combine
            self._pass_if_all_ask()
            self._changed.wait_for(lambda: me in self._results)
            succeeded, result = self._results.pop(me)
        if not succeeded:
            raise result
        return result

    def leave(self) -> None:
        """Tell that a thread asks for no more passes."""
        with self._changed:
            self.n_running -= 1
            self._pass_if_all_ask()

    def _pass_if_all_ask(self) -> None:
        if not self._asked or len(self._asked) < self.n_running:
            return
        functions, combines = zip(*self._asked.values(), strict=True)
        try:
            found = self.source.fold(partial(_each, functions), partial(_combine_each, combines))
            outcomes = [(True, one) for one in found or [None] * len(functions)]
        except Exception as error:
            outcomes = [(False, error)] * len(functions)
        self._results.update(zip(self._asked, outcomes, strict=True))
        self._asked.clear()
        self._changed.notify_all()


def in_shared_passes(rows: Opened, weights: Sequence[Callable], task: Callable[[Source, int], Any]) -> list[Any]:
    """The results, or exceptions, of task(source, k) for the rows with each of the `weights`, in passes that all share.

    Warnings are not shown, as filters of warnings belong to all threads.
    """
    passes = SharedPasses(rows.source, len(weights))
    results: list[Any] = [None] * len(weights)

    def run(k: int) -> None:
        try:
            results[k] = task(Reweighted(rows, weights[k], passes), k)
        except Exception as error:
            results[k] = error
        finally:
            passes.leave()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        threads = [threading.Thread(target=run, args=(k,), daemon=True) for k in range(len(weights))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return results


def _with_weights(columns: Any, weigh: Any, part: Any, number: int) -> Rows:
    rows = split(part, *columns)
    with rows_apart(number):
        return rows._replace(sample_weight=weigh(rows, number))


def _of_changed(fn: Any, columns: Any, weigh: Any, part: Any, number: int) -> Any:
    return fn(_with_weights(columns, weigh, part, number), number)


def _each(functions: Any, part: Any, number: int) -> list:
    return [fn(part, number) for fn in functions]


def _combine_each(combines: Any, a: Any, b: Any) -> list:
    return [combine(*pair) for combine, *pair in zip(combines, a, b, strict=True)]
