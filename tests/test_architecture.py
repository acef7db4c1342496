"""The rules of the layout: which module may know which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sk_mle
from sk_mle.likelihoods import LAWS

ROOT = Path(sk_mle.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MOST_LINES = 50  # of a function, without its docstring
BELOW = {  # module -> the modules of the package that it may import
    "domains": set(),
    "messages": set(),
    "_repeated": set(),
    "_elementwise": {"_repeated"},
    "_special": {"_elementwise"},
    "_tails": {"_special"},
    "links": {"_repeated", "domains"},
    "likelihoods": {"_repeated", "domains", "links", "_special", "_tails", "likelihoods", "messages"},
    "data": {"_repeated"},
    "moments": {"data"},
    "design": {"moments"},
    "penalties": {"design"},
    "sums": {"data"},
    "bounds": {"data", "likelihoods"},
    "objective": {"_repeated", "bounds", "data", "design", "penalties", "sums", "likelihoods"},
    "newton": set(),
    "plane": {"objective"},
    "vertex": {"data", "newton", "objective", "plane"},
    "solvers": {"bounds", "newton", "vertex", "objective"},
    "preconditioners": {"data", "objective"},
    "units": {"data", "objective"},
    "interpolation": {"objective", "units"},
    "start": {"_repeated", "domains", "interpolation", "likelihoods", "newton", "objective", "preconditioners", "units"},
    "special_cases": {"objective", "solvers", "start"},
    "multistart": {"bounds", "objective", "solvers", "special_cases"},
    "reconditioning": {"data", "design", "moments", "objective", "separation", "solvers", "units"},
    "verdict": {"bounds", "exceptions", "likelihoods", "messages", "separation"},
    "separation": {"moments", "objective"},
    "identification": {"design", "objective", "solvers"},
    "distribution": {"likelihoods"},
    "unwrapping": {"distribution", "likelihoods"},
    "validation": {"_repeated", "frames", "likelihoods", "messages"},
    "predictor": {"_repeated", "data", "design", "likelihoods", "messages", "moments", "validation"},
    "fit": {
        "data",
        "distribution",
        "likelihoods",
        "messages",
        "objective",
        "predictor",
        "reconditioning",
        "start",
        "validation",
    },
    "columns": {"messages", "predictor", "validation"},
    "labels": {"frames"},
    "tables": set(),
    "frames": set(),
    "inference": {
        "data",
        "design",
        "distribution",
        "frames",
        "likelihoods",
        "messages",
        "newton",
        "objective",
        "plane",
        "tables",
        "unwrapping",
        "validation",
    },
    "metrics": {"distribution", "likelihoods", "messages", "tables", "unwrapping", "validation"},
    "diagnostics": {
        "data",
        "distribution",
        "likelihoods",
        "inference",
        "messages",
        "predictor",
        "tables",
        "unwrapping",
        "validation",
    },
    "selection": {
        "_regressor",
        "frames",
        "inference",
        "likelihoods",
        "messages",
        "metrics",
        "tables",
        "unwrapping",
        "validation",
        "exceptions",
    },
    "displays": {"diagnostics", "distribution", "inference", "likelihoods", "messages", "metrics", "unwrapping", "validation"},
}


def imports(path):
    """Modules of the package that a file imports, by their first name."""
    package = path.parent.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            parts = (*base, *(node.module.split(".") if node.module else ()))
            yield from [parts[0]] if parts else [alias.name for alias in node.names]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    name = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if name in BELOW:
        assert set(imports(path)) - {name} <= BELOW[name]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_law_is_named_and_no_type_asked_outside_the_laws(path):
    if path.parent.name == "likelihoods":
        return
    tree = ast.parse(path.read_text())
    allowed = {"_regressor": {"Normal"}, "_classifier": {"Bernoulli", "Categorical"}}.get(path.stem, set())  # the defaults
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not named & {law.__name__ for law in LAWS.values()} - allowed
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance" and "testing" not in path.parts:
            assert "likelihood" not in ast.unparse(node.args[0])
            assert ast.unparse(node.args[0]) != "law"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_attribute_of_an_estimator_is_read(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            assert owner not in {"model", "estimator", "fitted", "small", "large", "fit", "fit_"}, ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_public_scikit_learn(path):
    for node in ast.walk(ast.parse(path.read_text())):
        module = node.module if isinstance(node, ast.ImportFrom) else None
        if module and module.startswith("sklearn"):
            assert not any(part.startswith("_") for part in module.split("."))
            assert not any(alias.name.startswith("_") for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
            assert body[-1].end_lineno - body[0].lineno < MOST_LINES, node.name
