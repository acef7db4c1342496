"""Saved estimators: pickles of former releases, versions, and names of classes."""

import copy
import pickle
import pickletools
import re
from pathlib import Path

import joblib
import numpy as np
import pytest

import sk_mle
from sk_mle import MLEDensity, MLERegressor, likelihoods, links
from sk_mle.domains import REAL
from sk_mle.exceptions import VersionWarning
from sk_mle.likelihoods import Gamma, Likelihood
from sk_mle.links import Log

PICKLES = sorted((Path(__file__).parents[1] / "reference" / "pickles").glob("*.pkl"))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
SIZES = RNG.gamma(2, 1, 60)
MODEL = MLERegressor(Gamma(links={"mean": Log()})).fit(X, SIZES)


@pytest.mark.parametrize("path", PICKLES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::sk_mle.exceptions.VersionWarning")
def test_pickles_of_former_releases_predict_what_they_predicted(path):
    content = pickle.loads(path.read_bytes())
    for model, predicted in content["models"].values():
        found = model.predict(content["X"])
        assert (found == predicted).all() if predicted.dtype.kind in "OU" else np.allclose(found, predicted, rtol=1e-9)
    density, scores, sample = content["density"]
    np.testing.assert_allclose(density.score_samples(sample), scores, rtol=1e-9)


def test_there_is_a_pickle_of_a_release():
    assert PICKLES


def saved_by(version, **more):
    """A copy of the model, as another version would have saved it."""
    state = MODEL.__getstate__()
    state["_sk_mle_version"] = version
    state["fit_"] |= more
    model = MLERegressor.__new__(MLERegressor)
    model.__setstate__(state)
    return model


def test_another_version_is_told():
    major, minor, _ = sk_mle.__version__.split(".", 2)
    here = re.escape(sk_mle.__version__)
    with pytest.warns(VersionWarning, match=f"saved by sk_mle 0.99.0 and is read by {here}.*or fit it again"):
        saved_by("0.99.0")
    np.testing.assert_array_equal(saved_by(f"{major}.{minor}.99").predict(X), MODEL.predict(X))
    with (
        pytest.warns(VersionWarning),
        pytest.raises(ValueError, match=r"was saved by sk_mle 9[.]0[.]0, whose fits hold what .*read it"),
    ):
        saved_by("9.0.0", unheard_of=1)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_predict_the_same_and_unfitted_ones_stay_unfitted(copied):
    np.testing.assert_array_equal(copied(MODEL).predict(X), MODEL.predict(X))
    assert copied(MODEL).inference(X, SIZES).names == ["mean:intercept", "mean:x0", "mean:x1", "shape:intercept"]
    assert not hasattr(copied(MLEDensity("gamma")), "fit_")
    assert vars(copied(MODEL)).keys() == vars(MODEL).keys()


def test_joblib(tmp_path):
    joblib.dump(MODEL, tmp_path / "model.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").predict(X), MODEL.predict(X))


def test_pickles_name_no_private_module():
    """So that they survive a change of the layout, and trust lists of skops are short."""
    for model in (MODEL, MLEDensity("gamma").fit(SIZES[:, None])):
        words = [
            arg for _, arg, _ in pickletools.genops(pickle.dumps(model)) if isinstance(arg, str) and arg.startswith("sk_mle")
        ]
        assert words
        assert [word for word in words if "._" in word] == []
    for module in (likelihoods, links):
        for name in module.__all__:
            if isinstance(value := getattr(module, name), type):
                assert "._" not in value.__module__, name


def test_skops():
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(MODEL)
    trusted = ["scipy.optimize._optimize.OptimizeResult", "sk_mle.MLERegressor", "sk_mle.likelihoods.Gamma", "sk_mle.links.Log"]
    assert skops.get_untrusted_types(data=data) == trusted
    np.testing.assert_array_equal(skops.loads(data, trusted=trusted).predict(X), MODEL.predict(X))


def test_a_law_that_a_function_defines():
    """pickle names no class of a function; cloudpickle, which the guide names, writes it into the file."""
    cloudpickle = pytest.importorskip("cloudpickle")

    class Local(Likelihood):
        parameters = {"loc": REAL}

        def __init__(self, *, loc=None, links=None):
            self.loc, self.links = loc, links

        def loglik(self, y, loc):
            return -((y - loc) ** 2) / 2 - np.log(2 * np.pi) / 2

    X, y = np.arange(8.0)[:, None], np.arange(8.0) % 3
    model = MLERegressor(Local()).fit(X, y)
    with pytest.raises((AttributeError, pickle.PicklingError), match="local object"):
        pickle.dumps(model)
    np.testing.assert_array_equal(cloudpickle.loads(cloudpickle.dumps(model)).predict(X), model.predict(X))
