"""Phrases that several messages share."""

from __future__ import annotations

from typing import Any


def rows_text(rows: Any) -> str:
    """Row numbers as text: "row 3", or "12 rows (0, 4, 9, 11, 15, ...)"."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    return f"{len(rows)} rows ({', '.join(map(str, rows[:5]))}{', ...' if len(rows) > 5 else ''})"
