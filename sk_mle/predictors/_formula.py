"""Formulas as text: parsed by a grammar of numbers, names, operators and known functions, and never executed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from scipy import special

MAX_INTEGER_EXPONENT = 64  # integral exponents up to which a power is exact for negative numbers too

OPERATORS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
FUNCTIONS: dict[str, Callable] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "ln": np.log,
    "log1p": np.log1p,
    "log2": lambda x: np.log(x) / np.log(2.0),
    "log10": lambda x: np.log(x) / np.log(10.0),
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": lambda x: np.sin(x) / np.cos(x),
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "atan": np.arctan,
    "arctan": np.arctan,
    "asinh": np.arcsinh,
    "arcsinh": np.arcsinh,
    "expit": special.expit,
    "erf": special.erf,
    "gammaln": special.gammaln,
    "minimum": np.minimum,
    "maximum": np.maximum,
}
N_ARGUMENTS = {"minimum": 2, "maximum": 2}
CONSTANTS = {"pi": np.pi}


class Formula:
    """A formula as a function of the values of its names.

    Parameters
    ----------
    text : str
        Such as ``"vmax * conc / (km + conc)"``; a left side, ``"y = ..."``, is read over.
    models : dict of str to (tuple of str, str)
        Functions that stand for other formulas: names of their arguments, and the formula.

    Attributes
    ----------
    names : tuple of str
        The names in it, in order, without those of functions and constants.
    call : tuple of (str, list of str) or None
        The model and the names of its arguments, if the formula is one call of a model and nothing else.
    """

    def __init__(self, text: str, models: dict | None = None) -> None:
        self.text, self.models = text, models or {}
        right = self._sides()
        tree = self._checked(_parsed(right, text))
        self.call = _as_call(tree, self.models)
        names = [node.id for node in _walk(tree) if isinstance(node, ast.Name)]  # a model's in the order of its call
        self.tree = self._expanded(tree)
        self.names = tuple(dict.fromkeys(name for name in names if name not in CONSTANTS))

    def __reduce__(self) -> tuple[type, Any]:
        return Formula, (self.text, self.models)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and ast.dump(self.tree) == ast.dump(other.tree)

    def __hash__(self) -> int:
        return hash(ast.dump(self.tree))

    def evaluate(self, values: dict) -> Any:
        """The formula's value, an array or a number, at values by name."""
        return _value(self.tree, values)

    def _sides(self) -> str:
        """The text on the right of an equality sign, or all of it."""
        sides = self.text.split("=")
        if len(sides) > 2 or not sides[-1].strip():
            raise ValueError(f"{self.text!r} is no formula: write one expression, or 'y = ' and one")
        if len(sides) == 2:
            self._checked(_parsed(sides[0], self.text))
        return sides[-1]

    def _checked(self, node: ast.expr) -> ast.expr:
        """The tree, if it consists of what formulas know; ValueError in words otherwise."""
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return node
        if isinstance(node, ast.Name):
            return node
        if isinstance(node, ast.BinOp | ast.UnaryOp) and type(node.op) in OPERATORS:
            for child in (node.left, node.right) if isinstance(node, ast.BinOp) else (node.operand,):
                self._checked(child)
            return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            self._check_call(node.func.id, len(node.args))
            for child in node.args:
                self._checked(child)
            return node
        hint = "; a power is written **" if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor) else ""
        raise ValueError(
            f"{self.text!r}: formulas take numbers, names, + - * / ** and functions such as exp, and {ast.unparse(node)!r} is "
            f"none of these{hint}. Pass a function f(X, ...) for anything else"
        )

    def _check_call(self, name: str, n: int) -> None:
        """Raise ValueError for an unknown function, or another number of arguments than it takes."""
        if name not in FUNCTIONS and name not in self.models:
            known = sorted([*FUNCTIONS, *self.models])
            raise ValueError(
                f"{self.text!r}: no function is called {name!r}; formulas know {', '.join(known)}. Pass a function f(X, ...) "
                "for others"
            )
        takes = N_ARGUMENTS.get(name, 1) if name in FUNCTIONS else len(self.models[name][0])
        if n != takes:
            arguments = "" if name in FUNCTIONS else f", {', '.join(self.models[name][0])}"
            raise ValueError(f"{self.text!r}: {name} takes {takes} arguments{arguments}, and has {n}")

    def _expanded(self, node: ast.expr) -> ast.expr:
        """The tree with calls of models replaced by their formulas."""
        return _Expansion(self.models).visit(node)


class _Expansion(ast.NodeTransformer):
    """Replaces calls of models by their formulas."""

    def __init__(self, models: dict) -> None:
        self.models = models

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or node.func.id not in self.models:
            return node
        names, text = self.models[node.func.id]
        return _Substitution(dict(zip(names, node.args, strict=True))).visit(_parsed(text, text))


class _Substitution(ast.NodeTransformer):
    """Replaces names by expressions."""

    def __init__(self, expressions: dict) -> None:
        self.expressions = expressions

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.expressions.get(node.id, node)


def _parsed(text: str, whole: str) -> ast.expr:
    """The tree of an expression; ValueError in words for one that cannot be read."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or type(error).__name__
        raise ValueError(f"{whole!r} is no formula: {reason}. Write, for instance, 'vmax * conc / (km + conc)'") from error


def _as_call(tree: ast.expr, models: dict) -> tuple[str, list[str]] | None:
    """The model and the names of its arguments of a formula that is one call of a model."""
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in models):
        return None
    names = [node.id for node in tree.args if isinstance(node, ast.Name)]
    return (tree.func.id, names) if len(names) == len(tree.args) == len(set(names)) else None


def _walk(node: ast.expr) -> Iterator[ast.expr]:
    """The names, numbers and operations of a tree from left to right, without the names of functions."""
    yield node
    if isinstance(node, ast.BinOp):
        yield from _walk(node.left)
        yield from _walk(node.right)
    elif isinstance(node, ast.UnaryOp):
        yield from _walk(node.operand)
    elif isinstance(node, ast.Call):
        for child in node.args:
            yield from _walk(child)


def _value(node: Any, values: dict) -> Any:
    """The value of a tree."""
    if isinstance(node, ast.Constant):
        return np.float64(cast(float, node.value))
    if isinstance(node, ast.Name):
        return values[node.id] if node.id in values else np.float64(CONSTANTS[node.id])
    if isinstance(node, ast.Call):
        return FUNCTIONS[cast(ast.Name, node.func).id](*(_value(child, values) for child in node.args))
    if isinstance(node, ast.UnaryOp):
        return OPERATORS[type(node.op)](_value(node.operand, values))
    left, right = _value(node.left, values), _value(node.right, values)
    is_number = isinstance(node.op, ast.Pow) and isinstance(right, np.float64)
    if is_number and right.is_integer() and abs(right) <= MAX_INTEGER_EXPONENT:
        right = int(right)
    return OPERATORS[type(node.op)](left, right)
