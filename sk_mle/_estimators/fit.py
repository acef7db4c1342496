"""The record of a fitted model, on which predictions, inference, tests and comparisons depend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from .._model.bias import BiasReduced
from .._model.data import Data, keep_memory
from .._model.objective import Objective
from .._model.predictor import Predictor, designs, offsets
from .._model.terms import expanded
from .._model.validation import check_finite
from .._predictive.distribution import Distribution
from .._solvers.reconditioning import recondition
from .._solvers.start import coordinates_of_coefficients
from .._utils.floats import is_finite
from .._utils.messages import rows_text, warn_caller
from .._utils.repeated import compressed
from ..likelihoods import Likelihood
from ..likelihoods._functions import prepared

ROWS_PER_BLOCK = 1 << 15


@dataclass(frozen=True)
class Fit:
    """A law, the linear predictors of its estimated parameters, and their coefficients; no training data.

    Attributes
    ----------
    law : Likelihood
    predictors : dict of str to Predictor
        One per estimated parameter; `coef_` belongs to the first.
    known : dict of str to int
        Columns of X that hold the values of parameters that are not estimated.
    coefs, intercepts : dict
        By estimated parameter: coefficients of shape (q,) or (K, q), intercepts a number or of shape (K,).
    names : ndarray of str or None
        Names of the columns of X.
    limits : dict of str to str
        "lower" or "upper" for parameters at an edge of their domain.
    fingerprint : ndarray
        Sums of targets and weights, which are equal for two fits to the same data.
    reconditioned : bool
        Whether columns were scaled again during the fit (see `_solvers/reconditioning.py`).
    penalty : str or None
        Name of the bias reduction (see `_model/bias.py`).
    at_bounds : tuple of str
        The constraints on coefficients that hold with equality.
    bases : tuple of callable
        What makes the columns of terms.
    """

    law: Likelihood
    predictors: dict[str, Predictor]
    known: dict[str, int]
    coefs: dict
    intercepts: dict
    names: np.ndarray | None
    limits: dict[str, str]
    fingerprint: np.ndarray
    reconditioned: bool = False
    penalty: str | None = None
    at_bounds: tuple[str, ...] = ()
    bases: tuple[Callable, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The fields as a dict, without classes of private modules, for pickles that other versions can read."""
        predictors = {name: dict(vars(predictor)) for name, predictor in self.predictors.items()}
        return {**{field.name: getattr(self, field.name) for field in fields(self)}, "predictors": predictors}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Fit:
        """The inverse of `plain`; TypeError for fields that this version does not know."""
        return cls(**{**plain, "predictors": {name: Predictor(**values) for name, values in plain["predictors"].items()}})

    def rows(self, X: Any) -> Any:
        """Rows of X with the columns that terms make of them, as all other methods take them."""
        return expanded(X, self.bases)

    @cached_property
    def evaluated(self) -> Likelihood:
        """The law with all that follows from its arguments computed once."""
        return prepared(self.law)

    @property
    def first(self) -> str:
        """The parameter whose coefficients are `coef_`."""
        return next(iter(self.predictors))

    @property
    def shrunk(self) -> bool:
        """Whether any parameter's coefficients are drawn to zero."""
        return any(predictor.penalised for predictor in self.predictors.values())

    @property
    def has_terms(self) -> bool:
        """Whether there are terms with penalties."""
        return any(predictor.terms for predictor in self.predictors.values())

    @property
    def has_effective_size(self) -> bool:
        """Whether coefficients are penalised in terms alone, so that the number of parameters is an effective one."""
        plain = all(predictor.terms or not predictor.penalised for predictor in self.predictors.values())
        return self.has_terms and plain and not (self.penalty or self.at_bounds)

    @property
    def penalised(self) -> str:
        """Why the coefficients do not maximise the likelihood, as the argument that says so; "" if they do."""
        if self.shrunk:
            return "alpha"
        return f"penalty={self.penalty!r}" if self.penalty else "bounds" if self.at_bounds else ""

    def offsets(self, X: Any, weight: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Offsets of linear predictors, with logarithms of exposures, and values of parameters that columns of X hold."""
        return offsets(X, self.predictors, self.known, self.names, weight)

    # ---- predictions ---------------------------------------------------------------------------------------------

    def eta(self, X: Any) -> dict[str, np.ndarray]:
        """Linear predictors by parameter of validated rows: (n,) or (n, K)."""
        return self.by_blocks(X, lambda rows, eta: eta)

    def by_blocks(self, X: Any, fn: Callable) -> dict[str, np.ndarray]:
        """fn(rows, eta), a dict of values per row or of scalars, concatenated over blocks; ValueError if X is not finite."""
        keep_memory()
        n, p = X.shape
        # a linear predictor on all columns is not finite if an entry of its row is not: checking it costs less than X
        on_all = next((name for name, one in self.predictors.items() if one.takes_all(p) and self.coefs[name].all()), None)
        if on_all is None:
            check_finite(X, self.names)
        offset = self.offsets(X)
        result: dict = {}
        for first in range(0, n, ROWS_PER_BLOCK):
            rows = slice(first, first + ROWS_PER_BLOCK)
            block = X[rows]
            eta = {name: one.eta(block, self.intercepts[name], self.coefs[name]) for name, one in self.predictors.items()}
            if on_all is not None:
                with np.errstate(invalid="ignore", over="ignore"):
                    sum_of_rows = eta[on_all].sum()
                if not np.isfinite(sum_of_rows):
                    check_finite(X, self.names)
            eta |= {name: eta.get(name, 0.0) + value[rows] for name, value in offset.items()}
            for name, value in fn(rows, eta).items():
                if np.ndim(value) == 0 or (block.shape[0] == n and value.flags.writeable):
                    result[name] = value
                    continue
                if name not in result:
                    result[name] = np.empty((n, *value.shape[1:]), value.dtype)
                result[name][rows] = value
        return result

    def params(self, X: Any, of: Callable | None = None) -> dict[str, np.ndarray]:
        """Natural parameters of rows, or `of(params)`, a dict, of those of each block of rows; warns of invalid values."""
        layout = self.evaluated.layout
        invalid: dict[str, list] = {}

        def block(rows: slice, eta: dict) -> dict:
            theta = layout.theta(eta)
            for name in self.predictors:
                parameter, values = layout[name], theta[name]
                if parameter.stays_inside and is_finite(compressed(values)):
                    continue
                # a link that stays inside may reach the edge by rounding or overflow
                bad = np.isnan(values) if parameter.stays_inside else ~parameter.domain.contains(values)
                if bad.any():
                    invalid.setdefault(name, []).append(rows.start + np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)))
            return theta if of is None else of(theta)

        with np.errstate(all="ignore"):
            result = self.by_blocks(X, block)
        for name, rows in invalid.items():
            warn_caller(
                f"{name} leaves its domain {layout[name].domain} in {rows_text(np.concatenate(rows))} of X: the link "
                f"{layout[name].link} does not keep it inside; predictions there are not valid",
                RuntimeWarning,
            )
        return {
            name: np.broadcast_to(value, (X.shape[0], *layout[name].shape)) if np.ndim(value) == 0 else value
            for name, value in result.items()
        }

    def dist(self, params: dict) -> Distribution:
        """The predictive distribution of given natural parameters."""
        law = self.evaluated.predictive
        return Distribution(law, {name: params[name] for name in law.parameters if name in params})

    def loglik(self, X: Any, y: np.ndarray) -> np.ndarray:
        """Log-likelihood of rows, -inf where y is outside the support."""
        law = self.evaluated

        def block(rows: slice, eta: dict) -> dict:
            return {"loglik": np.where(law.inside(y[rows]), law.evaluate(y[rows], eta, 0).loglik, -np.inf)}

        return self.by_blocks(X, block)["loglik"]

    # ---- the likelihood of data ------------------------------------------------------------------------------------

    def data(self, X: Any, y: np.ndarray, weight: np.ndarray, n_jobs: int | None = None) -> Data:
        """Validated rows, targets and weights, with the offsets of this model."""
        return Data(X, y, weight, self.offsets(X, weight), n_jobs, names=self.names)

    def objective(self, data: Data, coefs: dict | None = None) -> Objective:
        """The objective on data, without shrinkage, with curves in coordinates of their fitted coefficients or of `coefs`.

        With the reduction of its bias, if there is one.
        """
        plain = {name: predictor.unpenalised for name, predictor in self.predictors.items()}
        objective = Objective(self.law, data, designs(plain, self.law, data, coefs or self.coefs), {})
        return objective if self.penalty is None else BiasReduced.of(objective, self.penalty)

    def objective_and_coordinates(
        self, data: Data, coefs: dict | None = None, intercepts: dict | None = None
    ) -> tuple[Objective, np.ndarray]:
        """The objective on data, and the flat vector of the fitted coefficients, or of others of the same model."""
        objective = self.objective(data, coefs)
        u = coordinates_of_coefficients(objective, coefs or self.coefs, intercepts or self.intercepts)
        assert u is not None  # the coefficients have the shapes of this model
        rescaled = recondition(objective, u) if self.reconditioned else None
        return rescaled or (objective, u)
