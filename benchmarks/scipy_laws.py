"""Every distribution of scipy.stats as a law: which meet `check_likelihood`, and why the others do not.

python benchmarks/scipy_laws.py                        # all: about 10 minutes
python benchmarks/scipy_laws.py gamma t genextreme     # some
python benchmarks/scipy_laws.py --page docs/guide/scipy_laws.md   # all, into the table of that page
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import scipy
from scipy import stats

from sk_mle.likelihoods import from_scipy
from sk_mle.testing import check_likelihood

# Values of what a gradient cannot estimate: whole numbers, ends of the support, places of kinks.
GIVEN = {
    "betabinom": {"n": 12},
    "betanbinom": {"n": 5},
    "binom": {"n": 12},
    "boltzmann": {"N": 20},
    "dgamma": {"loc": 0.5},
    "dweibull": {"loc": 0.5},
    "laplace": {"loc": 0.5},
    "laplace_asymmetric": {"loc": 0.5},
    "loglaplace": {"scale": 1.5},
    "nchypergeom_fisher": {"M": 40, "n": 15, "N": 12},
    "nchypergeom_wallenius": {"M": 40, "n": 15, "N": 12},
    "truncpareto": {"c": 4.0},
    "truncweibull_min": {"a": 0.5, "b": 3.0},
    "zipfian": {"n": 20},
}

UNDERFLOW = "scipy takes the log of a density that underflows"
ENDS = "values beyond the end that moves have no density"
REGION = "the valid shapes are no box"
TAIL = "the tail is longer than what the check adds up"
SKIP: dict[str, dict[str, str]] = {
    **{
        name: {"extremes": UNDERFLOW}
        for name in (
            *("exponpow", "foldnorm", "hypsecant", "johnsonsb", "johnsonsu", "kstwobign", "landau", "laplace", "moyal"),
            *("pearson3", "rice"),
        )
    },
    "betanbinom": {"normalised": TAIL},
    "genextreme": {"extremes": ENDS},
    "genhyperbolic": {"extremes": REGION, "weights": "the fit runs to a limit of the law, and warns"},
    "gennorm": {"recovery": "for small beta the density has a peak at loc; fits warn"},
    "genpareto": {"extremes": ENDS},
    "jf_skew_t": {"moments": "a variance that barely exists, which draws do not show"},
    "nchypergeom_wallenius": {"extremes": "scipy's mass is 0 below 1e-14"},
    "norminvgauss": {"extremes": REGION},
    "studentized_range": {"normalised": "scipy's density is 0 far out, where a part of the law is left"},
    "tukeylambda": {"extremes": ENDS, "weights": "the maximum lies at an end that moves; fits warn"},
    "yulesimon": {"normalised": TAIL},
    "zipf": {"normalised": TAIL},
    "invweibull": {"extremes": UNDERFLOW, "moments": "scipy's variance is a number, even below zero, where there is none"},
}


def check(name: str, limit: int) -> tuple[str, str]:
    """(outcome, details) for one distribution, in a process of its own: scipy can end the one that it runs in."""
    command = [sys.executable, __file__, "--one", name, "--limit", str(limit)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == -signal.SIGPROF:
        return "too slow", f"more than {limit} s of processor time"
    if done.returncode:
        return "fails", f"the process ended: {done.stderr.strip().splitlines()[-1:]}"
    outcome, _, details = done.stdout.strip().partition("\t")
    return outcome, details


def check_here(name: str, limit: int) -> tuple[str, str]:
    """(outcome, details); the default action of SIGPROF ends the process when its time is up."""
    try:
        law = from_scipy(getattr(stats, name), **GIVEN.get(name, {}))
        law.check()
    except (TypeError, ValueError) as error:
        return "refused", str(error)
    skip = SKIP.get(name, {})
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        check_likelihood(law, random_state=1, skip=list(skip))
    except AssertionError as error:
        return "fails", "; ".join(line.strip() for line in str(error).splitlines()[1:])
    told = "; ".join(f"{what}: {why}" for what, why in skip.items())
    return ("passes but for", told) if skip else ("passes", "")


def names() -> list[str]:
    kinds = stats.rv_continuous | stats.rv_discrete
    return [name for name in sorted(dir(stats)) if isinstance(getattr(stats, name), kinds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--limit", type=int, default=60, help="seconds of processor time for each distribution")
    parser.add_argument("--page", type=Path, help="page whose table to write")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(*check_here(arguments.one, arguments.limit), sep="\t")
        return 0
    found: dict[str, list] = defaultdict(list)
    for name in arguments.names or names():
        begin = time.perf_counter()
        outcome, details = check(name, arguments.limit)
        found[outcome].append((name, details))
        print(f"{name:24}{time.perf_counter() - begin:6.1f} s  {outcome}  {details}", flush=True)
    counts = ", ".join(f"{len(rows)} {outcome}" for outcome, rows in found.items())
    print(f"scipy {scipy.__version__}: {counts}")
    if arguments.page:
        write(arguments.page, found, counts)
    return 1 if found["fails"] else 0


def write(page: Path, found, counts):
    """The lines after the marker of the page."""

    def given(name):
        values = ", ".join(f"{key}={value}" for key, value in GIVEN.get(name, {}).items())
        return f"`{name}`" + (f" ({values})" if values else "")

    lines = [f"scipy {scipy.__version__}: {counts}.", ""]
    lines += ["**Pass every check**: " + ", ".join(given(name) for name, _ in found["passes"]) + ".", ""]
    lines += ["| distribution | outcome | why |", "| --- | --- | --- |"]
    for outcome in ("passes but for", "refused", "too slow", "fails"):
        lines += [f"| {given(name)} | {outcome} | {details} |" for name, details in found[outcome]]
    marker = "<!-- table -->"
    text = page.read_text()
    page.write_text(text[: text.index(marker) + len(marker)] + "\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
