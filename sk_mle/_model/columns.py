"""Resolution of constructor arguments against the columns of X: predictors, offsets, exposures and penalties."""

from __future__ import annotations

import inspect
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from .._utils.messages import rows_text
from ..likelihoods import Likelihood
from ..likelihoods._functions import modelled, title
from .curve import Curve
from .predictor import Predictor, column_of

EVERY = "*"  # stands for all estimated parameters in dicts by parameter
CRITERIA = ("reml", "gcv")  # values of `alpha` by which the data choose the penalties of terms
FORMULA_SIGNS = frozenset("()*/+^")  # signs of a formula that few names of columns have
RATE_RATIOS = ("ratio", "hazard ratio")  # meanings of exp(coefficient) for links of a rate


def predictors_of(model: Any, law: Likelihood, original_X: Any, X: Any) -> tuple[dict[str, Predictor], dict[str, int]]:
    """Predictors of the estimated parameters, and columns of the known ones, from an estimator's arguments.

    Parameters
    ----------
    model : estimator
    law : Likelihood
    original_X : the X that was passed to fit, before validation.
    X : ndarray or CSR matrix of shape (n, p)

    Returns
    -------
    predictors : dict of str to Predictor
        One per estimated parameter.
    known : dict of str to int
        Columns of X that hold the values of parameters that are not estimated.
    """
    names, p = getattr(model, "feature_names_in_", None), X.shape[1]
    parameters, on_all = law.layout.free, modelled(law)
    known = {name: column(value, names, p, f"{name} of {title(law)}") for name, value in law.layout.known.items()}
    shifts = {}
    for argument in ("offset", "exposure"):
        chosen = by_parameter(getattr(model, argument), on_all, parameters, argument)
        shifts[argument] = {name: column(value, names, p, argument) for name, value in chosen.items()}
        for name in chosen:
            if name not in parameters or law.layout[name].vector:
                raise ValueError(f"{argument}: {name!r} of {title(law)} takes none (it is fixed, or a vector)")
    taken = [index for chosen in (known, *shifts.values()) for index in chosen.values()]
    covariates = np.setdiff1d(np.arange(p), taken) if taken else np.arange(p)
    chosen = by_parameter(model.predictors or {}, on_all, parameters, "predictors")
    alphas = _alphas(model, law, on_all)
    predictors = {}
    for name in parameters:
        spec, argument = chosen.get(name), f"predictors[{name!r}]"
        shift, exposure = shifts["offset"].get(name), shifts["exposure"].get(name)
        if spec is not None and hasattr(spec, "bind"):
            if law.layout[name].vector:
                raise ValueError(f"{argument} must name columns, as a curve is one number per row, and {name} has several")
            curve = _curve_of(spec, original_X, names, p, argument)
            predictors[name] = Predictor(name, curve.columns, False, shift, exposure, alphas.get(name, 0.0), curve)
            continue
        spec = ("all" if name in on_all else "intercept") if spec is None else spec
        all_ = isinstance(spec, str) and spec == "all"
        index = covariates if all_ else resolve(spec, original_X, names, p, argument)
        intercept = _has_intercept(model, law, name, index, argument)
        predictors[name] = Predictor(name, index, intercept, shift, exposure, alphas.get(name, 0.0) if len(index) else 0.0)
    ratios = _l1_ratios(model, law, alphas)
    for name, one in predictors.items():
        l1 = one.alpha * ratios.get(name, 0.0)
        predictors[name] = replace(one, alpha=one.alpha - l1, l1=l1) if l1 else one
    return predictors, known


def _curve_of(spec: Any, original_X: Any, names: Any, n_features: int, argument: str) -> Curve:
    """The curve that a predictor binds to the columns of X; TypeError where it is none."""
    if not binds(spec, 4, argument):
        raise TypeError(f"{argument}: {spec!r} is a term, which makes columns of X and penalises them: pass it in penalties=")
    curve = spec.bind(original_X, names, n_features, argument)
    if not isinstance(curve, Curve):
        raise TypeError(f"{argument}: bind of {spec!r} must return a Curve of sk_mle._model.curve, got {curve!r}")
    return curve


