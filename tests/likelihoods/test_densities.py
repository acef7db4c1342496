"""Densities, tails and quantiles of every law against mpmath, parameters from 1e-8 to 1e8 and y as far as numbers go."""

from itertools import product

import mpmath as mp
import numpy as np
import pytest
from _densities import MASSES, REFERENCES, conway_maxwell_poisson_logpmf, tails_of_masses, transformed, truncated, with_zeros

from sk_mle import Distribution, likelihoods
from sk_mle.likelihoods import LAWS, Hurdle, Mixture, Transformed, Truncated, ZeroInflated

pytestmark = pytest.mark.filterwarnings("error")

TOLERANCE = 1e-9  # relative, and absolute below 1
ROUNDINGS = 64  # of every argument, what they move a value by is no error of the function
POSITIVE = [5e-324, 1e-300, 1e-100, 1e-20, 1e-8, 1e-3, 0.3, 1.0, 1.7, 5.0, 40.0, 1e3, 1e8, 1e100, 1e300]
REAL = [0.0, 1e-300, *(s * size for size in (1e-8, 0.3, 1.0, 5.0, 40.0, 1e4, 1e8, 1e100) for s in (-1, 1))]
UNIT = [5e-324, 1e-300, 1e-20, 1e-3, 0.3, 0.5, 0.9, 1 - 1e-10, 1 - 2.0**-53]
LEVELS = np.array([1e-300, 1e-20, 1e-5, 0.1, 0.5, 0.7, 0.9, 1 - 1e-5, 1 - 1e-10])
LARGEST = 1.79e308


def law_of(name):
    law = getattr(likelihoods, name)()
    return law.set_params(trials="trials") if "trials" in law.get_params() else law


def ours(name, params, method, value):
    """A method of our distribution, at one value."""
    law = Distribution(law_of(name), {key: np.array([at]) for key, at in params.items()})
    return float(np.asarray(getattr(law, method)(np.array([value])))[0])


def points(name, params):
    """Values of y: extreme ones, and quantiles with what lies up to 40 of their distances beyond."""
    support = REFERENCES[name].support
    fixed = {"positive": POSITIVE, "unit": UNIT, "circle": np.linspace(-np.pi, np.pi, 13)}.get(support)
    if fixed is None:
        fixed = params["loc"] + params["scale"] * np.array(REAL)
    with np.errstate(all="ignore"):
        inner = Distribution(getattr(likelihoods, name)(), params).ppf(LEVELS)
        width = inner[6] - inner[3]
        inner = np.concatenate([inner, inner[4] + width * np.array([-40, -15, -4, -1, 1, 4, 15, 40])])
    y = np.unique(np.concatenate([fixed, inner[np.isfinite(inner)]]))
    low, high = {"positive": (0, np.inf), "unit": (0, 1), "circle": (-4, 4)}.get(support, (-np.inf, np.inf))
    near = np.abs((y - params.get("loc", 0.0)) / params.get("scale", 1.0)) < 1e300 if support == "real" else True
    return y[(y > low) & (y < high) & near]


def cells(name, most, seed=0):
    """Parameters and values of y, some of all if those are more."""
    names, values = zip(*REFERENCES[name].values.items(), strict=True)
    found = [
        (params, y) for at in product(*values) for params in [dict(zip(names, at, strict=True))] for y in points(name, params)
    ]
    order = np.random.default_rng(seed).permutation(len(found))[:most]
    return [found[k] for k in sorted(order)]


def exact(f, y, params):
    with mp.workdps(60):
        return f(mp.mpf(float(y)), **{name: mp.mpf(float(value)) for name, value in params.items()})


def conditioning(f, y, params):
    """By how much one unit in the last place of y and of every parameter moves f, summed."""
    step, total = mp.mpf(2) ** -52, mp.mpf(0)
    with mp.workdps(60):
        args = {"y": mp.mpf(float(y)), **{name: mp.mpf(float(value)) for name, value in params.items()}}
        here = f(args["y"], **{name: v for name, v in args.items() if name != "y"})
        for name in args:
            size = max(abs(args[name]) * step, mp.mpf(5e-324) if name == "y" else 0)
            for sign in (-1, 1):
                moved = {**args, name: args[name] + sign * size}
                if args[name] > 0 >= moved[name]:
                    continue
                try:
                    there = f(moved.pop("y"), **moved)
                except (ValueError, ZeroDivisionError):
                    return mp.inf
                if mp.isinf(there) != mp.isinf(here):
                    return mp.inf
                total += abs(there - here) if not mp.isinf(here) else 0
    return total


