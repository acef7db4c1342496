"""Progress of what takes long: a bar of tqdm where it is installed, else a line per step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Sequence[Item], what: str, verbose: int | None, each: Callable[[Item], str] = str) -> Iterator[Item]:
    """The items, one after the other, with a bar, or lines, on the standard error.

    Parameters
    ----------
    items : sequence
    what : str
        In front of the bar.
    verbose : int or None
        Above 0: shown; 0: not; None: shown where the standard error is a terminal.
    each : callable
        The name of an item.
    """
    if verbose is None:
        verbose = int(sys.stderr is not None and sys.stderr.isatty())
    if not verbose:
        yield from items
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        for number, item in enumerate(items, 1):
            sys.stderr.write(f"{what}: {number} of {len(items)}, {each(item)}\n")
            yield item
        return
    with tqdm(total=len(items), desc=what) as bar:
        for item in items:
            bar.set_postfix_str(each(item))
            yield item
            bar.update()
