"""Bad input: a clear error that names the argument, the rows and the remedy, and an estimator left as it was."""

# ruff: noqa: E501, RUF043 - the tables have one case per line, and every match is a pattern

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sk_mle import MLEClassifier, MLERegressor, predict_dist
from sk_mle._model import columns
from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    Laplace,
    Likelihood,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
)
from sk_mle.links import Log

RNG = np.random.default_rng(0)
N = 24
X = RNG.normal(size=(N, 2))
FRAME = pd.DataFrame(X, columns=["a", "b"])
Y = RNG.standard_t(2, size=N)
COUNTS = RNG.negative_binomial(0.5, 0.1, size=N) + 1.0
LABELS = np.array(["no", "yes"])[(RNG.uniform(size=N) < 0.5).astype(int)]
THREE = np.array(["x", "y", "z"])[np.arange(N) % 3]


def at(values, row, value):
    values = np.array(values, dtype=float)
    values[row] = value
    return values


class Broken(Likelihood):
    """A user's law whose loglik is wrong in the given way."""

    parameters = {"loc": REAL}
    support = REAL

    def __init__(self, *, kind="fine", loc=None, links=None):
        self.kind, self.loc, self.links = kind, loc, links

    def loglik(self, y, loc):
        value = -0.5 * (y - loc) ** 2
        return {
            "fine": value,
            "scalar": np.sum(value),
            "column": value[..., None],
            "longer": np.append(value, 0.0),
            "none": None,
            "nan": value * np.nan,
            "inf": value + np.inf,
            "nan in row 3": np.where(y == Y[3], np.nan, value),
        }[self.kind]


class BrokenStarted(Broken):
    start = lambda self, y, sample_weight: {"loc": 0.0}


class NoLoglik(Likelihood):
    parameters = {"loc": REAL, "scale": POSITIVE}

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links


class GradientOfOther(Broken):
    gradient = lambda self, y, loc: {"location": y - loc}


# estimator, X, y, sample_weight, error, words of the message
DATA = {
    "nan in X": (MLERegressor(), at(X, (3, 1), np.nan), Y, None, ValueError, r"X contains NaN in row 3, columns \['1'\].*drop"),
    "nan in frame": (MLERegressor(), FRAME.where(FRAME > 0), Y, None, ValueError, r"NaN in \d+ rows \(.*columns \['a', 'b'\].*impute"),
    "inf in X": (MLERegressor(), at(X, (5, 0), -np.inf), Y, None, ValueError, r"X contains infinity in row 5, columns \['0'\]"),
    "inf, classes": (MLEClassifier(), at(X, (5, 0), np.inf), LABELS, None, ValueError, "X contains infinity in row 5"),
    "nan in y": (MLERegressor(), X, at(Y, 7, np.nan), None, ValueError, "y contains NaN in row 7; drop"),
    "inf in y": (MLERegressor(), X, at(Y, [7, 9], np.inf), None, ValueError, r"y contains infinity in 2 rows \(7, 9\)"),
    "None in labels": (MLEClassifier(), X, np.where(np.arange(N) == 2, np.nan, np.arange(N) % 2), None, ValueError, "y contains NaN in row 2"),
    "short y": (MLERegressor(), X, Y[:-1], None, ValueError, r"inconsistent numbers of samples: \[24, 23\]"),
    "no y": (MLERegressor(), X, None, None, ValueError, "requires y to be passed"),
    "wide y": (MLERegressor(), X, np.c_[Y, Y], None, ValueError, "y should be a 1d array"),
    "complex y": (MLERegressor(), X, Y + 1j, None, ValueError, "Complex data not supported"),
    "words as y": (MLERegressor(), X, LABELS, None, ValueError, "y must be numeric.*MLEClassifier"),
    "flat X": (MLERegressor(), Y, Y, None, ValueError, "Expected 2D array"),
    "no rows": (MLERegressor(), X[:0], Y[:0], None, ValueError, "0 sample"),
    "short weight": (MLERegressor(), X, Y, np.ones(N - 1), ValueError, "sample_weight has length 23, but X has 24 rows"),
    "negative weight": (MLERegressor(), X, Y, at(np.ones(N), 4, -1), ValueError, "sample_weight must be .* not negative, .* in row 4"),
    "zero weights": (MLERegressor(), X, Y, np.zeros(N), ValueError, "sample_weight is zero in every row"),
    "zero weights, classes": (MLEClassifier(), X, LABELS, np.zeros(N), ValueError, "sample_weight is zero in every row"),
    "column of weights": (MLERegressor(), X, Y, np.ones((N, 1)), ValueError, "1D"),
    "poisson": (MLERegressor(Poisson()), X, at(COUNTS, 6, -2), None, ValueError, r"\[0, inf\), the support of Poisson, .*row 6, .*-2; laws for this y: .*Normal"),
    "nb": (MLERegressor(NegativeBinomial()), X, at(COUNTS, 6, -2), None, ValueError, "support of NegativeBinomial.*row 6.*StudentT"),
    "gamma": (MLERegressor(Gamma()), X, at(COUNTS, [1, 6], 0), None, ValueError, r"\(0, inf\), the support of Gamma.*2 rows \(1, 6\).*Poisson"),
    "beta": (MLERegressor(Beta()), X, at(np.full(N, 0.3), 6, 1), None, ValueError, r"\(0, 1\), the support of Beta.*row 6, .*1; laws.*Gamma"),
    "one class": (MLEClassifier(), X, np.full(N, "yes"), None, ValueError, "y has one class.*yes.*at least two"),
    "one class of positive weight": (MLEClassifier(), X, LABELS, (LABELS == "no") * 1.0, ValueError, "y has one class.*no"),
    "continuous classes": (MLEClassifier(), X, Y, None, ValueError, "continuous"),
    "three classes": (MLEClassifier(Bernoulli()), X, THREE, None, ValueError, "binary.*Bernoulli.* 3 classes; use Categorical"),
}  # fmt: skip

