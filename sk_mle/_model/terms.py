"""Terms of a linear predictor with a penalty of their own: columns made of X, or columns of X, and which are penalised.

A term's penalties are lambda / 2 times a weighted sum of squares of its coefficients each, on the scale of the sum of the
log-likelihood: any quadratic form becomes one by a rotation of the columns, and those of a tensor product all by the same.
Columns that terms make stand to the right of those of X, from the fit on and in every prediction: `Fit.rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from .._sources import Opened
from .._utils.frames import text_levels
from ..likelihoods import Likelihood
from ..likelihoods._functions import modelled, title
from .bias import PENALTIES
from .columns import CRITERIA, binds, by_parameter, column
from .curve import dense
from .data import weighted_sum
from .parts import means_over_parts
from .predictor import Predictor, Term
from .summaries import ColumnSummary, Summaries, TermData

ROWS_OF_FIRST_LOOK = 5000  # from which first penalties are taken
FIRST_SHARE = 0.1  # of the mean variance of a term's columns that is its first penalty
MAX_COLUMNS = 3000  # of a parameter with terms: its coordinates are those of a matrix of them all


@dataclass(frozen=True)
class BoundTerm:
    """A term bound to the columns of one X.

    Attributes
    ----------
    label : str
    takes : tuple of int
        Columns of X that the term stands for, so that "all" leaves them out.
    basis : callable or None
        ``basis(X)``, the columns (n, k) that the term makes of rows of X. One that subtracts a mean has ``products(X)``, of
        which it is the weighted mean over the rows of the fit, and ``centred(X, products)``; `mean` is set when it is known.
    labels : tuple of str
        Their names.
    weights : dict of str to ndarray of shape (k,)
        The diagonal of each penalty matrix, by the name of the penalty; one ridge by default.
    ridge : ndarray, "all" or None
        Columns of X, in place of a basis, that are penalised.
    nonnegative : ndarray of shape (m, k) or None
        Its products with the k coefficients are not negative.
    slopes_at_start : ndarray of shape (k,) or None
        The slopes of the columns where the function begins, by which tests tell a function from its negative.
    """

    label: str
    takes: tuple[int, ...] = ()
    basis: Callable | None = None
    labels: tuple[str, ...] = ()
    weights: dict[str, np.ndarray] | None = None
    ridge: Any = None
    nonnegative: np.ndarray | None = None
    slopes_at_start: np.ndarray | None = None

    def term(self, places: np.ndarray) -> Term:
        """The term whose coefficients have these places."""
        weights = self.weights or {self.label: np.ones(len(places))}
        return Term(
            self.label, places, np.array(list(weights.values())), tuple(weights), self.nonnegative, self.slopes_at_start
        )


def text_groups(model: Any, X: Any) -> dict[Any, np.ndarray]:
    """Levels of the columns of text in a data frame that terms of groups name, by column."""
    if not hasattr(X, "columns"):
        return {}
    result = {}
    for term in _given_terms(model.penalties):
        for name in (getattr(term, attribute) for attribute in getattr(term, "takes_text", ())):
            name = X.columns[name] if isinstance(name, int) and name < len(X.columns) else name
            if isinstance(name, str) and name in X.columns and (levels := text_levels(X, name)) is not None:
                result[name] = levels
    return result


def summaries_of(model: Any, X: Any, weight: np.ndarray, names: Any, text_groups: dict) -> Summaries:
    """The summaries of the rows X of a part that terms need, in whose columns of text numbers stand for `text_groups`."""
    kept, columns, texts = weight > 0, {}, {}
    if not kept.any():
        return Summaries()
    for j in _columns_looked_at(model.penalties, names, X.shape[1]):
        x = dense(X, np.array([j]))[kept, 0]
        if names is not None and names[j] in text_groups:
            texts[j] = names[j], text_groups[names[j]][np.unique(x).astype(int)]
        else:
            columns[j] = ColumnSummary.of(x)
    return Summaries(int(np.count_nonzero(kept)), columns, texts)


def _columns_looked_at(penalties: Any, names: Any, n_features: int) -> list[int]:
    """The columns that terms are made of; those that do not exist are reported when terms are bound."""
    result = set()
    for name in _named_by(penalties, ("column", "by")):
        with suppress(ValueError, TypeError):
            result.add(column(name, names, n_features, "penalties"))
    return sorted(result)


def _given_terms(penalties: Any) -> list:
    """The terms of an estimator's argument `penalties`, of all parameters."""
    if penalties is None:
        return []
    given = penalties.values() if isinstance(penalties, dict) else [penalties]
    return [term for part in given for term in (part if isinstance(part, list | tuple) else [part])]


