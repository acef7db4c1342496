"""Checks of the declaration, of the density and of its derivatives."""

from __future__ import annotations

import pickle

import numpy as np
from sklearn.base import clone

from .._utils.differences import differentiate, stacking
from ..domains import REAL
from ..likelihoods import Likelihood
from ..likelihoods._functions import density_fault, modelled, overrides, total_probability, undeclared_kinks
from ._tools import as_text, close, draw, expect, row, sample, within_error


def declaration(law: Likelihood, rng: np.random.Generator) -> None:
    """Parameters, constructor and the shape of `loglik` follow the protocol."""
    expect(len(law.parameters) > 0, "no parameters", "a dict of names to domains")
    law.check()
    parameters = law.get_params(deep=False)
    missing = [name for name in parameters if name not in (*law.parameters, "links") and not hasattr(law, name)]
    expect(not missing, f"constructor arguments without an attribute {missing}", "self.name = name for each")
    domains = {"y": law.support} | {name: law.layout[name].domain for name in law.layout.free}
    for name, domain in domains.items():
        inside = domain.contains(domain.typical).all()
        expect(inside, f"domain {domain} of {name} with typical={domain.typical}", "typical values inside the domain")
    outside = [atom for atom in law.support.atoms if not law.support.contains(atom)]
    expect(not outside, f"atoms {outside}", f"points of the support {law.support}")
    law, _, theta = draw(law, rng, 10)
    y = np.arange(10.0) % 2 if law.target_type == "classes" else law.support.draw(rng, 10)
    if law.target_type == "targets" or law.predictive is not law:
        y = law.rvs(rng, (10,), **theta)
    value = np.asarray(law.loglik(y, **theta))
    expect(value.shape == (10,), f"loglik of shape {value.shape}", "one value per sample, (10,)")
    few_digits = value.dtype.kind == "f" and value.dtype.itemsize < 8
    expect(not few_digits, f"loglik of the type {value.dtype}", "float64, of whose digits differences and integrals lose half")
    others = draw(law, rng, 10)[2]
    for name in law.layout.free if np.isfinite(value).any() else ():
        depends = (np.asarray(law.loglik(y, **{**theta, name: others[name]})) != value).any()
        expect(depends, f"a loglik that does not depend on {name}", "one that does, or no such parameter")


def clone_and_pickle(law: Likelihood, rng: np.random.Generator) -> None:
    """A clone and an unpickled copy have the same log-likelihood."""
    bound, _, theta, y = sample(law, rng, 10)
    value = bound.loglik(y, **theta)
    close(clone(bound).loglik(y, **theta), value, 0, 0, "loglik of the clone")
    close(pickle.loads(pickle.dumps(bound)).loglik(y, **theta), value, 0, 0, "loglik of the unpickled law")


def normalised(law: Likelihood, rng: np.random.Generator) -> None:
    """The density integrates, or the probabilities sum, to one."""
    if objection := density_fault(law):
        raise AssertionError(f"found {objection}")
    law, _, theta = draw(law.predictive, rng, 8)
    for i in range(8):
        params = row(theta, i)
        if law.target_type == "classes" and law.support.high == np.inf:
            codes = np.arange(50.0)  # codes that are not classes have no probability
            params_by_code = {name: np.broadcast_to(value, (len(codes), *np.shape(value))) for name, value in params.items()}
            total = np.exp(law.loglik(codes, **params_by_code)).sum()
        else:
            total, resolved = total_probability(law, params)
            total += sum(float(np.exp(law.loglik(np.float64(atom), **params))) for atom in law.support.atoms)
            if not resolved:  # part of the probability is nearer to the support's end than floating point resolves
                continue
        close(total, 1.0, 1e-6, 0, f"total probability at {as_text(params)}")