# estimator, error, words of the message; fitted to FRAME and Y, or to THREE classes
ARGUMENTS = [
    (MLERegressor("poison"), ValueError, r"likelihood='poison' is unknown.*'poisson'"),
    (MLERegressor(Poisson), TypeError, "instance.*Poisson.*parentheses"),
    (MLERegressor(3), TypeError, "likelihood must be a name or a Likelihood instance, got 3"),
    (MLERegressor(Bernoulli()), ValueError, "Bernoulli is a likelihood of classes: use it in MLEClassifier"),
    (MLERegressor("categorical"), ValueError, "Categorical is a likelihood of classes: use it in MLEClassifier"),
    (MLEClassifier(Normal()), ValueError, "Normal is a likelihood of numeric targets: use it in MLERegressor"),
    (MLEClassifier("gamma"), ValueError, "Gamma is a likelihood of numeric targets: use it in MLERegressor"),
    (MLERegressor(solver="nwton"), ValueError, "solver='nwton' is unknown.*'newton'"),
    (MLERegressor(Laplace(), solver="newton"), ValueError, "solver='newton' needs the hessian, which Laplace.*kinks.*'auto'"),
    (MLERegressor(solver="vertex"), ValueError, "solver='vertex' is for likelihoods with kinks, and Normal is smooth"),
    (MLERegressor(tol=0), ValueError, "tol must be a positive number, got 0"),
    (MLERegressor(tol=np.nan), ValueError, "tol must be a positive number, got nan"),
    (MLERegressor(tol="x"), (TypeError, ValueError), "tol must be a positive"),
    (MLERegressor(max_iter=0), ValueError, "max_iter must be a positive integer, got 0"),
    (MLERegressor(max_iter=2.5), ValueError, "max_iter must be a positive integer, got 2.5"),
    (MLERegressor(alpha=-1), ValueError, "alpha must be a number >= 0, got -1 for 'loc'"),
    (MLERegressor(alpha="1"), ValueError, "alpha must be a number >= 0"),
    (MLERegressor(alpha=[1, 2]), ValueError, r"alpha must be a number >= 0, got \[1, 2\] for 'loc', one for all columns"),
    (MLERegressor(alpha={"scal": 1}), ValueError, r"alpha names 'scal'; the estimated parameters are \['loc', 'scale'\]"),
    (MLERegressor(predictors={"scal": "all"}), ValueError, r"predictors names 'scal'; the estimated.*\['loc', 'scale'\]"),
    (MLERegressor(StudentT(df=4), predictors={"df": "all"}), ValueError, r"predictors names 'df'; the estimated.*\['loc', 'scale'\]"),
    (MLERegressor(predictors={"scale": ["a", "c"]}), ValueError, r"predictors\['scale'\]: no column 'c'.*\['a', 'b'\]"),
    (MLERegressor(predictors={"scale": [2]}), ValueError, r"predictors\['scale'\]: column 2 does not exist; X has 2"),
    (MLERegressor(predictors={"scale": [True]}), ValueError, r"predictors\['scale'\]: a mask of 1 entries.* 2 columns"),
    (MLERegressor(predictors={"scale": [0.5]}), TypeError, r"predictors\['scale'\].* by str or int, got a float; values of rows are a column"),
    (MLERegressor(predictors={"scale": ["a", "a"]}), ValueError, r"predictors\['scale'\] names a column twice"),
    (MLERegressor(predictors={"loc": [0, -2]}), ValueError, r"predictors\['loc'\] names a column twice"),
    (MLERegressor(offset="c"), ValueError, "offset: no column 'c' in X; its columns are"),
    (MLERegressor(offset=2), ValueError, "offset: column 2 does not exist"),
    (MLERegressor(offset=["a"]), TypeError, "offset must name columns by str or int"),
    (MLERegressor(offset={"df": "a"}), ValueError, r"offset names 'df'; the estimated parameters"),
    (MLERegressor(Normal(loc=0), offset="a"), ValueError, "offset: 'loc' of Normal takes none.*fixed"),
    (MLEClassifier(offset="a"), ValueError, "offset: 'logits' of Categorical takes none.*vector"),
    (MLERegressor(exposure="a"), ValueError, r"exposure: column 'a' must be positive, but is not in \d+ rows \(.*drop"),
    (MLERegressor(Normal(scale=-1)), ValueError, r"Normal\(scale=-1\): scale must lie in \(0, inf\)"),
    (MLERegressor(StudentT(df=np.nan)), ValueError, r"df must lie in \(0, inf\]"),
    (MLERegressor(Normal(scale="sd")), ValueError, r"scale of Normal: no column .sd. in X; its columns are"),
    (MLERegressor(Normal(scale=[1.0])), TypeError, "give a number to fix scale, the name of a column of X that holds it, or None"),
    (MLERegressor(Normal(loc=0, scale=1)), ValueError, "every parameter of Normal is fixed.*None"),
    (MLERegressor(Normal(links={"scal": "log"})), ValueError, r"links names 'scal', but the parameters of Normal are \['loc', 'scale'\]"),
    (MLERegressor(Normal(links={"scale": "lag"})), ValueError, "unknown link 'lag'; the names are .*log"),
    (MLERegressor(Normal(links={"scale": Log})), TypeError, "a link is an instance of Link or a name"),
    (MLERegressor(Normal(links={"scale": "log", "loc": 3})), TypeError, "a link is an instance of Link or a name, got 3"),
    (MLERegressor(Beta(links={"mean": "inverse_squared"})), ValueError, "support|does not suit"),
    (MLEClassifier(Categorical(links={"logits": "log"})), ValueError, "Categorical takes no links"),
    (MLEClassifier(Categorical(n_classes=2)), ValueError, "n_classes"),
    (MLEClassifier(Categorical(n_classes=5)), ValueError, "n_classes"),
    (MLEClassifier(class_weight="balance"), ValueError, "class_weight"),
    (MLERegressor(Broken(kind="nan")), ValueError, "Broken.*loglik.*NaN"),
    (MLERegressor(BrokenStarted(kind="nan")), ValueError, "BrokenStarted.loglik is not finite.*24 of 24 rows"),
    (MLERegressor(BrokenStarted(kind="inf")), ValueError, "BrokenStarted.loglik is not finite"),
    (MLERegressor(BrokenStarted(kind="nan in row 3")), ValueError, "BrokenStarted.loglik is not finite.*1 of 24 rows.*rows 3"),
    (MLERegressor(NoLoglik()), NotImplementedError, r"NoLoglik must define loglik\(y, loc, scale\)"),
    *((MLERegressor(law(kind=kind)), (TypeError, ValueError), r"Broken.*loglik.*shape")
      for law in (Broken, BrokenStarted) for kind in ("scalar", "column", "longer", "none")),
    (MLERegressor(GradientOfOther()), ValueError, "gradient.*loc"),
]  # fmt: skip


