"""Advice for parameters that diverged to an end of their domain, in code that can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._fallbacks.facts import code, with_values
from .relations import advice, regular_end

if TYPE_CHECKING:
    from .base import Likelihood


def at_edge(law: Likelihood, name: str, edge: str, y: np.ndarray, eta: dict) -> str:
    """Advice for a parameter, or "name[entry]", at the lower or upper edge: fix it there, if the law has y there.

    `eta` are the linear predictors of the fit. Another parameter may have run off together with this one, so that the law is
    another one where this one alone is at the end.
    """
    if "[" in name:
        return "Leave this part of the law out"
    if text := advice(law, f"{name} {edge}"):
        return text
    parameter = law.layout[name]
    end = float(parameter.domain.high if edge == "upper" else parameter.domain.low)
    if parameter.admits(end) and not regular_end(law, name, edge):
        return f"Take more rows, fix it, Fixed({code(law)}, {{{name!r}: ...}}), or choose the simpler law that it becomes there"
    if not parameter.admits(end):
        return "Choose the simpler law that it becomes there"
    others = {other: value for other, value in eta.items() if other != name}
    with np.errstate(all="ignore"):
        loglik = with_values(law, {name: end}).evaluate(y, others, 0).loglik
    if not np.isfinite(loglik).all():
        return "Choose the simpler law that it becomes there"
    value = f"{'-' * (end < 0)}np.inf" if np.isinf(end) else f"{end}"
    return f"Fix it there, Fixed({code(law)}, {{{name!r}: {value}}}), or choose the simpler law"
