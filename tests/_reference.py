"""Reading a reference fit and repeating it with our estimators.

Each file of `tests/reference` is one model fitted by R, Stata or certified by NIST, with data, designs and estimates; see
the `dataset.source` and `reference` entries inside. Nothing in them was computed by this package.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import Bernoulli, Beta, Categorical, Gamma, Laplace, NegativeBinomial, Normal, Poisson, StudentT

FOLDER = Path(__file__).parent / "reference"

# The reference's name of a likelihood -> our law, and our name of its second component.
LAWS = {
    "beta": (Beta, "mean"),
    "beta_varphi": (Beta, "mean"),
    "binomial": (Bernoulli, "prob"),
    "gamma": (Gamma, "mean"),
    "laplace": (Laplace, "loc"),
    "multinomial": (Categorical, "logits"),
    "negbin2": (NegativeBinomial, "mean"),
    "negbin2_disp": (NegativeBinomial, "mean"),
    "normal": (Normal, "loc"),
    "normal_het": (Normal, "loc"),
    "poisson": (Poisson, "mean"),
    "student_t": (StudentT, "loc"),
    "student_t_cens": (StudentT, "loc"),  # the one fixture has no censored row
    "student_t_het": (StudentT, "loc"),
}
# Components on a linear predictor of their own: our parameter, and the factor from our linear predictor to theirs.
LINEAR = {"log_phi": ("precision", 1.0), "log_scale": ("scale", 1.0), "log_size": ("dispersion", -1.0)}
# Components that are one number: the value from our natural parameters.
NATURAL = {
    "phi": lambda p: p["precision"],
    "shape": lambda p: p["shape"],
    "sigma": lambda p: p["scale"],
    "scale": lambda p: p["scale"],
    "scale_s": lambda p: p["scale"] / 2,
    "df": lambda p: p["df"],
    "theta": lambda p: 1 / p["dispersion"],
    "alpha": lambda p: p["dispersion"],
    "log_scale2": lambda p: 2 * np.log(p["scale"]),
}


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def numbers(values):
    return np.array([np.nan if value is None else value for value in values], float)


def design(fixture, component):
    """Columns without the constant, where the constant stands (or None), and the number of columns."""
    given = fixture["designs"][component]
    if "same_as" in given:
        return design(fixture, given["same_as"])
    if "polynomial_in" in given:
        X = np.vander(numbers(fixture["data"][given["polynomial_in"]]), given["degree"] + 1, increasing=True)
    else:
        X = np.asarray(given["X"], float)
    constant = [j for j in range(X.shape[1]) if (X[:, j] == 1).all()]
    return np.delete(X, constant, axis=1), constant[0] if constant else None


def fit(fixture):
    """Our estimator fitted to the fixture with default settings, its X, and where the first constant stands."""
    said = fixture["likelihood"]
    law, first = LAWS[said["name"]]
    components = list(fixture["designs"])
    X, constant = design(fixture, components[0])
    data = fixture["data"]
    y, weight = numbers(data.get("y", data.get("lower", []))), data.get("weights")
    links = {} if law in (Categorical, Laplace) else {"links": {first: said["links"]["loc"]}}
    fixed = {"df": said["df_fixed"]} if "df_fixed" in said else {}
    options = {"fit_intercept": constant is not None}
    if len(components) > 1:
        second, _ = design(fixture, components[1])
        p, q = X.shape[1], second.shape[1]
        options["predictors"] = {first: list(range(p)), LINEAR[components[1]][0]: list(range(p, p + q))}
        X = np.hstack([X, second])
    if "offset" in data:
        options["offset"] = X.shape[1]
        X = np.column_stack([X, numbers(data["offset"])])
    if "trials" in data:  # successes out of trials are weighted ones and zeros
        trials = numbers(data["trials"])
        X, y, weight = np.vstack([X, X]), np.repeat([1.0, 0.0], len(y)), np.concatenate([y, trials - y])
    estimator = MLEClassifier if law.target_type == "classes" else MLERegressor
    return estimator(law(**links, **fixed), **options).fit(X, y, sample_weight=weight), X, constant


def estimates(fixture, model, constant):
    """Our estimates in the order of the reference's parameters."""
    names = [p["component"] for p in fixture["reference"]["params"]]
    first = next(iter(model.coefs_))
    if first == "logits":
        coef, intercept = (values[first] - values[first][0] for values in (model.coefs_, model.intercepts_))
        return np.concatenate([np.r_[intercept[k], coef[k]] for k in range(1, len(coef))])
    found = dict.fromkeys(names)
    for component in found:
        if component == "loc":
            found[component] = _with_constant(model, first, constant)
        elif component in fixture["designs"]:
            parameter, factor = LINEAR[component]
            found[component] = factor * _with_constant(model, parameter, design(fixture, component)[1])
        elif component in LINEAR:
            parameter, factor = LINEAR[component]
            found[component] = [factor * model.intercepts_[parameter]]
        else:
            natural = {name: np.exp(value) for name, value in model.intercepts_.items() if name != first}
            found[component] = [NATURAL[component](natural)]
    return np.concatenate([np.atleast_1d(value) for value in found.values()])


def _with_constant(model, parameter, constant):
    coef = model.coefs_[parameter]
    return coef if constant is None else np.insert(coef, constant, model.intercepts_[parameter])
