"""The code of README.md, CONTRIBUTING.md and docs/ runs, and prints what it says."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sk_mle import MLEClassifier, MLERegressor, likelihoods

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|pycon)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks(page, monkeypatch):
    pytest.importorskip("pandas")
    module = ModuleType(page.stem)
    monkeypatch.setitem(sys.modules, page.stem, module)  # so that classes of the page can be pickled
    names = vars(module)
    blocks = BLOCK.findall(page.read_text())
    assert blocks
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