def binds(spec: Any, n: int, argument: str) -> bool:
    """Whether `bind` takes n arguments, four of a curve and two of a term; TypeError for a class."""
    if isinstance(spec, type):
        raise TypeError(f"{argument} needs an instance, got the class {spec.__name__}: add parentheses")
    try:
        inspect.signature(spec.bind).bind(*range(n))
    except TypeError:
        return False
    return True


def _has_intercept(model: Any, law: Likelihood, name: str, index: np.ndarray, argument: str) -> bool:
    """Whether a parameter on the columns `index` has an intercept; ValueError for columns that it cannot have."""
    if len(set(index.tolist())) < len(index):
        raise ValueError(f"{argument} names a column twice")
    may_have_intercept = law.layout[name].intercept
    if not may_have_intercept and not len(index):
        kind = title(law)
        raise ValueError(f"{name} of {kind} has no intercept: name its columns, predictors={{{name!r}: [...]}}, or fix it")
    return not len(index) or (bool(model.fit_intercept) and may_have_intercept)


def check_exposures(law: Likelihood, predictors: dict[str, Predictor], names: Any) -> None:
    """Raise ValueError for an exposure of a parameter whose link does not make it a factor."""
    for name, predictor in predictors.items():
        link = law.layout[name].link
        if predictor.exposure is not None and link.ratio not in RATE_RATIOS:
            shown = predictor.exposure if names is None else str(names[predictor.exposure])
            raise ValueError(
                f"exposure={{{name!r}: {shown!r}}}: an exposure multiplies a parameter through its log link (or the rate "
                f"behind a probability through its cloglog link), but {name} of {title(law)} has the link {link}, to which the "
                f"logarithm would be added. Choose links={{{name!r}: 'log'}}, or, if the sum is meant, "
                f"offset={{{name!r}: ...}} with a column of what is to be added"
            )


def check_known_values(
    law: Likelihood, X: Any, known: dict[str, int], names: np.ndarray | None, weight: np.ndarray | None
) -> None:
    """Raise ValueError if a column holds values outside a parameter's domain."""
    for name, index in known.items():
        values = column_of(X, index, weight)
        bad = np.flatnonzero(~law.layout[name].admits(values))
        if len(bad):
            label = index if names is None else repr(str(names[index]))
            raise ValueError(
                f"column {label} holds {name} of {title(law)}, which must lie in {law.layout[name].given}, but "
                f"does not in {rows_text(bad)}"
            )


def _alphas(model: Any, law: Likelihood, on_all: list[str]) -> dict[str, float]:
    """The penalty of every parameter that has one."""
    alphas = by_parameter(model.alpha, on_all, law.layout.free, "alpha")
    alphas = {name: 0.0 if isinstance(value, str) and value in CRITERIA else value for name, value in alphas.items()}
    for name, value in alphas.items():
        if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
            hint = ", one for all columns: scale those that are to be penalised less or more" if np.ndim(value) else ""
            raise ValueError(f"alpha must be a number >= 0, got {value!r} for {name!r}{hint}; or 'reml', 'gcv'")
        if value and name not in law.layout.free:
            raise ValueError(f"alpha: {name!r} of {title(law)} is fixed; name an estimated parameter, {law.layout.free}")
    return {name: float(value) for name, value in alphas.items()}


def _l1_ratios(model: Any, law: Likelihood, alphas: dict) -> dict[str, float]:
    """The share of the L1 penalty in the penalty of every parameter that has one."""
    ratios = by_parameter(model.l1_ratio, list(alphas), law.layout.free, "l1_ratio")
    for name, value in ratios.items():
        if not isinstance(value, Real) or not 0 <= float(value) <= 1:
            raise ValueError(f"l1_ratio must be a number from 0 to 1, got {value!r} for {name!r}; alpha is the penalty's size")
    return {name: float(value) for name, value in ratios.items()}


