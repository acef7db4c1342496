"""Proper scores, calibration and divergences of predictive distributions, and scorers made of them."""

from .._utils.public import publish
from ._calibration import interval_coverage, interval_score, pinball_score, pit, pit_bounds
from ._crps import crps
from ._divergence import d2_log_likelihood, kl_divergence
from ._scorers import DistScorer, make_dist_scorer
from ._scores import brier_score, dawid_sebastiani_score, log_score, ranked_probability_score
from ._survival import censored_crps, concordance_index, integrated_brier_score

__all__ = [
    "DistScorer",
    "brier_score",
    "censored_crps",
    "concordance_index",
    "crps",
    "d2_log_likelihood",
    "dawid_sebastiani_score",
    "integrated_brier_score",
    "interval_coverage",
    "interval_score",
    "kl_divergence",
    "log_score",
    "make_dist_scorer",
    "pinball_score",
    "pit",
    "pit_bounds",
    "ranked_probability_score",
]

publish(globals())
