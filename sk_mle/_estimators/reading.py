"""How estimators read rows and arguments: into the problem of a fit, or into other data for the likelihood of one."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted, validate_data

from .._model import columns
from .._model.data import Data
from .._model.parts import DataInParts, first_pass
from .._model.summaries import Summaries
from .._model.terms import has_terms, summaries_of, text_groups
from .._model.validation import (
    check_finite,
    check_kind,
    check_objects,
    check_support,
    check_weight,
    fault_of_columns,
    group_labels,
    is_float_matrix,
    replace_zero_weight_rows,
)
from .._sources import Opened, Rows, check_in_memory, open_source
from .._utils.floats import check_unmasked
from .._utils.frames import coded
from ..likelihoods import Likelihood
from .fit import Fit
from .problem import Problem, centred, problem_in_memory, problem_in_parts


class ReadsRows:
    """Validation of X, y and weights; subclasses translate the target."""

    # arguments of the estimators' constructors
    likelihood: Any
    penalties: Any
    alpha: Any
    n_jobs: int | None
    class_weight: Any = None  # of classifiers alone

    fit_: Fit
    n_features_in_: int
    _text_groups: dict = {}
    _labels_of_columns: list | None = None  # of a data frame whose columns have no names
    _name_of_y = "y"  # in messages

    def _target(self, y: Any, X: Any) -> np.ndarray:
        """y in the form that the fitted law takes."""
        raise NotImplementedError

    def _validate(self, X: Any, reset: bool, finite: bool = True) -> Any:
        """X as a float array or CSR matrix; ValueError for text and, if `finite`, for NaN and infinities."""
        check_in_memory(X)
        if reset:
            self._text_groups = text_groups(self, X)
        for name, levels in self._text_groups.items():
            X = coded(X, name, levels) if hasattr(X, "columns") and name in X.columns else X
        try:
            X = self._as_matrix(X, reset, accept_sparse="csr", dtype=[np.float64, np.float32])
        except TypeError:
            check_objects(X)
            raise
        if finite:
            check_finite(X, getattr(self, "feature_names_in_", None))
        return X if reset else self.fit_.rows(X)

    def _as_matrix(self, X: Any, reset: bool, **checks: Any) -> Any:
        """X as scikit-learn's checks return it, which are spared where it is one already; ValueError that names columns."""
        self._check_labels(X, reset)
        try:
            if not is_float_matrix(X):
                X = validate_data(self, check_kind(X), reset=reset, ensure_all_finite=False, **checks)
            elif reset:
                self._take_shape(X)
            elif X.shape[1] != self.n_features_in_ or hasattr(self, "feature_names_in_"):
                validate_data(self, X, reset=False, skip_check_array=True)
        except (ValueError, OverflowError) as error:
            if message := fault_of_columns(X, error):
                raise ValueError(message) from error
            raise
        return X

    def _check_labels(self, X: Any, reset: bool) -> None:
        """Raise for labels of columns that are no text, such as numbers, and are not those of the fit.

        scikit-learn does not compare them, and reads the columns by position.
        """
        labels = None if isinstance(X, np.ndarray) or not hasattr(X, "columns") else list(X.columns)
        if labels and any(isinstance(label, str) for label in labels):
            labels = None
        if reset:
            self._labels_of_columns = labels
        elif labels and self._labels_of_columns and list(map(repr, labels)) != list(map(repr, self._labels_of_columns)):
            raise ValueError(
                f"X has the columns {labels}, and the X of the fit had {self._labels_of_columns}: pass "
                f"X[{self._labels_of_columns}], or call columns by text before the fit, X.columns = X.columns.astype(str), "
                "which are then compared as names"
            )

    def _check_fitted(self) -> None:
        """Raise NotFittedError before a fit; scikit-learn's own check takes as long as predictions of few rows."""
        if not hasattr(self, "fit_"):
            check_is_fitted(self)

    def _take_shape(self, X: np.ndarray) -> None:
        """Set the attributes that scikit-learn's checks set for an X without names."""
        self.n_features_in_ = X.shape[1]
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _own(self, law: Likelihood) -> Likelihood:
        """The law, or a clone if it is the user's object, which may be changed later."""
        return clone(law) if law is self.likelihood else law

    def _read_training(
        self, X: Any, y: Any, sample_weight: ArrayLike | None, totals: Any = None
    ) -> tuple[Likelihood, Any, np.ndarray, np.ndarray]:
        """The law for these data, and X, y and weights as the fit uses them; attributes that describe them are set.

        `totals` are the sums that `_sums_of_part` returns of the parts, if these rows are a sample.
        """
        raise NotImplementedError

    def _sums_of_part(self, rows: Rows) -> Any:
        """Check the rows of a part as `fit` checks rows in memory; return what is to be summed over parts, or None."""
        raise NotImplementedError

    def _part_reader(self, totals: Any) -> ReadsRows:
        """An estimator that reads a part's rows as this one reads all; `totals` are the sums over parts of `_sums_of_part`."""
        return copy(self)

    def _problem(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> Problem:
        """The problem of a fit to these rows, in memory or of a source; attributes that describe them are set."""
        rows = open_source(X, y, sample_weight)
        if rows is not None:
            return self._problem_in_parts(rows)
        check_unmasked(y, "y")
        law, validated, target, weight = self._read_training(X, y, sample_weight)
        return problem_in_memory(self, law, X, validated, target, weight, self._text_groups)

    def _problem_in_parts(self, rows: Opened) -> Problem:
        """The problem of the rows of a source; those of few rows are gathered."""
        first = first_pass(rows, partial(_sums_of_part_for_fit, self))
        if first.n_samples < rows.source.rows_to_gather:
            return self._problem(*rows.gathered()[:3])
        totals, summaries = (first.totals.own, first.totals.summaries) if has_terms(self) else (first.totals, None)
        law, X, _, _ = self._read_training(*first.sample[:3], totals)
        reader: Any = self._part_reader(totals)
        if summaries is not None:
            reader._text_groups = self._text_groups = dict(summaries.texts.values())
        return problem_in_parts(self, law, X, rows, first, reader, summaries)

    def _training_weight(self, y: Any, weight: np.ndarray) -> Any:
        """Weights as the fit uses them."""
        return weight

    @property
    def likelihood_(self) -> Likelihood:
        """The law that was fitted."""
        return self.fit_.law

    def read_rows(self, X: Any) -> Any:
        """X as the fit reads it: checked, as an array or a sparse matrix."""
        return self._validate(X, reset=False)

    def read_data(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Data | DataInParts:
        """X, y and weights as the fit reads them, for the likelihood of other data.

        Parameters
        ----------
        X, y
            As for `fit`.
        sample_weight : array-like of shape (n,), optional
        groups : array-like of shape (n,), optional
            A label per row, for sums by group.

        Returns
        -------
        Data or DataInParts
        """
        if (rows := self._opened(X, y, sample_weight, groups)) is not None:
            return self._read_parts(rows)
        X, labels = self.read_rows(X), replace_zero_weight_rows(y, sample_weight)
        target = self._target(labels, X)
        weight = self._training_weight(labels, check_weight(sample_weight, X.shape[0]))
        return _with_groups(self.fit_.data(X, target, weight, self.n_jobs), groups)

    def _read_parts(self, rows: Opened) -> Data | DataInParts:
        """The data of a source, for the likelihood of other data."""
        first = first_pass(rows, partial(_sums_of_part_by_copy, self))
        if first.n_samples < rows.source.rows_to_gather:
            return self.read_data(*rows.gathered())
        return DataInParts(rows, self._part_reader(first.totals), first, centred(self.fit_.predictors))

    def _opened(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None, groups: Any = None) -> Opened | None:
        """The source that X is, of whose data frames the columns of the fit are chosen by name; None for X in memory."""
        return open_source(X, y, sample_weight, groups, getattr(self, "feature_names_in_", None))

    def check_weightless(self, X: Any) -> None:
        """Raise ValueError for columns of a part without weight that are refused in memory."""
        self.read_rows(X)

    def check_part(self, part: Data) -> None:
        """Raise ValueError for rows that the fitted law does not take."""
        law = self.likelihood_
        check_support(law, part.y, self._name_of_y)
        columns.check_known_values(law, part.X, self.fit_.known, self.fit_.names, part.weight)
        if law.layout.known:
            law.bind(part.y, **{name: part.offset[name] for name in law.layout.known})


@dataclass(frozen=True)
class _TotalsWithTerms:
    """The sums that `_sums_of_part` returns, with the summaries of columns that terms need; it can be added up."""

    own: Any
    summaries: Summaries

    def __add__(self, other: _TotalsWithTerms) -> _TotalsWithTerms:
        own = self.own if other.own is None else other.own if self.own is None else self.own + other.own
        return _TotalsWithTerms(own, self.summaries + other.summaries)


def _sums_of_part_by_copy(estimator: ReadsRows, rows: Rows) -> Any:
    """The sums of a part; the estimator itself is not changed."""
    return copy(estimator)._sums_of_part(rows)


def _sums_of_part_for_fit(estimator: ReadsRows, rows: Rows) -> Any:
    """The same, with the summaries of columns that terms need, where there are any."""
    if not has_terms(estimator):
        return _sums_of_part_by_copy(estimator, rows)
    one = copy(estimator)
    totals, X = one._sums_of_part(rows), one._validate(rows.X, reset=True)
    weight = check_weight(rows.sample_weight, X.shape[0])
    names = getattr(one, "feature_names_in_", None)
    return _TotalsWithTerms(totals, summaries_of(one, X, weight, names, one._text_groups))


def _with_groups(data: Data, groups: Any) -> Data:
    """The data with labels of groups, if there are any."""
    return data if groups is None else data.with_groups(group_labels(groups, data.n_samples))
