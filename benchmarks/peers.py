"""The same fits by scikit-learn, statsmodels, glum and lifelines: per law, functions of a case and a tolerance."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pandas as pd
import statsmodels.api as sm
from glum import GeneralizedLinearRegressor
from lifelines import LogNormalAFTFitter, WeibullAFTFitter
from scipy.sparse import issparse
from sklearn.linear_model import GammaRegressor, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from statsmodels.base.model import GenericLikelihoodModel
from statsmodels.miscmodels.tmodel import TLinearModel
from statsmodels.othermod.betareg import BetaModel
from workloads import CLASSES, Case

ITERATIONS = 20_000
HESSIAN = 5000  # coefficients beyond which no peer is asked for a Hessian: minutes, and gigabytes

Peer = Callable[[Case, float], list]


def coefficients(model) -> list:
    """Of a fitted linear estimator, as `workloads.mean_nll` takes them."""
    coef, intercept = model.coef_, model.intercept_
    return [(coef[0], intercept[0])] if np.ndim(coef) == 2 and len(coef) == 1 else [(coef, intercept)]


def estimator(kind, case, tol, **options):
    """An estimator of scikit-learn or glum, unfitted, with the penalty of the case."""
    settings = {"gradient_tol" if kind is GeneralizedLinearRegressor else "tol": tol, "max_iter": ITERATIONS, **options}
    if kind is LogisticRegression:
        settings["C"] = 1 / (case.alpha * len(case.y)) if case.alpha else np.inf
    else:
        settings["alpha"] = case.alpha
    return kind(**settings)


def _by(kind, **options) -> Peer:
    return lambda case, tol: coefficients(estimator(kind, case, tol, **options).fit(case.X, case.y))


def _ridge(case, tol):
    options = {"tol": tol, "max_iter": ITERATIONS} if issparse(case.X) else {}
    return coefficients(Ridge(alpha=case.alpha * len(case.y), **options).fit(case.X, case.y))


def _least_squares(case, tol):
    return coefficients(LinearRegression().fit(case.X, case.y))


def _settings(tol):
    """Of statsmodels, which knows the tolerance by several names; without the covariance that we do not compute either."""
    return {"disp": 0, "maxiter": ITERATIONS, "tol": tol, "gtol": tol, "skip_hessian": True}


def _first(params, *others):
    return [(params[1:], params[0]), *(([], other) for other in others)]


def _ols(case, tol):
    return _first(sm.OLS(case.y, sm.add_constant(case.X)).fit().params)


def _glm(family) -> Peer:
    def fit(case, tol):
        model = sm.GLM(case.y, sm.add_constant(case.X), family=family())
        return _first(model.fit(maxiter=ITERATIONS, tol=tol).params)

    return fit


def _logit(case, tol):
    return _first(sm.Logit(case.y, sm.add_constant(case.X)).fit(**_settings(tol)).params)


def _mnlogit(case, tol):
    params = sm.MNLogit(case.y, sm.add_constant(case.X)).fit(**_settings(tol)).params
    params = np.hstack([np.zeros((len(params), 1)), params])  # differences to the first class
    return [(params[1:].T, params[0])]


def _negative_binomial(case, tol):
    params = sm.NegativeBinomial(case.y, sm.add_constant(case.X)).fit(**_settings(tol)).params
    return _first(params[:-1], np.log(params[-1]))


def _student(case, tol):
    with redirect_stdout(StringIO()):  # it prints a greeting
        model = TLinearModel(case.y, sm.add_constant(case.X))
        params = model.fit(method="bfgs", **_settings(tol)).params
    return _first(params[:-2], np.log(abs(params[-1])), np.log(params[-2]))


def _beta(case, tol):
    params = BetaModel(case.y, sm.add_constant(case.X)).fit(**_settings(tol)).params
    return _first(params[:-1], params[-1])


def _zero_inflated(case, tol):
    X = sm.add_constant(case.X)
    params = sm.ZeroInflatedPoisson(case.y, X, exog_infl=np.ones((len(X), 1))).fit(**_settings(tol)).params
    return _first(params[1:], params[0])


class _Normal(GenericLikelihoodModel):
    """Normal with location and log scale on X: what a user of statsmodels would write, derivative included."""

    def _parts(self, params):
        p = self.exog.shape[1]
        log_scale = self.exog @ params[p:]
        return (self.endog - self.exog @ params[:p]) * np.exp(-log_scale), log_scale

    def loglike(self, params):
        z, log_scale = self._parts(params)
        return -np.sum(0.5 * z**2 + log_scale)

    def score(self, params):
        z, log_scale = self._parts(params)
        return np.concatenate([(z * np.exp(-log_scale)) @ self.exog, (z**2 - 1) @ self.exog])


class _Gumbel(GenericLikelihoodModel):
    """The law of which only the density is written: statsmodels differentiates it numerically."""

    def loglike(self, params):
        z = (self.endog - self.exog @ params[:-1]) * np.exp(-params[-1])
        return -np.sum(z + np.exp(-z)) - len(z) * params[-1]


def _generic(model, scale_on_X) -> Peer:
    def fit(case, tol):
        X = sm.add_constant(case.X)
        start = np.linalg.lstsq(X, case.y, rcond=None)[0]
        names = [f"scale{i}" for i in range(X.shape[1] if scale_on_X else 1)]
        second = np.zeros(len(names))
        second[0] = np.log(np.std(case.y - X @ start))
        built = model(case.y, X, extra_params_names=names)
        params = built.fit(start_params=np.concatenate([start, second]), method="bfgs", **_settings(tol)).params
        first, second = np.split(params, [X.shape[1]])
        return [(first[1:], first[0]), (second[1:], second[0])]

    return fit


def _durations(fitter, first, second, ancillary) -> Peer:
    def fit(case, tol):
        names = [f"x{i}" for i in range(case.X.shape[1])]
        frame = pd.DataFrame(case.X, columns=names)
        time, event = case.y.T if case.y.ndim == 2 else (np.exp(case.y), np.ones(len(case.y)))
        frame["time"], frame["event"] = time, event
        model = fitter(model_ancillary=ancillary)
        params = model.fit(frame, "time", "event", fit_options={"ftol": tol, "maxiter": ITERATIONS}).params_
        found = [(params[name].reindex(names).to_numpy(), params[name, "Intercept"]) for name in (first, second)]
        return found if ancillary else [found[0], ([], found[1][1])]

    return fit


NEWTON = "newton-cholesky"
_SOLVERS = {
    "logistic": (LogisticRegression, ("lbfgs", NEWTON, "newton-cg"), "binomial"),
    "multinomial": (LogisticRegression, ("lbfgs", NEWTON, "newton-cg"), None),
    "poisson": (PoissonRegressor, ("lbfgs", NEWTON), "poisson"),
    "gamma": (GammaRegressor, ("lbfgs", NEWTON), "gamma"),
    "linear": (None, (), "normal"),
}
_OTHERS: dict[str, dict[str, Peer]] = {
    "linear": {"statsmodels OLS": _ols},
    "logistic": {"statsmodels Logit": _logit},
    "multinomial": {"statsmodels MNLogit": _mnlogit},
    "poisson": {"statsmodels GLM": _glm(sm.families.Poisson)},
    "gamma": {"statsmodels GLM": _glm(lambda: sm.families.Gamma(sm.families.links.Log()))},
    "negative-binomial": {"statsmodels NegativeBinomial": _negative_binomial},
    "heteroscedastic": {
        "statsmodels model with score": _generic(_Normal, True),
        "lifelines LogNormalAFT": _durations(LogNormalAFTFitter, "mu_", "sigma_", True),
    },
    "student-t": {"statsmodels TLinearModel": _student},
    "beta": {"statsmodels BetaModel": _beta},
    "weibull-censored": {"lifelines WeibullAFT": _durations(WeibullAFTFitter, "lambda_", "rho_", False)},
    "zero-inflated": {"statsmodels ZeroInflatedPoisson": _zero_inflated},
    "density-only": {"GenericLikelihoodModel": _generic(_Gumbel, False)},
}


def peers_of(law: str, case: Case) -> dict[str, Peer]:
    """Those that fit the same model at this size, by name."""
    kind, solvers, family = _SOLVERS.get(law, (None, (), None))
    second_order = case.X.shape[1] * (CLASSES if law == "multinomial" else 1) <= HESSIAN
    found: dict[str, Peer] = {}
    if law == "linear":
        found |= {"sklearn Ridge": _ridge} if case.alpha else {"sklearn LinearRegression": _least_squares}
    found |= {f"sklearn {name}": _by(kind, solver=name) for name in solvers if second_order or name != NEWTON}
    if family and second_order:
        found["glum"] = _by(GeneralizedLinearRegressor, family=family)
    return found if case.alpha else found | _OTHERS[law]
