"""Writes docs/about/accuracy_table.txt, the fits of tests/reference with what their files say, for docs/about/accuracy.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "tests" / "reference"
HEAD = "| data | likelihood | by | coefficients | log-likelihood | standard errors |\n| --- | --- | --- | --- | --- | --- |\n"
AGREEMENT = (  # of each column, the key of the file, and the unit
    (("coef_atol_in_se", " se"), ("coef_rtol", " rel."), ("beta_rtol", " rel.")),
    (("loglik_atol", ""),),
    (("se_rtol", " rel."),),
)


def agreement(fixture):
    """The distances that the file allows between its numbers and ours, a cell for each column."""
    said = fixture.get("tolerance", {})
    cells = [
        next((f"{said[key]:.0e}{unit}".replace("e-0", "e-") for key, unit in column if isinstance(said.get(key), float)), "")
        for column in AGREEMENT
    ]
    return " | ".join(cells)


def software(fixture):
    """Who made the reference fit: the function, with the version of its package where the file says one."""
    if fixture.get("kind", "").startswith("nist"):
        return "NIST, certified"
    reference = fixture.get("reference", {})
    function = reference.get("function", reference.get("software", ""))
    package = re.match(r"(\w+)::", function)
    version = (reference.get("packages") or {}).get(package.group(1)) if package else None
    return f"`{function}`".replace("|", "\\|") + (f" {version}" if version else "")


def table():
    """The rows, in the order of the likelihoods."""
    fixtures = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    fixtures = sorted(
        (fixture for fixture in fixtures if "family" in fixture), key=lambda fixture: (fixture["family"], fixture["id"])
    )
    rows = [
        f"| {fixture['dataset']['name']} | {fixture['family'].replace('_', ' ')} | {software(fixture)} | {agreement(fixture)} |"
        for fixture in fixtures
    ]
    return HEAD + "\n".join(rows) + "\n"


def write(app):
    (Path(app.srcdir) / "about" / "accuracy_table.txt").write_text(table())


def setup(app):
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
