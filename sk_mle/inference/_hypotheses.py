"""Linear hypotheses on coefficients, said in names, and Wald's test of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from scipy import special

from ..tables import Table, probability
from ._columns import interval, tested
from ._result import TestResult

_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")


def find(layout, name: str) -> list[int]:
    """Places of a coefficient by its name; a column alone means the first parameter's, and all entries of a vector's."""
    first = layout.parts[0].parameter
    for places in (layout.places, layout.families):
        for candidate in (name, f"{first}:{name}"):
            if candidate in places:
                return places[candidate]
    raise ValueError(f"no coefficient is named {name!r}; the names are {_shown(layout)}")


def _shown(layout) -> str:
    return ", ".join(layout.names[:12]) + (", ..." if len(layout.names) > 12 else "")


def parse(layout, hypotheses) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Matrix R, vector r and a text per row, of hypotheses R b = r."""
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
    hypotheses = [single for item in hypotheses for text in _split(layout, item) for single in _expanded(layout, text)]
    rows, values = zip(*(_equation(layout, text) for text in hypotheses), strict=True)
    return np.array(rows), np.array(values), [text if "=" in text else f"{text} = 0" for text in hypotheses]


def _expanded(layout, text) -> list[str]:
    """A column of a vector parameter, alone or "= 0", as one hypothesis per entry."""
    name = re.sub(r"\s*=\s*0(\.0*)?\s*$", "", text).strip()
    first = layout.parts[0].parameter
    places = layout.families.get(name) or layout.families.get(f"{first}:{name}") or []
    return [f"{layout.names[i]} = 0" for i in places] if len(places) > 1 and name not in layout.places else [text]


def _vocabulary(layout) -> list[tuple[str, list[int]]]:
    """What may be written, with the places that it stands for; the longest first, as names may contain signs and commas."""
    first = f"{layout.parts[0].parameter}:"
    words = {**layout.families, **layout.places}
    short = {word.removeprefix(first): places for word, places in words.items() if word.startswith(first)}
    short = {word: places for word, places in short.items() if not _NUMBER.match(word)}
    return sorted({**short, **words}.items(), key=lambda item: -len(item[0]))


def _tokens(layout, text):
    words, position = _vocabulary(layout), 0
    while position < len(text):
        rest = text[position:]
        word = next(((w, i) for w, i in words if rest.startswith(w) and not re.match(r"\w", rest[len(w) : len(w) + 1])), None)
        number = _NUMBER.match(rest)
        if rest[0].isspace():
            position += 1
        elif word:
            yield "name", word[1], position
            position += len(word[0])
        elif number:
            yield "number", float(number[0]), position
            position += len(number[0])
        elif rest[0] in "+-*=,":
            yield rest[0], None, position
            position += 1
        elif unknown := re.match(r"[\w:\[\]]+", rest):
            raise ValueError(f"no coefficient is named {unknown[0]!r}; the names are {_shown(layout)}")
        else:
            raise ValueError(
                f"{text!r}: {rest[0]!r} has no meaning here; write sums with factors, such as '2 * {layout.names[0]} = 1'"
            )


def _split(layout, text) -> list[str]:
    cuts = [position for kind, _, position in _tokens(layout, text) if kind == ","]
    return [text[a:b].strip(" ,") for a, b in zip([0, *[c + 1 for c in cuts]], [*cuts, len(text)], strict=True)]


def _equation(layout, text):
    """Row and right side of one equation: sums of terms on either side of one equality sign."""
    row, value, side, sign, term = np.zeros(layout.size), 0.0, 1.0, 1.0, []
    for kind, found, _ in [*_tokens(layout, text), ("end", None, len(text))]:
        if kind in ("name", "number", "*"):
            term.append((kind, found))
            continue
        if term:
            places, factor = _term(text, term)
            if len(places) > 1:
                named = ", ".join(layout.names[i] for i in places)
                raise ValueError(f"{text!r}: one name stands for {len(places)} coefficients, {named}; write one of them")
            row[places] += side * sign * factor
            value -= 0.0 if places else side * sign * factor
        elif kind in ("=", "end"):
            raise ValueError(f"{text!r} lacks a term{' after' if kind == 'end' else ' before'} a sign")
        term, sign = [], (sign if not term else 1.0) * (-1.0 if kind == "-" else 1.0)
        if kind == "=":
            if side < 0:
                raise ValueError(f"{text!r} has two equality signs; put a comma between equations")
            side, sign = -1.0, 1.0
    if not row.any():
        raise ValueError(f"{text!r} names no coefficient, or they cancel")
    return row, value


