"""The table of models: its figures by hand, weights as rows, notes where figures do not hold."""

from __future__ import annotations

import warnings

import matplotlib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import MLEClassifier, MLERegressor
from sk_mle import likelihoods as L
from sk_mle.metrics import crps
from sk_mle.selection import compare, likelihood_ratio_test, vuong_test

matplotlib.use("Agg")
RNG = np.random.default_rng(1)
X = RNG.normal(size=(120, 2))
COUNTS = RNG.poisson(RNG.gamma(2.0, np.exp(0.3 * X[:, 0] + 0.5) / 2)).astype(float)
POSITIVE = RNG.gamma(3.0, np.exp(0.3 * X[:, 0]))
FOLDS = KFold(4, shuffle=True, random_state=0)


def counts():
    return {
        "Poisson": MLERegressor("poisson"),
        "scaled": make_pipeline(StandardScaler(), MLERegressor("negative_binomial")),
        "NB": MLERegressor("negative_binomial"),
        "ZIP": MLERegressor(L.ZeroInflated(L.Poisson())),
    }


def column(table, label):
    return dict(zip(table.table.index, table[label], strict=True))


def test_figures_of_the_fits():
    models = counts()
    table = compare(models, X, COUNTS, reference="NB")
    assert not hasattr(models["NB"], "coef_")
    fits = {name: clone(model).fit(X, COUNTS) for name, model in models.items()}
    for name in ("Poisson", "NB", "ZIP"):
        for label in ("AIC", "AICc", "BIC"):
            assert column(table, label)[name] == pytest.approx(getattr(fits[name], f"{label.lower()}_"))
    aic = table["AIC"]
    assert (np.diff(aic) >= 0).all()
    assert table["dAIC"].min() == 0
    np.testing.assert_allclose(table["weight"], np.exp(-aic / 2 + aic[0] / 2) / np.exp(-aic / 2 + aic[0] / 2).sum())
    ratio, vuong = likelihood_ratio_test(fits["Poisson"], fits["NB"]), vuong_test(fits["ZIP"], fits["NB"], X, COUNTS)
    assert column(table, "test") == {"NB": "reference", "Poisson": "LR(0+1)", "ZIP": "Vuong", "scaled": ""}
    for name, expected in (("Poisson", ratio), ("ZIP", vuong)):
        assert column(table, "statistic")[name] == pytest.approx(expected.statistic, abs=1e-6)
        assert column(table, "p")[name] == pytest.approx(expected.pvalue)
    assert compare(models, X, COUNTS).reference == table.best
    fitted = compare({"NB": fits["NB"]}, X, COUNTS)
    assert fitted.estimators_["NB"] is fits["NB"]
    assert len(fitted) == 1


def test_cross_validated_figures_by_hand():
    table = compare(counts(), X, COUNTS, cv=FOLDS)
    rows = {}
    for name, model in counts().items():
        rows[name], inside, spread = np.zeros(120), np.zeros(120), []
        for train, test in FOLDS.split(X):
            fit = clone(model).fit(X[train], COUNTS[train])
            last, at = (fit[-1], fit[:-1].transform(X[test])) if name == "scaled" else (fit, X[test])
            rows[name][test] = last.score_samples(at, COUNTS[test])
            low, high = last.predict_interval(at).T
            spread.append(crps(COUNTS[test], last.predict_dist(at)) * len(test))
            inside[test] = (low <= COUNTS[test]) & (COUNTS[test] <= high)
        assert column(table, "score")[name] == pytest.approx(rows[name].mean())
        assert column(table, "cover90")[name] == pytest.approx(inside.mean())
        assert column(table, "CRPS")[name] == pytest.approx(sum(spread) / 120)
    assert (np.diff(table["score"]) <= 0).all()
    for name, values in rows.items():
        gap = values - rows[table.best]
        assert column(table, "diff")[name] == pytest.approx(gap.mean(), abs=1e-12)
        assert column(table, "se")[name] == pytest.approx(gap.std(ddof=1) / np.sqrt(120), abs=1e-12)
        np.testing.assert_allclose(table.scores_[name], values)
    twice = compare(counts(), X, COUNTS, cv=RepeatedKFold(n_splits=4, n_repeats=2, random_state=0))
    assert np.isfinite(twice["score"]).all()
    assert (twice["se"][1:] > 0).all()
    assert twice["se"].max() < 1.5 * table["se"].max()
    assert twice["se"].max() > table["se"].max() / 1.4


def test_weights_are_repeated_rows():
    weight = RNG.integers(0, 3, 120)
    rows = np.repeat(np.arange(120), weight)
    splits = list(FOLDS.split(X))
    repeated = [(np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test))) for train, test in splits]
    models = {name: model for name, model in counts().items() if name != "scaled"}
    a = compare(models, X, COUNTS, cv=splits, sample_weight=weight)
    b = compare(models, X[rows], COUNTS[rows], cv=repeated)
    assert a.table.index == b.table.index
    for label in a.table.columns:
        if label != "test":
            np.testing.assert_allclose(a[label], b[label], rtol=1e-5, atol=1e-6, err_msg=label)
    assert "sum of weights" in str(a)


