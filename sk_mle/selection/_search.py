"""`LikelihoodSearch`: the likelihood with the best score on held-out rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._estimators.regressor import MLERegressor
from .._model.validation import check_weight, replace_zero_weight_rows
from .._predictive.distribution import Distribution
from .._predictive.unwrapping import predict_dist, unwrap
from .._sources import check_in_memory
from .._utils.frames import n_rows, take
from .._utils.progress import progress
from .._utils.tables import Table
from ._candidates import named, parameter_of, suitable
from ._scores import fit_clone, is_unbounded, log_scores, standard_error, weighted_mean


def _has(method: str) -> Callable:
    """A check for `available_if`: whether the best estimator, or the template before a fit, has the method."""

    def check(self: Any) -> bool:
        getattr(self.best_estimator_ if hasattr(self, "best_estimator_") else self._template(), method)
        return True

    return check


class LikelihoodSearch(MetaEstimatorMixin, BaseEstimator):
    """Search over likelihoods by cross-validation, and the best of them as an estimator.

    Parameters
    ----------
    candidates : list of Likelihood or str, or dict by name, optional
        Default: the shipped laws that suit y, and the law of `estimator`. Whole numbers are counts, and get laws of counts,
        unless they are so large and so spread that a density describes them as well (none below 20, quartiles 20 apart): then
        laws with a density are tried as well. Other values get those laws with a density whose support is the narrowest that
        holds all of y, such as the unit interval or the positive numbers; exact zeros that repeat get laws that give zero a
        probability. Left out are laws that say ``searched = False``: slow ones, such as `SkewT`, those of four parameters,
        and those that only a user can know to suit, such as `VonMises`.
    estimator : estimator, optional
        The model in which the likelihood is replaced: `MLERegressor`, `MLEClassifier`, or a pipeline that ends in one. Default
        ``MLERegressor()``. Candidates that it cannot take, by their links or for parameters that `predictors` names and they
        lack, are skipped with the reason.
    cv : int, splitter or iterable, default=5
    scoring : str or callable, optional
        Default: the mean log-likelihood per row.
    n_jobs : int, optional
        Processes over candidates and folds.
    verbose : int, default=0
        Above 0, progress, and a line per candidate.
    refit : bool, default=True
        Whether the best is fitted to all rows.

    Attributes
    ----------
    ranking_ : Table
        Best first: the score, its distance to the best, and the standard error of that distance over paired rows. Notes below
        say which candidates were skipped.
    cv_results_ : dict of arrays
        As of `GridSearchCV`.
    failures_ : dict of str to str
        Candidates that were skipped, and why.
    best_likelihood_ : Likelihood
        The winner, as it was given.
    best_score_ : float
    best_estimator_ : estimator
        Only with `refit`.
    classes_, n_features_in_, feature_names_in_
        Of the best estimator.

    See Also
    --------
    compare : A table of models that may differ in more than the likelihood.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> search = LikelihoodSearch(["normal", "student_t", "gamma", "beta"]).fit(X[:, :4], y)
    >>> search.best_likelihood_, list(search.failures_)
    (Gamma(), ['Beta'])
    """

    def __init__(
        self,
        candidates: Any = None,
        *,
        estimator: Any = None,
        cv: Any = 5,
        scoring: Any = None,
        n_jobs: int | None = None,
        verbose: Any = 0,
        refit: Any = True,
    ) -> None:
        self.candidates = candidates
        self.estimator = estimator
        self.cv = cv
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.refit = refit

    def _template(self) -> Any:
        return MLERegressor() if self.estimator is None else self.estimator

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, groups: Any = None) -> LikelihoodSearch:
        """Rank the candidates, and fit the best.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        y : array-like of shape (n,), or as the candidates take it
        sample_weight : array-like of shape (n,), optional
            An integer weight is a repeated row, in fits and scores.
        groups : array-like of shape (n,), optional
            For the splitter.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where no candidate can be fitted; the message has the reasons.
        """
        check_in_memory(X)
        template = self._template()
        if y is None:
            raise ValueError("LikelihoodSearch requires y to be passed, but the target y is None")
        likelihood_key = parameter_of(template)
        X, y = indexable(replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight))
        n = n_rows(X)
        weight = None if sample_weight is None else check_weight(sample_weight, n)
        folds = list(check_cv(self.cv, y, classifier=is_classifier(template)).split(X, y, groups))
        laws = suitable(y, template, likelihood_key) if self.candidates is None else named(self.candidates)
        models = {name: clone(template).set_params(**{likelihood_key: clone(law)}) for name, law in laws.items()}
        scorer = None if self.scoring is None else check_scoring(template, self.scoring)
        jobs = [(name, k) for name in models for k in range(len(folds))]
        trials = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(_try)(models[name], X, y, weight, *folds[k], scorer) for name, k in jobs
        )
        results = list(progress(trials, "LikelihoodSearch", self.verbose, total=len(jobs)))
        self._collect(laws, results, folds, np.ones(n) if weight is None else weight)
        if self.refit:
            self.best_estimator_ = fit_clone(models[self._best], X, y, weight)
            for name in ("n_features_in_", "feature_names_in_", "classes_"):
                if hasattr(self.best_estimator_, name):
                    setattr(self, name, getattr(self.best_estimator_, name))
        return self

    def _collect(self, laws: dict, results: list[_Trial], folds: list, weight: np.ndarray) -> None:
        """Set the ranking, the scores and the failures from the trials of all candidates and folds."""
        k = len(folds)
        by_candidate = {name: results[i * k : (i + 1) * k] for i, name in enumerate(laws)}
        trials = self._without_failures(by_candidate)
        by_fold = {name: np.array([trial.score for trial in of_candidate]) for name, of_candidate in trials.items()}
        unbounded = {name for name, of_candidate in trials.items() if any(trial.unbounded for trial in of_candidate)}
        notes = [note for name, of_candidate in trials.items() for note in _notes(name, of_candidate)]
        counts = np.bincount(np.concatenate([test for _, test in folds]), minlength=len(weight))
        rows = {
            name: _held_out_rows(of_candidate, folds, counts)
            for name, of_candidate in trials.items()
            if of_candidate[0].rows is not None
        }
        row_weight = np.where(counts > 0, weight, 0.0)
        scores = {name: weighted_mean(rows[name], row_weight) if rows else by_fold[name].mean() for name in by_fold}
        order = sorted(scores, key=lambda name: (name in unbounded, -scores[name]))
        self._best = order[0]
        self.best_likelihood_, self.best_score_ = laws[self._best], scores[self._best]
        columns = {"score": [scores[name] for name in order], "diff": [scores[name] - self.best_score_ for name in order]}
        if rows:
            best = rows[self._best]
            columns["se"] = [0.0 if n == self._best else _difference_error(rows[n], best, row_weight) for n in order]
        notes += [f"{name} was skipped: {reason}" for name, reason in self.failures_.items()]
        kinds = {bool(laws[name].support.integer or laws[name].target_type == "classes") for name in order}
        if len(kinds) > 1:
            notes.append(
                "Probabilities of whole numbers are ranked beside densities, which stand for intervals of width 1; that is "
                "fair where y varies by much more."
            )
        self.ranking_ = Table(columns, order, title="Likelihoods by cross-validated score", notes=notes)
        self.cv_results_ = _cv_results(laws, order, columns["score"], by_fold, k)

    def _without_failures(self, trials: dict) -> dict:
        """The trials of candidates that were fitted in all folds; `failures_` says why the others were not."""
        errors = {}
        for name, of_candidate in trials.items():
            error = next((trial.error for trial in of_candidate if trial.error is not None), None)
            if self.verbose:
                print(
                    f"LikelihoodSearch: {name}: {np.mean([trial.score for trial in of_candidate]) if error is None else error}"
                )
            if error is not None:
                errors[name] = error
        self.failures_ = {name: " ".join(str(error).split()) for name, error in errors.items()}
        if len(errors) < len(trials):
            return {name: of_candidate for name, of_candidate in trials.items() if name not in errors}
        if len(set(self.failures_.values())) == 1:
            raise next(iter(errors.values()))
        raise ValueError("no candidate could be fitted: " + "; ".join(f"{n}: {text}" for n, text in self.failures_.items()))

    @available_if(_has("predict"))
    def predict(self, X: Any, **options: Any) -> Any:
        """`predict` of the best estimator.

        Parameters
        ----------
        X : array-like or data frame
        **options : dict
            As in `predict` of the best estimator.

        Returns
        -------
        ndarray of shape (n,), or what `output` asks for
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X, **options)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """`predict_proba` of the best estimator.

        Parameters
        ----------
        X : array-like or data frame

        Returns
        -------
        ndarray of shape (n, K)
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict_proba(X)

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """`decision_function` of the best estimator.

        Parameters
        ----------
        X : array-like or data frame

        Returns
        -------
        ndarray of shape (n,) for two classes, (n, K) for more
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.decision_function(X)

    def predict_dist(self, X: Any) -> Distribution:
        """Predictive distribution of every row, by the best estimator.

        Parameters
        ----------
        X : array-like or data frame

        Returns
        -------
        Distribution
        """
        check_is_fitted(self, "best_estimator_")
        return predict_dist(self.best_estimator_, X)

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Weighted mean log-likelihood of the best estimator, or its `scoring` if one was given.

        Parameters
        ----------
        X : array-like or data frame
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
        """
        check_is_fitted(self, "best_estimator_")
        if self.scoring is not None:
            options = {} if sample_weight is None else {"sample_weight": sample_weight}
            return check_scoring(self.best_estimator_, self.scoring)(self.best_estimator_, X, y, **options)
        values = log_scores(
            self.best_estimator_, replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight)
        )
        return weighted_mean(values, check_weight(sample_weight, len(values)))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_likelihood_")

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self._template())
        for name in ("estimator_type", "classifier_tags", "regressor_tags", "input_tags", "target_tags"):
            setattr(tags, name, deepcopy(getattr(inner, name)))
        return tags


def _difference_error(values: np.ndarray, best: np.ndarray, weight: np.ndarray) -> float:
    """Standard error of the mean difference to the best, over paired rows."""
    with np.errstate(invalid="ignore"):
        return standard_error(values - best, weight)


class _Trial(NamedTuple):
    """The result of a candidate on one fold."""

    score: float
    rows: np.ndarray | None = None  # log-likelihoods of the rows held out; None with `scoring`
    error: Exception | None = None
    stopped: bool = False  # the fit did not converge
    unbounded: bool = False


def _try(model: Any, X: Any, y: Any, weight: np.ndarray | None, train: np.ndarray, test: np.ndarray, scorer: Any) -> _Trial:
    """Fit a candidate to the training rows and score it on the test rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = fit_clone(model, take(X, train), take(y, train), take(weight, train))
            if scorer is not None:
                given = {} if weight is None else {"sample_weight": weight[test]}
                score, rows = float(scorer(fitted, take(X, test), take(y, test), **given)), None
            else:
                rows = log_scores(fitted, take(X, test), take(y, test))
                row_weight = np.ones(len(test)) if weight is None else weight[test]
                score = weighted_mean(rows, row_weight) if row_weight.any() else 0.0
        except Exception as error:  # whatever a law raises is the reason for which it is skipped
            return _Trial(np.nan, error=error)
    if np.isnan(score):
        return _Trial(np.nan, error=ValueError("the score is not a number"))
    return _Trial(score, rows, stopped=not unwrap(fitted).model.converged_, unbounded=is_unbounded(fitted))


