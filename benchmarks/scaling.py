"""How fits grow with rows and columns, and what they cost beside one ``X.T @ X`` and beside X itself.

    python benchmarks/scaling.py             # two tables, and plots beside this file: minutes
    python benchmarks/scaling.py --memory    # multiples of X.T @ X, memory, an X larger than the allowed memory
    python benchmarks/scaling.py --quick     # either, at a tenth of the size; its plots are not for keeping

Columns correlate by 0.9 and their scales run from 0.1 to 10.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy as np
from mapped import fits_from_file
from measuring import MB, Settings, alternate, peaks, size_of
from threadpoolctl import threadpool_limits
from workloads import Size, make_case, our_fit

FITTED = ("linear", "logistic", "poisson")
PRODUCT = "X.T @ X"
GROWING = {
    "n": [Size(int(n), 10) for n in (1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7)],
    "p": [Size(20_000, p) for p in (10, 20, 50, 100, 200, 500, 1000, 2000)],
}
WHOLE = (Size(1_000_000, 20), Size(200_000, 100))
MAPPED = Size(5_000_000, 20)


def timings(size: Size, settings: Settings, memory=False):
    """Seconds of the fits and of the product, and megabytes of the fits where wanted."""
    X = make_case("linear", size, "correlated").X
    seconds, megabytes = alternate({PRODUCT: lambda: X.T @ X}, settings)[0], {}
    for law in FITTED:
        case = make_case(law, size, "correlated")
        call = {law: lambda case=case, law=law: our_fit(law, case, settings.n_jobs)}
        seconds |= alternate(call, settings)[0]
        megabytes |= peaks(call, size_of(X)) if memory else {}
    return seconds, megabytes


def table(first: str, names: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join([first, *names]) + " |", "|---" * (1 + len(names)) + "|", sep="\n")
    print(*("| " + " | ".join(row) + " |" for row in rows), "", sep="\n", flush=True)


def growth(variable: str, settings: Settings, tenth: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sizes and seconds, told as a table with exponents between neighbouring sizes."""
    sizes = [size for size in GROWING[variable] if not tenth or getattr(size, variable) <= {"n": 1e6, "p": 200}[variable]]
    found = [timings(size, settings)[0] for size in sizes]
    at = np.array([getattr(size, variable) for size in sizes], float)
    seconds = {name: np.array([times[name] for times in found]) for name in (*FITTED, PRODUCT)}
    exponents = {name: np.diff(np.log(values)) / np.diff(np.log(at)) for name, values in seconds.items()}
    rows = [
        [f"{value:.0f}"]
        + [f"{1e3 * seconds[name][i]:.3g}" + (f" ({exponents[name][i - 1]:.2f})" if i else "") for name in seconds]
        for i, value in enumerate(at)
    ]
    table(variable, [f"{name}, ms (exponent)" for name in seconds], rows)
    return at, seconds


def draw(variable: str, at: np.ndarray, seconds: dict[str, np.ndarray], file: Path) -> None:
    from matplotlib.figure import Figure

    given = GROWING[variable][0]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    late = at >= at[-1] / 10
    for (name, values), marker in zip(seconds.items(), "osDx", strict=True):
        slope = np.polyfit(np.log(at[late]), np.log(values[late]), 1)[0]
        line = "--" if name == PRODUCT else "-"
        axes.loglog(at, values, marker=marker, linestyle=line, label=f"{name}, slope {slope:.2f}")
    axes.yaxis.set_major_formatter("{x:g}")
    if variable == "p":
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("rows n" if variable == "n" else "columns p")
    axes.set_ylabel("seconds")
    fixed = f"p = {given.p}" if variable == "n" else f"n = {given.n:,}".replace(",", " ")
    axes.set_title(f"Whole fits by sk_mle, {fixed}, correlated columns")
    axes.grid(which="major", linewidth=0.5)
    axes.grid(which="minor", linewidth=0.2)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, title="slope: of the last decade")
    figure.savefig(file, dpi=130)


def whole_fits(settings: Settings, tenth: bool) -> None:
    """Fits as multiples of one product, and their memory as a share of X."""
    rows = []
    for size in WHOLE:
        size = size._replace(n=size.n // (10 if tenth else 1))
        seconds, megabytes = timings(size, settings, memory=True)
        share = {law: 100 * megabytes[law] * MB / (8 * size.n * size.p) for law in FITTED}
        rows.append(
            [f"{size.n} x {size.p}", f"{1e3 * seconds[PRODUCT]:.3g}"]
            + [f"{1e3 * seconds[law]:.3g} ms, {seconds[law] / seconds[PRODUCT]:.1f} x, {share[law]:.1f}%" for law in FITTED]
        )
    table("n x p", [f"{PRODUCT}, ms", *(f"{law}: time, multiple, memory / X" for law in FITTED)], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memory", action="store_true", help="fits beside X.T @ X, memory, and an X in a file")
    parser.add_argument("--quick", action="store_true", help="at a tenth of the size")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS and of the fits; 0: as each library likes")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = Settings(1.0, 3, None, args.threads if args.threads > 1 else None, False)
    with threadpool_limits(args.threads or None):
        if args.memory:
            whole_fits(settings, args.quick)
            return 0 if fits_from_file(FITTED, MAPPED) else 1
        folder = Path(tempfile.gettempdir() if args.quick else Path(__file__).parent)
        for variable in GROWING:
            draw(variable, *growth(variable, settings, args.quick), folder / f"scaling_{variable}.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
