"""What the estimators share: from validated arrays to a fitted model, and from a fitted model to predictions."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from scipy.optimize import OptimizeResult
from sklearn.utils.validation import check_is_fitted, validate_data

from . import columns
from .data import Data, Moments
from .design import MOST_COLUMNS, Design, from_moments, intercept_only
from .distribution import Distribution
from .inference import Inference
from .likelihoods import Likelihood
from .messages import rows_text
from .multistart import search
from .objective import Objective
from .solvers import Solution, choose, solve
from .start import begin, resume
from .validation import check_finite, check_weight
from .verdict import tell

_PREDICT_ROWS = 1 << 16


class Fitting:
    """From validated arrays to fitted parameters, for any likelihood."""

    def _validate(self, X, reset: bool):
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False, reset=reset)
        names = getattr(self, "feature_names_in_", None)
        check_finite(X, names)
        return X

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

    def _fit(self, X, y, sample_weight, law: Likelihood, original_X):
        """Fit validated X and y by the given law and set the fitted attributes."""
        self._check_numbers()
        if not law.free:
            raise ValueError(f"every parameter of {type(law).__name__} is fixed; leave at least one as None to estimate it")
        weight = check_weight(sample_weight, X.shape[0])
        law.check_shapes(y)
        used, offset_columns, offset = self._resolve(law, original_X, X)
        law.check_known(y, {name: offset[name] for name in law.known})
        data = Data(X, y, weight, offset, self.n_jobs)
        objective = Objective(law, data, self._designs(law, data, used), self._alphas(law, used))
        choose(self.solver, objective)
        start = None
        if self.warm_start and hasattr(self, "coefs_"):
            start = resume(objective, self.coefs_, self.intercepts_)
        objective, start = start or begin(objective)
        solution = search(objective, start, self._solve)
        self._offset_columns = offset_columns
        self._store(law, data, objective, solution, used)

    def _training_weight(self, y, weight):
        """Weights as the fit uses them."""
        return weight

    def _solve(self, objective, start, most=np.inf) -> Solution:
        return solve(objective, start, self.solver, self.tol, int(min(self.max_iter, most)), self.verbose)

    def _resolve(self, law, original_X, X):
        """Columns of every free parameter, and the offsets: names to indices and values."""
        names, p = getattr(self, "feature_names_in_", None), X.shape[1]
        parameters = law.free
        offset_columns = {
            "known": {k: columns.column(v, names, p, f"{k} of {type(law).__name__}") for k, v in law.known.items()}
        }
        for argument in ("offset", "exposure"):
            chosen = columns.by_parameter(getattr(self, argument), law.modelled, parameters, argument)
            offset_columns[argument] = {k: columns.column(v, names, p, argument) for k, v in chosen.items()}
            for parameter in chosen:
                if parameter not in parameters or law.contrast(parameter) is not None:
                    raise ValueError(f"{argument}: {parameter!r} of {type(law).__name__} takes none (it is fixed, or a vector)")
        taken = [j for chosen in offset_columns.values() for j in chosen.values()]
        default = np.setdiff1d(np.arange(p), taken)
        chosen = columns.by_parameter(self.predictors or {}, law.modelled, parameters, "predictors")
        used = {}
        for name in parameters:
            spec = chosen.get(name)
            spec = ("all" if name in law.modelled else "intercept") if spec is None else spec
            argument = f"predictors[{name!r}]"
            used[name] = (
                default if isinstance(spec, str) and spec == "all" else columns.resolve(spec, original_X, names, p, argument)
            )
            if len(np.unique(used[name])) < len(used[name]):
                raise ValueError(f"{argument} names a column twice")
        offset = columns.offsets(X, **offset_columns, names=names)
        for name, index in offset_columns["known"].items():
            values = offset[name]
            bad = np.flatnonzero(~law.parameters[name].contains(values) & ~np.array([law.limit(name, v) for v in values]))
            if len(bad):
                label = index if names is None else repr(str(names[index]))
                raise ValueError(
                    f"column {label} holds {name} of {type(law).__name__}, which must lie in {law.parameters[name]}, but "
                    f"does not in {rows_text(bad)}"
                )
        return used, offset_columns, offset

    def _designs(self, law, data, used) -> dict[str, Design]:
        """A design per free parameter; parameters on the same columns share one."""
        moments: dict = {}
        made: dict = {}
        designs = {}
        for name, index in used.items():
            intercept = bool(self.fit_intercept) and not law.anchored(name)
            key = (intercept, *index)
            if len(index) and key not in made:
                moments[intercept] = moments.get(intercept) or Moments(data, intercept, MOST_COLUMNS)
                everything = len(index) == data.n_features and (index == np.arange(data.n_features)).all()
                made[key] = from_moments(moments[intercept], slice(None) if everything else index, intercept)
            if not len(index) and law.anchored(name):
                raise ValueError(
                    f"{name} of {type(law).__name__} has no intercept: name its columns, predictors={{{name!r}: [...]}}, or "
                    "fix it"
                )
            design = made[key] if len(index) else intercept_only()
            basis = law.contrast(name)
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
        self.likelihood_ = law
        penalty = sum(p.value(solution.u[objective.places[name]]) for name, p in objective.penalties.items())
        total, k = data.total_weight, sum(design.size for design in objective.designs.values())
        self.loglikelihood_ = -total * (objective.value(solution.u) - penalty)
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
        offset = columns.offsets(X, **self._offset_columns, names=getattr(self, "feature_names_in_", None))
        blocks = [X[first : first + _PREDICT_ROWS] for first in range(0, X.shape[0], _PREDICT_ROWS)]
        result = {}
        for name, coef in self.coefs_.items():
            index, intercept = self._columns[name], self.intercepts_[name]
            if len(index) == 0:
                eta = np.broadcast_to(np.asarray(intercept, float), (X.shape[0], *np.shape(intercept))).copy()
            else:
                whole = len(index) == X.shape[1] and (index == np.arange(X.shape[1])).all()
                eta = np.concatenate([(block if whole else block[:, index]) @ coef.T for block in blocks]) + intercept
            result[name] = eta + offset[name] if name in offset else eta
        return result | {name: offset[name] for name in self._offset_columns["known"]}

    def _params(self, X) -> dict[str, np.ndarray]:
        with np.errstate(all="ignore"):
            theta = self.likelihood_.theta(self._eta(X))
        for name in self.coefs_:
            bad = ~self.likelihood_.parameters[name].contains(theta[name])
            bad &= ~self._saturated(name, theta[name])
            if bad.any():
                rows = np.flatnonzero(bad if bad.ndim == 1 else bad.any(axis=1))
                warnings.warn(
                    f"{name} leaves its domain {self.likelihood_.parameters[name]} in {rows_text(rows)} of X: the link "
                    f"{self.likelihood_.link(name)} does not keep it inside; predictions there are not valid",
                    RuntimeWarning,
                    stacklevel=3,
                )
        return {
            name: np.broadcast_to(value, (X.shape[0], *self.likelihood_.axes(name))) if np.ndim(value) == 0 else value
            for name, value in theta.items()
        }

    def _saturated(self, name, values):
        """Values that rounding or overflow put on the edge of the domain; links that stay inside may do that."""
        domain, link = self.likelihood_.parameters[name], self.likelihood_.link(name)
        return np.full(np.shape(values), domain.includes(link.range)) & ~np.isnan(values)


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
        return self._params(self._validate(X, reset=False))

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
        params, law = self.predict_params(X), self.likelihood_.predictive
        return Distribution(law, {name: params[name] for name in law.parameters if name in params})

    def _loglik(self, X, y) -> np.ndarray:
        """Log-likelihood of validated rows, -inf outside the support."""
        eta = self._eta(X)
        loglik = self.likelihood_.evaluate(y, eta, 0).loglik
        return np.where(self.likelihood_.inside(y), loglik, -np.inf)

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
        X = self._validate(X, reset=False)
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
        values = self.score_samples(X, y)
        weight = check_weight(sample_weight, len(values))
        return float(np.average(values[weight > 0], weights=weight[weight > 0]))

    def inference(self, X, y, **options) -> Inference:
        """Standard errors, tests and intervals: `Inference.from_estimator(self, X, y, **options)`, on the data of the fit."""
        return Inference.from_estimator(self, X, y, **options)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
