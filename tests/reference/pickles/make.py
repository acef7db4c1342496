"""Fitted estimators as this version pickles them, with what they predict: python tests/reference/pickles/make.py.

Made once per release, kept for good: `tests/estimators/test_persistence.py` reads every file.
"""

import pickle
from pathlib import Path

import numpy as np

import sk_mle
from sk_mle import MLEClassifier, MLEDensity, MLERegressor, censored
from sk_mle.likelihoods import Censored, Gamma, Hurdle, Mixture, Normal, Ordinal, Poisson, Weibull
from sk_mle.links import Log

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
SIZES = RNG.gamma(2, 1, 60)
MODELS = {
    "gamma": MLERegressor(Gamma(links={"mean": Log()}), predictors={"shape": [0]}).fit(X, SIZES),
    "exposure": MLERegressor("poisson", exposure=1).fit(np.abs(X), np.round(SIZES)),
    "censored": MLERegressor(Censored(Weibull())).fit(X, censored(SIZES, SIZES < 2)),
    "hurdle": MLERegressor(Hurdle(Poisson())).fit(X, np.round(SIZES)),
    "mixture": MLERegressor(Mixture([("low", Normal()), ("high", Normal())])).fit(X, X[:, 0] + 9 * (SIZES > 1.5)),
    "classes": MLEClassifier().fit(X, np.array(["a", "b"])[(SIZES > 1.5) * 1]),
    "ordered": MLEClassifier(Ordinal()).fit(X, np.digitize(SIZES, [1, 2])),
}
if __name__ == "__main__":
    density = MLEDensity("gamma").fit(SIZES[:, None])
    made = {name: (model, model.predict(np.abs(X))) for name, model in MODELS.items()}
    content = {"X": np.abs(X), "models": made, "density": (density, density.score_samples(SIZES[:, None]), SIZES[:, None])}
    (Path(__file__).parent / f"{sk_mle.__version__}.pkl").write_bytes(pickle.dumps(content, protocol=4))