def _cv_results(laws: dict, order: list[str], scores: list[float], by_fold: dict, k: int) -> dict:
    """`cv_results_` as in searches of scikit-learn, the best candidate first."""
    with np.errstate(invalid="ignore"):  # folds of -inf
        spread = np.array([by_fold[name].std() for name in order])
    return {
        "candidate": np.array(order),
        "params": [{"likelihood": laws[name]} for name in order],
        "mean_test_score": np.array(scores),
        "std_test_score": spread,
        "rank_test_score": np.arange(1, len(order) + 1),
        **{f"split{i}_test_score": np.array([by_fold[name][i] for name in order]) for i in range(k)},
    }


def _notes(name: str, trials: list[_Trial]) -> list[str]:
    """Notes on a candidate's fits."""
    k, stopped, unbounded = len(trials), sum(t.stopped for t in trials), sum(t.unbounded for t in trials)
    notes = [f"{name}: {stopped} of {k} folds did not converge."] * bool(stopped)
    return notes + [f"{name} comes last: its likelihood is unbounded in {unbounded} of {k} folds."] * bool(unbounded)


def _held_out_rows(trials: list[_Trial], folds: list, counts: np.ndarray) -> np.ndarray:
    """Held-out log-likelihood of every row, averaged over the folds that hold it out."""
    total = np.zeros(len(counts))
    for (_, test), trial in zip(folds, trials, strict=True):
        total[test] += trial.rows
    return total / np.maximum(counts, 1)
