"""`Nonlinear`: a curve as the linear predictor of a parameter."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._model.columns import column, resolve
from .._model.curve import Curve
from ._formula import Formula
from ._models import FORMULAS, MODELS

GENERIC = re.compile(r"x(\d+)")  # names of the columns of an X without names


class Nonlinear(BaseEstimator):
    r"""A parameter's linear predictor that is not linear in its coefficients: a curve.

    A value of the argument `predictors` of `MLERegressor` and `MLEClassifier`, for any parameter of any law, beside linear
    ones: ``predictors={"loc": Nonlinear("vmax * conc / (km + conc)"), "scale": ["conc"]}``. Its values are on the scale of the
    parameter's link: under a log link the curve is that of the logarithm, and ``links={"mean": "identity"}`` has it be the
    parameter itself.

    Parameters
    ----------
    formula : str or callable
        A formula in names of columns of X and of coefficients, which are all other names: numbers, ``+ - * / **``,
        parentheses and functions such as exp, log, sqrt, cos and tanh; ``x0``, ``x1``, ... are columns of an X without names,
        and ``x`` its only one. A left side, ``"y = ..."``, is read over. It is parsed, never executed.

        Or the name of a self-starting model, ``"logistic"``, on the only column of X, or its call on a column with names for
        its coefficients, ``"logistic(age, height, middle, width)"``: see Notes.

        Or a function ``f(X, vmax, km)`` of the rows of X, an array of shape (n, p) with ``X["conc"]`` for columns that
        have names, and of its coefficients; it returns (n,). Derivatives are carried through functions of NumPy and
        scipy.special, and differenced where that is not possible.
    start : dict of str to float, optional
        Starting values. Coefficients in which the curve is linear need none, nor do those of self-starting models. Without
        any start the coefficients are searched for at scales of the columns, which takes some hundred evaluations and may end
        at a poor maximum.
    bounds : dict of str to (low, high), optional
        Closed intervals; None or infinity for an end that is open.
    fixed : dict of str to float, optional
        Coefficients that are not estimated. Starts and bounds that they have are not used, so that a curve and the same with a
        coefficient fixed can share them.
    on : dict of str to columns, optional
        Coefficients that are linear in columns of X: ``{"vmax": ["treated"]}`` makes ``vmax`` the sum of an intercept, called
        vmax, and of ``vmax:treated`` times the column. Columns as in `predictors`.
    jacobian : callable, optional
        ``jacobian(X, vmax, km)``, the derivatives of a function in its estimated coefficients, of shape (n, their number).

    Notes
    -----
    Self-starting models, with x a column:

    - ``logistic(x, asym, xmid, scal)``: ``asym / (1 + exp((xmid - x) / scal))``
    - ``michaelis_menten(x, vmax, km)``: ``vmax * x / (km + x)``
    - ``asymptotic(x, asym, initial, rate)``: ``asym + (initial - asym) * exp(-rate * x)``
    - ``biexponential(x, a1, rate1, a2, rate2)``: ``a1 * exp(-rate1 * x) + a2 * exp(-rate2 * x)``
    - ``gompertz(x, asym, xmid, rate)``: ``asym * exp(-exp(-rate * (x - xmid)))``
    - ``emax(x, e0, emax, ed50)``: ``e0 + emax * x / (ed50 + x)``
    - ``hill(x, emax, ec50, h)``: ``emax / (1 + (ec50 / x) ** h)``
    - ``four_parameter_logistic(x, at_zero, at_infinity, ec50, h)``:
      ``at_zero + (at_infinity - at_zero) / (1 + (ec50 / x) ** h)``

    A penalty (`alpha`) shrinks all coefficients of a curve towards zero, levels included: no coefficient of a curve is an
    intercept, which penalties leave out. As the coefficients have different units that is seldom meant: leave `alpha` at 0.0
    for the parameter of a curve, ``alpha={"scale": 0.1}``, or use `bounds`.

    The fit starts by trust region least squares on a working response, and ends by Newton steps on the likelihood, whose
    Hessian has the second derivatives of the curve.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.predictors import Nonlinear
    >>> conc = np.array([0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.1, 1.1])
    >>> rate = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])
    >>> curve = Nonlinear("vmax * x / (km + x)", start={"vmax": 200, "km": 0.1})
    >>> model = MLERegressor(predictors={"loc": curve}).fit(conc[:, None], rate)
    >>> dict(zip(model.predictors_["loc"], model.coef_.round(4)))
    {'vmax': np.float64(212.6837), 'km': np.float64(0.0641)}
    """

    def __init__(
        self,
        formula: Any,
        *,
        start: dict | None = None,
        bounds: dict | None = None,
        fixed: dict | None = None,
        on: dict | None = None,
        jacobian: Callable | None = None,
    ) -> None:
        self.formula = formula
        self.start = start
        self.bounds = bounds
        self.fixed = fixed
        self.on = on
        self.jacobian = jacobian

    def bind(self, original_X: Any, names: Any, n_features: int, argument: str) -> Curve:
        """The curve on the columns of one X.

        Parameters
        ----------
        original_X : the X that was passed to fit.
        names : array of str or None
            Names of its columns.
        n_features : int
        argument : str
            What messages call this predictor.

        Returns
        -------
        Curve
        """
        source = _source(self, names, n_features, argument)
        fixed = _numbers(self.fixed, "fixed", source.arguments, argument)
        free = tuple(name for name in source.arguments if name not in fixed)
        if not free:
            raise ValueError(f"{argument}: every coefficient is fixed, so there is nothing to estimate; use an offset")
        on = {
            name: resolve(spec, original_X, names, n_features, f"{argument}, on[{name!r}]")
            for name, spec in _known(self.on, "on", free, argument).items()
        }
        labels: list[str] = []
        for name in free:
            columns = [f"x{j}" if names is None else str(names[j]) for j in on.get(name, ())]
            labels += [name, *(f"{name}:{label}" for label in columns)]
        start, low, high = _values(self, free, on, labels, argument)
        if self.jacobian is not None and not callable(self.formula):
            raise ValueError(f"{argument}: a jacobian belongs to a function; a formula's derivatives are known")
        jacobian = None if self.jacobian is None else _Call(self.jacobian, source.arguments, fixed, source.column_names)
        return Curve(
            function=source.function(fixed),
            arguments=free,
            labels=tuple(labels),
            reads=source.reads,
            on=on,
            start=start,
            low=low,
            high=high,
            jacobian=jacobian,
            proposals=source.proposals(labels),
            identity=source.identity,
            fixed=fixed,
        )


class _Source:
    """A formula or a function: names of all arguments, the columns that it reads, and the function itself."""

    column_names: Any = None
    model: Any = None

    def __init__(self, arguments: list[str], reads: Any, identity: Any) -> None:
        self.arguments, self.reads, self.identity = tuple(arguments), np.asarray(reads, dtype=int), identity

    def function(self, fixed: dict) -> Callable:
        raise NotImplementedError

    def proposals(self, labels: list[str]) -> Callable | None:
        """Trial coefficients of a self-starting model, or None."""
        return None


class _OfFormula(_Source):
    """A formula in names of columns and coefficients."""

    def __init__(self, formula: Formula, columns: dict[str, int], model: Any = None) -> None:
        super().__init__([name for name in formula.names if name not in columns], list(columns.values()), formula)
        self.formula, self.columns, self.model = formula, columns, model

    def function(self, fixed: dict) -> Callable:
        free = [name for name in self.arguments if name not in fixed]
        return _Evaluation(self.formula, tuple(self.columns), tuple(free), dict(fixed))

    def proposals(self, labels: list[str]) -> Callable | None:
        if self.model is None:
            return None
        name, called = self.model
        return _Proposals(name, dict(zip(MODELS[name].arguments[1:], called[1:], strict=True)), list(labels))


class _OfFunction(_Source):
    """A function of X and coefficients."""

    def __init__(self, f: Callable, arguments: list[str], names: np.ndarray | None, n_features: int) -> None:
        super().__init__(arguments, np.arange(n_features), f)
        self.f, self.column_names = f, None if names is None else tuple(map(str, names))

    def function(self, fixed: dict) -> Callable:
        return _Call(self.f, self.arguments, dict(fixed), self.column_names)


class _Evaluation:
    """A formula as ``function(rows, *arguments)``."""

    def __init__(self, formula: Formula, columns: tuple, free: tuple, fixed: dict) -> None:
        self.formula, self.columns, self.free, self.fixed = formula, columns, free, fixed

    def __call__(self, rows: np.ndarray, *arguments: Any) -> Any:
        values: dict[str, Any] = {name: np.float64(value) for name, value in self.fixed.items()}
        values |= {name: rows[:, j] for j, name in enumerate(self.columns)}
        values |= dict(zip(self.free, arguments, strict=True))
        return self.formula.evaluate(values)


class _Call:
    """A user's function as ``function(rows, *arguments)``."""

    def __init__(self, f: Callable, names: tuple, fixed: dict, column_names: tuple[str, str] | None) -> None:
        self.f, self.names, self.fixed, self.column_names = f, names, fixed, column_names

    def __call__(self, rows: np.ndarray, *arguments: Any) -> Any:
        free = iter(arguments)
        values = [self.fixed[name] if name in self.fixed else next(free) for name in self.names]
        return self.f(NamedRows.of(rows, self.column_names), *values)


