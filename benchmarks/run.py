"""Times sk_mle beside its peers on the same work: ``python benchmarks/run.py [--quick] [--only PATTERN]``.

Every workload fits both sides in turns, in one process, and first makes sure that they solve the same problem: the mean
negative log-likelihood of each side's coefficients is computed by one function. A side that warns that it did not converge, or
that ends above the best found by anybody, has failed. README.md says what is compared.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import time
import traceback
import warnings
from collections.abc import Iterator
from importlib.metadata import version

import r_peers
from beyond import measure_beyond
from measuring import Settings, measure
from report import HEADER, line, noted_rows, picture, summary
from threadpoolctl import threadpool_limits
from workloads import COLUMNS, LAWS

PACKAGES = ("numpy", "scipy", "scikit-learn", "statsmodels", "glum", "lifelines")
QUICK_SIZES = ("1e3x5", "1e4x20")
QUICK_LAWS = ("linear", "logistic", "poisson")  # at the second of them


def cells(quick: bool) -> Iterator[tuple[str, str, str]]:
    """Law, size and columns of the fits; by size, as columns are made once for the laws that share them."""
    sizes = QUICK_SIZES if quick else dict.fromkeys(size for law in LAWS.values() for size in law.sizes)
    for size in sizes:
        for columns in COLUMNS:
            if quick and (size, columns) == ("1e4x20", "iid"):
                continue
            for name, law in LAWS.items():
                if size in law.sizes or (size == QUICK_SIZES[1] and name in QUICK_LAWS):
                    yield name, size, columns


def rows_of(args, broken: list[str]) -> Iterator[dict]:
    """The measured rows, as they come; names of workloads that raise are added to `broken`, and the others go on."""

    def wanted(label):
        return any(re.search(pattern, label) for pattern in args.only)

    budget, rounds = (0.05, 1) if args.quick else (1.0, 3)
    settings = Settings(budget, rounds, args.limit, args.threads if args.threads > 1 else None, args.r)
    for cell in cells(args.quick):
        if wanted(" ".join(cell)):
            try:
                yield from measure(*cell, settings)
            except Exception:  # of our fit: peers have theirs caught
                broken.append(" ".join(cell))
                traceback.print_exc()
    for columns in COLUMNS[1:] if args.quick else COLUMNS:
        yield from measure_beyond("1e4x20" if args.quick else "1e5x20", columns, settings, wanted)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes only, within half a minute")
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        nargs="+",
        default=[""],
        help="workloads in whose name one of these regular expressions is found",
    )
    parser.add_argument("--json", metavar="FILE", help="also write the rows to a file")
    parser.add_argument("--plot", metavar="FILE", help="also draw the ratios, as PNG or another format of matplotlib")
    parser.add_argument("--threads", type=int, default=1, help="for both sides; 0: as each library likes")
    parser.add_argument("--limit", type=float, default=30.0, metavar="SECONDS", help="a peer's fit is cut off after these")
    parser.add_argument("--r", action="store_true", help=f"also time R's fits at {r_peers.SIZE}, where R is installed")
    args = parser.parse_args()
    if args.r and not r_peers.available():
        parser.error("--r needs Rscript on the path")
    warnings.simplefilter("ignore")  # those of a fit that is judged are recorded
    versions = {name: version(name) for name in PACKAGES}
    told = f"{', '.join(f'{name} {value}' for name, value in versions.items())}; threads: {args.threads or 'default'}"
    print(told, *HEADER, sep="\n")
    begin, rows, broken = time.perf_counter(), [], []
    with threadpool_limits(args.threads or None):
        for row in rows_of(args, broken):
            rows.append(row)
            print(line(row), flush=True)
    if not rows and not broken:
        parser.error(f"no workload is named so: {' '.join(args.only)}")
    rows += noted_rows(rows)
    lines = summary(rows) + [f"OURS FAILS: {name}" for name in broken]
    print("", *lines, f"{time.perf_counter() - begin:.0f} seconds in all", sep="\n")
    if args.json:
        about = {"versions": versions, "python": platform.python_version(), "threads": args.threads, "summary": lines}
        with open(args.json, "w") as file:
            json.dump({**about, "rows": rows}, file, indent=1)
    if args.plot and rows:
        picture(rows, args.plot, told)
    return 0 if not broken and not any(row["our_trouble"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
