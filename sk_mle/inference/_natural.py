"""Coefficients on the scale on which they are talked about: sigma rather than log sigma, odds and rate ratios."""

from __future__ import annotations

import numpy as np


def transformed(model, layout, params, ends):
    """Names, estimates, their slopes in the coefficients, images of interval ends, where z and p still mean something, notes.

    A parameter without columns goes through its inverse link; coefficients behind a link whose exponentials mean ratios are
    exponentiated; the others stay.
    """
    names, values, slope, ends = list(layout.names), params.copy(), np.ones(len(params)), ends.copy()
    notes: dict[str, str] = {}
    tested = np.ones(len(params), dtype=bool)
    for part in layout.parts:
        link, where = model.likelihood_.parameter(part.parameter).link, part.place
        if not part.columns:
            values[where], slope[where], _ = link.inverse_derivatives(params[where])
            ends[where] = np.sort(link.inverse(ends[where]), axis=1)
            names[where.start] = part.label
            tested[where] = False
        elif link.ratio:
            values[where] = slope[where] = np.exp(params[where])
            with np.errstate(over="ignore"):
                ends[where] = np.exp(ends[where])
            names[where] = [f"exp({name})" for name in names[where]]
            notes[part.parameter] = (
                f"exp({part.parameter}:column) is the {link.ratio} of {part.parameter} for a unit of the column"
            )
        else:
            notes[part.parameter] = f"{part.parameter}: unchanged, its link {link} has no ratios"
    return names, values, slope, ends, tested, list(notes.values())
