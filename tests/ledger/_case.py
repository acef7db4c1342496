"""What an entry of the ledger says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Case(NamedTuple):
    """One reported case."""

    trait: str  # what is special about the data, in words
    source: str  # who says what is right: a closed form, mpmath, a function of R or scipy, a certified table
    law: str
    check: Callable[[], None]  # fits and asserts; warnings are errors unless it expects them
