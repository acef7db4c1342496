"""Faults that were reported, one entry each: a module per kind, each with its list `CASES`; `tests/test_ledger.py` runs them."""