def resolve(spec: Any, X: Any, names: Any, n_features: int, argument: str) -> np.ndarray:
    """Indices (q,) of the columns that `spec` selects.

    Parameters
    ----------
    spec : str, int, slice, list, mask or callable
        "all", "intercept", names, indices, a slice of indices, a boolean mask, or a callable of the original X, such as
        `sklearn.compose.make_column_selector`.
    X : the X that was passed to fit, before validation.
    names : array of str or None
        Column names, if X has them.
    argument : str
        Name of the argument in messages.
    """
    if callable(spec):
        return resolve(list(spec(X)), X, names, n_features, argument)
    if isinstance(spec, str):
        if spec == "all":
            return np.arange(n_features)
        if spec == "intercept":
            return np.arange(0)
        spec = [spec]
    if isinstance(spec, slice):
        return np.arange(n_features)[spec]
    values = np.atleast_1d(np.asarray(spec, dtype=object))
    if values.size == 0:
        return np.arange(0)
    if all(isinstance(value, bool | np.bool_) for value in values):
        if len(values) != n_features:
            raise ValueError(f"{argument}: a mask of {len(values)} entries does not fit the {n_features} columns of X")
        return np.flatnonzero(values.astype(bool))
    return np.array([column(value, names, n_features, argument) for value in values], dtype=int)


def _hint_at_curve(name: str) -> str:
    """Advice for a name that looks like a formula, or nothing."""
    return f". For a curve pass predictors.Nonlinear({name!r})" if FORMULA_SIGNS.intersection(name) else ""


def column(value: Any, names: Any, n_features: int, argument: str) -> int:
    """Index of one column, given by name or index."""
    if isinstance(value, str):
        if names is None and value in (generic := [f"x{j}" for j in range(n_features)]):
            return generic.index(value)
        if names is None:
            raise ValueError(
                f"{argument}={value!r} is a column name, but X has no column names; pass a DataFrame or an index (in a "
                "pipeline, set_output(transform='pandas') keeps the names; BaggingRegressor and others that make an array of X "
                f"need the index){_hint_at_curve(value)}"
            )
        index = np.flatnonzero(np.asarray(names) == value)
        if len(index) == 0:
            raise ValueError(f"{argument}: no column {value!r} in X; its columns are {list(names)}{_hint_at_curve(value)}")
        if len(index) > 1:
            raise ValueError(f"{argument}: {value!r} is the name of {len(index)} columns of X; rename them, or pass an index")
        return int(index[0])
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        hint = (
            "terms belong in penalties=" if hasattr(value, "bind") else "values of rows are a column of X, whose name it takes"
        )
        raise TypeError(f"{argument} must name columns by str or int, got a {type(value).__name__}; {hint}")
    if not -n_features <= value < n_features:
        raise ValueError(f"{argument}: column {value} does not exist; X has {n_features} columns")
    return int(value) % n_features


def entries_of(model: Any, law: Likelihood, name: str) -> Any:
    """Labels of the entries of a vector parameter: class labels, where each class has one."""
    entries = law.layout[name].entries
    return model.classes_ if law.target_type == "classes" and len(entries) == len(model.classes_) else entries


def by_parameter(value: Any, modelled: list[str], parameters: Any, argument: str) -> dict:
    """A dict by parameter, from a dict, or from one value for all parameters that are `modelled` on all columns."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return dict.fromkeys(modelled, value)
    parameters, result = list(parameters), {}
    if EVERY in value:
        result = dict.fromkeys(parameters, value[EVERY])
    for name in value:
        if isinstance(name, int) and not isinstance(name, bool):  # a law of fewer parameters leaves it out
            if name < 0:
                raise ValueError(f"{argument} names parameter {name}: positions count from 0, the first estimated parameter")
            result |= {parameters[name]: value[name]} if name < len(parameters) else {}
        elif name not in parameters and name != EVERY:
            raise ValueError(f"{argument} names {name!r}; the estimated parameters are {parameters}")
    return {**result, **{name: chosen for name, chosen in value.items() if name in parameters}}