def test_transformed_targets_compare_on_the_original_scale():
    logs = TransformedTargetRegressor(MLERegressor(), func=np.log, inverse_func=np.exp)
    table = compare({"log y": logs, "lognormal": MLERegressor(L.LogNormal())}, X, POSITIVE, cv=FOLDS)
    for label in ("loglik", "AIC", "score", "cover90"):
        np.testing.assert_allclose(*table[label], rtol=1e-6)


def test_classifiers_of_others_join_by_their_log_loss():
    y = np.where(np.median(POSITIVE) < POSITIVE, "b", "a")
    other = LogisticRegression(C=1e-2)
    table = compare({"logit": MLEClassifier(), "strong penalty": other}, X, y, cv=FOLDS)
    held = np.concatenate([np.c_[test, clone(other).fit(X[t], y[t]).predict_proba(X[test])] for t, test in FOLDS.split(X)])
    loss = log_loss(y[held[:, 0].astype(int)], held[:, 1:])
    assert column(table, "score")["strong penalty"] == pytest.approx(-loss)
    assert np.isnan(column(table, "n_params")["strong penalty"])
    assert "strong penalty: not a model of sk_mle" in str(table)
    assert "–" in str(table)
    assert "cover90" not in table.table.columns


def test_comparison_notes_unreliable_figures():
    with pytest.warns(UserWarning, match=r"different kinds.*normal: densities"):
        mixed = compare({"Poisson": MLERegressor("poisson"), "normal": MLERegressor()}, X, COUNTS)
    assert column(mixed, "test")["Poisson" if mixed.best == "normal" else "normal"] == ""
    rounded = {"Poisson": MLERegressor("poisson"), "rounded": MLERegressor(L.Rounded(L.Normal(), width=1.0))}
    compare(rounded, X, COUNTS)  # both are probabilities: no warning
    y = np.where(np.arange(120) < 12, 0.0, POSITIVE)
    with pytest.warns(UserWarning, match="points of probability at 0"):
        compare({"hurdle": MLERegressor(L.Hurdle(L.Gamma())), "normal": MLERegressor()}, X, y)
    table = compare(
        {
            "plain": MLERegressor("gamma"),
            "ridge": MLERegressor("gamma", alpha=0.1),
            "stopped": MLERegressor("gamma", max_iter=1),
            "elsewhere": MLERegressor("gamma").fit(X[:60], POSITIVE[:60]),
        },
        X,
        POSITIVE,
        cv=3,
    )
    heavy = compare({"lomax": MLERegressor(L.Lomax(shape=0.4))}, X, POSITIVE, cv=3)
    assert "the CRPS does not exist" in str(heavy)
    text = str(table)
    for words in (
        "ridge: penalised",
        "stopped: did not converge",
        "elsewhere: was fitted to other data",
        "3 of 3 folds did not",
    ):
        assert words in text
    assert np.isfinite(column(table, "AIC")["plain"])
    assert table.reference == "plain"
    assert np.isnan([column(table, "AIC")[name] for name in ("ridge", "stopped", "elsewhere")]).all()
    assert np.isfinite(table["score"]).all()
    impossible = compare({"pareto": MLERegressor("gamma").fit(X, POSITIVE), "normal": MLERegressor()}, X, POSITIVE - 1)
    assert "pareto: calls" in str(impossible)
    assert impossible.best == "normal"


def test_errors_name_the_model():
    models = {"normal": MLERegressor(), "gamma": MLERegressor("gamma")}
    with pytest.raises(ValueError, match="gamma cannot be compared: its fit failed: y must lie in"):
        compare(models, X, X[:, 0], reference="gamma")
    with pytest.raises(ValueError, match="gamma cannot be compared: its fit failed: y must lie in"):
        compare({"gamma": models["gamma"], "weibull": MLERegressor("weibull")}, X, X[:, 0])
    wrong = np.where(np.arange(120) < 40, POSITIVE, POSITIVE)
    wrong[0] = np.nan
    with pytest.raises(ValueError, match=r"normal cannot be compared: .*NaN"):
        compare({"normal": MLERegressor()}, X, wrong)
    with pytest.raises(ValueError, match="reference='x' is none of"):
        compare({"normal": MLERegressor()}, X, POSITIVE, reference="x")
    with pytest.raises(ValueError, match="models is a dict"):
        compare([MLERegressor()], X, POSITIVE)
    labels = (np.arange(120) >= 100).astype(int)
    with pytest.raises(ValueError, match=r"few: the fit of fold 1/2 failed: .*one class"):
        compare({"few": MLEClassifier()}, X, labels, cv=[(np.arange(60), np.arange(60, 120)), (np.arange(120), np.arange(9))])


