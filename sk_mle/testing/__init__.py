"""`check_likelihood`: what every likelihood must satisfy, as `check_estimator` is for estimators.

Each check draws its parameters from the domains that the law declares, so that it finds a wrong domain too. The test suite
runs it on every shipped law.
"""

from __future__ import annotations

import inspect
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from .._utils.progress import progress
from ..likelihoods import Likelihood
from ..likelihoods._functions import title
from . import _derivatives, _distribution, _fits, _several
from ._sources import check_source

__all__ = ["check_likelihood", "check_source"]


def check_likelihood(likelihood: Any, *, random_state: Any = 0, skip: Any = (), verbose: int | None = None) -> None:
    """Check a likelihood: declarations, derivatives, distribution functions, sampling, fits.

    Parameters
    ----------
    likelihood : Likelihood
        An instance; parameters given as numbers stay fixed.
    random_state : int
        Seed of all draws.
    skip : collection of str
        Names of checks to leave out, such as "sampler".
    verbose : int, optional
        Whether each check is named as it runs, on the standard error: above 0 yes, 0 no; by default on a terminal only.

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
    failures: list[str] = []
    errors: list[str] = []
    unknown = set(skip) - set(_CHECKS)
    if unknown:
        raise ValueError(f"skip names unknown checks {sorted(unknown)}; the checks are {list(_CHECKS)}")
    if not isinstance(likelihood, Likelihood):
        raise TypeError(f"check_likelihood needs an instance of a Likelihood, got {likelihood!r}")
    checks = _CHECKS | CHECKS_OF_SEVERAL_TARGETS if likelihood.target_type == "targets" else _CHECKS
    chosen = [name for name in checks if name not in skip]
    for name in progress(chosen, f"check_likelihood({title(likelihood)})", verbose, each=str):
        check = checks[name]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(clone(likelihood), np.random.default_rng(random_state))
        except AssertionError as error:
            failures.append(f"{name}: {error}")
        except Exception as error:
            text = f"raised {type(error).__name__}: {error}{_place(error, likelihood)}"
            if text in errors:  # an exception of the law meets several checks
                continue
            errors.append(text)
            failures.append(f"{name}: {text}")
        if failures and name in FIRST_CHECKS:
            break
    if failures:
        raise AssertionError(f"{title(likelihood)} fails {len(failures)} check(s)\n  " + "\n  ".join(failures))


def _place(error: Exception, likelihood: Any) -> str:
    """The place of an exception in the law's own code, as " (in loglik, line 12 of law.py: return ...)"; "" if elsewhere."""
    path = inspect.unwrap(type(likelihood).loglik).__code__.co_filename
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if not frames:
        return ""
    last = frames[-1]
    return f" (in {last.name}, line {last.lineno} of {Path(last.filename).name}: {last.line})"


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
