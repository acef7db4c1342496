"""Public names of what private modules define, for pickles, skops and messages, which name a class by its module."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = "https://sk-mle.github.io/sk_mle/"  # as in pyproject.toml
PAGE = DOCUMENTATION + "reference/generated/{estimator_module}.{estimator_name}.html"


def publish(namespace: dict[str, Any]) -> None:
    """Give the classes of a public module's `__all__` that private modules define the name of the public module.

    Pickles then name `sk_mle.likelihoods.Gamma`, wherever it is written, and so does the address of the page to which the HTML
    of an estimator, a law or a link leads. Functions keep their own: doctest looks there.
    """
    module = namespace["__name__"]
    package = module.partition(".")[0]
    for name in namespace["__all__"]:
        value: Any = namespace[name]
        if not isinstance(value, type) or not value.__module__.startswith(package + "."):
            continue
        if "._" in value.__module__:
            value.__module__ = module
        if hasattr(value, "_get_doc_link"):  # of scikit-learn's BaseEstimator
            linked: Any = value
            linked._doc_link_module, linked._doc_link_template = package, PAGE