def derivatives(law: Likelihood, rng: np.random.Generator) -> None:
    """Gradient and observed information of `evaluate` agree with differences of the log-likelihood."""
    law, eta, _, y = sample(law, rng, 60)
    stack, unstack, places = stacking({name: eta[name] for name in law.layout.free})
    is_real = {name: law.layout[name].link.range == REAL and law.smooth and name in modelled(law) for name in law.layout.free}
    growable = np.concatenate([np.repeat(is_real[name], place.stop - place.start) for name, place in places.items()])
    _, d1, d2 = differentiate(lambda p: law.evaluate(y, unstack(p), 0).loglik, stack(eta), 2, growable)
    result = law.evaluate(y, eta, 2)
    undeclared = undeclared_kinks(law, law.layout.free[0], result)
    expect(not undeclared, undeclared, "a smooth log-likelihood, or that declaration")
    expected_gradient = unstack(d1)
    for name in law.layout.free:
        scale = 1 + np.abs(expected_gradient[name]).max()
        close(result.gradient[name], expected_gradient[name], 1e-7, 1e-7 * scale, f"gradient in the linear predictor of {name}")
    for a in law.layout.free:
        for b in law.layout.free[law.layout.free.index(a) :]:
            block = result.information.get((a, b), result.information.get((b, a), np.zeros(len(y))))
            block = np.reshape(block, (len(y), *(np.shape(block)[1:] or (1, 1))))
            expected = -d2[:, places[a], places[b]]
            scale = 1 + np.abs(expected).max()
            close(block, expected, 1e-5, 1e-6 * scale, f"observed information of ({a}, {b})")


def fused_forms(law: Likelihood, rng: np.random.Generator) -> None:
    """`terms` and `evaluate` agree with `loglik` and the chain rule."""
    law, eta, theta, y = sample(law, rng, 60)
    close(law.terms(y, 0, **theta)[0], law.loglik(y, **theta), 1e-9, 1e-9, "loglik of terms against loglik(y, **params)")
    if not overrides(law, "evaluate"):
        return
    own, derived = law.evaluate(y, eta, 2), Likelihood.evaluate(law, y, eta, 2)
    plain = law.loglik(y, **law.layout.theta(eta))  # `derived.loglik` may come from `evaluate` itself, by differences
    close(own.loglik, plain, 1e-9, 1e-9, "loglik of evaluate against loglik(y, **params)")
    for name in law.layout.free:
        close(own.gradient[name], derived.gradient[name], 1e-8, 1e-8, f"evaluate's gradient of {name} against the chain rule")


def fisher(law: Likelihood, rng: np.random.Generator) -> None:
    """Scores of draws have mean zero and the expected information as covariance."""
    if law.fisher is None:
        return
    law, eta, _ = draw(law, rng, 4)
    for i in range(4):
        repeated_eta = {name: np.repeat(value[i : i + 1], 20000, axis=0) for name, value in eta.items()}
        y = law.rvs(rng, (20000,), **law.layout.theta(repeated_eta))
        result = law.evaluate(y, repeated_eta, 2, "expected")
        for a in law.layout.free:
            score = result.gradient[a].reshape(20000, -1)
            within_error(score, 0.0, f"mean of the score of {a}")
            for b in law.layout.free:
                block = result.information.get((a, b), np.zeros(20000))
                if (b, a) in result.information and (a, b) not in result.information:
                    continue
                block = np.broadcast_to(
                    block.reshape(len(block), *(block.shape[1:] or (1, 1))), (20000, *(block.shape[1:] or (1, 1)))
                )
                product = score[:, :, None] * result.gradient[b].reshape(20000, 1, -1)
                if (a, b) in result.information or (b, a) not in result.information:
                    mean = block.mean(axis=0)  # of rows that differ where y holds random numbers of trials
                    within_error(product, mean, f"expected information of ({a}, {b}), against the variance of the score")


def extremes(law: Likelihood, rng: np.random.Generator) -> None:
    """The log-likelihood is never NaN or +inf, and finite with its gradient at moderate linear predictors."""
    law, eta, _, y = sample(law, rng, 40)
    for name in law.layout.free:
        for level in (-5.0, 5.0, -20.0, 20.0, -500.0, 500.0):
            shift = np.zeros_like(eta[name]) + level
            if eta[name].ndim > 1:
                shift[:, 1:] = 0.0
            result = law.evaluate(y, {**eta, name: shift}, 1)
            place = f"at a linear predictor of {level:g} for {name}"
            impossible = result.loglik[np.isnan(result.loglik) | (result.loglik == np.inf)]
            expect(len(impossible) == 0, f"loglik {impossible[:1]} {place}", "a number or -inf")
            inside = law.layout[name].domain.includes(law.layout[name].link.range)
            if abs(level) < 10 and inside:
                expect(np.isfinite(result.loglik).all(), f"loglik {result.loglik.min()} {place}", "finite values")
                finite = all(np.isfinite(value).all() for value in result.gradient.values())
                expect(finite, f"non-finite gradient {place}", "finite values")
