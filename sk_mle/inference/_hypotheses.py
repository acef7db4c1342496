"""Linear hypotheses on coefficients, said in names, and Wald's test of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from scipy import special

from ..tables import Table, probability
from ._result import TestResult

_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")


def find(layout, name: str) -> int:
    """Index of a coefficient by its name; a column alone means the first parameter."""
    names = layout.names
    for candidate in (name, f"{layout.parts[0].label}:{name}"):
        if candidate in names:
            return names.index(candidate)
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise ValueError(f"no coefficient is named {name!r}; the names are {shown}")


def parse(layout, hypotheses) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Matrix R, vector r and a text per row, of hypotheses R b = r."""
    if isinstance(hypotheses, str):
        hypotheses = _split(layout, hypotheses)
    hypotheses = list(hypotheses)
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
        return R, np.zeros(len(R)), texts
    rows, values = zip(*(_equation(layout, text) for text in hypotheses), strict=True)
    return np.array(rows), np.array(values), hypotheses


def _vocabulary(layout):
    """What may be written for a coefficient, the longest first, so that names may contain signs and commas."""
    short = {name.split(":", 1)[1]: i for i, name in reversed(list(enumerate(layout.names[layout.parts[0].place])))}
    return sorted({**short, **{name: i for i, name in enumerate(layout.names)}}.items(), key=lambda item: -len(item[0]))


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
        else:
            raise ValueError(
                f"{text!r} is not understood from {rest[:20]!r} on; write sums of coefficients with factors, such as "
                f"'2 * {layout.names[0]} = 1', with the names {', '.join(layout.names[:8])}{', ...' * (len(layout.names) > 8)}"
            )


def _split(layout, text) -> list[str]:
    cuts = [position for kind, _, position in _tokens(layout, text) if kind == ","]
    return [text[a:b].strip(" ,") for a, b in zip([0, *[c + 1 for c in cuts]], [*cuts, len(text)], strict=True)]


def _equation(layout, text):
    """Row and right side of one equation: terms [number *] name or number, with signs."""
    row, value, side, sign, factor = np.zeros(layout.size), 0.0, 1.0, 1.0, None
    tokens = [*_tokens(layout, text), ("end", None, len(text))]
    for kind, found, _ in tokens:
        if kind == "number":
            factor = (1.0 if factor is None else factor) * found
        elif kind == "name":
            row[found] += side * sign * (1.0 if factor is None else factor)
            factor, sign = None, 1.0
        elif kind in ("+", "-", "=", "end"):
            if factor is not None:
                value -= side * sign * factor
                factor, sign = None, 1.0
            sign *= -1.0 if kind == "-" else 1.0
            if kind == "=":
                if side < 0:
                    raise ValueError(f"{text!r} has two equality signs; put a comma between equations")
                side, sign = -1.0, 1.0
    if not row.any():
        raise ValueError(f"{text!r} names no coefficient, or they cancel")
    return row, value


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
        half, tail = self._critical(level) * error, (1 - level) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, estimate / error, np.where(estimate == 0, 0.0, np.copysign(np.inf, estimate)))
        columns = {
            "estimate": estimate,
            "std err": error,
            "t" if np.isfinite(self.df) else "z": z,
            "p": self._two_sided(z),
            f"{100 * tail:g}%": estimate - half,
            f"{100 - 100 * tail:g}%": estimate + half,
        }
        return Table(columns, texts, formats={"p": probability})

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
            r = r + np.broadcast_to(np.asarray(value, dtype=float), r.shape)
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