class NamedRows(np.ndarray):
    """Rows of X as an array whose columns have names: ``rows["conc"]``."""

    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: np.ndarray, names: tuple[str, ...] | None) -> np.ndarray:
        """The rows, with names of their columns if there are any."""
        if names is None:
            return rows
        result = np.asarray(rows).view(cls)
        result.names = names
        return result

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return np.asarray(self)[key]
        if key not in self.names:
            raise KeyError(f"no column {key!r} in X; its columns are {list(self.names)}")
        return np.asarray(self)[:, self.names.index(key)]


class _Proposals:
    """Trial coefficients of a self-starting model."""

    def __init__(self, model: Any, renamed: dict, labels: list[str]) -> None:
        self.model, self.renamed, self.labels = model, renamed, labels

    def __call__(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        for values in MODELS[self.model].proposals(rows[:, 0]):
            b = np.zeros(len(self.labels))
            for argument, value in values.items():
                if self.renamed[argument] in self.labels:
                    b[self.labels.index(self.renamed[argument])] = value
            yield b


def _source(spec: Nonlinear, names: np.ndarray | None, n_features: int, argument: str) -> _Source:
    """The parsed formula or function of a `Nonlinear`."""
    if callable(spec.formula):
        return _OfFunction(spec.formula, _signature(spec.formula, argument), names, n_features)
    if not isinstance(spec.formula, str):
        raise TypeError(f"{argument}: formula must be a str or a function f(X, ...), got {spec.formula!r}")
    text = spec.formula.strip()
    if text.lower().replace("-", "_").replace(" ", "_") in MODELS:
        text = _call_of_model(text.lower().replace("-", "_").replace(" ", "_"), names, n_features, argument)
    try:
        formula = Formula(text, FORMULAS)
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from error
    given = {name for chosen in (spec.start, spec.bounds, spec.fixed, spec.on) for name in (chosen or {})}
    columns = {name: j for name in formula.names if (j := _column(name, names, n_features)) is not None}
    if both := sorted(given & columns.keys()):
        raise ValueError(f"{argument}: {both[0]!r} is the name of a column of X, and of a coefficient; rename one")
    if not columns and not spec.on:
        known = [f"x{j}" for j in range(n_features)] if names is None else list(map(str, names))
        raise ValueError(f"{argument}: {text!r} has no column of X in it; these are {known}")
    if not set(formula.names) - columns.keys():
        raise ValueError(f"{argument}: {text!r} has no coefficient in it: all its names are columns of X")
    return _OfFormula(formula, columns, formula.call if formula.call and formula.call[1][0] in columns else None)


def _call_of_model(name: str, names: np.ndarray | None, n_features: int, argument: str) -> str:
    """The call of a self-starting model on the only column of X."""
    if n_features != 1:
        raise ValueError(
            f"{argument}: {name!r} stands for a curve on the only column of X, which has {n_features}: write "
            f"'{name}({', '.join(['column', *MODELS[name].arguments[1:]])})'"
        )
    column_name = "x0" if names is None else str(names[0])
    if not column_name.isidentifier():
        raise ValueError(f"{argument}: rename column {column_name!r}, which no formula can name, or pass a function f(X, ...)")
    return f"{name}({', '.join([column_name, *MODELS[name].arguments[1:]])})"


def _column(name: str, names: np.ndarray | None, n_features: int) -> int | None:
    """The index of the column with this name, or None."""
    if names is not None:
        return column(name, names, n_features, "formula") if name in list(names) else None
    if name == "x" and n_features == 1:
        return 0
    generic = GENERIC.fullmatch(name)
    return int(generic[1]) if generic and int(generic[1]) < n_features else None


def _signature(f: Callable, argument: str) -> list[str]:
    """Names of a function's coefficients: its parameters after the first."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except ValueError as error:
        raise ValueError(f"{argument}: {f!r} does not say what its arguments are; wrap it in a function f(X, a, b)") from error
    named = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(named) < 2 or len(named) < len(parameters):
        raise ValueError(f"{argument}: a curve is a function f(X, a, b, ...) with a name for each coefficient, got {f!r}")
    return [one.name for one in named[1:]]


def _known(values: dict | None, kind: str, arguments: tuple, argument: str) -> dict:
    """A dict by coefficient; ValueError for unknown names."""
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise TypeError(f"{argument}: {kind} must be a dict by coefficient, got {values!r}")
    for name in values:
        if name not in arguments:
            raise ValueError(f"{argument}: {kind} names {name!r}; the coefficients are {', '.join(dict.fromkeys(arguments))}")
    return values


def _numbers(values: dict | None, kind: str, arguments: tuple, argument: str) -> dict[str, float]:
    """A dict of finite numbers by coefficient."""
    for name, value in _known(values, kind, arguments, argument).items():
        if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
            raise ValueError(f"{argument}: {kind}[{name!r}] must be a finite number, got {value!r}")
    return {name: float(value) for name, value in (values or {}).items()}


def _values(
    spec: Nonlinear, free: tuple, on: dict, labels: list[str], argument: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts (q,), NaN where there are none, and bounds (q,), of the coefficients `labels`."""
    given = _numbers(spec.start, "start", (*free, *labels, *(spec.fixed or {})), argument)
    started = set(given)
    start = np.array([given.get(label, 0.0 if label.split(":")[0] in started and ":" in label else np.nan) for label in labels])
    low, high = np.full(len(labels), -np.inf), np.full(len(labels), np.inf)
    for name, pair in _known(spec.bounds, "bounds", (*free, *(spec.fixed or {})), argument).items():
        if name not in free:
            continue
        if name in on:
            raise ValueError(f"{argument}: {name!r} depends on columns, so it has no bounds for all rows")
        try:
            ends = [default if end is None else float(end) for end, default in zip(pair, (-np.inf, np.inf), strict=True)]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{argument}: bounds[{name!r}] must be a pair (low, high), got {pair!r}") from error
        if not ends[0] < ends[1]:
            raise ValueError(f"{argument}: bounds[{name!r}] must be a pair of low < high, got {pair!r}")
        k = labels.index(name)
        low[k], high[k] = ends
        if start[k] < low[k] or start[k] > high[k]:
            raise ValueError(f"{argument}: start[{name!r}] = {start[k]:g} lies outside its bounds, {ends[0]:g} to {ends[1]:g}")
    return start, low, high
