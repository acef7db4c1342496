"""Linear hypotheses on coefficients, written with their names, and Wald's test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

from .._utils.floats import numbers
from .._utils.tables import Table, probability
from ._columns import critical_value, interval, statistic_columns
from ._layout import Layout
from ._names import Names, Token
from ._result import TestResult


def parse(layout: Layout, hypotheses: Any) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """R (m, P), r (m,) and a text per row, of hypotheses R b = r."""
    if isinstance(hypotheses, dict):
        written = ", ".join(f"{name} = {value}" for name, value in hypotheses.items())
        raise TypeError(f"hypotheses are a dict: write equations between coefficients and numbers, as text, {written!r}")
    hypotheses = [hypotheses] if isinstance(hypotheses, str) else list(hypotheses)
    if not hypotheses:
        raise ValueError("hypotheses are empty: name coefficients, or write 'x1 = 0'")
    if not all(isinstance(item, str) for item in hypotheses):
        R = np.atleast_2d(np.asarray(hypotheses, dtype=float))
        if R.ndim != 2 or R.shape[1] != layout.size or not np.isfinite(R).all():
            raise ValueError(
                f"a matrix of hypotheses needs finite entries and {layout.size} columns, one per coefficient, got {R.shape}"
            )
        texts = [
            " + ".join(f"{weight:g}*{name}" for weight, name in zip(row, layout.names, strict=True) if weight) or "0"
            for row in R
        ]
        return R, np.zeros(len(R)), [f"{text} = 0" for text in texts]
    names = Names(layout)
    rows, values, texts = zip(*(row for text in hypotheses for row in _rows(names, text)), strict=True)
    return np.array(rows), np.array(values), list(texts)


def _rows(names: Names, text: str) -> Iterator[tuple[np.ndarray, float, str]]:
    """Row, right side and label of every equation in a text; a text that is exactly a name is that coefficient."""
    places = names.exact(text)
    if places is not None:
        yield from _zero(names, places, names.written(text))
        return
    tokens = list(names.tokens(text))
    _check_unambiguous(names, [token for token in tokens if "," in token.text[1:] or "=" in token.text[1:]], text)
    commas = [token.start for token in tokens if token.kind == ","]
    for first, end in zip([0, *[comma + 1 for comma in commas]], [*commas, len(text)], strict=True):
        piece = text[first:end].strip()
        within = _with_column(names, [token for token in tokens if first <= token.start < end])
        left, right = _sides(within, piece)
        if [token.kind for token in left] == ["name"] and (right is None or [token.value for token in right] == [0.0]):
            yield from _zero(names, left[0].value, left[0].text)
        else:
            full = names.in_full(text, within, first, end).strip()
            yield *_equation(names, left, right, piece), full if "=" in piece else f"{full} = 0"


def _zero(names: Names, places: list[int], written: str) -> Iterator[Any]:
    """Row, right side and label of the hypotheses that the coefficients at `places` are zero."""
    for i in places:
        yield (
            np.eye(1, names.layout.size, i)[0],
            0.0,
            f"{names.layout.names[i] if len(places) > 1 else names.with_label(written, i)} = 0",
        )


def _with_column(names: Names, tokens: list[Token]) -> list[Token]:
    """The tokens of an equation of numbers, which says nothing, with a side that a column is called read as that column.

    Where both sides are called as columns, "2019 = 2020", either reading may be meant: they stay numbers, which is refused.
    """
    sign = next((i for i, token in enumerate(tokens) if token.kind == "="), len(tokens))
    sides = [range(sign), range(sign + 1, len(tokens))]
    called = [side[0] for side in sides if len(side) == 1 and names.is_number_of_column(tokens[side[0]])]
    if len(called) != 1 or any(token.kind == "name" for token in tokens):
        return tokens
    column = tokens[called[0]]
    return [*tokens[: called[0]], column._replace(kind="name", value=names.exact(column.text)), *tokens[called[0] + 1 :]]


def _sides(tokens: list, text: str) -> tuple[Any, Any]:
    """Tokens on the left and on the right of the equality sign; the right is None without a sign."""
    signs = [i for i, token in enumerate(tokens) if token.kind == "="]
    if len(signs) > 1:
        raise ValueError(f"{text!r} has two equality signs; put a comma between equations")
    if not signs:
        return tokens, None
    return tokens[: signs[0]], tokens[signs[0] + 1 :]


def _equation(names: Names, left: list, right: list | None, text: str) -> tuple[np.ndarray, float]:
    """Row and right side of one equation."""
    row, constant = _sum(names, left, text, "before" if right is not None else "after")
    if right is not None:
        right_row, right_constant = _sum(names, right, text, "after")
        row, constant = row - right_row, constant - right_constant
    numbers = [term.text for side in (left, right or []) for term in _lone_numbers(side) if names.is_number_of_column(term)]
    if not row.any():
        raise ValueError(f"{text!r} names no coefficient, or they cancel{_backticks(names, [*left, *(right or [])])}")
    if numbers and not (right is not None and [term[0].text for _, term in _terms(right)] == numbers):
        raise ValueError(
            f"{text!r}: {numbers[0]} is a number and the name of a column; write `{numbers[0]}` in backticks for the column, "
            "or have the number alone behind the equality sign"
        )
    return row, -constant


def _backticks(names: Names, tokens: list[Token]) -> str:
    """The end of a message about numbers that columns are called too; "" without any."""
    number = next((token.text for token in tokens if names.is_number_of_column(token)), "")
    return f"; {number} is read as a number: write `{number}` in backticks for the column" if number else ""


def _lone_numbers(tokens: list) -> list[Token]:
    """The numbers that are terms of a sum by themselves."""
    terms = _terms(tokens)
    return [term[0] for _, term in terms if [token.kind for token in term] == ["number"]]


def _terms(tokens: list) -> list[tuple[float, list[Token]]]:
    """The terms of a sum with their signs; a sign with nothing behind it gives a term without tokens."""
    terms: list[tuple[float, list[Token]]] = [(1.0, [])]
    for token in tokens:
        if token.kind not in ("+", "-"):
            terms[-1][1].append(token)
            continue
        sign = -1.0 if token.kind == "-" else 1.0
        if terms[-1][1]:
            terms.append((sign, []))
        else:
            terms[-1] = terms[-1][0] * sign, []
    return terms


def _sum(names: Names, tokens: list, text: str, where: str) -> tuple[np.ndarray, float]:
    """Row and constant of a sum of terms."""
    if len(tokens) > 1:
        _check_unambiguous(names, tokens, text)
    row, constant = np.zeros(names.layout.size), 0.0
    for sign, term in _terms(tokens):
        if not term:
            raise ValueError(f"{text!r} lacks a term {where} a sign")
        places, factor = _term(names, text, term)
        if len(places) > 1:
            named = ", ".join(names.layout.names[i] for i in places)
            raise ValueError(f"{text!r}: one name stands for {len(places)} coefficients, {named}; write one of them")
        row[places] += sign * factor
        constant += 0.0 if places else sign * factor
    return row, constant


def _check_unambiguous(names: Names, tokens: list, text: str) -> None:
    """Raise for a name that also reads as an expression, such as "2x" beside a column "x"."""
    for token in tokens:
        if token.kind == "name" and "`" not in token.text and _is_expression(names, token.text):
            raise ValueError(
                f"{text!r}: {token.text} is the name of a column, and could be a sum or product of others: write "
                f"`{token.text}` in backticks for the column, else every name inside it in backticks"
            )


def _is_expression(names: Names, word: str) -> bool:
    """Whether a word that is a name also reads as sums of other names and numbers."""
    sums: list[list[Token]] = [[]]
    try:
        for token in names.tokens(word, without=word):
            if token.kind in (",", "="):
                sums.append([])
            else:
                sums[-1].append(token)
        return all(_sum(names, tokens, word, "") for tokens in sums)
    except ValueError:
        return False


def _term(names: Names, text: str, term: list[Token]) -> tuple[list[int], float]:
    """The place of a coefficient, or none, and its factor: ``x1``, ``2``, ``2 * x1``, ``x1 * 2`` or ``2 x1``."""
    kinds = " ".join(token.kind for token in term)
    values = [token.value for token in term if token.kind != "*"]
    if kinds in ("name", "number"):
        return (values[0], 1.0) if kinds == "name" else ([], values[0])
    if kinds in ("number name", "number * name"):
        return values[1], values[0]
    if kinds == "name * number":
        return values[0], values[1]
    raise ValueError(
        f"{text!r} is no linear hypothesis: a term is a coefficient, a number, or a number times a coefficient"
        f"{_backticks(names, term)}"
    )


class Hypotheses:
    """A mixin: linear hypotheses on the coefficients."""

    layout: Layout
    params: Any
    bse: Any
    df: float
    root: Any
    estimability: Any

    def contrast(self, hypotheses: Any, level: float = 0.95) -> Table:
        """Linear combinations of coefficients, with standard errors, tests and intervals, one row each.

        Parameters
        ----------
        hypotheses : str, sequence of str or array-like of shape (m, P)
            As in `wald_test`; the difference of both sides is estimated.
        level : float

        Returns
        -------
        Table
        """
        R, r, texts = parse(self.layout, hypotheses)
        self.estimability.check(R, texts)
        estimate, error = R @ self.params - r, np.linalg.norm(R @ self.root, axis=1)
        half_width = critical_value(self.df, level) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, estimate / error, np.where(estimate == 0, 0.0, np.copysign(np.inf, estimate)))
        statistics = {
            **statistic_columns(self.df, z),
            **interval(level, estimate - half_width, estimate + half_width),
        }
        return Table({"estimate": estimate, "std err": error, **statistics}, texts, formats={"p": probability})

    def wald_test(self, hypotheses: Any, value: Any = None) -> TestResult:
        """Wald test that all the linear hypotheses hold.

        Parameters
        ----------
        hypotheses : str, sequence of str or array-like of shape (m, P)
            ``"x1 = x2, scale:x1 = 0"``: sums of coefficients by name, with factors, a comma between equations; names of columns
            alone mean the first parameter; "= 0" may be left out. What is exactly a name is that coefficient, "2x" too, and so
            is one side of an equation without other names, "2019 = 0"; within sums a column of an odd name stands in backticks,
            ``"`2x` - scale:`my column` = 1"``, and 2019 is a number unless it does. Or names, each meaning that the coefficient
            is zero. Or a matrix R, for the hypothesis R b = `value`.
        value : array-like of shape (m,), optional
            Zero by default; with a matrix only.

        Returns
        -------
        TestResult
            ``(R b - r)' (R V R')^-1 (R b - r)``, chi-squared with the rank of R V R' degrees of freedom (F with `use_t`).
        """
        R, r, texts = parse(self.layout, hypotheses)
        if value is not None:
            if isinstance(hypotheses, str) or any(isinstance(item, str) for item in hypotheses):
                raise ValueError("value belongs to a matrix of hypotheses; write it into the text, 'x1 = 2'")
            right = numbers(value, "value")
            if right.shape not in ((), r.shape) or not np.isfinite(right).all():
                raise ValueError(f"value must be a finite number, or one per hypothesis, of shape {r.shape}; got {value!r}")
            r = r + right
            texts = [f"{text.removesuffix(' = 0')} = {goal:g}" for text, goal in zip(texts, r, strict=True)]
        self.estimability.check(R, texts)
        gap, root = R @ self.params - r, R @ self.root
        row_scale = np.linalg.norm(R * np.where(self.bse > 0, self.bse, 1.0), axis=1)
        rotation, singular, _ = np.linalg.svd(root / row_scale[:, None], full_matrices=False)
        rank = int((singular > 1e-10 * singular.max(initial=0.0)).sum())
        rotated_gap = rotation.T @ (gap / row_scale)
        residual = gap / row_scale - rotation[:, :rank] @ rotated_gap[:rank]
        if rank == 0 or np.abs(residual).max() > 1e-6 * max(1.0, np.abs(gap / row_scale).max()):
            raise ValueError(f"the hypotheses {', '.join(texts)} contradict each other, or fix what the model cannot change")
        statistic = float(np.sum((rotated_gap[:rank] / singular[:rank]) ** 2))
        label = ", ".join(texts)
        if np.isinf(self.df):
            return TestResult("Wald test", statistic, rank, float(special.chdtrc(rank, statistic)), label)
        ratio = statistic / rank
        pvalue = float(special.fdtrc(rank, self.df, ratio))
        return TestResult("Wald F test", ratio, (rank, float(self.df)), pvalue, label)
