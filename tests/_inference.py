"""Reference fits repeated by our estimators, with the covariance of the parameters that the reference speaks of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch

import _catalogue
import _reference
import numpy as np
from _reference import load, numbers

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import Dirichlet, Mixture, MultivariateNormal, Normal, Ordinal, Poisson, VonMises


class Repeated(NamedTuple):
    """A fit, the data that it was made on, and the way from a fitted estimator to the reference's parameters."""

    fixture: dict
    model: Any
    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None
    translate: Callable[[Any], np.ndarray]

    def inference(self, **options):
        return self.model.inference(self.X, self.y, sample_weight=self.sample_weight, **options)


@contextmanager
def recorded(module, model=None):
    """Whatever the module fits tells what it was fitted to; given a model, that one stands for the fit."""
    data: dict = {}

    def replacing(cls):
        def make(*args, **kwargs):
            made = cls(*args, **kwargs) if model is None else model
            fit = made.fit

            def record(X, y, sample_weight=None):
                del made.fit
                data.update(X=X, y=y, sample_weight=sample_weight)
                return fit(X, y, sample_weight=sample_weight) if model is None else model

            made.fit = record
            return made

        return make

    names = [name for name in ("MLERegressor", "MLEClassifier") if hasattr(module, name)]
    with patch.multiple(module, **{name: replacing(getattr(module, name)) for name in names}):
        yield data


def plain(fixture) -> Repeated:
    with recorded(_reference) as data:
        model, _, constant = _reference.fit(fixture)
    return Repeated(fixture, model, **data, translate=lambda other: _reference.estimates(fixture, other, constant))


def catalogued(fixture) -> Repeated:
    with recorded(_catalogue) as data:
        model, _ = _catalogue.fit(fixture)

    def translate(other):
        with recorded(_catalogue, other):
            return _catalogue.fit(fixture)[1]

    return Repeated(fixture, model, **data, translate=translate)


def ordered(fixture) -> Repeated:
    said, data = fixture["likelihood"], fixture["data"]
    blocks = [np.asarray(fixture["designs"][component]["X"], float) for component in fixture["designs"]]
    p, q = blocks[0].shape[1], sum(block.shape[1] for block in blocks)
    scale = {"scale": list(range(p, q))} if len(blocks) > 1 else {}
    law = Ordinal(distribution=said["links"]["loc"], scale=None if scale else 1.0)
    weight = data.get("weights")
    X, y = np.hstack(blocks), np.asarray(data["y"])
    model = MLEClassifier(law, predictors={"loc": list(range(p)), **scale}).fit(X, y, sample_weight=weight)
    order = dict.fromkeys(p["component"] for p in fixture["reference"]["params"])

    def translate(other):
        cuts = other.likelihood_.cutpoints(other.intercepts_)
        found = {"threshold": cuts, "loc": other.coefs_["loc"], "log_scale": other.coefs_.get("scale", [])}
        return np.concatenate([np.ravel(found[component]) for component in order])

    return Repeated(fixture, model, X, y, weight, translate)


def rows(matrix, intercept):
    return np.column_stack([intercept, matrix]).ravel()


def _joint(model):
    params = {name: value[:1] for name, value in model.predict_params(np.zeros((1, model.n_features_in_))).items()}
    covariance = model.likelihood_.covariance(**params)[0]
    return np.concatenate([rows(model.coefs_["mean"], model.intercepts_["mean"]), covariance[np.tril_indices(len(covariance))]])


def _shares(model):
    logits = model.intercepts_["logits"]
    return np.exp(logits) / np.exp(logits).sum()


def _normals(model):
    (a, b), at, scale = _shares(model), model.intercepts_, np.exp(model.intercepts_["scale"])
    return np.array([a, at["a__loc"], scale, b, at["b__loc"], scale])


def _poissons(model):
    parts = zip(_shares(model), "ab", strict=True)
    parts = [(share, model.intercepts_[f"{k}__mean"], *model.coefs_[f"{k}__mean"]) for share, k in parts]
    return np.concatenate(sorted(parts, key=lambda part: part[1]))


def _angles(model):
    return np.array([*model.coefs_["loc"], model.intercepts_["origin"], np.exp(model.intercepts_["concentration"])])


_LAW = Mixture([("a", Normal()), ("b", Normal())], shared=["scale"])
_ORIGIN = {"predictors": dict.fromkeys(("a__loc", "b__loc"), "intercept")}
SPECIAL = {
    "dirichlet": (Dirichlet(), {}, lambda model: rows(model.coefs_["concentration"], model.intercepts_["concentration"])),
    "mvnormal": (MultivariateNormal(), {}, _joint),
    "mixnormal_equalvar": (_LAW, _ORIGIN, _normals),
    "mixreg_poisson": (Mixture([("a", Poisson()), ("b", Poisson())]), {}, _poissons),
    "vonmises_reg": (VonMises(origin=None), {"fit_intercept": False}, _angles),
}


def special(fixture) -> Repeated:
    law, options, translate = SPECIAL[fixture["likelihood"]["name"]]
    data = fixture["data"]
    component = next(iter(fixture["designs"]), None)
    X, y = np.zeros((len(data["y"]), 1)), np.asarray(data["y"], float)
    if component is not None:
        X, _ = _reference.design(fixture, component)
    if X.shape[1] == 0:
        X = np.zeros((len(y), 1))
    return Repeated(fixture, MLERegressor(law, **options).fit(X, y), X, y, None, translate)


@cache
def repeat(name) -> Repeated:
    """The fit of a fixture of maximum likelihood, whatever its law."""
    fixture = load(name)
    law = fixture["likelihood"]["name"]
    if law in _reference.LAWS:
        return plain(fixture)
    if law in _catalogue.CASES:
        return catalogued(fixture)
    return ordered(fixture) if law == "ordinal" else special(fixture)


def native(inference, translate):
    """The reference's parameters and their covariance, by differences of the translation from our coefficients."""
    model = copy(inference.model)

    def value(vector):
        coefs, intercepts = inference.layout.unflatten(vector)
        model.fit_ = replace(inference.model.fit_, coefs=coefs, intercepts=intercepts)
        return np.asarray(translate(model), float)

    columns = []
    for i, error in enumerate(inference.bse):
        step = np.zeros(len(inference.params))
        step[i] = 1e-2 * error
        near, far = (value(inference.params + k * step) - value(inference.params - k * step) for k in (1, 2))
        columns.append((8 * near - far) / (12 * step[i]))
    J = np.stack(columns, axis=1)
    return value(inference.params), J @ inference.cov_params() @ J.T


def errors(fixture):
    """Standard errors of the reference, and of observed information at its exact optimum; NaN where not given."""
    given = numbers([p.get("se") for p in fixture["reference"]["params"]])
    refined = fixture["crosscheck"].get("refined_se_observed")
    return given, np.full(len(given), np.nan) if refined is None else numbers(refined)