def right(found, f, y, params):
    """Whether a number is the value of f, to the tolerance and to the rounding of its arguments."""
    value = exact(f, y, params)
    if np.isnan(found):
        return False, value
    if abs(value) > LARGEST:
        return bool(abs(found) >= 1e305 and np.sign(found) == int(mp.sign(value))), value
    allowed = TOLERANCE * max(abs(value), 1)
    if np.isinf(found) or abs(mp.mpf(float(found)) - value) > allowed:
        allowed = allowed + ROUNDINGS * conditioning(f, y, params)
        if mp.isinf(allowed):
            return True, value
        return bool(not np.isinf(found) and abs(mp.mpf(float(found)) - value) <= allowed), value
    return True, value


def faults(name, most, seed=0):
    """Lines that say which values are wrong."""
    reference, found = REFERENCES[name], []
    for params, y in cells(name, most, seed):
        tried = [("logpdf", reference.logpdf)]
        if reference.tails:
            tried += [(f"log{side}", lambda *a, k=k, **p: reference.tails(*a, **p)[k]) for k, side in enumerate(("cdf", "sf"))]
        values = {}
        for method, f in tried:
            values[method] = ours(name, params, method, y)
            good, value = right(values[method], f, y, params)
            if not good:
                found.append(f"{name}.{method}({y!r}, {params}) is {values[method]!r}, right {mp.nstr(value, 12)}")
        for method in ("cdf", "sf") if reference.tails else ():
            plain = ours(name, params, method, y)
            if not abs(plain - np.exp(values[f"log{method}"])) <= 1e-9 * plain + 1e-300 and values[f"log{method}"] > -690:
                found.append(f"{name}.{method}({y!r}, {params}) is {plain!r}, exp of log {np.exp(values[f'log{method}'])!r}")
    return found


def tail_at(reference, y, params, upper, ends):
    """The log of a tail; at an end of the numbers, or of the support, all that may be beyond counts."""
    if y >= ends[1] or y <= ends[0]:
        return (-mp.inf if upper else mp.mpf(0)) if y >= ends[1] else (mp.mpf(0) if upper else -mp.inf)
    return exact(reference.tails, y, params)[int(upper)]


def quantile_faults(name, most, seed=0):
    """Quantiles whose tail probability is another, by more than a step of y, or of 1e-9 in its log, makes up for."""
    reference, found = REFERENCES[name], []
    if reference.tails is None:
        return []
    names, values = zip(*reference.values.items(), strict=True)
    tried = [(dict(zip(names, at, strict=True)), q) for at in product(*values) for q in (*LEVELS, 1e-9, 0.3)]
    order = np.random.default_rng(seed).permutation(len(tried))[:most]
    ends = {"positive": (0.0, np.inf), "unit": (0.0, 1.0), "circle": (-4, 4)}.get(reference.support, (-np.inf, np.inf))
    for params, q in (tried[k] for k in sorted(order)):
        y = ours(name, params, "ppf", q)
        if np.isnan(y):
            found.append(f"{name}.ppf({q!r}, {params}) is nan")
            continue
        upper = q > 0.5
        target = mp.log1p(-mp.mpf(q)) if upper else mp.log(mp.mpf(q))
        grow = 1e-15 * max(abs(y), *(abs(v) for k, v in params.items() if k == "loc"), 1e-320)
        far = [np.sign(y) * LARGEST, y]  # a quantile that no number holds
        near = np.nextafter(y - grow, -np.inf), np.nextafter(y + grow, np.inf)
        around = far if np.isinf(y) else [min(max(v, ends[0]), ends[1]) for v in near]
        at = [tail_at(reference, v, params, upper, ends) for v in around]
        low, high = min(at), max(at)
        slack = 1e-9 * max(abs(target), 1)
        if not low - slack <= target <= high + slack:
            low, high, target = (mp.nstr(value, 12) for value in (low, high, target))
            found.append(f"{name}.ppf({q!r}, {params}) is {y!r}: log tail {low} to {high}, not {target}")
    return found


def score(f, y, params, name, real, smooth=True):
    """The derivative in a parameter, by a difference over a step that is small to every number in it, and beside a kink."""
    with mp.workdps(400):
        at = {key: mp.mpf(float(value)) for key, value in params.items()}
        x, y = at.pop(name), mp.mpf(float(y))
        size = abs(x) or 1
        if name == "loc" and real:
            size = max(abs(y - x), params["scale"]) if smooth else abs(y - x)
        h = mp.mpf(10) ** -130 * size
        return (f(y, **at, **{name: x + h}) - f(y, **at, **{name: x - h})) / (2 * h)


