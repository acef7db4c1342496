"""Self-starting models: formulas by name, with trial values of the arguments that do not enter linearly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

LOCATION_QUANTILES = np.array([0.02, 0.1, 0.25, 0.5, 0.75, 0.95])  # quantiles of the column
MULTIPLES_OF_LARGEST = np.array([0.3, 1.0, 3.0])  # multiples of the largest value of the column
WIDTHS_PER_RANGE = np.array([0.02, 0.05, 0.1, 0.2, 0.5])  # shares of the column's range
RATES_TIMES_RANGE = np.array([0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 50.0])  # of the reciprocal range
TRIED_SHAPES = np.array([0.5, 1.0, 2.0, 4.0, 8.0])  # values of shape arguments from which a search starts


class Model(NamedTuple):
    """A curve by name.

    Attributes
    ----------
    arguments : tuple of str
        The column first.
    formula : str
    trials : dict of str to str
        Kind of trial values of the arguments that do not enter linearly: "place", "dose", "width", "rate" or "shape".
    """

    arguments: tuple[str, ...]
    formula: str
    trials: dict[str, str]

    def proposals(self, x: np.ndarray) -> Iterator[dict[str, float]]:
        """Trial values by argument, from the values of the column."""
        kinds = [_trials(kind, x) for kind in self.trials.values()]
        for values in product(*kinds):
            yield dict(zip(self.trials, values, strict=True))


def _trials(kind: str, x: np.ndarray) -> np.ndarray:
    """Trial values of a kind."""
    spread = np.ptp(x) or abs(x).max(initial=0.0) or 1.0
    if kind == "place":
        return x.min() + spread * np.array([-0.2, 0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.3])
    if kind == "dose":
        positive = x[x > 0] if (x > 0).any() else np.ones(1)
        return np.concatenate([np.quantile(positive, LOCATION_QUANTILES), MULTIPLES_OF_LARGEST * positive.max()])
    if kind == "width":
        return np.concatenate([spread * WIDTHS_PER_RANGE, -spread * WIDTHS_PER_RANGE])
    return TRIED_SHAPES if kind == "shape" else RATES_TIMES_RANGE / spread


MODELS: dict[str, Model] = {
    "logistic": Model(("x", "asym", "xmid", "scal"), "asym / (1 + exp((xmid - x) / scal))", {"xmid": "place", "scal": "width"}),
    "michaelis_menten": Model(("x", "vmax", "km"), "vmax * x / (km + x)", {"km": "dose"}),
    "asymptotic": Model(("x", "asym", "initial", "rate"), "asym + (initial - asym) * exp(-rate * x)", {"rate": "rate"}),
    "biexponential": Model(
        ("x", "a1", "rate1", "a2", "rate2"),
        "a1 * exp(-rate1 * x) + a2 * exp(-rate2 * x)",
        {"rate1": "rate", "rate2": "rate"},
    ),
    "gompertz": Model(("x", "asym", "xmid", "rate"), "asym * exp(-exp(-rate * (x - xmid)))", {"xmid": "place", "rate": "rate"}),
    "emax": Model(("x", "e0", "emax", "ed50"), "e0 + emax * x / (ed50 + x)", {"ed50": "dose"}),
    "hill": Model(("x", "emax", "ec50", "h"), "emax / (1 + (ec50 / x) ** h)", {"ec50": "dose", "h": "shape"}),
    "four_parameter_logistic": Model(
        ("x", "at_zero", "at_infinity", "ec50", "h"),
        "at_zero + (at_infinity - at_zero) / (1 + (ec50 / x) ** h)",
        {"ec50": "dose", "h": "shape"},
    ),
}
FORMULAS = {name: (model.arguments, model.formula) for name, model in MODELS.items()}
