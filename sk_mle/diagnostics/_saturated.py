"""The largest log-likelihood that each row can have, over the linear predictor of one parameter."""

from __future__ import annotations

import numpy as np

MAX_ITERATIONS = 200
STEP_LENGTHS = (1.0, 8.0, 0.125)  # of a Newton step: beside the step itself, one for flat ends and one for overshooting
GAIN_TOL = 1e-15


def saturated(law, name: str, y, eta: dict) -> np.ndarray:
    """Maximum of every row's log-likelihood over the linear predictor `name`, the others held: (n,). Infinite where none is.

    Newton steps, with the curvature's size where it is negative, row by row but all at once. They start from the better of the
    prediction and the value at which the parameter equals y, which for a mean or a location is the maximum itself.
    """

    def at(value, rows, order=0):
        return law.evaluate(y[rows], {k: value if k == name else v[rows] for k, v in eta.items()}, order)

    everything, place, link = np.arange(len(y)), eta[name].astype(float), law.parameter(name).link
    endless = law.parameter(name).domain.includes(link.range)  # no linear predictor is forbidden
    value = y if y.ndim == 1 else y[:, 0]
    with np.errstate(all="ignore"):
        start = link.link(np.where(law.parameter(name).domain.contains(value), value, np.nan))
        start = np.where(np.isfinite(start), start, place)
        best, other = at(place, everything).loglik, at(start, everything).loglik
        place, best = np.where(other > best, start, place), np.where(other > best, other, best)
        active, radius = everything[~np.isnan(best)], np.full(len(y), 8.0)
        for _ in range(MAX_ITERATIONS):
            if not len(active):
                break
            here = place[active]
            found = at(here, active, 2)
            gradient, curvature = found.gradient[name], np.abs(found.information.get((name, name), np.ones(len(here))))
            step = np.where(gradient == 0, 0.0, np.clip(gradient / curvature, -radius[active], radius[active]))
            step = np.where(np.isfinite(step), step, np.nan_to_num(np.sign(gradient)) * radius[active])
            trials = [here + factor * step for factor in STEP_LENGTHS]
            values = np.stack([np.nan_to_num(at(t, active).loglik, nan=-np.inf) for t in trials])
            chosen, top, before = values.argmax(axis=0), values.max(axis=0), best[active]
            better = top > before
            place[active] = np.where(better, np.choose(chosen, trials), here)
            best[active] = np.where(better, top, before)
            radius[active] = np.where(better, radius[active] * np.where(chosen == 1, 8.0, 1.0), np.abs(step) / 16)
            small = np.abs(gradient * step) <= GAIN_TOL * np.maximum(1.0, np.abs(best[active]))
            stuck = ~better & (radius[active] <= 1e-9)
            blind = (values[0] == -np.inf) | (values[0] == before)
            lost = endless & (np.isnan(gradient) | (stuck & blind & (np.abs(gradient) > 0.1)))
            best[active[lost]] = np.inf  # at the end of the numbers, and still rising
            active = active[~(small | stuck)]
    best[active] = np.inf  # it kept rising
    return best
