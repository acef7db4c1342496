"""`check_likelihood`: what every likelihood must satisfy, as `check_estimator` is for estimators.

Each check draws its parameters from the domains that the law declares, so that it finds a wrong domain too. The test suite
runs it on every shipped law.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone

from ..likelihoods import Likelihood
from ..likelihoods._functions import title
from . import _derivatives, _distribution, _fits, _several

__all__ = ["check_likelihood"]


def check_likelihood(likelihood: Any, *, random_state: Any = 0, skip: Any = ()) -> None:
    """Check a likelihood: declarations, derivatives, distribution functions, sampling, fits.

    Parameters
    ----------
    likelihood : Likelihood
        An instance; parameters given as numbers stay fixed.
    random_state : int
        Seed of all draws.
    skip : collection of str
        Names of checks to leave out, such as "sampler".

    Raises
    ------
    AssertionError
        Lists every check that failed, with what was found and what was expected.

    Notes
    -----
    The checks: "declaration", "normalised", "clone_and_pickle", "derivatives", "fused_forms", "extremes", "fisher",
    "cdf_and_ppf", "moments", "sampler", "start", "weights", "recovery". The first two come before all others: what is not a
    density has no distribution functions, samples or fits to check.

    Examples
    --------
    >>> from sk_mle.likelihoods import Gamma
    >>> from sk_mle.testing import check_likelihood
    >>> check_likelihood(Gamma())
    """
    failures = []
    unknown = set(skip) - set(_CHECKS)
    if unknown:
        raise ValueError(f"skip names unknown checks {sorted(unknown)}; the checks are {list(_CHECKS)}")
    if not isinstance(likelihood, Likelihood):
        raise TypeError(f"check_likelihood needs an instance of a Likelihood, got {likelihood!r}")
    for name, check in (_CHECKS | CHECKS_OF_SEVERAL_TARGETS if likelihood.target_type == "targets" else _CHECKS).items():
        if name in skip:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(clone(likelihood), np.random.default_rng(random_state))
        except AssertionError as error:
            failures.append(f"{name}: {error}")
        except Exception as error:
            failures.append(f"{name}: raised {type(error).__name__}: {error}")
        if failures and name in FIRST_CHECKS:
            break
    if failures:
        raise AssertionError(f"{title(likelihood)} fails {len(failures)} check(s)\n  " + "\n  ".join(failures))


FIRST_CHECKS = ("declaration", "normalised")  # if they fail, the others mean nothing or may fill the memory
_CHECKS = {
    "declaration": _derivatives.declaration,
    "normalised": _derivatives.normalised,
    "clone_and_pickle": _derivatives.clone_and_pickle,
    "derivatives": _derivatives.derivatives,
    "fused_forms": _derivatives.fused_forms,
    "extremes": _derivatives.extremes,
    "fisher": _derivatives.fisher,
    "cdf_and_ppf": _distribution.cdf_and_ppf,
    "moments": _distribution.moments,
    "sampler": _distribution.sampler,
    "start": _fits.start,
    "weights": _fits.weights,
    "recovery": _fits.recovery,
}
CHECKS_OF_SEVERAL_TARGETS = {  # these replace the checks that need distribution functions
    "normalised": _several.normalised,
    "cdf_and_ppf": _several.no_cdf_and_ppf,
    "moments": _several.moments,
    "sampler": _several.sampler,
}
