"""Settings of the gallery that are functions: the order of the examples, and warnings as errors."""

from __future__ import annotations

import warnings

ORDER = [
    "quickstart",
    "counts_with_exposure",
    "censored_durations",
    "your_own_likelihood",
    "likelihood_of_five_points",
    "losses_from_likelihoods",
    "kl_and_maximum_likelihood",
    "model_comparison",
    "diagnostics",
    "heteroscedastic_response",
    "zero_inflated_counts",
    "proportion",
    "ordered_classes",
    "mixture",
    "separated_classes",
    "monotone_price_curve",
    "columns_of_the_scale",
    "dose_response",
    "growth_curves",
    "smooth_with_groups",
]


def by_reader(name):
    """What a newcomer needs comes first; examples that are not in the list come last, by name."""
    stem = name.removesuffix(".py")
    return ORDER.index(stem) if stem in ORDER else len(ORDER), name


OUTSIDE = []  # the filters of Sphinx, which has deprecations of its own


def raise_warnings(gallery_conf, fname, when):
    """A warning in an example is an error, as it is in the tests."""
    if when == "before":
        OUTSIDE[:] = warnings.filters
        warnings.resetwarnings()
        warnings.simplefilter("error")
    else:
        warnings.filters[:] = OUTSIDE
