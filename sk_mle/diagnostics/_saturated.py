"""The largest log-likelihood that each row can have, over the linear predictor of one parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..likelihoods import Likelihood

MAX_ITERATIONS = 200  # Newton steps
# Of a Newton step: the step itself, a longer one for flat ends, and a shorter one for overshooting.
STEP_LENGTHS = 1.0, 8.0, 0.125
MAX_LAST_GAIN = 1e-15  # of the log-likelihood of a row in a Newton step, relative to max(1, |log-likelihood|)


def saturated(law: Likelihood, name: str, y: np.ndarray, eta: dict) -> np.ndarray:
    """Maximum (n,) of every row's log-likelihood over the linear predictor `name`, the others held; infinite without a maximum.

    By Newton steps with the absolute value of the curvature, for all rows at once. They start from the better of the
    prediction and the value at which the parameter equals y, which for a mean or a location is the maximum itself.
    """

    def at_value(value: np.ndarray, rows: np.ndarray, order: int = 0) -> Any:
        return law.evaluate(y[rows], {k: value if k == name else v[rows] for k, v in eta.items()}, order)

    all_rows, eta_best, link = np.arange(len(y)), eta[name].astype(float), law.layout[name].link
    is_unrestricted = law.layout[name].domain.includes(link.range)  # no linear predictor is forbidden
    value = y if y.ndim == 1 else y[:, 0]
    with np.errstate(all="ignore"):
        start = link.link(np.where(law.layout[name].domain.contains(value), value, np.nan))
        start = np.where(np.isfinite(start), start, eta_best)
        best, at_start = at_value(eta_best, all_rows).loglik, at_value(start, all_rows).loglik
        eta_best, best = np.where(at_start > best, start, eta_best), np.where(at_start > best, at_start, best)
        active, radius = all_rows[~np.isnan(best)], np.full(len(y), 8.0)
        for _ in range(MAX_ITERATIONS):
            if not len(active):
                break
            eta_active = eta_best[active]
            result = at_value(eta_active, active, 2)
            gradient, curvature = result.gradient[name], np.abs(result.information.get((name, name), np.ones(len(eta_active))))
            step = np.where(gradient == 0, 0.0, np.clip(gradient / curvature, -radius[active], radius[active]))
            step = np.where(np.isfinite(step), step, np.nan_to_num(np.sign(gradient)) * radius[active])
            trials = [eta_active + factor * step for factor in STEP_LENGTHS]
            values = np.stack([np.nan_to_num(at_value(t, active).loglik, nan=-np.inf) for t in trials])
            chosen, trial_best, before = values.argmax(axis=0), values.max(axis=0), best[active]
            better = trial_best > before
            eta_best[active] = np.where(better, np.choose(chosen, trials), eta_active)
            best[active] = np.where(better, trial_best, before)
            radius[active] = np.where(better, radius[active] * np.where(chosen == 1, 8.0, 1.0), np.abs(step) / 16)
            converged = np.abs(gradient * step) <= MAX_LAST_GAIN * np.maximum(1.0, np.abs(best[active]))
            stuck = ~better & (radius[active] <= 1e-9)
            is_flat = (values[0] == -np.inf) | (values[0] == before)
            diverged = is_unrestricted & (np.isnan(gradient) | (stuck & is_flat & (np.abs(gradient) > 0.1)))
            best[active[diverged]] = np.inf  # still rising at the largest numbers
            active = active[~(converged | stuck)]
    best[active] = np.inf  # still rising after the last iteration
    return best
