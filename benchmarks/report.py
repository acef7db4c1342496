"""What is said about the rows: a table, summary lines, a picture; ``python benchmarks/report.py rows.json`` is brief."""

from __future__ import annotations

import json
import statistics
import sys

import r_peers

HEADER = (
    "| workload | passes | ours, ms | ours, MB | peer | peer, ms | peer, MB | peer / ours | our NLL - best | accuracy |",
    "|---|---|---|---|---|---|---|---|---|---|",
)
FAMILIES = {  # of peers, by how their names begin
    "scikit-learn": "sklearn",
    "statsmodels": "statsmodels",
    "GenericLikelihoodModel": "GenericLikelihoodModel",
    "glum": "glum",
    "lifelines": "lifelines",
    "R": "R ",
}
DEFAULT_SOLVER = "sklearn lbfgs"
MARKERS = "*osD^vP"


def number(value) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def line(row: dict) -> str:
    """Of the table."""
    more = ">" if row["trouble"] == "cut off" else ""
    note = row["trouble"] or ("equal" if row["peer_close"] else f"peer stops {row['peer_gap']:.0e} above")
    cells = [row["workload"], number(row["passes"]), number(row["our_ms"]), number(row["our_mb"]), row["peer"]]
    times = ["-", "-"] if row["trouble"] == "fails" else [more + number(row["peer_ms"]), f"{more}{row['ratio']:.2f}"]
    cells += [times[0], number(row["peer_mb"]), times[1], f"{row['our_gap']:.0e}"]
    return "| " + " | ".join([*cells, f"OURS FAILS: {row['our_trouble']}" if row["our_trouble"] else note]) + " |"


def is_fit(row) -> bool:
    return row["passes"] is not None


def counted_ratio(row) -> float:
    """The peer's time over ours, in which a fit of ours that failed took for ever."""
    return 0.0 if row["our_trouble"] else row["ratio"]


def _median(ratios: list[tuple[float, bool]]) -> str:
    """Of ratios, and whether each is only a lower bound: the peer was cut off, or had not converged to our NLL."""
    if not ratios:
        return "no cell"
    bounds = sum(bound for _, bound in ratios)
    told = f", {bounds} of them lower bounds: the peer did not converge, or not to our NLL" if bounds else ""
    return f"{statistics.median(ratio for ratio, _ in ratios):.2f} ({len(ratios)} cells{told})"


def per_cell(rows, begins) -> list[tuple[float, bool]]:
    """The fastest peer of each workload whose name begins so; one that converged to our NLL, where there is one."""
    found: dict[str, tuple[bool, float]] = {}
    for row in rows:
        if row["peer"].startswith(begins) and not row.get("noted") and row["trouble"] != "fails":
            candidate = (not row["peer_close"] and not row["our_trouble"], counted_ratio(row))
            found[row["workload"]] = min(candidate, found.get(row["workload"], (True, float("inf"))))
    return [(ratio, bound) for bound, ratio in found.values()]


def summary(rows: list[dict]) -> list[str]:
    """Lines on the medians over workloads, and on every one that we lose."""
    fits = [row for row in rows if is_fit(row)]
    correlated = [row for row in fits if row["columns"] == "correlated"]
    lines = [
        f"median against scikit-learn's best solver: {_median(per_cell(fits, FAMILIES['scikit-learn']))}",
        f"median against scikit-learn's default solver, correlated columns: {_median(per_cell(correlated, DEFAULT_SOLVER))}",
    ]
    lines += [
        f"median against {family}: {_median(per_cell(fits, begins))}"
        for family, begins in FAMILIES.items()
        if family != "scikit-learn"
    ]
    noted = [(counted_ratio(row), False) for row in fits if row.get("noted")]
    if noted:
        lines.append(f"median against R's times noted on a like machine: {_median(noted)}")
    others = per_cell([row for row in rows if not is_fit(row)], "")
    lines.append(f"median beyond fits (searches, predictions, scores), against the best peer: {_median(others)}")
    return lines + _behind(rows)