def fails_and_leaves_alone(model, X, y, weight, error, message):
    before, parameters = dict(vars(model)), repr(model.get_params())
    with pytest.raises(error, match=message):
        model.fit(X, y, sample_weight=weight)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[key] is value for key, value in before.items())
    assert repr(model.get_params()) == parameters


@pytest.mark.parametrize(("model", "X", "y", "weight", "error", "message"), DATA.values(), ids=DATA)
@pytest.mark.parametrize("fitted", [False, True])
def test_data(model, X, y, weight, error, message, fitted):
    model = clone(model)
    if fitted:
        good = np.linspace(0.2, 0.8, N) if isinstance(model.likelihood, Beta) else COUNTS
        model.fit(FRAME, LABELS if isinstance(model, MLEClassifier) else good)
    fails_and_leaves_alone(model, X, y, weight, error, message)


@pytest.mark.parametrize(("model", "error", "message"), ARGUMENTS)
def test_arguments(model, error, message):
    fails_and_leaves_alone(model, FRAME, THREE if isinstance(model, MLEClassifier) else Y, None, error, message)


def test_a_name_that_two_columns_have():
    with pytest.raises(ValueError, match="offset.*'a'.*2|offset.*'a'.*two"):
        columns.column("a", np.array(["a", "a"]), 2, "offset")


