"""Tables as text, HTML, Markdown and LaTeX."""

import re

import numpy as np
import pytest

from sk_mle._utils.tables import Table, fixed, number

TABLE = Table({"estimate": [1.5, -0.25], "p": [0.5, np.nan]}, ["a|b", "c_d & e"], title="Some <title>", notes=["a note"])


def test_markdown():
    assert TABLE.to_markdown().splitlines() == [
        "|         | estimate |      p |",
        "| :------ | -------: | -----: |",
        "| a\\|b    |   1.5000 | 0.5000 |",
        "| c_d & e |  -0.2500 |      – |",
    ]


def test_latex():
    lines = TABLE.to_latex().splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}"
    assert lines[2] == r" & estimate & p \\"
    assert lines[5] == r"c\_d \& e & -0.2500 & -- \\"
    assert lines[-1] == r"\end{tabular}"


def test_html_is_aligned_to_the_right_has_a_class_and_is_escaped():
    html = TABLE._repr_html_()
    assert "<table class='sk_mle-table'>" in html
    assert html.count("text-align:right") == 2 + 4
    assert "Some &lt;title&gt;" in html
    assert "<tbody>" not in Table({}, [], head=[("a", 1)])._repr_html_()


def test_long_tables_are_cut_in_print_only():
    long = Table({"x": np.arange(1000.0)}, [f"row {i}" for i in range(1000)])
    for text in (str(long), long._repr_html_(), long.to_markdown()):
        assert "row 19" in text
        assert "row 20" not in text
        assert "row 980" in text
    assert "1000 rows; to_frame() has all of them" in str(long)
    assert len(pytest.importorskip("pandas") and long.to_frame()) == 1000


def test_numbers_of_one_format():
    assert [fixed(value) for value in (0.0, 0.004, 123456789.0, np.nan, None)] == ["0.0", "0.0", "123456789.0", "–", "–"]
    assert re.fullmatch(r"4\.\de-05", number(4e-5, 2))