def _behind(rows: list[dict]) -> list[str]:
    """How many workloads we lose, as a peer is faster or our fit fails, and which."""
    cells = {row["workload"]: is_fit(row) for row in rows}
    told = {row["workload"]: f"OURS FAILS: {row['our_trouble']}" for row in rows if row["our_trouble"]}
    lost = [row for row in rows if row["ratio"] < 1 and row["peer_close"] and row["workload"] not in told]
    for best in sorted(lost, key=lambda row: row["ratio"]):
        figures = f"{number(best['peer_ms'])} ms, ours {number(best['our_ms'])} ms ({best['ratio']:.2f})"
        told.setdefault(best["workload"], f"{best['peer']} {figures}")
    fits, others = ([name for name, fit in cells.items() if fit == kind] for kind in (True, False))
    counts = (f"{sum(name in told for name in names)} of {len(names)}" for names in (cells, fits, others))
    return [
        "cells behind the fastest peer, or failed: {} (fits: {}; beyond fits: {})".format(*counts),
        *(f"  {name}: {told[name]}" for name in cells if name in told),
    ]


def brief(rows: list[dict]) -> list[str]:
    """A table of one line per workload: ours, and every peer's time with its ratio to ours; `*`: short of our NLL."""
    lines = ["| workload | ours, ms | passes | MB | peers: ms (peer / ours) |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(row["workload"] for row in rows):
        here = [row for row in rows if row["workload"] == name]
        told = []
        for row in here:
            more, short = ">" if row["trouble"] == "cut off" else "", "" if row["peer_close"] else "*"
            figures = (
                "fails" if row["trouble"] == "fails" else f"{more}{number(row['peer_ms'])} ({more}{row['ratio']:.2g}){short}"
            )
            told.append(f"{row['peer']} {figures}")
        ours = [number(here[0][key]) for key in ("our_ms", "passes", "our_mb")]
        ours[0] += f" FAILS: {here[0]['our_trouble']}" if here[0]["our_trouble"] else ""
        lines.append(f"| {' | '.join([name, *ours, '; '.join(told)])} |")
    return lines


def noted_rows(rows: list[dict]) -> list[dict]:
    """Rows for R's noted times, at workloads where R did not run."""
    added = []
    for law, noted in r_peers.NOTED.items():
        name = f"{law} {r_peers.SIZE} iid"
        here = [row for row in rows if row["workload"] == name]
        live = {row["peer"] for row in here}
        for peer, seconds in noted.items():
            if here and peer not in live:
                figures = {"peer_ms": 1e3 * seconds, "ratio": 1e3 * seconds / here[0]["our_ms"], "peer_mb": None}
                judged = {"peer_tol": None, "peer_gap": 0.0, "peer_close": True, "trouble": "", "noted": True}
                added.append({**here[0], "peer": peer, **figures, **judged})
    return added


def picture(rows: list[dict], file: str, title: str) -> None:
    """Every workload is a line of marks, one per peer: how many times as long as ours it took."""
    from matplotlib.figure import Figure

    rows = [row for row in rows if row["trouble"] != "fails" and not row["our_trouble"]]
    label = {row["workload"]: row["workload"].removesuffix(f" {row['columns']}") for row in rows}
    names = list(dict.fromkeys(label.values()))[::-1]
    kinds = list(dict.fromkeys(row["columns"] for row in rows))
    groups = {"scikit-learn, default solver": DEFAULT_SOLVER, "scikit-learn, others": "sklearn", **FAMILIES}
    del groups["scikit-learn"]
    figure = Figure(figsize=(4 + 4.5 * len(kinds), 2 + 0.21 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(kinds), sharex=True, sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        for row in rows:
            if row["columns"] == kind:
                group = next(place for place, begins in enumerate(groups.values()) if row["peer"].startswith(begins))
                face = f"C{group}" if row["peer_close"] else "none"
                place = names.index(label[row["workload"]])
                axes.scatter(row["ratio"], place, 28, face, MARKERS[group], edgecolors=f"C{group}", zorder=3)
        axes.axvline(1, color="black", linewidth=1)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_title(f"{kind} columns")
        axes.grid(axis="x", which="major", linewidth=0.5)
        axes.grid(axis="y", linewidth=0.3)
        axes.set_axisbelow(True)
    panels[0].set_yticks(range(len(names)), names, fontsize=8)
    panels[0].set_ylim(-0.7, len(names) - 0.3)
    figure.supxlabel(
        "time of the peer / time of sk_mle: right of 1, sk_mle is faster (hollow: cut off, or short of our NLL)", fontsize=10
    )
    marks = [
        panels[0].scatter([], [], 28, f"C{place}", MARKERS[place], label=group)
        for place, (group, begins) in enumerate(groups.items())
        if any(row["peer"].startswith(begins) for row in rows)
    ]
    figure.legend(handles=marks, loc="outside upper center", ncols=4, frameon=False, title=title)
    figure.savefig(file, dpi=130)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(*brief(json.load(file)["rows"]), sep="\n")