def columns_of_terms(penalties: Any) -> list[str]:
    """Names of the columns that the terms of an estimator's argument `penalties` are made of, or penalise."""
    return [name for name in _named_by(penalties, ("column", "by", "columns")) if isinstance(name, str)]


def _named_by(penalties: Any, attributes: tuple[str, ...]) -> list:
    """The columns that some attributes of terms name, one by one."""
    named = [getattr(term, attribute, None) for term in _given_terms(penalties) for attribute in attributes]
    return [name for one in named for name in (one if isinstance(one, list | tuple) else [one])]


def has_terms(model: Any) -> bool:
    """Whether an estimator's arguments ask for terms."""
    values = model.alpha.values() if isinstance(model.alpha, dict) else [model.alpha]
    return model.penalties is not None or any(isinstance(value, str) and value in CRITERIA for value in values)


def names_with_terms(names: Any, predictors: dict[str, Predictor]) -> Any:
    """Names of the columns of X and of those that terms make, in their order; None where X has none."""
    made = {j: label for predictor in predictors.values() for j, label in predictor.made.items()}
    return names if names is None else np.array([*names, *(made[j] for j in sorted(made))], dtype=object)


def expanded(X: Any, bases: Sequence[Callable]) -> Any:
    """Rows of X with the columns that terms make of them on the right; sparse where X is."""
    return _joined_columns(X, [basis(X) for basis in bases])


def _joined_columns(X: Any, parts: list) -> Any:
    """Columns side by side, sparse where X is."""
    if not parts:
        return X
    if sparse.issparse(X):
        return sparse.csr_matrix(sparse.hstack([X, *map(sparse.csr_matrix, parts)]))
    return np.hstack([X, *(part.toarray() if sparse.issparse(part) else part for part in parts)])


def with_terms(
    model: Any, law: Likelihood, term_data: TermData, predictors: dict[str, Predictor]
) -> tuple[dict[str, Predictor], tuple[Callable, ...]]:
    """Predictors with the terms of an estimator's argument `penalties`, and what makes their columns, but for means."""
    if model.penalty is not None:
        raise ValueError(f"penalty={model.penalty!r} reduces the bias of plain fits: leave it at None where there are terms")
    ratios = model.l1_ratio.values() if isinstance(model.l1_ratio, dict) else [model.l1_ratio]
    if any(ratios):
        raise ValueError("l1_ratio > 0 is not offered where there are terms with penalties")
    bases: list[Callable] = []
    end, result = term_data.n_features, dict(predictors)
    for name, terms in _specs(model, law).items():
        argument = f"penalties[{name!r}]"
        bound_terms = [part for term in terms for part in _bound(term, term_data, f"{argument}, {term!r}")]
        predictor = _linear_part(model, law, predictors[name], bound_terms, set(term_data.texts), argument)
        result[name], new, end = _joined(predictor, bound_terms, end, argument)
        bases += new
    return result, tuple(bases)


def with_columns(bases: Sequence[Callable], X: Any, weight: np.ndarray) -> tuple[tuple[Callable, ...], Any]:
    """Functions that make the columns of terms, with means over rows of X, and X with these columns."""
    kept = slice(None) if weight.all() else weight > 0
    result: list[Any] = []
    made = []
    for basis in bases:
        if hasattr(basis, "products"):
            products = basis.products(X)
            basis = _with_mean(basis, weighted_sum(products[kept], weight[kept]) / weight.sum())
            made.append(basis.centred(X, products))
        else:
            made.append(basis(X))
        result.append(basis)
    return tuple(result), _joined_columns(X, made)


