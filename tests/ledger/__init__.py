"""Faults that were reported, one entry each: a module per kind with its list `CASES`, which `tests/test_ledger.py` runs."""