@pytest.mark.parametrize("cv", [None, 3])
def test_a_model_that_fails_with_all_rows_is_left_out(cv):
    models = {"gamma": MLERegressor("gamma"), "normal": MLERegressor(), "t": MLERegressor("student_t")}
    with pytest.warns(UserWarning, match="gamma cannot be compared: its fit failed: y must lie in.* It is left out") as caught:
        table = compare(models, X, X[:, 0] + RNG.normal(size=120), cv=cv)
    assert len(caught) == 1
    assert sorted(table.table.index) == sorted(table.estimators_) == ["normal", "t"]
    assert any(note.startswith("gamma cannot be compared: its fit failed: y must lie in") for note in table.notes)
    scored = MLERegressor("gamma").fit(X, POSITIVE)
    scored.likelihood_.evaluate = None
    with pytest.warns(UserWarning, match="scored cannot be compared: its log-likelihood failed"):
        assert compare({"scored": scored, "normal": MLERegressor()}, X, POSITIVE, cv=cv).best == "normal"


def test_columns_of_a_comparison(capsys):
    pd = pytest.importorskip("pandas")
    plt = pytest.importorskip("matplotlib.pyplot")
    models = {name: counts()[name] for name in ("NB", "ZIP")}
    plain, table = compare(models, X, COUNTS), compare(models, X, COUNTS, cv=3, verbose=1, n_jobs=2)
    assert isinstance(table.to_frame(), pd.DataFrame)
    assert table.to_frame().index[0] == table.best
    assert "<table " in table._repr_html_()
    assert "compare: NB, fitted to all rows" in capsys.readouterr().out
    for shown in (plain, table):
        axes = shown.plot()
        assert [label.get_text() for label in axes.get_yticklabels()] == shown.table.index
        assert axes.yaxis_inverted()
        assert shown.plot(axes) is axes
    plt.close("all")
    same = compare(models, X, COUNTS, cv=3)
    for label in ("score", "se", "AIC"):
        np.testing.assert_array_equal(same[label], table[label])  # whatever n_jobs


def test_a_parameter_at_its_edge_is_a_note_and_no_warning():
    y = RNG.binomial(8, 0.4, 120)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = compare({"Poisson": MLERegressor("poisson"), "NB": MLERegressor("negative_binomial")}, X, y)
    assert "NB: dispersion of NegativeBinomial ran to the lower edge" in str(table)
    assert column(table, "p")["NB"] > 0.5


def test_preprocessing_that_hides_the_nesting_gets_no_test():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = rng.gamma(2.0, np.exp(X[:, 0]))
    models = {
        "scaled": make_pipeline(StandardScaler(), MLERegressor("gamma")),
        "plain": MLERegressor("gamma", predictors={"mean": [0]}),
    }
    table = compare(models, X, y)
    assert sorted(table["test"].tolist()) == ["", "reference"]
    assert any("preprocessing differs" in note for note in table.notes)


def test_transformed_fit_of_other_rows_is_noted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = np.exp(X[:, 0] + rng.normal(size=200))
    other = TransformedTargetRegressor(MLERegressor(), func=np.log, inverse_func=np.exp).fit(X[:100], y[:100])
    table = compare({"other": other, "gamma": MLERegressor("gamma")}, X, y)
    assert any("fitted to other data" in note for note in table.notes)


CROSS = "score", "CRPS", "cover90"


class Fragile(L.Gamma):
    """A law of which one step fails, but in a fit to all rows."""

    def __init__(self, step, *, mean=None, shape=None, links=None):
        self.step = step
        super().__init__(mean=mean, shape=shape, links=links)

    def _break(self, step):
        if step == self.step:
            raise OverflowError("cannot convert float infinity to integer")

    def ppf(self, q, mean, shape):
        self._break("interval")
        return super().ppf(q, mean, shape)

    def crps(self, y, mean, shape):
        self._break("CRPS")
        return super().crps(y, mean, shape)

    def start(self, y, sample_weight):
        if len(y) < len(POSITIVE):
            self._break("fit")
        return super().start(y, sample_weight)


@pytest.mark.parametrize(
    ("step", "lost"), [("CRPS", ["CRPS"]), ("interval", ["cover90"]), ("fit", ["score", "CRPS", "cover90"])]
)
def test_a_step_that_fails_in_a_fold_costs_its_figures_only(step, lost):
    models = {"fragile": MLERegressor(Fragile(step)), "normal": MLERegressor()}
    with pytest.warns(UserWarning, match=f"fragile: the {step} of fold") as caught:
        table = compare(models, X, POSITIVE, cv=3)
    assert len(caught) == 3
    figures = {label: column(table, label) for label in CROSS}
    assert all(np.isnan(values["fragile"]) == (label in lost) for label, values in figures.items())
    assert all(np.isfinite(values["normal"]) for values in figures.values())
    assert f"fragile: the {step} of fold 1/3 failed" in str(table)
