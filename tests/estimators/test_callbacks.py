"""scikit-learn's callbacks: the arguments of their calls in a fit, alone and in a search, and that a fit keeps none."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sk_mle import MLEClassifier, MLEDensity, MLERegressor
from sk_mle.exceptions import BoundaryWarning

callback = pytest.importorskip("sklearn.callback")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
Y = RNG.negative_binomial(2, 2 / (2 + np.exp(X[:, 0]))).astype(float)


class Recorder:
    """Keeps what it is told."""

    max_propagation_depth = None

    def __init__(self):
        self.told = []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        score = None if fitted_estimator is None or y is None else fitted_estimator.score(X, y)
        self.told.append(("end", context.task_name, score))


def test_every_iteration_is_reported_with_the_model_so_far():
    recorder = Recorder()
    model = MLERegressor("negative_binomial").set_callbacks(recorder).fit(X, Y)
    assert recorder.told[:2] == ["setup", ("begin", "fit")]
    assert recorder.told[-1] == "teardown"
    assert recorder.told[-2] == ("end", "fit", model.score(X, Y))
    scores = [entry[2] for entry in recorder.told if entry[:2] == ("end", "iteration")]
    assert len(scores) >= model.n_iter_ - 1 > 1
    assert scores[0] < scores[-1] == pytest.approx(model.score(X, Y))
    plain = MLERegressor("negative_binomial").fit(X, Y)
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    assert vars(model).keys() - vars(plain).keys() == {"_skl_callbacks"}
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(MLERegressor().fit(X, Y)))):
        assert twin.predict(X).shape == (80,)


@pytest.mark.parametrize(("estimator", "y"), [(MLEClassifier(), Y > 0), (MLEDensity("normal"), None)])
def test_other_estimators(estimator, y):
    recorder = Recorder()
    estimator.set_callbacks(recorder).fit(X[:, :1], *[y] * (y is not None))
    assert [entry[0] for entry in recorder.told[1:-1]].count("begin") == [entry[0] for entry in recorder.told[1:-1]].count(
        "end"
    )


def test_a_fit_that_fails_is_ended():
    recorder = Recorder()
    model = MLERegressor("poisson").set_callbacks(recorder)
    with pytest.raises(ValueError, match="y must lie in"):
        model.fit(X, -1 - Y)
    assert recorder.told == ["setup", ("begin", "fit"), "teardown"]
    assert vars(model).keys() == vars(MLERegressor("poisson")).keys() | {"_skl_callbacks"}


def test_a_search_reports_its_fits():
    search = GridSearchCV(MLERegressor("poisson"), {"alpha": [0.0, 0.1]}, cv=2)
    if not hasattr(search, "set_callbacks"):
        pytest.skip("searches take no callbacks")
    recorder = Recorder()
    search.set_callbacks(recorder).fit(X, Y)
    assert ("begin", "iteration") in recorder.told


def test_warnings_point_at_the_line_of_the_fit():
    with pytest.warns(BoundaryWarning) as caught:
        MLERegressor("negative_binomial").fit(X, np.arange(80) % 3)
    assert caught[0].filename == __file__
