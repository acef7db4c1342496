"""The record of a fit: what predictions, inference, tests and comparisons know of a fitted model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .._model.data import Data, keep_memory
from .._model.objective import Objective
from .._model.predictor import Predictor, designs, offsets
from .._model.validation import check_finite
from .._predictive.distribution import Distribution
from .._solvers.reconditioning import recondition
from .._solvers.start import locate
from .._utils.messages import rows_text
from ..likelihoods import Likelihood

ROWS_PER_BLOCK = 1 << 15  # of predictions


@dataclass(frozen=True)
class Fit:
    """A law with the linear predictors of its estimated parameters and their coefficients; nothing of the size of the data.

    Attributes
    ----------
    law : Likelihood
    predictors : dict of str to Predictor
        Of every estimated parameter; the first is the one that `coef_` is of.
    known : dict of str to int
        Columns of X that hold the values of parameters which are not estimated.
    coefs, intercepts : dict
        By estimated parameter: slopes of shape (q,) or (K, q), intercepts a number or of shape (K,).
    names : ndarray of str or None
        Names of the columns of X.
    limits : dict of str to str
        Parameters that ran to an edge of their domain, with that edge.
    fingerprint : ndarray
        Sums that tell whether two fits saw the same targets and weights.
    reconditioned : bool
        Whether rows are fitted so closely that the columns' units are those of the other rows.
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

    @property
    def first(self) -> str:
        """The parameter whose coefficients are `coef_`."""
        return next(iter(self.predictors))

    @property
    def penalised(self) -> bool:
        """Whether a penalty took part in the fit."""
        return any(predictor.alpha > 0 for predictor in self.predictors.values())

    def offsets(self, X, weight=None) -> dict[str, np.ndarray]:
        """What columns of X add to linear predictors, and the values of parameters that are known per row."""
        return offsets(X, self.predictors, self.known, self.names, weight)

    # ---- predictions ---------------------------------------------------------------------------------------------

    def eta(self, X) -> dict[str, np.ndarray]:
        """Linear predictors of rows that an estimator has read."""
        return self.by_blocks(X, lambda rows, eta: eta)

    def by_blocks(self, X, fn: Callable) -> dict[str, np.ndarray]:
        """fn(rows, eta), a dict of values for all rows or per row, joined over blocks of X; raises where X is not finite."""
        keep_memory()
        n, p = X.shape
        # a linear predictor on all columns is not finite where an entry of its row is not: it saves a look through X
        shown = next((name for name, one in self.predictors.items() if one.takes_all(p) and self.coefs[name].all()), None)
        if shown is None:
            check_finite(X, self.names)
        offset = self.offsets(X)
        result: dict = {}
        for first in range(0, n, ROWS_PER_BLOCK):
            rows = slice(first, first + ROWS_PER_BLOCK)
            block = X[rows]
            eta = {name: one.eta(block, self.intercepts[name], self.coefs[name]) for name, one in self.predictors.items()}
            if shown is not None:
                with np.errstate(invalid="ignore", over="ignore"):
                    sum_of_rows = eta[shown].sum()
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

    def params(self, X, of: Callable | None = None) -> dict[str, np.ndarray]:
        """Natural parameters of rows; or what `of` makes of those of a block of rows, a dict again."""
        law = self.law
        left: dict[str, list] = {}

        def block(rows, eta):
            theta = law.theta(eta)
            for name in self.predictors:
                domain, values = law.parameter(name).domain, theta[name]
                # a link that stays inside may reach the edge by rounding or overflow
                bad = np.isnan(values) if domain.includes(law.parameter(name).link.range) else ~domain.contains(values)
                if bad.any():
                    left.setdefault(name, []).append(rows.start + np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)))
            return theta if of is None else of(theta)

        with np.errstate(all="ignore"):
            result = self.by_blocks(X, block)
        for name, rows in left.items():
            warnings.warn(
                f"{name} leaves its domain {law.parameter(name).domain} in {rows_text(np.concatenate(rows))} of X: the link "
                f"{law.parameter(name).link} does not keep it inside; predictions there are not valid",
                RuntimeWarning,
                stacklevel=3,
            )
        return {
            name: np.broadcast_to(value, (X.shape[0], *law.parameter(name).shape)) if np.ndim(value) == 0 else value
            for name, value in result.items()
        }

    def dist(self, params) -> Distribution:
        """The predictive distribution of given natural parameters."""
        law = self.law.predictive
        return Distribution(law, {name: params[name] for name in law.parameters if name in params})

    def loglik(self, X, y) -> np.ndarray:
        """Log-likelihood of rows, -inf where y is outside the support."""
        law = self.law

        def block(rows, eta):
            return {"loglik": np.where(law.inside(y[rows]), law.evaluate(y[rows], eta, 0).loglik, -np.inf)}

        return self.by_blocks(X, block)["loglik"]

    # ---- the likelihood of data ------------------------------------------------------------------------------------

    def data(self, X, y, weight, n_jobs=None) -> Data:
        """Rows, targets and weights that an estimator has read, with the offsets of this model."""
        return Data(X, y, weight, self.offsets(X, weight), n_jobs)

    def objective(self, data: Data) -> Objective:
        """The objective on data, without penalty."""
        plain = {name: replace(predictor, alpha=0.0) for name, predictor in self.predictors.items()}
        return Objective(self.law, data, designs(plain, self.law, data), {})

    def locate(self, data: Data, coefs=None, intercepts=None) -> tuple[Objective, np.ndarray]:
        """The objective on data, and the coordinates in it of the coefficients, or of others of the same model."""
        objective = self.objective(data)
        u = locate(objective, coefs or self.coefs, intercepts or self.intercepts)
        assert u is not None  # the coefficients are of this model
        finer = recondition(objective, u) if self.reconditioned else None
        return finer or (objective, u)
