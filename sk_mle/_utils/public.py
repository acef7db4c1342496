"""Public names of what private modules define, for pickles, skops and messages, which name a class by its module."""

from __future__ import annotations

from typing import Any


def publish(namespace: dict[str, Any]) -> None:
    """Give the classes of a public module's `__all__` that private modules define the name of the public module.

    Pickles then name `sk_mle.likelihoods.Gamma`, wherever it is written. Functions keep their own: doctest looks there.
    """
    module = namespace["__name__"]
    for name in namespace["__all__"]:
        value = namespace[name]
        if isinstance(value, type) and "._" in value.__module__ and value.__module__.startswith(module.partition(".")[0] + "."):
            value.__module__ = module
