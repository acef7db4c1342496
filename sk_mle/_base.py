"""What the estimators share: from validated arrays to a fitted model, and from a fitted model to predictions."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted, validate_data

from . import columns
from ._repeated import repeated
from .data import Data, keep_memory
from .design import MOST_COLUMNS, Design, from_moments, intercept_only
from .distribution import Distribution
from .inference import Inference
from .likelihoods import Likelihood
from .messages import rows_text
from .moments import Moments
from .multistart import search
from .objective import Objective
from .reconditioning import finished
from .solvers import Solution, choose, solve
from .start import begin, resume
from .validation import check_finite, check_kind, counted, mean_score
from .verdict import tell

_ROWS = 1 << 15  # of predictions, at a time


class Fitting:
    """From validated arrays to fitted parameters, for any likelihood."""

    def _validate(self, X, reset: bool, finite=True):
        kinds = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}
        X = validate_data(self, check_kind(X), **kinds, ensure_all_finite=False, reset=reset)
        return check_finite(X, getattr(self, "feature_names_in_", None)) if finite else X

    @contextmanager
    def _unchanged_on_failure(self):
        """A fit that raises leaves the estimator as it was."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _check_numbers(self):
        if not (isinstance(self.tol, Real) and self.tol > 0):
            raise ValueError(f"tol must be a positive number, got {self.tol!r}")
        if not (isinstance(self.max_iter, Integral) and self.max_iter > 0):
            raise ValueError(f"max_iter must be a positive integer, got {self.max_iter!r}")

    def _own(self, law: Likelihood) -> Likelihood:
        """A law of this fit alone, out of reach of whoever gave it."""
        return clone(law) if law is self.likelihood else law

    def _fit(self, X, y, weight, law: Likelihood, original_X):
        """Fit validated X, y and weights by the given law and set the fitted attributes."""
        self._check_numbers()
        if not law.free:
            raise ValueError(f"every parameter of {type(law).__name__} is fixed; leave at least one as None to estimate it")
        used, offset_columns, offset = columns.assigned(self, law, original_X, X, weight)
        law.check_known(y, {name: offset[name] for name in law.known})
        data = Data(X, y, weight, offset, self.n_jobs)
        alphas = self._alphas(law, used)
        objective = Objective(law, data, self._designs(law, data, used, alphas), alphas)
        choose(self.solver, objective)
        start = None
        if self.warm_start and hasattr(self, "coefs_"):
            start = resume(objective, self.coefs_, self.intercepts_)
        objective, start = start or begin(objective)
        objective, solution = finished(objective, search(objective, start, self._solve), self._solve)
        self._offset_columns = offset_columns
        self._store(law, data, objective, solution, used)

    def _training_weight(self, y, weight):
        """Weights as the fit uses them."""
        return weight

    def _solve(self, objective, start, most=np.inf) -> Solution:
        return solve(objective, start, self.solver, self.tol, int(min(self.max_iter, most)), self.verbose)

    def _designs(self, law, data, used, penalised=()) -> dict[str, Design]:
        """A design per free parameter; parameters on the same columns share one."""
        moments: dict = {}
        made: dict = {}
        designs = {}
        for name, index in used.items():
            intercept = bool(self.fit_intercept) and not law.anchored(name)
            basis = law.contrast(name)
            alone = name in penalised and len(used) == 1 and basis is None
            key = (intercept, alone, *index)
            if len(index) and key not in made:
                moments[intercept] = moments.get(intercept) or Moments(data, intercept, MOST_COLUMNS)
                everything = len(index) == data.n_features and (index == np.arange(data.n_features)).all()
                made[key] = from_moments(moments[intercept], slice(None) if everything else index, *key[:2])
            if not len(index) and law.anchored(name):
                raise ValueError(
                    f"{name} of {type(law).__name__} has no intercept: name its columns, predictors={{{name!r}: [...]}}, or "
                    "fix it"
                )
            design = made[key] if len(index) else intercept_only()
            designs[name] = design if basis is None else design.with_unit(basis, vector=True)
        return designs

    def _alphas(self, law, used) -> dict[str, float]:
        alphas = columns.by_parameter(self.alpha, law.modelled, law.free, "alpha")
        for name, value in alphas.items():
            if not isinstance(value, Real) or not 0 <= value < np.inf:
                raise ValueError(f"alpha must be a number >= 0, got {value!r} for {name!r}")
            if value and name not in used:
                raise ValueError(f"alpha: {name!r} of {type(law).__name__} is fixed; name an estimated parameter, {law.free}")
        return {name: float(value) for name, value in alphas.items() if value and len(used[name])}

    def _store(self, law, data, objective: Objective, solution: Solution, used):
        names = getattr(self, "feature_names_in_", None)
        self.coefs_, self.intercepts_ = {}, {}
        for name, design in objective.designs.items():
            intercept, slopes = design.coefficients(solution.u[objective.places[name]])
            self.coefs_[name] = np.ascontiguousarray(slopes.T) if design.vector else slopes[:, 0]
            self.intercepts_[name] = intercept if design.vector else float(intercept[0])
        self._columns, self._penalised, self._limits = used, bool(objective.penalties), solution.flat
        self._fingerprint = data.fingerprint()
        self.predictors_ = {name: index if names is None else names[index] for name, index in used.items()}
        self.likelihood_, self._saturated_rows = law, solution.result.get("reconditioned", False)
        total, k = data.total_weight, objective.size
        self.loglikelihood_ = -total * (objective.value(solution.u) - objective.penalty(solution.u))
        self.n_params_ = k
        self.aic_ = 2 * k - 2 * self.loglikelihood_
        self.aicc_ = self.aic_ + 2 * k * (k + 1) / (total - k - 1) if total > k + 1 else np.inf
        self.bic_ = k * np.log(total) - 2 * self.loglikelihood_
        self.n_iter_, self.converged_ = solution.n_iter, solution.converged
        kept = ("fun", "nit", "message", "status")
        self.optimize_result_ = OptimizeResult({key: solution.result[key] for key in kept if key in solution.result})
        self.optimize_result_.update(gradient_size=solution.gradient_size, n_passes=objective.evaluations)
        tell(self, objective, solution, names)

    def _eta(self, X) -> dict[str, np.ndarray]:
        """Linear predictors of validated rows."""
        return self._by_blocks(X, lambda rows, eta: eta)

    def _by_blocks(self, X, fn) -> dict[str, np.ndarray]:
        """fn(rows, eta), a dict of values for all rows or per row, joined over blocks of X; raises where X is not finite."""
        keep_memory()
        (n, p), names = X.shape, getattr(self, "feature_names_in_", None)
        whole = {name for name, index in self._columns.items() if len(index) == p and (index == np.arange(p)).all()}
        shown = next((name for name in whole if self.coefs_[name].all()), None)  # not finite where any entry of a row is not
        if shown is None:
            check_finite(X, names)
        offset = columns.offsets(X, **self._offset_columns, names=names)
        result: dict = {}
        for first in range(0, n, _ROWS):
            rows = slice(first, first + _ROWS)
            block, eta = X[rows], {}
            for name, coef in self.coefs_.items():
                index, intercept = self._columns[name], self.intercepts_[name]
                if len(index):
                    with np.errstate(invalid="ignore", over="ignore"):
                        eta[name] = (block if name in whole else block[:, index]) @ coef.T
                        if name == shown and not np.isfinite(eta[name].sum()):
                            check_finite(X, names)
                    eta[name] += intercept
                else:
                    eta[name] = repeated(np.asarray(intercept, dtype=float), block.shape[0])
            eta |= {name: eta.get(name, 0.0) + value[rows] for name, value in offset.items()}
            for name, value in fn(rows, eta).items():
                if np.ndim(value) == 0 or (block.shape[0] == n and value.flags.writeable):
                    result[name] = value
                    continue
                if name not in result:
                    result[name] = np.empty((n, *value.shape[1:]), value.dtype)
                result[name][rows] = value
        return result

    def _params(self, X, of=None) -> dict[str, np.ndarray]:
        """Natural parameters of validated rows; or what `of` makes of those of a block of rows, a dict again."""
        law = self.likelihood_
        left: dict[str, list] = {}

        def block(rows, eta):
            theta = law.theta(eta)
            for name in self.coefs_:
                domain, values = law.parameters[name], theta[name]
                # a link that stays inside may reach the edge by rounding or overflow
                bad = np.isnan(values) if domain.includes(law.link(name).range) else ~domain.contains(values)
                if bad.any():
                    left.setdefault(name, []).append(rows.start + np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)))
            return theta if of is None else of(theta)

        with np.errstate(all="ignore"):
            result = self._by_blocks(X, block)
        for name, rows in left.items():
            warnings.warn(
                f"{name} leaves its domain {law.parameters[name]} in {rows_text(np.concatenate(rows))} of X: the link "
                f"{law.link(name)} does not keep it inside; predictions there are not valid",
                RuntimeWarning,
                stacklevel=3,
            )
        return {
            name: np.broadcast_to(value, (X.shape[0], *law.axes(name))) if np.ndim(value) == 0 else value
            for name, value in result.items()
        }


