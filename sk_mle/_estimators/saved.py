"""Pickles and copies of estimators."""

from __future__ import annotations

import importlib
from typing import Any

from .._utils.messages import warn_caller
from ..exceptions import VersionWarning
from .fit import Fit


class Saved:
    """A mixin of estimators whose pickles hold the fit as plain data, and the version that made it."""

    def __getstate__(self) -> dict[str, Any]:
        """The attributes for pickles and copies: the fit as plain data, and the version that made it."""
        parent: Any = super()
        state: dict[str, Any] = {**parent.__getstate__()}
        if "fit_" in state:
            state |= {"fit_": state["fit_"].plain(), "_sk_mle_version": _version()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The inverse of `__getstate__`; warns where another version made the fit."""
        state = dict(state)
        made_by = state.pop("_sk_mle_version", None)
        if made_by is not None and made_by.split(".")[:2] != _version().split(".")[:2]:
            warn_caller(
                f"this {type(self).__name__} was saved by sk_mle {made_by} and is read by {_version()}, which may compute "
                "otherwise: compare predictions, or fit it again",
                VersionWarning,
            )
        if "fit_" in state:
            try:
                state["fit_"] = Fit.from_plain(state["fit_"])
            except TypeError as error:
                raise ValueError(
                    f"this {type(self).__name__} was saved by sk_mle {made_by}, whose fits hold what {_version()} does not "
                    f"know ({error}): read it with that version, or fit it again"
                ) from error
        parent: Any = super()
        parent.__setstate__(state)


def _version() -> str:
    """The version of the package, which is known once it is imported."""
    return importlib.import_module(__package__.partition(".")[0]).__version__