def score_faults(name, found_cells):
    """Derivatives of the log-density that are wrong; where that is no number, or beyond 1e150, they are no matter."""
    law, reference, found = law_of(name), {**REFERENCES, **MASSES}[name], []
    f, real = reference.logpdf, reference.support == "real"
    for params, y in found_cells:
        if not abs(ours(name, params, "logpdf", y)) < 1e150 or (not law.smooth and abs(y - params["loc"]) < 1e-100):
            continue
        with np.errstate(all="ignore"):
            gradient = law.gradient(np.array([y]), **{key: np.array([value]) for key, value in params.items()})
        for key in set(gradient) & set(params):
            value, exact_score = float(np.ravel(gradient[key])[0]), score(f, y, params, key, real, law.smooth)
            unit = 1 / params["scale"] if key == "loc" and "scale" in params else 1 / (abs(params[key]) or 1)
            allowed = 1e-7 * abs(exact_score) + (1e-14 if key == "loc" else 1e-7) * unit
            if not abs(value - exact_score) <= allowed and not abs(exact_score) > LARGEST:
                slack = conditioning(lambda y, key=key, **at: score(f, y, at, key, real), y, params)
                if not abs(value - exact_score) <= allowed + ROUNDINGS * slack:
                    found.append(f"{name}: d/d{key} at {y!r}, {params} is {value!r}, right {mp.nstr(exact_score, 12)}")
    return found


def mass_cells(name, most):
    """Counts and parameters of a law of counts."""
    names, values = zip(*MASSES[name].values.items(), strict=True)
    found = [
        (params, y)
        for at in product(*values)
        for params in [dict(zip(names, at, strict=True))]
        for y in (0.0, 1.0, 2.0, 12.0, 40.0, 1e3)
        if y <= params.get("trials", np.inf)
    ]
    order = np.random.default_rng(0).permutation(len(found))[:most]
    return [found[k] for k in sorted(order)]


SLOW = dict.fromkeys(("Gamma", "GeneralizedGamma", "InverseGamma"), 30) | {"SkewNormal": 8, "VonMises": 8, "SkewT": 60}
ELSEWHERE = {"Tweedie"}  # with laws that have probability at one point


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", REFERENCES)
def test_densities_and_tails(name):
    found = faults(name, SLOW.get(name, 120))
    assert not found, "\n".join(found)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", REFERENCES)
def test_quantiles(name):
    found = quantile_faults(name, SLOW.get(name, 120))
    assert not found, "\n".join(found)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", REFERENCES)
def test_scores(name):
    found = score_faults(name, cells(name, {"SkewT": 20, "Beta": 30}.get(name, 60), seed=5))
    assert not found, "\n".join(found)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MASSES)
def test_masses_and_their_scores(name):
    f, of_name = MASSES[name].logpdf, mass_cells(name, 20 if name == "PoissonInverseGaussian" else 60)
    found = score_faults(name, of_name)
    for params, y in of_name:
        good, value = right(value_found := ours(name, params, "logpdf", y), f, y, params)
        if not good:
            found.append(f"{name}.logpdf({y!r}, {params}) is {value_found!r}, right {mp.nstr(value, 12)}")
    assert not found, "\n".join(found)


@pytest.mark.exhaustive
def test_masses_of_conway_maxwell_poisson():
    """Where lambda is the root of an equation; also of the law that lies nearly at one whole number."""
    for mean, dispersion in product((1e-8, 0.3, 1.0, 2.5, 12.0), (0.003, 0.03, 0.3, 1.0, 2.5)):
        for y in (0.0, 1.0, 2.0, 12.0, 40.0):
            value = exact(conway_maxwell_poisson_logpmf, y, {"mean": mean, "dispersion": dispersion})
            found = ours("ConwayMaxwellPoisson", {"mean": mean, "dispersion": dispersion}, "logpdf", y)
            assert abs(found - value) <= 1e-9 * max(abs(value), 1), (mean, dispersion, y, found, value)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MASSES)
def test_tails_of_counts(name):
    tails, found = tails_of_masses(MASSES[name].logpdf), []
    for params, y in mass_cells(name, 60):
        if y <= 40:
            found += tail_faults(law_of(name), tails, params, y)
    assert not found, "\n".join(found)


def tail_faults(law, tails, params, y):
    """Logs of the tails of a law at one y that are wrong, of its parameters at one row."""
    dist, found = Distribution(law, {key: np.array([value]) for key, value in params.items()}), []
    for k, method in enumerate(("logcdf", "logsf")):
        value = float(getattr(dist, method)(np.array([y]))[0])
        good, exact_value = right(value, lambda *a, k=k, **p: tails(*a, **p)[k], y, params)
        lost = law.support.integer and exact_value > -0.1 and abs(value - exact_value) > 1e-6 * abs(exact_value) + 1e-300
        if not good or lost:
            found.append(f"{law}.{method}({y!r}, {params}) is {value!r}, right {mp.nstr(exact_value, 12)}")
    return found


