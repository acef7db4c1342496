"""Progress of what takes long: a bar of tqdm where it is installed, else a line per step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

Item = TypeVar("Item")


def progress(
    items: Iterable[Item],
    what: str,
    verbose: int | None,
    each: Callable[[Item], str] | None = None,
    total: int | None = None,
) -> Iterator[Item]:
    """The items, one after the other, with a bar, or lines, on the standard error.

    Parameters
    ----------
    items : iterable
    what : str
        In front of the bar.
    verbose : int or None
        Above 0: shown; 0: not; None: shown where the standard error is a terminal.
    each : callable, optional
        The name of an item.
    total : int, optional
        The number of items, where they do not say it.
    """
    if verbose is None:
        verbose = int(sys.stderr is not None and sys.stderr.isatty())
    total = len(items) if total is None and isinstance(items, Sized) else total
    if not verbose:
        yield from items
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        for number, item in enumerate(items, 1):
            sys.stderr.write(f"{what}: {number} of {total}{'' if each is None else f', {each(item)}'}\n")
            yield item
        return
    with tqdm(total=total, desc=what) as bar:
        for item in items:
            if each is not None:
                bar.set_postfix_str(each(item))
            yield item
            bar.update()
