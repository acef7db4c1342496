"""Arrays cut into parts, as a source of rows."""

from __future__ import annotations

from itertools import pairwise

from sk_mle import Source
from sk_mle._utils.frames import take


class Parts(Source):
    """Parts of arrays, of which none is gathered; `passes` counts the passes."""

    rows_to_gather = 0

    def __init__(self, parts, rows_of_sample=Source.rows_of_sample):
        self.parts, self.rows_of_sample, self.passes = parts, rows_of_sample, 0

    def __iter__(self):
        self.passes += 1
        return iter(self.parts)


def cut(*columns, at=(0, 1, 137, 410), **options):
    """Columns of equal length as a source of uneven parts: the first is empty, the second has one row."""
    n = columns[0].shape[0]
    bounds = [0, *at, n]
    parts = [tuple(take(column, slice(*ends)) for column in columns) for ends in pairwise(bounds)]
    return Parts(parts, **options)