MADE_FROM_OTHERS = {
    **{
        f"Truncated({name}) from {low} to {high}": (
            Truncated(law_of(name), low=low, high=high),
            truncated(REFERENCES[name], low, high),
        )
        for name in ("Normal", "Weibull", "LogNormal", "GeneralizedPareto")
        for low, high in ((0.5, np.inf), (0.5, 3.0))
    },
    **{
        f"Hurdle({name})": (Hurdle(law_of(name)), with_zeros(REFERENCES[name], "zero", lambda zero, **params: zero))
        for name in ("Weibull", "LogNormal", "LogLogistic")
    },
    "Transformed(Normal, log)": (
        Transformed(law_of("Normal"), "log"),
        transformed(REFERENCES["Normal"], mp.log, lambda y: -mp.log(y)),
    ),
    "Transformed(Logistic, asinh)": (
        Transformed(law_of("Logistic"), "asinh"),
        transformed(REFERENCES["Logistic"], mp.asinh, lambda y: -mp.log1p(y * y) / 2),
    ),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MADE_FROM_OTHERS)
def test_laws_made_from_others(name):
    """Where the ends of a truncated law leave it exp(-12) of its probability, as the difference of tails has their rounding."""
    law, reference = MADE_FROM_OTHERS[name]
    names, values = zip(*reference.values.items(), strict=True)
    at = [dict(zip(names, one, strict=True)) for one in product(*values)]
    found = []
    for k in np.random.default_rng(0).permutation(len(at))[:25]:
        dist, known = Distribution(law, {key: np.array([value]) for key, value in at[k].items()}), at[k]
        if isinstance(law, Truncated) and not law.law.log_interval(law.low, law.high, **known) > -12:
            continue
        for y in np.unique([float(dist.ppf(np.array([q]))[0]) for q in (1e-20, 1e-5, 0.1, 0.7, 1 - 1e-5)]):
            if not np.isfinite(y) or not law.support.low < y < min(law.support.high, 1e200):
                continue
            good, value = right(one := float(dist.logpdf(np.array([y]))[0]), reference.logpdf, y, known)
            if not good:
                found.append(f"{name}.logpdf({y!r}, {known}) is {one!r}, right {mp.nstr(value, 12)}")
            found += tail_faults(law, reference.tails, known, y)
    assert not found, "\n".join(found)


def test_every_law_with_a_density_has_a_reference():
    laws = [law for law in likelihoods.LAWS.values() if not (law().support.integer or law.target_type != "number")]
    assert {law.__name__ for law in laws} - set(REFERENCES) == ELSEWHERE


COUNTS_LAWS = [
    law.set_params(trials=12) if "trials" in law.get_params() else law
    for law in (law() for law in LAWS.values())
    if law.target_type == "number" and law.support.integer
]
OVER_COUNTS = {
    "alone": lambda law: law,
    "above zero": lambda law: Truncated(law, low=0),
    "up to six": lambda law: Truncated(law, high=6),
    "between": lambda law: Truncated(law, low=0, high=30),
    "hurdle": Hurdle,
    "zero-inflated": ZeroInflated,
    "mixture": lambda law: Mixture([("a", law), ("b", law)]),
}
FAR_PREDICTORS = (-500.0, -43.0, -5.0, 0.0, 5.0, 32.0, 80.0, 500.0)


@pytest.mark.parametrize("over", OVER_COUNTS)
@pytest.mark.parametrize("law", COUNTS_LAWS, ids=lambda law: type(law).__name__)
def test_no_mass_exceeds_one(law, over):
    """Wherever a solver may look: not even as the ratio of two probabilities that underflow."""
    y = np.array([0.0, 1.0, 2.0, 6.0, 12.0 if "trials" in law.get_params() else 1000.0])
    law = OVER_COUNTS[over](law)
    y = y[law.support.contains(y)]
    grid = np.array(list(product(FAR_PREDICTORS, repeat=min(len(law.layout.free), 3))))
    eta, n = {}, len(grid) * len(y)
    for k, name in enumerate(law.layout.free):
        said = law.layout[name]
        column = np.tile(grid[:, k] if k < 3 else grid[::-1, 0], len(y))
        column = np.clip(column, said.link.range.low + 1e-9, said.link.range.high - 1e-9)
        eta[name] = np.stack([column, -column], axis=1) if said.vector else column
    with np.errstate(all="ignore"):
        loglik = law.evaluate(np.repeat(y, len(grid)), eta, 0).loglik
    assert loglik.shape == (n,)
    assert not (loglik > 1e-6).any()