def test_names_need_a_frame():
    model = MLERegressor(offset="a")
    fails_and_leaves_alone(model, X, Y, None, ValueError, "offset='a'.* no column names; pass a DataFrame or an index")
    model = MLERegressor(predictors={"scale": ["a"]})
    fails_and_leaves_alone(model, X, Y, None, ValueError, "predictors.* no column names; pass a DataFrame or an index")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"tol": -1}, "tol"), ({"alpha": -1}, "alpha"), ({"solver": "x"}, "solver"), ({"likelihood": Normal(scale=-1)}, "scale")],
)
def test_nothing_is_computed_before_the_arguments_are_checked(change, message, monkeypatch):
    for place in ("sk_mle._estimators.problem.cold_start", "sk_mle._solvers.maxima.solve"):
        monkeypatch.setattr(place, lambda *args: pytest.fail("the fit began"))
    with pytest.raises(ValueError, match=message):
        MLERegressor().set_params(**change).fit(FRAME, Y)


def test_fit_does_not_change_parameters():
    law, predictors, alpha = StudentT(links={"scale": "softplus"}), {"scale": ["b"], "df": "intercept"}, {"loc": 0.1}
    model = MLERegressor(law, predictors=predictors, alpha=alpha, offset={"scale": "a"}).fit(FRAME, Y)
    assert model.likelihood is law
    assert model.predictors is predictors
    assert (predictors, alpha) == ({"scale": ["b"], "df": "intercept"}, {"loc": 0.1})
    assert vars(law).keys() == vars(StudentT()).keys()
    assert MLERegressor().fit(X, Y).likelihood is None


def test_inputs_are_not_changed():
    frame, y, weight = FRAME.copy(), Y.copy(), np.linspace(0, 1, N)
    values = np.asfortranarray(X)
    for model in (MLERegressor(), MLERegressor(Laplace()), MLERegressor(StudentT(df=4), predictors={"scale": [0]})):
        model.fit(frame, y, weight).score(frame, y)
        model.fit(values, y, weight).score(values, y)
    for value, original in ((frame, FRAME), (y, Y), (values, X), (weight, np.linspace(0, 1, N))):
        assert_array_equal(value, original)


# ---- after the fit ---------------------------------------------------------------------------------------------------

