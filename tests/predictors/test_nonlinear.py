"""`Nonlinear` from a user's side: forms of a curve, columns, error messages, and scikit-learn's clone, pickle and search."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, sparse, stats
from scipy.optimize import curve_fit, least_squares
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.exceptions import BoundaryWarning, IdentificationWarning
from sk_mle.inference import score_test
from sk_mle.likelihoods import Binomial, Categorical, Gamma, LogNormal, NegativeBinomial, Poisson, StudentT
from sk_mle.predictors import Nonlinear, Smooth
from sk_mle.selection import likelihood_ratio_test, nested

RNG = np.random.default_rng(0)
N = 200
FRAME = pd.DataFrame({"t": RNG.uniform(0, 10, N), "treated": RNG.integers(0, 2, N).astype(float)})
ETA = 3 / (1 + np.exp((4 - FRAME["t"]) / 1.2))
Y = ETA + 0.2 * RNG.normal(size=N)
COUNTS = RNG.poisson(np.exp(ETA))
START = {"asym": 2.0, "mid": 5.0, "scal": 1.0}
FORMULA = "asym / (1 + exp((mid - t) / scal))"


def fitted(curve, y=Y, law=None, X=FRAME, weight=None, **options):
    parameter = {"poisson": "mean"}.get(law, "loc")
    return MLERegressor(law, predictors={parameter: curve}, **options).fit(X, y, sample_weight=weight)


def plain(t, asym, mid, scal):
    return asym / (1 + np.exp((mid - t) / scal))


def of_frame(X, asym, mid, scal):
    return plain(X["t"], asym, mid, scal)


def of_array(X, asym, mid, scal):
    return plain(X[:, 0], asym, mid, scal)


def test_least_squares_of_scipy():
    b, covariance = curve_fit(plain, FRAME["t"], Y, list(START.values()), ftol=1e-15, xtol=1e-15)
    model = fitted(Nonlinear(FORMULA, start=START))
    assert_allclose(model.coef_, b, rtol=1e-6)
    assert model.intercept_ == 0
    assert model.n_params_ == 4
    assert_allclose(model.predict(FRAME), plain(FRAME["t"], *b), rtol=1e-6)
    inference = model.inference(FRAME, Y, cov="expected", use_t=True)
    assert inference.names == ["loc:asym", "loc:mid", "loc:scal", "scale:intercept"]
    assert_allclose(inference.bse[:3], np.sqrt(np.diag(covariance)), rtol=1e-4)


@pytest.mark.parametrize(
    ("curve", "X"),
    [
        (Nonlinear("y = " + FORMULA, start=START), FRAME),
        (Nonlinear(FORMULA), FRAME),
        (Nonlinear("logistic(t, asym, mid, scal)"), FRAME),
        (Nonlinear("logistic"), FRAME[["t"]]),
        (Nonlinear("Logistic"), FRAME[["t"]].to_numpy()),
        (Nonlinear(FORMULA.replace("t)", "x0)"), start=START), FRAME.to_numpy()),
        (Nonlinear(FORMULA.replace("t)", "x)"), start=START), FRAME[["t"]].to_numpy()),
        (Nonlinear(FORMULA.replace("t)", "x0)"), start=START), sparse.csr_matrix(FRAME.to_numpy())),
        (Nonlinear(of_frame, start=START), FRAME),
        (Nonlinear(of_array, start=START), FRAME.to_numpy()),
        (Nonlinear(FORMULA, start=START, bounds={"mid": (0, 10), "asym": (None, 5)}), FRAME),
        (Nonlinear(FORMULA, start={"mid": 5.0, "scal": 1.0}), FRAME),
    ],
    ids=[
        "left side",
        "no start",
        "call",
        "name",
        "array",
        "x0",
        "x",
        "sparse",
        "function",
        "array function",
        "bounds",
        "linear",
    ],
)
def test_forms_of_the_same_curve(curve, X):
    assert_allclose(fitted(curve, X=X).coef_, fitted(Nonlinear(FORMULA, start=START)).coef_, rtol=1e-6)


def test_fixed_coefficients_and_likelihood_ratio_test():
    small = fitted(Nonlinear(FORMULA, start=START, fixed={"scal": 1.0}), COUNTS, "poisson")
    large = fitted(Nonlinear(FORMULA, start=START), COUNTS, "poisson")
    assert list(small.predictors_["mean"]) == ["asym", "mid"]
    assert nested(small, large).df == 1
    test = likelihood_ratio_test(small, large, FRAME, COUNTS)
    assert_allclose(test.statistic, 2 * (large.loglikelihood_ - small.loglikelihood_))
    inference = large.inference(FRAME, COUNTS)
    assert_allclose(inference.wald_test("scal = 1").statistic, test.statistic, rtol=0.3)
    assert_allclose(score_test(small, large, FRAME, COUNTS).statistic, test.statistic, rtol=0.2)
    low, high = inference.conf_int(method="profile", names=["scal"])[0]
    assert_allclose(
        [fitted(Nonlinear(FORMULA, start=START, fixed={"scal": end}), COUNTS, "poisson").loglikelihood_ for end in (low, high)],
        large.loglikelihood_ - 3.841458820694124 / 2,
    )


def test_only_the_same_curve_is_nested():
    large = fitted(Nonlinear("gompertz(t, asym, mid, scal)"), COUNTS, "poisson")
    for other in (Nonlinear(FORMULA, start=START, fixed={"scal": 1.0}), ["t"]):
        assert nested(fitted(other, COUNTS, "poisson"), large) is None
    assert nested(fitted(Nonlinear("a + b * t"), COUNTS, "poisson"), MLERegressor("poisson").fit(FRAME, COUNTS)) is None
    with pytest.warns(BoundaryWarning):
        limit = MLERegressor(NegativeBinomial(), predictors={"mean": Nonlinear(FORMULA, start=START)}).fit(FRAME, COUNTS)
    assert nested(fitted(Nonlinear(FORMULA, start=START), COUNTS, "poisson"), limit).boundary == ("dispersion",)


def test_coefficients_linear_in_columns():
    y = Y + FRAME["treated"] * 0.3 * ETA
    model = fitted(Nonlinear(FORMULA, start=START, on={"asym": ["treated"]}), y)
    assert list(model.predictors_["loc"]) == ["asym", "asym:treated", "mid", "scal"]
    written = fitted(Nonlinear(FORMULA.replace("asym", "(asym + more * treated)"), start={**START, "more": 0.0}), y)
    assert_allclose(model.coef_, written.coef_[[0, 1, 2, 3]], rtol=1e-6)
    assert nested(fitted(Nonlinear(FORMULA, start=START), y), model).df == 1
    assert model.inference(FRAME, y).wald_test("asym:treated").pvalue < 1e-6


def test_curves_beside_linear_parameters_and_on_several_at_once():
    y = ETA + np.exp(-2 + 0.2 * FRAME["t"]) * RNG.normal(size=N)
    beside = MLERegressor(predictors={"loc": Nonlinear(FORMULA, start=START), "scale": ["t"]}).fit(FRAME, y)
    assert beside.coefs_["loc"].shape == (3,)
    assert_allclose(beside.coefs_["scale"], 0.2, atol=0.05)
    both = MLERegressor(predictors={"loc": Nonlinear(FORMULA, start=START), "scale": Nonlinear("a + b * t")}).fit(FRAME, y)
    assert_allclose(both.loglikelihood_, beside.loglikelihood_)
    assert_allclose(both.coefs_["scale"], [beside.intercepts_["scale"], *beside.coefs_["scale"]], rtol=1e-6)


@pytest.mark.parametrize(
    ("law", "y"),
    [
        (Poisson(), COUNTS),
        (Gamma(), np.exp(Y)),
        (LogNormal(), np.exp(Y)),
        (StudentT(df=5.0), Y),
        (NegativeBinomial(), RNG.negative_binomial(3, 3 / (3 + np.exp(ETA)))),
    ],
    ids=str,
)
def test_a_curve_that_is_linear_is_the_linear_predictor(law, y):
    parameter = law.layout.free[0]
    line = MLERegressor(law, predictors={parameter: Nonlinear("a + b * t + c * treated")}).fit(FRAME, y)
    linear = MLERegressor(law).fit(FRAME, y)
    assert_allclose(line.loglikelihood_, linear.loglikelihood_, rtol=1e-10)
    assert_allclose(line.coefs_[parameter], [linear.intercept_, *linear.coef_], rtol=1e-5)
    assert_allclose(
        line.inference(FRAME, y).cov_params()[:3, :3], linear.inference(FRAME, y).cov_params()[:3, :3], rtol=1e-5, atol=1e-9
    )


def test_penalised_coefficients_are_those_of_a_ridge():
    y = Y - Y.mean()
    X = FRAME - np.average(FRAME, axis=0)
    curve = fitted(Nonlinear("b * t + c * treated", start={"b": 0.1}), y, X=X, alpha=2.0)
    assert_allclose(curve.coef_, fitted(["t", "treated"], y, X=X, alpha=2.0, fit_intercept=False).coef_, rtol=1e-6)
    assert curve.converged_


def test_dose_response_on_the_scale_of_probabilities():
    dose = np.repeat([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0], 10)[:, None]
    y = np.random.default_rng(3).binomial(10, 0.1 + 0.8 / (1 + (3 / np.maximum(dose[:, 0], 1e-9)) ** 2))
    law = Binomial(trials=10, links={"prob": "identity"})
    curve = Nonlinear("lower + (upper - lower) * x ** h / (ed50 ** h + x ** h)", start={"ed50": 4.0, "h": 1.0})
    model = MLERegressor(law, predictors={"prob": curve}).fit(dose, y)
    named = MLERegressor(law, predictors={"prob": Nonlinear("four_parameter_logistic")}).fit(dose, y)
    assert_allclose(sorted(model.coef_), sorted(named.coef_), rtol=1e-5)
    table = model.inference(dose, y).derived(lambda fit: fit.coef_[list(fit.predictors_["prob"]).index("ed50")])
    assert_allclose(table["estimate"], 3.0, atol=3 * table["std err"][0])


def test_classes():
    y = (RNG.uniform(size=N) < 1 / (1 + np.exp(-2 * (np.log(FRAME["t"]) - np.log(4))))).astype(int)
    curve = MLEClassifier(predictors={"prob": Nonlinear("slope * log(t / ed50)")}).fit(FRAME, y)
    logarithm = MLEClassifier().fit(np.log(FRAME[["t"]]), y)
    assert_allclose(curve.coef_[0, 0], logarithm.coef_[0, 0], rtol=1e-6)
    assert_allclose(curve.coef_[0, 1], np.exp(-logarithm.intercept_[0] / logarithm.coef_[0, 0]), rtol=1e-6)


def test_weights_are_repeated_rows():
    weight = RNG.integers(0, 4, N)
    rows = np.repeat(np.arange(N), weight)
    X = FRAME.copy()
    X.loc[weight == 0, "t"] = np.nan
    weighted = fitted(Nonlinear(FORMULA, start=START), COUNTS, "poisson", weight=weight, X=X.fillna(5.0))
    repeated = fitted(Nonlinear(FORMULA, start=START), COUNTS[rows], "poisson", X=FRAME.iloc[rows])
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7)
    assert_allclose(weighted.loglikelihood_, repeated.loglikelihood_)


def test_clone_search_pickle_pipeline_and_warm_start():
    curve = Nonlinear(FORMULA, start=START)
    model = fitted(curve, COUNTS, "poisson")
    assert clone(model).fit(FRAME, COUNTS).coef_.tolist() == model.coef_.tolist()
    assert curve.get_params()["start"] == START
    assert_allclose(pickle.loads(pickle.dumps(model)).predict(FRAME), model.predict(FRAME))
    grid = {"predictors__formula": ["gompertz(t, a, b, c)", "logistic(t, a, b, c)"]}
    search = GridSearchCV(MLERegressor("poisson", predictors=Nonlinear("logistic(t, a, b, c)")), grid, cv=2).fit(FRAME, COUNTS)
    assert search.best_params_["predictors__formula"].startswith("logistic")
    assert np.isfinite(cross_val_score(model, FRAME, COUNTS)).all()
    doubled = make_pipeline(FunctionTransformer(lambda X: X.assign(t=2 * X["t"])), clone(model)).fit(FRAME, COUNTS)
    assert_allclose(doubled[-1].coef_, model.coef_ * [1, 2, 2], rtol=1e-6)
    warm = clone(model).set_params(warm_start=True).fit(FRAME, COUNTS)
    assert warm.fit(FRAME, COUNTS).n_iter_ == 1


def test_what_follows_a_fit():
    model = fitted(Nonlinear(FORMULA, start=START), COUNTS, "poisson")
    inference = model.inference(FRAME, COUNTS)
    value = inference.predict(FRAME.iloc[:3])
    change = 1e-5 * inference.bse
    slopes = [
        (plain(FRAME["t"][:3], *(model.coef_ + d)) - plain(FRAME["t"][:3], *(model.coef_ - d))) / 2 for d in np.diag(change)
    ]
    gradient = np.array(slopes) / change[:, None] * np.exp(plain(FRAME["t"][:3].to_numpy(), *model.coef_))
    expected = np.sqrt(np.einsum("in,ij,jn->n", gradient, inference.cov_params(), gradient))
    assert_allclose(value["std err"], expected, rtol=1e-4)
    assert_allclose(value["mean"], model.predict(FRAME.iloc[:3]))
    simulated = inference.predict(FRAME.iloc[:3], method="simulate", random_state=0)
    assert_allclose(simulated["std err"], expected, rtol=0.1)
    assert_allclose(model.inference(FRAME, COUNTS, cov="HC1").bse, inference.bse, rtol=0.4)
    assert inference.marginal_effects(FRAME)["effect"][1] == 0
    assert inference.table(transform="natural")["estimate"].tolist() == model.coef_.tolist()
    low, high = inference.conf_int(method="bootstrap", n_resamples=8, random_state=0)[0]
    assert low < model.coef_[0] < high


def test_coefficients_that_no_row_tells_apart():
    with pytest.warns(IdentificationWarning, match="does not tell 'a', 'b', in the curve of 'loc' apart"):
        model = fitted(Nonlinear("a * b * t", start={"a": 1.0, "b": 1.0}))
    assert model.n_params_ == 2
    advised = fitted(Nonlinear("a * b * t", start={"a": 1.0, "b": 1.0}, fixed={"a": 2.0}))
    assert_allclose(advised.loglikelihood_, model.loglikelihood_)


@pytest.mark.parametrize("law", [None, "poisson"])
@pytest.mark.parametrize(
    ("bounds", "on"),
    [({"mid": (4.5, None)}, {"mid": 4.5}), ({"scal": (None, 0.9), "asym": (0.0, 2.5)}, {"asym": 2.5}), ({"mid": (0, 9)}, {})],
    ids=["one", "two", "none"],
)
def test_a_maximum_on_a_bound(law, bounds, on):
    y = Y if law is None else COUNTS
    start = {"asym": 2.0, "mid": 5.0, "scal": 0.8}
    curve = Nonlinear(FORMULA, start=start, bounds=bounds)
    if not on:
        assert_allclose(fitted(curve, y, law).coef_, fitted(Nonlinear(FORMULA, start=start), y, law).coef_, rtol=1e-7)
        return
    with pytest.warns(BoundaryWarning, match="has coefficients on their bounds, .* for inference fix them there"):
        model = fitted(curve, y, law)
    held = fitted(Nonlinear(FORMULA, start=start, fixed=on), y, law)
    assert model.converged_
    assert model.n_params_ == held.n_params_
    assert_allclose(model.loglikelihood_, held.loglikelihood_, rtol=1e-10)
    found = dict(zip(model.predictors_[model.fit_.first], model.coef_, strict=True))
    assert {name: found[name] for name in on} == on
    with pytest.raises(ValueError, match="lie on their bounds"):
        model.inference(FRAME, y)
    assert np.isfinite(held.inference(FRAME, y).bse).all()  # the advice, followed
    with pytest.warns(BoundaryWarning):
        assert_allclose(model.set_params(warm_start=True).fit(FRAME, y).coef_, model.coef_)


def test_a_bound_that_is_left_again():
    bounds, start = {"asym": (None, 0.75), "mid": (None, 1.0), "scal": (1.6, None)}, {"asym": 0.45, "mid": 0.7, "scal": 1.9}
    with pytest.warns(BoundaryWarning, match="'asym' at 0.75, 'scal' at 1.6:"):
        model = fitted(Nonlinear(FORMULA, start=start, bounds=bounds))
    ends = [[-np.inf, -np.inf, 1.6], [0.75, 1.0, np.inf]]
    expected = least_squares(lambda b: plain(FRAME["t"], *b) - Y, list(start.values()), bounds=ends, xtol=1e-14, ftol=1e-14).x
    assert_allclose(model.coef_, expected, rtol=1e-4)


SELF_STARTING = {
    "logistic": (3.0, 4.0, 1.2),
    "gompertz": (6.0, 3.0, 0.7),
    "asymptotic": (10.0, 2.0, 0.4),
    "biexponential": (4.0, 2.0, 3.0, 0.2),
    "michaelis_menten": (5.0, 2.0),
    "emax": (1.0, 4.0, 2.0),
    "hill": (5.0, 3.0, 2.5),
    "four_parameter_logistic": (1.0, 6.0, 3.0, 2.0),
}


@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e5])
@pytest.mark.parametrize("name", SELF_STARTING)
def test_self_starting_models_find_their_coefficients_in_any_unit(name, unit):
    x = np.linspace(0.0, 10.0, 60)[:, None]
    curve = Nonlinear(name).bind(x, None, 1, name)
    exact = curve.value(x, np.array(SELF_STARTING[name]))
    y = exact + 0.01 * np.random.default_rng(0).normal(size=60)
    model = MLERegressor(predictors={"loc": Nonlinear(name)}).fit(x * unit, y)
    at_truth = fitted(Nonlinear(name, start=dict(zip(curve.labels, SELF_STARTING[name], strict=True))), y, X=x)
    assert_allclose(model.loglikelihood_, at_truth.loglikelihood_, rtol=1e-9)  # two exponentials may change places
    assert_allclose(model.predict(x * unit), exact, atol=0.02)


def test_r():
    """R's nls(circumference ~ SSlogis(age, Asym, xmid, scal), Orange) and drc's drm(rootl ~ conc, fct=LL.4()), ED(..., 90)."""
    age = np.tile([118.0, 484, 664, 1004, 1231, 1372, 1582], 5)[:, None]
    girth = [30, 58, 87, 115, 120, 142, 145, 33, 69, 111, 156, 172, 203, 203, 30, 51, 75, 108, 115, 139, 140]
    girth += [32, 62, 112, 167, 179, 209, 214, 30, 49, 81, 125, 142, 174, 177]
    orange = MLERegressor(predictors={"loc": Nonlinear("logistic")}).fit(age, girth)
    assert_allclose(orange.coef_, [192.69, 728.76, 353.53], atol=0.005)
    errors = orange.inference(age, girth, cov="expected", use_t=True).bse
    assert_allclose(errors[:3], [20.24, 107.30, 81.47], atol=0.005)

    conc = np.repeat([0, 0.94, 1.88, 3.75, 7.5, 15, 30], [6, 3, 3, 3, 3, 3, 3])[:, None]
    root = [7.58, 8.0, 8.3285714, 7.25, 7.375, 7.9625, 8.3555556, 6.9142857, 7.75, 6.8714286, 6.45, 5.9222222, 1.925, 2.8857143]
    root += [4.2333333, 1.1875, 0.8571429, 1.0571429, 0.6875, 0.525, 0.825, 0.25, 0.22, 0.44]
    grass = MLERegressor(predictors={"loc": Nonlinear("four parameter logistic")}).fit(conc, root)
    inference = grass.inference(conc, root, use_t=True)
    assert_allclose(grass.coef_, [7.79296, 0.48141, 3.05795, 2.98222], atol=2e-5)
    assert_allclose(inference.bse[:4], [0.18857, 0.21219, 0.18573, 0.46506], atol=2e-5)
    table = inference.derived(lambda fit: fit.coef_[2] * 9 ** (1 / fit.coef_[3]))
    assert_allclose([table["estimate"][0], table["std err"][0]], [6.38864, 0.84510], atol=2e-5)


ERRORS = {
    "parenthesis": (Nonlinear("a * (t"), "is no formula"),
    "empty": (Nonlinear(" "), "is no formula"),
    "two sides": (Nonlinear("y = a = t"), "is no formula"),
    "power": (Nonlinear("a * t ^ b"), r"a power is written \*\*"),
    "attribute": (Nonlinear("a.real * t"), "is none of these"),
    "call": (Nonlinear("__import__('os') * t"), "no function is called '__import__'"),
    "lambda": (Nonlinear("(lambda: 1) * t"), "is none of these"),
    "function": (Nonlinear("a * gamma(t)"), "no function is called 'gamma'; formulas know"),
    "arguments": (Nonlinear("exp(t, a)"), "exp takes 1 arguments, and has 2"),
    "model": (Nonlinear("logistic(t, a)"), "logistic takes 4 arguments, x, asym, xmid, scal, and has 2"),
    "type": (Nonlinear(3), "formula must be a str or a function"),
    "no column": (Nonlinear("a * exp(b * time)"), r"has no column of X in it; these are \['t', 'treated'\]"),
    "no coefficient": (Nonlinear("exp(t)"), "has no coefficient in it"),
    "unknown column": (Nonlinear("a * exp(-b * t) + exp(trated)", start={"a": 1, "b": 1}), "trated has no start"),
    "column as start": (Nonlinear("a * t", start={"t": 1}), "'t' is the name of a column of X, and of a coefficient"),
    "unknown start": (Nonlinear("a * t", start={"c": 1}), "start names 'c'; the coefficients are a"),
    "unknown start, on": (Nonlinear("a * t", start={"c": 1}, on={"a": [1]}), "the coefficients are a, a:treated$"),
    "unknown start, two": (Nonlinear("a * t + b", start={"c": 1}), "the coefficients are a, b$"),
    "forgotten": ("a * exp(-b * t)", r"no column .*\. For a curve pass predictors\.Nonlinear\('a \* exp\(-b \* t\)'\)$"),
    "start text": (Nonlinear("a * t", start={"a": "1"}), r"start\['a'\] must be a finite number"),
    "unknown on": (Nonlinear("a * t", on={"a": ["treatd"]}), "no column 'treatd' in X"),
    "outside": (Nonlinear("a * t", start={"a": 1}, bounds={"a": (2, 3)}), r"start\['a'\] = 1 lies outside its bounds, 2 to 3"),
    "bounds": (Nonlinear("a * t", bounds={"a": 2}), "must be a pair"),
    "order": (Nonlinear("a * t", bounds={"a": (2, 1)}), "low < high"),
    "bounds on": (Nonlinear("a * t", bounds={"a": (0, 1)}, on={"a": [1]}), "depends on columns"),
    "all fixed": (Nonlinear("a * t", fixed={"a": 2}), "every coefficient is fixed"),
    "signature": (Nonlinear(lambda X: X[:, 0]), "with a name for each coefficient"),
    "star": (Nonlinear(lambda X, *b: X[:, 0]), "with a name for each coefficient"),
    "shape": (Nonlinear(lambda X, a: a * X, start={"a": 1}), "must return one value per row"),
    "jacobian": (Nonlinear("a * t", jacobian=len), "a jacobian belongs to a function"),
    "not finite": (Nonlinear("log(a * t)", start={"a": -1.0}), "is not finite in 200 rows .0, 1, .* at its start, a=-1"),
    "no start": (Nonlinear("a * exp(b * t) + log(-t)"), "no start was found at which the curve is finite in all rows"),
    "no linear start": (Nonlinear("a * t + log(-t)"), "no start was found at which the curve is finite in all rows"),
    "name": (Nonlinear("logistic"), r"write 'logistic\(column, asym, xmid, scal\)'"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_in_words(name):
    curve, message = ERRORS[name]
    with pytest.raises((ValueError, TypeError), match=message):
        fitted(curve)


GROWTH = np.repeat(np.arange(0, 21, 2), 4).astype(float)
IDENTITY = {"mean": "identity"}


def maximum(mean, y, shape, start):
    """The largest log-likelihood of a Gamma law with a mean, by simplices."""

    def loss(b):
        m, k = mean(b[:-1]), np.exp(b[-1])
        return -stats.gamma.logpdf(y, k, scale=m / k).sum() if (m > 0).all() else np.inf

    b = np.append(start, shape)
    for _ in range(3):
        b = optimize.minimize(loss, b, method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-9, "fatol": 1e-9}).x
    return -loss(b)


@pytest.mark.parametrize("start", [None, {"asym": 230, "mid": 8, "rate": 0.25}], ids=["searched", "given"])
@pytest.mark.parametrize("seed", [100, 104])
def test_small_means_dominate_a_law_whose_spread_is_that_of_the_mean(seed, start):
    noise = np.random.default_rng(seed).normal(size=len(GROWTH))
    y = 200 / (1 + np.exp((9 - GROWTH) / 2.2)) * np.exp(0.08 * noise)
    curve = Nonlinear("gompertz(t, asym, mid, rate)", start=start)
    model = MLERegressor(Gamma(links=IDENTITY), predictors=curve).fit(pd.DataFrame({"t": GROWTH}), y)
    largest = maximum(lambda b: b[0] * np.exp(-np.exp(-b[2] * (GROWTH - b[1]))), y, 3.7, [300.0, 10.0, 0.15])
    assert model.converged_
    assert_allclose(model.loglikelihood_, largest, atol=1e-6)
    if seed == 104:
        assert_allclose(largest, -163.494292, atol=1e-5)


@pytest.mark.parametrize("start", [None, {"a": 1, "k": 1}], ids=["searched", "given"])
@pytest.mark.parametrize(("seed", "shape"), [(1, 6.0), (3, 0.3)])
def test_a_line_that_least_squares_leads_below_zero(seed, shape, start):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 10, 60))
    y = 20 * np.exp(-0.8 * t) * rng.gamma(shape, 1 / shape, size=60)
    curve = Nonlinear("a - k * t", start=start)
    model = MLERegressor(Gamma(links=IDENTITY), predictors=curve).fit(pd.DataFrame({"t": t}), y)
    assert model.converged_
    largest = max(maximum(lambda b: b[0] - b[1] * t, y, -0.5, [a, a / 10]) for a in (2.0, 4.0))
    assert_allclose(model.loglikelihood_, largest, atol=1e-6)


def test_proposals_keep_to_bounds():
    dose = np.repeat([0, 1, 2, 4, 8, 16.0], 4)
    y = 2 + 8 * dose**2 / (9 + dose**2) + 0.3 * np.random.default_rng(0).normal(size=24)
    formula, X = "four_parameter_logistic(dose, top, bottom, ed50, slope)", pd.DataFrame({"dose": dose})
    with pytest.warns(BoundaryWarning, match="'bottom' at 10.5"):
        model = fitted(Nonlinear(formula, bounds={"bottom": (10.5, None)}), y, X=X)
    held = fitted(Nonlinear(formula, fixed={"bottom": 10.5}), y, X=X)
    assert_allclose(model.loglikelihood_, held.loglikelihood_, rtol=1e-9)


@pytest.mark.parametrize("what", ["mean", "quantile"])
def test_effects_at_the_edge_of_a_curve(what):
    t = np.repeat([0, 1, 2, 4, 8, 16.0], 4)
    X, arguments = pd.DataFrame({"t": t}), {"q": 0.5} if what == "quantile" else {}
    y = 0.3 + 2 * np.sqrt(t) + 0.1 * np.random.default_rng(0).normal(size=24)
    model = fitted(Nonlinear("a + b * t**c", start={"a": 1, "b": 1, "c": 0.6}), y, X=X)
    inference = model.inference(X, y)
    with pytest.raises(
        ValueError, match=r"not finite beside the values of 4 rows \(0, 1, 2, 3\) of X, 0 to 0: leave these rows"
    ):
        inference.marginal_effects(X, what=what, **arguments)
    _, b, c = model.coef_
    effect = inference.marginal_effects(X[4:], what=what, **arguments)["effect"]
    assert_allclose(effect, np.mean(b * c * t[4:] ** (c - 1)), rtol=1e-4)


def test_effects_of_two_values_beyond_the_domain_of_a_curve():
    t = np.repeat([0.5, 2, 4, 8, 16.0], 4)
    X = pd.DataFrame({"t": t, "z": np.where(t > 1, np.arange(20) % 2, 0.0)})
    y = 1 + 2 * np.log(t - X["z"]) + 0.1 * np.random.default_rng(0).normal(size=20)
    inference = fitted(Nonlinear("a + b * log(t - z)"), y, X=X).inference(X, y)
    with pytest.raises(ValueError, match=r"column 'z' cannot be moved \(the mean is not finite in 4 rows"):
        inference.marginal_effects(X, ["z"])
    assert len(inference.marginal_effects(X, ["t"])) == 1


def test_more_coefficients_than_rows():
    with pytest.raises(ValueError, match="has 3 coefficients, asym, mid, scal, and n_samples = 2"):
        fitted(Nonlinear(FORMULA, start=START), Y[:2], X=FRAME.iloc[:2])


def test_where_curves_have_no_place():
    with pytest.raises(ValueError, match="must name columns"):
        MLEClassifier(Categorical(), predictors={"logits": Nonlinear("a * t")}).fit(FRAME, RNG.integers(0, 3, N))
    with pytest.raises(ValueError, match="a curve needs a likelihood without kinks"):
        fitted(Nonlinear("a * t"), law="laplace")


class Bound:
    """What is neither a curve nor a term."""

    def bind(self, original_X, names, n_features, argument):
        return 3


MISPLACED = {
    "no curve": ({"predictors": {"loc": Bound()}}, "bind of .* must return a Curve"),
    "class": ({"predictors": {"loc": Bound}}, "needs an instance, got the class Bound: add parentheses"),
    "term": ({"predictors": {"loc": Smooth("t")}}, r"predictors\['loc'\]: Smooth\(.*\) is a term.*penalties="),
    "terms": ({"predictors": {"loc": [Smooth("t")]}}, "got a Smooth; terms belong in penalties="),
    "curve": ({"penalties": {"loc": [Nonlinear("a * t")]}, "alpha": 1.0}, r"penalties\['loc'\]: Nonlinear.*predictors="),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_predictors_and_terms_in_each_others_place(name):
    arguments, message = MISPLACED[name]
    with pytest.raises(TypeError, match=message):
        MLERegressor(**arguments).fit(FRAME, Y)


class FirstColumn:
    """A curve whose repr has no address: the names of tests are the same in every process of pytest-xdist."""

    def __call__(self, X, level, slope, rate):
        return level + slope * np.tanh(rate * X[:, 0])

    def __repr__(self):
        return "FirstColumn()"


@parametrize_with_checks(
    [MLERegressor(predictors={"loc": Nonlinear(FirstColumn(), start={"level": 0.0, "slope": 1.0}, fixed={"rate": 0.5})})]
)
@pytest.mark.filterwarnings("default")
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)
