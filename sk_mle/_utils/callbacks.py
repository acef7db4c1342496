"""Callbacks of scikit-learn 1.9 and later: set by `set_callbacks`, and called after every iteration of a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

try:
    from sklearn import callback
except ImportError:  # of releases without callbacks
    callback = None

CallbackSupportMixin: Any = object if callback is None else callback.CallbackSupportMixin
with_callbacks: Any = (lambda method: method) if callback is None else callback.with_callbacks

__all__ = ["WithCallbacks", "with_callbacks"]


class WithCallbacks(CallbackSupportMixin):
    """A mixin of estimators whose fits call callbacks."""

    @contextmanager
    def _fit_task(self, X: Any, y: Any, sample_weight: Any) -> Iterator[Callable | None]:
        """A context that calls the callbacks at the beginning and at the end of a fit.

        Yields
        ------
        callable or None
            ``on_iteration(attributes)``, to be called after each iteration: `attributes` is a function without arguments that
            returns the fitted attributes of an estimator that stopped there. None if there are no callbacks.
        """
        if not getattr(self, "_skl_callbacks", None):
            yield None
            return
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        given: dict[str, Any] = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(**given)

        def on_iteration(attributes: Callable[[], dict]) -> None:
            iteration = context.subcontext(task_name="iteration")
            iteration.call_on_fit_task_begin(**given)
            iteration.call_on_fit_task_end(**given, reconstruction_attributes=attributes)

        yield on_iteration
        context.call_on_fit_task_end(**given, reconstruction_attributes=dict)
