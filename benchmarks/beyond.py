"""What surrounds fits: grid searches by cross-validation, predictions, predictive distributions, scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import statsmodels.api as sm
from measuring import MB, NOT_CONVERGED, Settings, alternate, judged, peaks
from peers import estimator
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from workloads import SIZES, make_case, our_fit

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import Poisson

ALPHAS = np.geomspace(1e-4, 1, 20)
QUANTILES = [0.05, 0.5, 0.95]
RTOL, FEW = 1e-5, 1e-4  # results agree where all but a few entries do
TOL = 1e-6  # at which the plain fits of these peers are as accurate as ours


class Task(NamedTuple):
    """Calls whose results must agree: ours, and each peer's."""

    ours: Callable
    peers: dict[str, Callable]


def _search(model, grid, scoring, case):
    return GridSearchCV(model, grid, scoring=scoring, cv=5).fit(case.X, case.y).cv_results_["mean_test_score"]


def grid_searches(size: str, columns: str) -> dict[str, Task]:
    """20 penalties, 5 folds; both sides are scored by the same function of scikit-learn."""
    logistic, poisson = (make_case(law, SIZES[size], columns) for law in ("logistic", "poisson"))
    C = 1 / (ALPHAS * len(logistic.y) * 0.8)  # of the rows in four folds
    deviance = "neg_mean_poisson_deviance"

    def ours(model, scoring, case):
        return lambda: _search(model, {"alpha": ALPHAS}, scoring, case)

    def logistic_by(solver):
        return lambda: _search(estimator(LogisticRegression, logistic, TOL, solver=solver), {"C": C}, "neg_log_loss", logistic)

    def poisson_by(solver):
        return lambda: _search(estimator(PoissonRegressor, poisson, TOL, solver=solver), {"alpha": ALPHAS}, deviance, poisson)

    return {
        "grid of 20 x 5 folds, logistic": Task(
            ours(MLEClassifier(), "neg_log_loss", logistic),
            {f"sklearn {solver}": logistic_by(solver) for solver in ("lbfgs", "newton-cholesky", "newton-cg")},
        ),
        "grid of 20 x 5 folds, poisson": Task(
            ours(MLERegressor(Poisson()), deviance, poisson),
            {f"sklearn {solver}": poisson_by(solver) for solver in ("lbfgs", "newton-cholesky")},
        ),
    }


def predictions(size: str, columns: str) -> dict[str, Task]:
    """Fitted models on the rows of the fit; laws of peers are those of scipy.stats at the peer's prediction."""
    linear, logistic, poisson = (make_case(law, SIZES[size], columns) for law in ("linear", "logistic", "poisson"))
    X, quantiles = linear.X, np.array(QUANTILES)
    normal, classes, counts = our_fit("linear", linear), our_fit("logistic", logistic), our_fit("poisson", poisson)
    least = LinearRegression().fit(X, linear.y)
    scale = np.sqrt(np.mean((linear.y - least.predict(X)) ** 2))
    newton = {"solver": "newton-cholesky"}
    logit = estimator(LogisticRegression, logistic, TOL, **newton).fit(X, logistic.y)
    rates = estimator(PoissonRegressor, poisson, TOL, **newton).fit(X, poisson.y)
    glm = sm.GLM(poisson.y, sm.add_constant(X), family=sm.families.Poisson()).fit(tol=TOL)

    def law_of(model):
        return stats.norm(model.predict(X)[:, None], scale)

    def of_counts():
        return stats.poisson(rates.predict(X)[:, None])

    def of_statsmodels():
        return glm.model.get_distribution(glm.params, exog=sm.add_constant(X))

    return {
        "predict, linear": Task(lambda: normal.predict(X), {"sklearn": lambda: least.predict(X)}),
        "predict, poisson": Task(
            lambda: counts.predict(X),
            {"sklearn": lambda: rates.predict(X), "statsmodels": lambda: glm.predict(sm.add_constant(X))},
        ),
        "predict_proba, logistic": Task(lambda: classes.predict_proba(X), {"sklearn": lambda: logit.predict_proba(X)}),
        "predict_dist mean and std, linear": Task(
            lambda: [getattr(normal.predict_dist(X), name)() for name in ("mean", "std")],
            {"sklearn + scipy.stats": lambda: [getattr(law_of(least), name)().ravel() for name in ("mean", "std")]},
        ),
        "predict_dist 3 quantiles, linear": Task(
            lambda: normal.predict_dist(X).ppf(quantiles[:, None]).T,
            {"sklearn + scipy.stats": lambda: law_of(least).ppf(quantiles)},
        ),
        "predict_dist 3 quantiles, poisson": Task(
            lambda: counts.predict_dist(X).ppf(quantiles[:, None]).T,
            {
                "sklearn + scipy.stats": lambda: of_counts().ppf(quantiles),
                "statsmodels": lambda: of_statsmodels().ppf(quantiles[:, None]).T,
            },
        ),
        "score, logistic": Task(
            lambda: classes.score(X, logistic.y), {"sklearn log_loss": lambda: -log_loss(logistic.y, logit.predict_proba(X))}
        ),
        "score, poisson": Task(
            lambda: counts.score(X, poisson.y),
            {
                "sklearn + scipy.stats": lambda: of_counts().logpmf(poisson.y[:, None]).mean(),
                "statsmodels": lambda: glm.model.loglike(glm.params) / len(X),
            },
        ),
    }


def measure_beyond(size: str, columns: str, settings: Settings, wanted) -> Iterator[dict]:
    """A row per task and peer, as `measuring.measure` gives them, of the groups that are wanted."""
    for at, make in (("1e3x5", grid_searches), (size, predictions)):
        n, p, *_ = SIZES[at]
        x_mb = 8 * n * p / MB
        # what a group needs is made once, whichever of its tasks are wanted
        for name, task in make(at, columns).items():
            if not wanted(f"{name} {at} {columns}"):
                continue
            calls = {"ours": task.ours} | task.peers
            trouble = {side: NOT_CONVERGED if judged(call)[2] else "" for side, call in calls.items()}
            times, results = alternate(calls, settings)
            memory = peaks(calls, x_mb)
            for side in task.peers:
                differ = _differ(results["ours"], results[side])
                yield {
                    **{"workload": f"{name} {at} {columns}", "n": n, "p": p, "columns": columns, "peer": side, "passes": None},
                    **{"our_ms": 1e3 * times["ours"], "our_mb": memory.get("ours"), "x_mb": x_mb, "our_gap": differ},
                    **{"peer_ms": 1e3 * times[side], "peer_mb": memory.get(side), "ratio": times[side] / times["ours"]},
                    **{"our_trouble": trouble["ours"] or ("" if differ <= FEW else f"{differ:.0e} of the results differ")},
                    **{"peer_close": differ <= FEW and not trouble[side], "peer_gap": differ},
                    **{"trouble": trouble[side], "peer_tol": TOL},
                }


def _differ(ours, peer) -> float:
    """The share of entries that differ by more than `RTOL`: a quantile of a count may jump between two solutions."""
    return float(np.mean(~np.isclose(np.asarray(ours, float), np.asarray(peer, float), rtol=RTOL, atol=RTOL)))
