"""Times fits of sk_mle beside scikit-learn, statsmodels and glum: ``python benchmarks/run.py [--quick] [--only NAME]``.

Every workload fits both sides in turns, in one process, and first makes sure that they solve the same problem: the mean
negative log-likelihood of each side's coefficients is computed here, by one function. README.md says what is compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections import namedtuple
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import statsmodels.api as sm
from glum import GeneralizedLinearRegressor
from scipy.special import expit, gammaln, logsumexp
from sklearn.linear_model import GammaRegressor, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from threadpoolctl import threadpool_limits

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import Gamma, NegativeBinomial, Normal, Poisson

CLOSE = 1e-9  # of the best mean NLL: the accuracy that both sides must reach
TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10, 1e-12)  # a peer runs at the loosest that is accurate enough
ITERATIONS = 20_000
SOLVERS = ("lbfgs", "newton-cholesky")
SLOW = 20.0  # seconds after which a peer is not asked for more accuracy

Fit = namedtuple("Fit", "coef intercept dispersion", defaults=[None])  # coef of shape (p,) or (K, p)
Case = namedtuple("Case", "X y alpha")  # alpha: the ridge penalty, on the scale of the mean NLL
SHAPES = {"small": (1000, 5, 0.0), "tall": (100_000, 20, 0.0), "wide": (500, 2000, 0.01), "medium": (10_000, 20, 0.0)}
TASKS = ("linear", "logistic", "poisson", "gamma", "negative-binomial", "multinomial")
FULL = [("small", "iid"), ("small", "correlated"), ("tall", "iid"), ("tall", "correlated"), ("wide", "iid")]
QUICK = [("small", "iid"), ("medium", "correlated")]


def make_case(task: str, shape: str, columns: str, seed=0) -> Case:
    """Random data of the task; linear predictors have standard deviation 0.7 whatever the columns."""
    n, p, alpha = SHAPES[shape]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    if columns == "correlated":  # every pair of columns correlates by 0.9; scales run from 0.1 to 10
        X = (np.sqrt(0.1) * X + np.sqrt(0.9) * rng.normal(size=(n, 1))) * np.geomspace(0.1, 10, p)
    eta = X / X.std(axis=0) @ rng.normal(size=(p, 5))
    eta = 0.7 * (eta - eta.mean(axis=0)) / eta.std(axis=0)
    first = eta[:, 0]
    mean = np.exp(0.5 + first)
    draw = {
        "linear": lambda: 1 + first + rng.normal(size=n),
        "logistic": lambda: (rng.uniform(size=n) < expit(first - 0.5)).astype(int),
        "poisson": lambda: rng.poisson(mean).astype(float),
        "gamma": lambda: rng.gamma(2.0, mean / 2.0),
        "negative-binomial": lambda: rng.poisson(rng.gamma(2.0, mean / 2.0)).astype(float),
        "multinomial": lambda: (eta + rng.gumbel(size=eta.shape)).argmax(axis=1),
    }
    return Case(X, draw[task](), alpha)


def mean_nll(task: str, case: Case, fit: Fit) -> float:
    """Penalised mean negative log-likelihood, from the coefficients alone."""
    X, y, alpha = case
    coef = np.asarray(fit.coef, dtype=float)
    eta = X @ coef.T + fit.intercept
    if task == "linear":  # at alpha > 0 with a scale of 1, as in Ridge; else with its best scale
        square = np.mean((y - eta) ** 2)
        value = 0.5 * np.log(2 * np.pi) + (0.5 * square if alpha else 0.5 + 0.5 * np.log(square))
    elif task == "negative-binomial":
        r = 1 / fit.dispersion
        total = np.logaddexp(eta, np.log(r))
        value = np.mean(gammaln(r) + gammaln(y + 1) - gammaln(y + r) - r * (np.log(r) - total) - y * (eta - total))
    else:
        loss = {
            "logistic": lambda: np.logaddexp(0, eta) - y * eta,
            "poisson": lambda: np.exp(eta) - y * eta + gammaln(y + 1),
            "gamma": lambda: eta + y * np.exp(-eta),
            "multinomial": lambda: logsumexp(eta, axis=1) - eta[np.arange(len(y)), y],
        }
        value = np.mean(loss[task]())
    return float(value + 0.5 * alpha * np.sum(coef**2))


def our_model(task: str, case: Case):
    """The estimator of this package, with its default solver and tolerance."""
    if task in ("logistic", "multinomial"):
        return MLEClassifier(alpha=case.alpha)
    linear = Normal(scale=1.0) if case.alpha else Normal()
    laws = {"linear": linear, "poisson": Poisson(), "gamma": Gamma(shape=1.0), "negative-binomial": NegativeBinomial()}
    return MLERegressor(laws[task], alpha=case.alpha)


def fitted(model) -> Fit:
    """Of an estimator, theirs or ours."""
    coef, intercept = model.coef_, model.intercept_
    if np.ndim(coef) == 2 and len(coef) == 1:
        coef, intercept = coef[0], intercept[0]
    other = getattr(model, "intercepts_", {}).get("dispersion")
    return Fit(coef, intercept, None if other is None else np.exp(other))


def _estimator(kind, **options):
    def fit(case, tol):
        settings = {"gradient_tol" if kind is GeneralizedLinearRegressor else "tol": tol, "max_iter": ITERATIONS, **options}
        if kind is LogisticRegression:
            settings["C"] = 1 / (case.alpha * len(case.y)) if case.alpha else np.inf
        else:
            settings["alpha"] = case.alpha
        return fitted(kind(**settings).fit(case.X, case.y))

    return fit


def _least_squares(case, tol):
    return fitted((Ridge(alpha=case.alpha * len(case.y)) if case.alpha else LinearRegression()).fit(case.X, case.y))


def _statsmodels(name):
    def fit(case, tol):
        X, y = sm.add_constant(case.X), case.y
        if name == "GLM":
            params = sm.GLM(y, X, family=sm.families.Poisson()).fit(maxiter=ITERATIONS, tol=tol).params
        elif name == "OLS":
            params = sm.OLS(y, X).fit().params
        else:
            params = getattr(sm, name)(y, X).fit(disp=0, maxiter=ITERATIONS, tol=tol, gtol=tol).params
        if name == "NegativeBinomial":
            return Fit(params[1:-1], params[0], params[-1])
        if name == "MNLogit":
            params = np.hstack([np.zeros((len(params), 1)), params])  # differences to the first class
        return Fit(params[1:].T, params[0])

    return fit


def peers(task: str, alpha: float) -> dict[str, Callable[[Case, float], Fit]]:
    """Those that fit the same model, by name."""
    found = {}
    if task == "linear":
        found["sklearn Ridge" if alpha else "sklearn LinearRegression"] = _least_squares
    if task == "logistic":
        found |= {f"sklearn {name}": _estimator(LogisticRegression, solver=name) for name in (*SOLVERS, "newton-cg")}
    if task == "multinomial":  # where p is large, a fit of newton-cholesky takes most of a minute
        solvers = SOLVERS[:1] if alpha else SOLVERS
        found |= {f"sklearn {name}": _estimator(LogisticRegression, solver=name) for name in solvers}
    if task in ("poisson", "gamma"):
        kind = PoissonRegressor if task == "poisson" else GammaRegressor
        found |= {f"sklearn {name}": _estimator(kind, solver=name) for name in SOLVERS}
    if task != "gamma" and not alpha:
        models = {"linear": "OLS", "logistic": "Logit", "poisson": "GLM", "multinomial": "MNLogit"}
        name = models.get(task, "NegativeBinomial")
        found[f"statsmodels {name}"] = _statsmodels(name)
    if task in ("logistic", "poisson", "gamma"):
        found["glum"] = _estimator(GeneralizedLinearRegressor, family={"logistic": "binomial"}.get(task, task))
    return found


def timed(clock, call):
    begin = clock()
    result = call()
    return clock() - begin, result


def accurate(task, case, peer, goal, clock):
    """The loosest tolerance at which a peer comes within `CLOSE` of the goal: (NLL, tolerance, seconds), or its best."""
    best = (np.inf, TOLERANCES[0], 0.0)
    for tol in TOLERANCES:
        seconds, fit = timed(clock, lambda tol=tol: peer(case, tol))
        best = min(best, (mean_nll(task, case, fit), tol, seconds))
        if best[0] <= goal + CLOSE * abs(goal) or seconds > SLOW:
            break
    return best


def measure(task: str, shape: str, columns: str, budget: float, clock) -> list[dict]:
    """A row per peer: medians over rounds in which every side fits once."""
    case = make_case(task, shape, columns)
    others = peers(task, case.alpha)
    model = our_model(task, case).fit(case.X, case.y)
    ours = mean_nll(task, case, fitted(model))
    reached = {name: accurate(task, case, peer, ours, clock) for name, peer in others.items()}
    best = min([ours, *(value for value, _, _ in reached.values())])
    calls = {"ours": lambda: our_model(task, case).fit(case.X, case.y)}
    calls |= {name: lambda peer=peer, tol=reached[name][1]: peer(case, tol) for name, peer in others.items()}
    slow = {name: [seconds] for name, (_, _, seconds) in reached.items() if seconds > budget}  # once is enough
    times = {name: slow.get(name, []) for name in calls}
    end = time.perf_counter() + budget
    while len(times["ours"]) < 3 or (time.perf_counter() < end and len(times["ours"]) < 31):
        for name, call in calls.items():
            if name not in slow:
                times[name].append(timed(clock, call)[0])
    our_time, rows = statistics.median(times["ours"]), []
    for name, (value, tol, _) in reached.items():
        peer_time = statistics.median(times[name])
        row = {"workload": f"{task} {shape} {columns}", "n": case.X.shape[0], "p": case.X.shape[1], "peer": name}
        row |= {"our_ms": 1e3 * our_time, "peer_ms": 1e3 * peer_time, "ratio": peer_time / our_time, "peer_tol": tol}
        row |= {"our_gap": ours - best, "peer_gap": value - best, "passes": int(model.optimize_result_.n_passes)}
        row |= {"ours_close": ours - best <= CLOSE * abs(best), "peer_close": value - best <= CLOSE * abs(best)}
        rows.append(row)
    return rows


HEADER = "| workload | n x p | peer | ours, ms | peer, ms | peer / ours | our NLL - best | passes | accuracy |"


def line(row: dict) -> str:
    note = "equal" if row["peer_close"] else f"peer stops {row['peer_gap']:.0e} above"
    note = note if row["ours_close"] else "OURS IS OFF"
    times = f"{row['our_ms']:.1f} | {row['peer_ms']:.1f} | {row['ratio']:.2f} | {row['our_gap']:.0e}"
    return f"| {row['workload']} | {row['n']} x {row['p']} | {row['peer']} | {times} | {row['passes']} | {note} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two shapes only, within about 20 seconds")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to a file")
    parser.add_argument("--only", metavar="NAME", default="", help="workloads whose name contains this, as 'poisson tall'")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS and OpenMP, for both sides; 0: as each library likes")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # whether a side converged is judged by its NLL
    versions = {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "statsmodels", "glum")}
    print(", ".join(f"{name} {value}" for name, value in versions.items()), "; threads:", args.threads or "default")
    print(HEADER, "|---" * 9 + "|", sep="\n")
    clock = time.process_time if args.threads == 1 else time.perf_counter  # of one thread: what other jobs do is left out
    rows = []
    with threadpool_limits(args.threads or None):
        for task in TASKS:
            for shape, columns in QUICK if args.quick else FULL:
                if task == "multinomial" and shape == "tall":
                    shape = "medium"
                if args.only not in f"{task} {shape} {columns}" or (task == "negative-binomial" and SHAPES[shape][2]):
                    continue
                for row in measure(task, shape, columns, 0.2 if args.quick else 1.0, clock):
                    rows.append(row)
                    print(line(row), flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"versions": versions, "threads": args.threads, "rows": rows}, file, indent=1, default=float)
    return 0 if all(row["ours_close"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
