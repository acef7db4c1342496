"""The constructor's arguments of estimators and laws, which searches and clones ask for again and again."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator


class WithArguments(BaseEstimator):
    """A `BaseEstimator` that looks up the names of its arguments once per class, not in its signature every time."""

    _argument_names: tuple[str, ...]

    def get_params(self, deep: bool = True) -> dict:
        """The constructor's arguments by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether those of arguments that have arguments themselves follow, as ``name__argument``.

        Returns
        -------
        dict
        """
        kind, result = type(self), dict[str, Any]()
        if "_argument_names" not in vars(kind):
            kind._argument_names = tuple(super().get_params(deep=False))
        for name in kind._argument_names:
            value = result[name] = getattr(self, name)
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                result |= {f"{name}__{inner}": given for inner, given in value.get_params().items()}
        return result
