"""What the constructor says about columns, resolved against X: predictors, offsets and exposures."""

from __future__ import annotations

import numpy as np

from .messages import rows_text
from .validation import counted


def assigned(model, law, original_X, X, weight=None) -> tuple[dict, dict, dict]:
    """What a model's arguments and its law give every parameter.

    Returns
    -------
    used : dict of str to ndarray
        Indices of the columns of every free parameter.
    offset_columns : dict of dict of str to int
        Columns of offsets, exposures and known parameters.
    offset : dict of str to ndarray of shape (n,)
        Their values.
    """
    names, p = getattr(model, "feature_names_in_", None), X.shape[1]
    parameters, kind = law.free, type(law).__name__
    offset_columns = {"known": {k: column(v, names, p, f"{k} of {kind}") for k, v in law.known.items()}}
    for argument in ("offset", "exposure"):
        chosen = by_parameter(getattr(model, argument), law.modelled, parameters, argument)
        offset_columns[argument] = {k: column(v, names, p, argument) for k, v in chosen.items()}
        for parameter in chosen:
            if parameter not in parameters or law.contrast(parameter) is not None:
                raise ValueError(f"{argument}: {parameter!r} of {kind} takes none (it is fixed, or a vector)")
    rest = np.ones(p, dtype=bool)
    rest[[j for chosen in offset_columns.values() for j in chosen.values()]] = False
    chosen = by_parameter(model.predictors or {}, law.modelled, parameters, "predictors")
    used = {}
    for name in parameters:
        spec = chosen.get(name)
        spec = ("all" if name in law.modelled else "intercept") if spec is None else spec
        if isinstance(spec, str) and spec == "all":
            used[name] = np.flatnonzero(rest)
            continue
        argument = f"predictors[{name!r}]"
        used[name] = resolve(spec, original_X, names, p, argument)
        if len(set(used[name].tolist())) < len(used[name]):
            raise ValueError(f"{argument} names a column twice")
    offset = offsets(X, **offset_columns, names=names, weight=weight)
    for name, index in offset_columns["known"].items():
        values = offset[name]
        bad = np.flatnonzero(~law.parameters[name].contains(values) & ~np.array([law.limit(name, v) for v in values]))
        if len(bad):
            label = index if names is None else repr(str(names[index]))
            raise ValueError(
                f"column {label} holds {name} of {kind}, which must lie in {law.parameters[name]}, but does not in "
                f"{rows_text(bad)}"
            )
    return used, offset_columns, offset


def resolve(spec, X, names, n_features: int, argument: str) -> np.ndarray:
    """Indices of the columns that `spec` means.

    Parameters
    ----------
    spec : str, int, slice, list, mask or callable
        "all", "intercept", names, indices, a slice of indices, a boolean mask, or a callable of the original X, such as
        `sklearn.compose.make_column_selector`.
    X : the X that was passed to fit, before validation.
    names : array of str or None
        Column names, where X has them.
    argument : str
        For messages.
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


def column(value, names, n_features: int, argument: str) -> int:
    """Index of one column, given by name or index."""
    if isinstance(value, str):
        if names is None and value in (generic := [f"x{j}" for j in range(n_features)]):
            return generic.index(value)
        if names is None:
            raise ValueError(
                f"{argument}={value!r} is a column name, but X has no column names; pass a DataFrame or an index (in a "
                "pipeline, set_output(transform='pandas') keeps the names)"
            )
        found = np.flatnonzero(np.asarray(names) == value)
        if len(found) == 0:
            raise ValueError(f"{argument}: no column {value!r} in X; its columns are {list(names)}")
        if len(found) > 1:
            raise ValueError(f"{argument}: {value!r} is the name of {len(found)} columns of X; rename them, or pass an index")
        return int(found[0])
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument} must name columns by str or int, got {value!r}")
    if not -n_features <= value < n_features:
        raise ValueError(f"{argument}: column {value} does not exist; X has {n_features} columns")
    return int(value) % n_features


def by_parameter(value, modelled: list[str], parameters, argument: str) -> dict:
    """A dict by parameter from a dict, or from a value that is meant for the parameters modelled on all columns."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return dict.fromkeys(modelled, value)
    for name in value:
        if name not in parameters:
            raise ValueError(f"{argument} names {name!r}; the estimated parameters are {list(parameters)}")
    return value


def offsets(
    X, offset: dict[str, int], exposure: dict[str, int], known: dict[str, int], names, weight=None
) -> dict[str, np.ndarray]:
    """Sum of the offset column and of the log of the exposure column, per parameter; the values of known parameters."""
    result = {parameter: _values(X, index, weight) for parameter, index in known.items()}
    for parameter, index in offset.items():
        result[parameter] = _values(X, index, weight)
    for parameter, index in exposure.items():
        values = _values(X, index, weight)
        bad = np.flatnonzero(values <= 0)
        if len(bad):
            label = index if names is None else repr(str(names[index]))
            raise ValueError(
                f"exposure: column {label} must be positive, but is not in {rows_text(bad)}; keep scalers away from this "
                "column, or drop these rows"
            )
        np.log(values, out=values)
        result[parameter] = result[parameter] + values if parameter in result else values
    return result


def _values(X, index, weight):
    values = X[:, [index]]
    values = values.toarray() if hasattr(values, "toarray") else values
    return counted(np.ascontiguousarray(values[:, 0], dtype=np.float64), weight)