FITTED = MLERegressor(Normal()).fit(FRAME, Y)
CLASSES = MLEClassifier().fit(FRAME, LABELS)
POSITIVE_FRAME = FRAME.assign(hours=np.exp(FRAME["a"]))
EXPOSED = MLERegressor(Poisson(), exposure="hours").fit(POSITIVE_FRAME, COUNTS)
CALLS = {
    "coverage above 1": (lambda: FITTED.predict_interval(FRAME, 1.2), ValueError, "coverage must lie between 0 and 1, exclusive, got 1.2"),
    "coverage 0": (lambda: FITTED.predict_interval(FRAME, coverage=0), ValueError, "coverage must lie between 0 and 1"),
    "coverage list": (lambda: FITTED.predict(FRAME, "interval", coverage=[0.5]), ValueError, "coverage must lie"),
    "quantiles": (lambda: FITTED.predict_quantiles(FRAME, [0.1, 1.1]), ValueError, r"quantiles must lie .* got \[0.1, 1.1\]"),
    "nan quantile": (lambda: FITTED.predict(FRAME, "quantiles", quantiles=np.nan), ValueError, "quantiles must lie"),
    "output": (lambda: FITTED.predict(FRAME, output="mode"), ValueError, "output='mode' is unknown; use one of.*'mean'"),
    "order of names": (lambda: FITTED.predict(FRAME[["b", "a"]]), ValueError, "feature names should match.*\n.*same order"),
    "missing name": (lambda: FITTED.predict(FRAME[["a"]]), ValueError, "feature names should match(.|\n)*now missing:\n- b"),
    "other name": (lambda: CLASSES.predict_proba(FRAME.rename(columns={"b": "c"})), ValueError, "names should match(.|\n)*- c"),
    "fewer columns": (lambda: MLERegressor().fit(X, Y).predict(X[:, :1]), ValueError, "X has 1 features, but MLERegressor is expecting 2"),
    "nan": (lambda: FITTED.predict(FRAME.mask(FRAME.loc[3, "a"] == FRAME)), ValueError, "X contains NaN in row 3"),
    "no offset column": (lambda: EXPOSED.predict(FRAME), ValueError, "feature names should match(.|\n)*now missing:\n- hours"),
    "no offset column, array": (lambda: MLERegressor(offset=1).fit(X, Y).predict(X[:, :1]), ValueError, "X has 1 features"),
    "exposure 0": (lambda: EXPOSED.predict(POSITIVE_FRAME.assign(hours=0.0)), ValueError, r"exposure: column 'hours' must be positive.*24 rows"),
    "exposure -1": (lambda: EXPOSED.score(POSITIVE_FRAME.assign(hours=at(np.ones(N), 8, -1)), COUNTS), ValueError, "'hours' must be positive.*row 8"),
    "unseen label": (lambda: CLASSES.score(FRAME, np.where(np.arange(N) == 5, "maybe", LABELS)), ValueError, "labels .* not in the training data in row 5.*maybe"),
    "score, short y": (lambda: FITTED.score(FRAME, Y[1:]), ValueError, "inconsistent numbers"),
    "score, nan": (lambda: FITTED.score(FRAME, at(Y, 2, np.nan)), ValueError, "y contains NaN in row 2"),
    "score, weight": (lambda: FITTED.score(FRAME, Y, at(np.ones(N), 2, -1)), ValueError, "sample_weight .*row 2"),
    "values": (lambda: FITTED.predict_dist(FRAME).logpdf([0.0, 1.0]), ValueError, r"shape \(2,\) do not match 24 rows.*\[:, None\]"),
    "index of one row": (lambda: FITTED.predict_dist(FRAME)[0][0], TypeError, "one row .* cannot be indexed"),
    "no distribution": (lambda: predict_dist(object(), X), TypeError, "object has no predictive distribution"),
    "coverage word": (lambda: FITTED.predict_interval(FRAME, "0.9"), (ValueError, TypeError), "coverage must lie between"),
    "output list": (lambda: FITTED.predict(FRAME, ["mean"]), (ValueError, TypeError), "output=.*unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_calls(case):
    call, error, message = CALLS[case]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("call", [
    lambda: MLEClassifier().fit(X, np.full(N, "yes")),
    lambda: MLEClassifier().fit(X, np.ones(N, int)),
    lambda: CLASSES.score(FRAME, np.full(N, "maybe")),
])  # fmt: skip
def test_messages_quote_labels_as_given(call):
    with pytest.raises(ValueError, match=r"^((?!np\.).)*$"):
        call()


@pytest.mark.parametrize("method", ["predict", "predict_dist", "score_samples", "predict_interval", "predict_log_proba"])
def test_not_fitted(method):
    for model in (MLERegressor(), MLEClassifier()):
        if hasattr(model, method):
            with pytest.raises(NotFittedError, match="not fitted yet"):
                getattr(model, method)(X)


SEEN = {
    "all columns": MLERegressor(),
    "a column without coefficient": MLERegressor(),
    "some columns": MLERegressor(predictors={"loc": [1]}),
    "no columns": MLERegressor(predictors="intercept"),
    "an offset": MLERegressor(Poisson(), offset=0),
    "classes": MLEClassifier(Categorical()),
    "two parameters": MLERegressor(predictors={"scale": "all"}),
}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", SEEN)
def test_predictions_from_rows_that_are_not_finite(name, order, value):
    model = clone(SEEN[name])
    y = THREE if name == "classes" else COUNTS
    A = np.column_stack([np.ones(N), X[:, 0]]) if name == "a column without coefficient" else X
    model.fit(A, y)
    bad = np.asarray(at(A, (3, 0), value), order=order)
    calls = [model.predict, model.predict_params, lambda rows: model.score(rows, y)]
    for call in calls + ([model.predict_proba, model.decision_function] if name == "classes" else [model.predict_interval]):
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity) in row 3, columns \['0'\]"):
            call(bad)