class MLEMixin(Fitting):
    """Predicting and scoring for any likelihood; the subclasses translate y."""

    def predict_params(self, X) -> dict[str, np.ndarray]:
        """Parameters of the predictive distribution.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        dict of str to ndarray of shape (n,), or (n, K) for a vector parameter
            On the natural scale; fixed parameters included.
        """
        check_is_fitted(self)
        return self._params(self._validate(X, reset=False, finite=False))

    def predict_dist(self, X) -> Distribution:
        """Predictive distribution of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        Distribution
            With the method names of scipy.stats; class codes 0..K-1 for a classifier.
        """
        return self._dist(self.predict_params(X))

    def _dist(self, params) -> Distribution:
        law = self.likelihood_.predictive
        return Distribution(law, {name: params[name] for name in law.parameters if name in params})

    def _loglik(self, X, y) -> np.ndarray:
        """Log-likelihood of validated rows, -inf outside the support."""
        law = self.likelihood_

        def loglik(rows, eta):
            return {"loglik": np.where(law.inside(y[rows]), law.evaluate(y[rows], eta, 0).loglik, -np.inf)}

        return self._by_blocks(X, loglik)["loglik"]

    def score_samples(self, X, y=None) -> np.ndarray:
        """Log-likelihood of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        y : array-like of shape (n,), or (n, K) for likelihoods of several targets, optional
            Without y, the value that the model itself expects: minus the entropy of the predictive distribution.

        Returns
        -------
        ndarray of shape (n,)
            -inf where y is outside the support.
        """
        check_is_fitted(self)
        if y is None:
            return -self.predict_dist(X).entropy()
        X = self._validate(X, reset=False, finite=False)
        return self._loglik(X, self._target(y, X))

    def score(self, X, y, sample_weight=None) -> float:
        """Weighted mean log-likelihood of `y` given `X`: higher is better, and likelihoods compare.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        y : array-like of shape (n,), or (n, K) for likelihoods of several targets
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
            All normalising constants are included. For a classifier this is minus `sklearn.metrics.log_loss`.
        """
        return mean_score(self.score_samples(counted(X, sample_weight), counted(y, sample_weight)), sample_weight)

    def inference(self, X, y, **options) -> Inference:
        """Standard errors, tests and intervals: `Inference.from_estimator(self, X, y, **options)`, on the data of the fit."""
        return Inference.from_estimator(self, X, y, **options)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
