"""The rules of the layout: which module may know which."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import sk_mle
from sk_mle.likelihoods import LAWS, Likelihood, Wrapper

ROOT = Path(sk_mle.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MAX_MEMBERS = 37  # of `Likelihood`, public
MAX_LINES = 50  # of a function, without its docstring
IMPORTS_ALLOWED = {  # subpackage -> the subpackages that it may import from, in the order in which the package is built
    "domains": set(),
    "exceptions": set(),
    "_utils": set(),
    "_sources": {"_utils"},
    "links": {"_utils", "domains"},
    "_special": {"_utils", "links"},
    "likelihoods": {"_special", "_utils", "domains", "links"},
    "datasets": {"likelihoods"},
    "_model": {"_sources", "_utils", "likelihoods"},
    "predictors": {"_model", "_utils"},
    "_predictive": {"_utils", "likelihoods"},
    "_solvers": {"_model", "_utils", "domains", "likelihoods"},
    "metrics": {"_model", "_predictive", "_sources", "_utils", "likelihoods"},
    "diagnostics": {"_model", "_predictive", "_utils", "likelihoods"},
    "inference": {"_model", "_predictive", "_solvers", "_sources", "_utils", "likelihoods"},
    "_estimators": {"_model", "_predictive", "_solvers", "_sources", "_utils", "exceptions", "inference", "likelihoods"},
    "selection": {"_estimators", "_model", "_predictive", "_sources", "_utils", "inference", "likelihoods", "metrics"},
    "displays": {"_model", "_predictive", "_utils", "diagnostics", "likelihoods", "selection"},
    "formulas": {"_estimators", "_model", "_sources", "_utils", "inference", "likelihoods"},
    "testing": {"_estimators", "_sources", "_utils", "datasets", "domains", "likelihoods"},
}
IMPORTS_ALLOWED_AMONG_LAWS = {  # the same for the subpackages of likelihoods
    "_fallbacks": set(),
    "_protocol": {"_fallbacks"},
    "_families": {"_fallbacks", "_protocol"},
    "_continuous": {"_fallbacks", "_families", "_protocol"},
    "_counts": {"_fallbacks", "_families", "_protocol"},
    "_classes": {"_fallbacks", "_families", "_protocol"},
    "_multivariate": {"_fallbacks", "_families", "_protocol"},
    "_wrappers": {"_fallbacks", "_protocol"},
    "_scipy": {"_fallbacks", "_protocol"},
}


def imported(path):
    """Paths within the package, as tuples of names, of what a file imports."""
    package = path.parent.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else ()))
            yield from [base] if len(base) > 1 else [(*base, alias.name) for alias in node.names]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    subpackage, *inner = path.relative_to(ROOT).with_suffix("").parts
    if subpackage == "__init__":
        return
    assert {name for name, *_ in imported(path)} - {subpackage} <= IMPORTS_ALLOWED[subpackage]
    if subpackage != "likelihoods":  # laws, and one module of functions of a law; not the subpackages inside
        inside = {names[1] for names in imported(path) if names[0] == "likelihoods" and len(names) > 1}
        assert not {name for name in inside if name.startswith("_")} - {"_functions"}
    if subpackage == "likelihoods" and len(inner) > 1:
        laws = {names[1] for names in imported(path) if names[0] == subpackage}
        assert laws - {inner[0]} <= IMPORTS_ALLOWED_AMONG_LAWS[inner[0]]


def test_every_table_of_imports_is_in_order():
    for table in (IMPORTS_ALLOWED, IMPORTS_ALLOWED_AMONG_LAWS):
        subpackages = list(table)
        assert all(
            subpackages.index(below) < subpackages.index(subpackage) for subpackage, those in table.items() for below in those
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_law_is_named_and_no_type_asked_outside_the_laws(path):
    if "likelihoods" in path.parts:
        return
    tree = ast.parse(path.read_text())
    allowed = {"regressor": {"Normal"}, "classifier": {"Bernoulli", "Categorical"}}.get(path.stem, set())  # the defaults
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not named & {law.__name__ for law in LAWS.values()} - allowed
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance" and "testing" not in path.parts:
            assert "likelihood" not in ast.unparse(node.args[0])
            assert ast.unparse(node.args[0]) != "law"


def defined(tree):
    """Names that a module gives to anything: functions, classes, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_name_of_another_module_is_used(path):
    tree = ast.parse(path.read_text())
    own = {*defined(tree), "_replace", "_asdict", "_fields"}  # the latter are public, of named tuples
    if path.stem == "censored":
        own |= {"_uncensored", "_left", "_right", "_interval"}  # of scipy's CensoredData, which has no public ones
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            inherited = getattr(node.value, "id", "") in {"self", "cls"} or ast.unparse(node.value) == "super()"
            assert inherited or node.attr in own, ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module.split(".") if node.module else ()))
            private = [alias.name for alias in node.names if alias.name.startswith("_")]
            assert all((folder / f"{name}.py").exists() for name in private), ast.unparse(node)


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
            assert body[-1].end_lineno - body[0].lineno < MAX_LINES, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_are_annotated(path):
    for scope in ast.walk(ast.parse(path.read_text())):
        for node in scope.body if isinstance(scope, ast.Module | ast.ClassDef) else []:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
                lacking = [arg.arg for arg in every if arg and not arg.annotation and arg.arg not in ("self", "cls")]
                assert not lacking, f"annotate {lacking} of {node.name}"
                assert node.returns is not None, f"annotate what {node.name} returns"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_module_asks_for_strides(path):
    asked = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert "strides" not in asked or path == ROOT / "_utils" / "repeated.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_all_rows_are_reached_through_sums_alone(path):
    """Rows that are read one by one are those in memory, `data.in_memory`: all rows of a fit need not be."""
    own = {"data", "parts", "evaluator"}  # what the interface is made of
    if path.relative_to(ROOT).parts[0] not in {"_model", "_solvers", "_estimators", "inference"} or path.stem in own:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in {"X", "y", "weight", "offset", "groups", "blocks", "column"}:
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            assert owner != "data", ast.unparse(node)


def test_no_type_is_ignored():
    assert not [path for path in FILES if "type: ignore" in path.read_text()]


def members(kind):
    return {name for name in dir(kind) if not name.startswith("_") and not hasattr(BaseEstimator, name)}


def test_the_protocol_stays_small():
    assert len(members(Likelihood)) <= MAX_MEMBERS


def test_the_lists_of_the_protocol_are_those_of_the_code():
    page = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text().split("## The protocol\n")[1].split("\n## ")[0]
    lists = []
    for section in page.split("\n### ")[1:]:
        cells = re.findall(r"^\|[^|]*\|([^|]*)\|$", section, re.MULTILINE)
        names = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
        assert len(names) == len(set(names))
        lists.append(set(names))
    of_laws, of_wrappers, derived = lists
    required = {"parameters", "kinks", "smoothed"}  # without defaults, the latter two where `smooth` is False
    assert (of_laws | derived) - required == members(Likelihood) - {"children"}
    assert not of_laws & derived
    assert of_wrappers == members(Wrapper) - members(Likelihood) - {"parameters"} | {"children"}
