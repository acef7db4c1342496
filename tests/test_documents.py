"""The code of README.md, CONTRIBUTING.md and docs/ runs, and prints what it says."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import pkgutil
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import sk_mle
from sk_mle import MLEClassifier, MLERegressor, likelihoods
from sk_mle.links import Log
from sk_mle.predictors import Smooth

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|pycon)\n(.*?)^```", re.MULTILINE | re.DOTALL)
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_code_blocks(page, monkeypatch):
    pytest.importorskip("pandas")
    module = ModuleType(page.stem)
    monkeypatch.setitem(sys.modules, page.stem, module)  # so that classes of the page can be pickled
    names = vars(module)
    blocks = BLOCK.findall(page.read_text())
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for kind, code in blocks:
        if kind == "python":
            exec(compile(code, page.name, "exec"), names)
        else:
            test = doctest.DocTestParser().get_doctest(code, names, page.name, page.name, 0)
            report: list[str] = []
            runner.run(test, out=report.append, clear_globs=False)
            names.update(test.globs)
            assert not report, "".join(report)


def test_no_code_escapes():
    """Code stands in blocks that run; R is shown."""
    for page in PAGES:
        fences = re.findall(r"^(.*?)```+([\w{}-]+)$", page.read_text(), re.MULTILINE)
        assert {kind for _, kind in fences if kind[0] != "{"} <= {"python", "pycon", "r"}, page.name
        assert [before for before, kind in fences if before and kind[0] != "{"] == [], page.name


def test_hosts_are_those_of_pyproject():
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    for page in ("pyproject.toml", "CITATION.cff", "conda/meta.yaml"):
        found = re.findall(r"https://(?!pypi)[^\s\"']*/sk_mle[^\s\"']*", (ROOT / page).read_text())
        assert len(found) > 1, page
        assert [url for url in found if not url.startswith((urls["Source"], urls["Documentation"]))] == [], page


def test_the_pages_name_no_missing_file():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


def test_every_law_has_its_row():
    """The code of each row of docs/guide/which_likelihood.md makes an estimator, and every law stands in a row."""
    page = (ROOT / "docs" / "guide" / "which_likelihood.md").read_text()
    names = {name: getattr(likelihoods, name) for name in likelihoods.__all__}
    cells = [line.split(" | ")[1].strip("`") for line in page.splitlines() if line.startswith("| ") and "`MLE" in line]
    made = [eval(cell, {"MLERegressor": MLERegressor, "MLEClassifier": MLEClassifier, **names}) for cell in cells]
    assert len(made) > 50
    for estimator in made:
        estimator.likelihood.check()
    text = " ".join(cells)
    assert [name for name in likelihoods.LAWS.values() if f"{name.__name__}(" not in text] == []


MODULES = ["sk_mle", *(f"sk_mle.{module.name}" for module in pkgutil.iter_modules(sk_mle.__path__) if module.name[0] != "_")]


def public():
    """Names of every public class and function: of a class by the module that it names, of a function by all that have it."""
    found = {}
    for module in map(importlib.import_module, MODULES):
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if callable(value) and value.__module__.startswith("sk_mle"):
                home = value.__module__ if inspect.isclass(value) else module.__name__
                found.setdefault(id(value), set()).add(f"{home}.{name}")
    return list(found.values())


def listed():
    """The full names in the tables of docs/reference."""
    names = set()
    for page in (ROOT / "docs" / "reference").glob("*.rst"):
        module = ""
        for line in page.read_text().splitlines():
            if line.startswith(".. currentmodule::"):
                module = line.split()[-1]
            elif re.fullmatch(r"   [A-Za-z][\w.]*", line) and module:
                names.add(f"{module}.{line.strip()}")
    return names


def test_every_public_object_has_a_page():
    pages = listed()
    assert [names for names in public() if not names & pages] == [], "each needs its name in a table of docs/reference"


@pytest.mark.parametrize(
    "item", [MLERegressor(), MLEClassifier(), sk_mle.FormulaModel("y ~ x"), likelihoods.Gamma(), Log(), Smooth("x")], ids=repr
)
def test_html_leads_to_a_page_of_the_reference(item):
    link = item._get_doc_link()
    base, _, page = link.partition("reference/generated/")
    assert page.removesuffix(".html") in listed()
    assert base == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Documentation"]
    assert link in item._repr_html_()


CONSTRUCTED_BY_US = {
    *("Comparison", "Eval", "Inference", "Nesting", "Parameter", "Profile", "Relations", "Simulated", "TestResult"),
}
CALLED_BY_USERS = (
    *(sk_mle.Distribution, MLERegressor, MLEClassifier, sk_mle.MLEDensity, sk_mle.FormulaModel, sk_mle.Inference),
    *(sk_mle.LikelihoodSearch, sk_mle.selection.Comparison, sk_mle.domains.Domain, sk_mle.Source),
)
OF_OTHER_ROOMS = {"read_data", "read_rows", "check_part", "check_weightless"}


def documented():
    """The names in the reference, with the methods that users call."""
    methods = [
        f"{kind.__module__}.{kind.__name__}.{name}"
        for kind in CALLED_BY_USERS
        for name, value in inspect.getmembers(kind, inspect.isfunction)
        if name[0] != "_" and name not in OF_OTHER_ROOMS and value.__module__.startswith("sk_mle")
    ]
    return [*sorted(listed()), *methods]


def test_docstrings_are_complete():
    """By numpydoc: there is a docstring, it names every parameter and no other, and it says what comes back."""
    validate = pytest.importorskip("numpydoc.validate").validate
    asked = {"GL08", "PR01", "PR02", "RT01"}
    found = [
        (name, code, message)
        for name in documented()
        for code, message in validate(name)["errors"]
        if code in asked and not (code == "PR01" and (name.split(".")[-1] in CONSTRUCTED_BY_US or "removed" in message))
    ]
    assert found == []


def test_every_page_of_the_reference_has_an_example():
    """In the docstring, run with the doctests."""
    objects = {name: getattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2]) for name in listed()}
    assert [name for name, value in sorted(objects.items()) if ">>>" not in inspect.getdoc(value)] == []


def test_examples_have_a_title():
    """An underlined first line, without which the gallery has no page for them."""
    for path in (ROOT / "examples").glob("*.py"):
        title, line, *_ = path.read_text().removeprefix('"""').splitlines()
        assert path.stem == "comparison" or line == "=" * len(title), path.name


def test_dead_links_are_found(tmp_path):
    spec = importlib.util.spec_from_file_location("check_links", ROOT / "docs" / "check_links.py")
    check_links = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check_links)
    (tmp_path / "a.html").write_text('<h1 id="top"></h1><a href="b.html#there"></a><a href="https://elsewhere.org/x"></a>')
    (tmp_path / "b.html").write_text("<a href=a.html#top></a><a href=a.html#gone></a><a href=c.html></a><img src=d.png>")
    page = tmp_path / "b.html"
    assert [link for link in check_links.read(page).links if check_links.dead(page, link)] == ["a.html#gone", "c.html", "d.png"]
    assert check_links.dead(tmp_path / "a.html", "b.html#there")
    assert not check_links.dead(page, "https://elsewhere.org/x")
