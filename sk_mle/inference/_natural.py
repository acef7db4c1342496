"""Coefficients on the natural scale: sigma rather than log sigma, odds ratios and rate ratios."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._layout import Layout


def transformed(model: Any, layout: Layout, params: np.ndarray, ends: np.ndarray) -> tuple:
    """Names, estimates, their derivatives in the coefficients, interval ends, whether z and p apply, and notes.

    A parameter without columns goes through its inverse link; coefficients behind a link whose exponentials mean ratios are
    exponentiated; the others stay.
    """
    names, values, derivative, ends = list(layout.names), params.copy(), np.ones(len(params)), ends.copy()
    notes: dict[str, str] = {}
    has_test = np.ones(len(params), dtype=bool)
    for part in layout.parts:
        parameter, place = model.likelihood_.layout[part.parameter], part.place
        link = parameter.link
        ratio = parameter.ratio or (link.ratio and f"{link.ratio} of {part.parameter}")
        if not part.columns:
            values[place], derivative[place], _ = link.inverse_derivatives(params[place])
            ends[place] = np.sort(link.inverse(ends[place]), axis=1)
            names[place.start] = part.label
            has_test[place] = False
        elif not part.linear:
            notes[part.parameter] = f"{part.parameter}: unchanged, a curve's coefficients have no ratios"
        elif ratio:
            values[place] = derivative[place] = np.exp(params[place])
            with np.errstate(over="ignore"):
                ends[place] = np.exp(ends[place])
            names[place] = [f"exp({name})" for name in names[place]]
            notes[part.parameter] = f"exp({part.parameter}:column) is the {ratio} for a unit of the column"
        else:
            notes[part.parameter] = f"{part.parameter}: unchanged, its link {link} has no ratios"
    return names, values, derivative, ends, has_test, list(notes.values())
