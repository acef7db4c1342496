"""Fits of an X in a file, by a process that may not hold it in memory: called by ``scaling.py --memory``."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from workloads import Case, Size, make_case, our_fit

SHARE = 0.5  # of X: what the process may hold, its libraries (a quarter of a gigabyte) and y included
MB = 1 << 20


def fits_from_file(laws: tuple[str, ...], size: Size) -> bool:
    """Whether processes of limited memory fit the laws."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for law in laws:
            case = make_case(law, size, "correlated")
            if not Path(folder, "X.npy").exists():
                np.save(Path(folder, "X.npy"), case.X)
            np.save(Path(folder, "y.npy"), case.y)
            command = [sys.executable, __file__, law, folder, str(int(SHARE * case.X.nbytes))]
            single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # buffers of threads count, too
            good &= subprocess.run(command, env={**os.environ, **single}).returncode == 0
    return good


def held() -> float:
    """Megabytes of data of this process, as its limit counts them: files that are mapped are none."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmData:") + 1]) / 1024


def main(law: str, folder: str, allowed: int) -> int:
    """Limits the data that this process may hold, makes sure that a copy of X fails, and fits."""
    warnings.simplefilter("ignore")
    before = held()
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    X, y = np.load(Path(folder, "X.npy"), mmap_mode="r"), np.load(Path(folder, "y.npy"))
    try:
        limited = not np.array(X).size
    except MemoryError:
        limited = True
    converged = our_fit(law, Case(X, y, 0.0)).converged_
    told = f"X of {X.nbytes / MB:.0f} MB in a file, {allowed / MB:.0f} MB allowed, {before:.0f} held before: "
    print(f"{law}, {told}{'converged' if converged else 'NOT CONVERGED'}", "" if limited else "; NO LIMIT: a copy of X fits")
    return 0 if converged and limited else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
