"""Every reported case stays mended. A new case is one entry of a module in `tests/ledger`."""

import importlib
import pkgutil

import ledger
import pytest

CASES = [
    case
    for module in pkgutil.iter_modules(ledger.__path__)
    if not module.name.startswith("_")
    for case in importlib.import_module(f"ledger.{module.name}").CASES
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.law}: {case.trait}")
def test_case_stays_mended(case):
    assert case.trait
    assert case.source
    case.check()