def _term(text, term) -> tuple[list[int], float]:
    """The place of a coefficient, or none, and its factor: ``x1``, ``2``, ``2 * x1``, ``x1 * 2`` or ``2 x1``."""
    kinds = " ".join(kind for kind, _ in term)
    found = [value for kind, value in term if kind != "*"]
    if kinds in ("name", "number"):
        return (found[0], 1.0) if kinds == "name" else ([], found[0])
    if kinds in ("number name", "number * name"):
        return found[1], found[0]
    if kinds == "name * number":
        return found[0], found[1]
    raise ValueError(f"{text!r} is no linear hypothesis: a term is a coefficient, a number, or a number times a coefficient")


class Hypotheses:
    """What `Inference` offers for linear hypotheses."""

    layout: Any
    params: Any
    bse: Any
    df: float
    _root: Any
    _critical: Any
    _two_sided: Any

    def contrast(self, hypotheses, level=0.95) -> Table:
        """Linear combinations of coefficients, with standard errors, tests and intervals, one row each.

        Parameters
        ----------
        hypotheses : str, sequence of str or array-like of shape (m, P)
            As in `wald_test`; the difference of both sides is estimated.
        level : float
        """
        R, r, texts = parse(self.layout, hypotheses)
        estimate, error = R @ self.params - r, np.linalg.norm(R @ self._root, axis=1)
        half = self._critical(level) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, estimate / error, np.where(estimate == 0, 0.0, np.copysign(np.inf, estimate)))
        found = {**tested(self.df, z, self._two_sided(z)), **interval(level, estimate - half, estimate + half)}
        return Table({"estimate": estimate, "std err": error, **found}, texts, formats={"p": probability})

    def wald_test(self, hypotheses, value=None) -> TestResult:
        """Wald test that all the linear hypotheses hold.

        Parameters
        ----------
        hypotheses : str, sequence of str or array-like of shape (m, P)
            ``"x1 = x2, scale:x1 = 0"``: sums of coefficients by name, with factors, a comma between equations; names of columns
            alone mean the first parameter; "= 0" may be left out. Or names, each meaning that the coefficient is zero. Or a
            matrix R, for the hypothesis R b = `value`.
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
                raise ValueError("value belongs to a matrix of hypotheses; write it into the words, 'x1 = 2'")
            r = r + np.broadcast_to(np.asarray(value, dtype=float), r.shape)
            texts = [f"{text.removesuffix(' = 0')} = {goal:g}" for text, goal in zip(texts, r, strict=True)]
        gap, root = R @ self.params - r, R @ self._root
        unit = np.linalg.norm(R * np.where(self.bse > 0, self.bse, 1.0), axis=1)
        left, singular, _ = np.linalg.svd(root / unit[:, None], full_matrices=False)
        rank = int((singular > 1e-10 * singular.max(initial=0.0)).sum())
        turned = left.T @ (gap / unit)
        rest = gap / unit - left[:, :rank] @ turned[:rank]
        if rank == 0 or np.abs(rest).max() > 1e-6 * max(1.0, np.abs(gap / unit).max()):
            raise ValueError(f"the hypotheses {', '.join(texts)} contradict each other, or fix what the model cannot change")
        statistic = float(np.sum((turned[:rank] / singular[:rank]) ** 2))
        label = ", ".join(texts)
        if np.isinf(self.df):
            return TestResult("Wald test", statistic, rank, float(special.chdtrc(rank, statistic)), label)
        ratio = statistic / rank
        pvalue = float(special.fdtrc(rank, self.df, ratio))
        return TestResult("Wald F test", ratio, (rank, float(self.df)), pvalue, label)