def with_means_over_parts(bases: Sequence[Callable], rows: Opened, reader: Any) -> tuple[Callable, ...]:
    """Functions that make the columns of terms, with means over rows in parts, which `reader` reads."""
    places = [k for k, basis in enumerate(bases) if hasattr(basis, "products")]
    if not places:
        return tuple(bases)
    means = means_over_parts(rows, reader, partial(_products, [bases[k] for k in places]))
    result: list[Any] = list(bases)
    first = 0
    for k in places:
        width = len(result[k].mean)
        result[k], first = _with_mean(result[k], means[first : first + width]), first + width
    return tuple(result)


def _products(bases: list, X: Any) -> np.ndarray:
    """The products of several bases side by side."""
    return np.hstack([basis.products(X) for basis in bases])


def _with_mean(basis: Any, mean: np.ndarray) -> Any:
    basis = copy(basis)
    basis.mean = mean
    return basis


def with_first_penalties(
    model: Any, law: Likelihood, predictors: dict[str, Predictor], X: Any, weight: np.ndarray
) -> dict[str, Predictor]:
    """Predictors with the penalties of their terms: given ones, or, where the data choose them, those to begin with.

    The latter are a share of the mean variance of a term's columns in rows of X, which have them.
    """
    result = dict(predictors)
    for name, predictor in predictors.items():
        if not predictor.terms:
            continue
        diagonals, alpha = predictor.penalty_diagonals, by_parameter(model.alpha, [name], law.layout.free, "alpha")[name]
        if alpha in CRITERIA:
            predictor = replace(predictor, chosen=alpha)
            few = slice(None, None, X.shape[0] // ROWS_OF_FIRST_LOOK + 1)
            variance = _variances(X[few][:, predictor.columns], weight[few])
            values = np.array([FIRST_SHARE * np.mean(variance[one > 0] / one[one > 0]) or 1.0 for one in diagonals])
        else:
            values = np.full(len(diagonals), float(alpha))
        result[name] = predictor.with_multipliers(values)
    return result


def _variances(columns: Any, weight: np.ndarray) -> np.ndarray:
    """Variances of columns."""
    share = weight / (weight.sum() or 1.0)
    squares = columns.multiply(columns) if sparse.issparse(columns) else columns**2
    return np.maximum(np.ravel(share @ squares) - np.ravel(share @ columns) ** 2, 0.0)


def _specs(model: Any, law: Likelihood) -> dict[str, list]:
    """Terms by parameter; ValueError for those that cannot be used."""
    given = by_parameter(model.penalties, modelled(law)[:1], law.layout.free, "penalties")
    specs = {
        name: [terms] if hasattr(terms, "bind") or isinstance(terms, str) else list(terms) for name, terms in given.items()
    }
    for name, terms in specs.items():
        for term in terms:
            _check_term(term, f"penalties[{name!r}]")
        if name not in law.layout.free:
            raise ValueError(f"penalties: {name!r} of {title(law)} is fixed; name an estimated parameter, {law.layout.free}")
        value = by_parameter(model.alpha, list(specs), law.layout.free, "alpha").get(name, 0.0)
        if value not in CRITERIA and not (isinstance(value, Real) and float(value) > 0):
            raise ValueError(
                f"penalties of {name!r} need alpha='reml' or 'gcv', by which the data choose a penalty for each term, or a "
                f"number > 0, the penalty of them all; got alpha={model.alpha!r}"
            )
    wanted = by_parameter(model.alpha, modelled(law)[:1], law.layout.free, "alpha")
    for name in (name for name, value in wanted.items() if value in CRITERIA):
        if name not in specs and (isinstance(model.alpha, dict) or not specs):
            specs[name] = [_AllColumns()]
    specs = {name: terms for name, terms in specs.items() if terms}
    values = by_parameter(model.alpha, list(specs), law.layout.free, "alpha")
    if len({values[name] for name in specs} & set(CRITERIA)) > 1:
        raise ValueError(f"one criterion chooses all penalties, 'reml' or 'gcv'; got alpha={model.alpha!r}")
    return specs


def _bound(term: Any, term_data: TermData, argument: str) -> list[BoundTerm]:
    """The parts that a term's `bind` returns; TypeError for anything else."""
    parts = term.bind(term_data, argument)
    if not (isinstance(parts, list | tuple) and all(isinstance(part, BoundTerm) for part in parts)):
        raise TypeError(f"{argument}: its bind must return a list of BoundTerm of sk_mle._model.terms, got {parts!r}")
    return list(parts)


def _check_term(term: Any, argument: str) -> None:
    """Raise TypeError for what is no term."""
    if isinstance(term, str) and term in PENALTIES:
        raise TypeError(f"penalties are those of terms, such as Smooth; for bias-reduced likelihood pass penalty={term!r}")
    if not hasattr(term, "bind"):
        raise TypeError(f"{argument} must be a list of terms of sk_mle.predictors (Smooth, Groups, Ridge), got {term!r}")
    if not binds(term, 2, argument):
        raise TypeError(f"{argument}: {term!r} is a curve, not a term: pass it in predictors=")


class _AllColumns:
    """The term of `alpha="reml"` alone: a ridge on all columns of the parameter."""

    def bind(self, term_data: TermData, argument: str) -> list[BoundTerm]:
        """The ridge, on whatever columns there are."""
        return [BoundTerm("ridge", ridge="all")]


def _linear_part(
    model: Any, law: Likelihood, predictor: Predictor, bound_terms: list[BoundTerm], texts: set[int], argument: str
) -> Predictor:
    """The predictor on columns of X: without those that terms stand for, or of text, with those of ridge terms."""
    name = predictor.parameter
    if predictor.curve is not None:
        raise ValueError(f"{argument}: {name!r} has a curve as predictor, which takes no terms")
    taken = [j for term in bound_terms for j in term.takes]
    if len(set(taken)) < len(taken):
        raise ValueError(f"{argument}: two terms stand for the same column")
    columns = predictor.columns
    given = by_parameter(model.predictors or {}, modelled(law), law.layout.free, "predictors")
    explicit = name in given and not (isinstance(given[name], str) and given[name] == "all")
    if explicit and {*taken, *texts} & set(columns.tolist()):
        raise ValueError(f"{argument}: a term stands for a column that predictors[{name!r}] names too; leave it out there")
    columns = columns[~np.isin(columns, [*taken, *texts])]
    wanted = [term.ridge for term in bound_terms if term.ridge is not None and not isinstance(term.ridge, str)]
    for index in wanted:
        if set(index.tolist()) & {*taken, *texts}:
            raise ValueError(f"{argument}: a ridge names a column that another term stands for")
        columns = np.concatenate([columns, index[~np.isin(index, columns)]])
    intercept = predictor.intercept if len(predictor.columns) else bool(model.fit_intercept) and law.layout[name].intercept
    return replace(predictor, columns=columns.astype(int), intercept=intercept)


def _joined(predictor: Predictor, bound_terms: list[BoundTerm], end: int, argument: str) -> tuple[Predictor, Any, int]:
    """The predictor with the columns of terms, the functions that make these, and the number of columns after it."""
    columns, terms, bases = list(predictor.columns), [], []
    made: dict[int, str] = {}
    for one in bound_terms:
        if one.ridge is not None:
            index = predictor.columns if isinstance(one.ridge, str) else one.ridge
            places = np.flatnonzero(np.isin(predictor.columns, index))
            terms.append(one.term(places))
            continue
        first, k = len(columns), len(one.labels)
        columns += range(end, end + k)
        made |= dict(zip(range(end, end + k), one.labels, strict=True))
        end += k
        terms.append(one.term(np.arange(first, first + k)))
        bases.append(one.basis)
    used = [place for term in terms for place in term.places]
    if len(set(used)) < len(used):
        raise ValueError(f"{argument}: two ridges penalise the same column; give each column one penalty")
    if empty := [term.label for term in terms if not len(term.places)]:
        raise ValueError(f"{argument}: {empty[0]} has no column to penalise")
    if len(columns) > MAX_COLUMNS:
        raise ValueError(f"{argument}: the terms have {len(columns)} columns; {MAX_COLUMNS} is the most that is offered")
    if len({term.label for term in terms}) < len(terms):
        raise ValueError(f"{argument}: two terms are the same")
    return replace(predictor, columns=np.array(columns, dtype=int), terms=tuple(terms), made=made), bases, end
