"""The likelihood protocol.

It has two layers. The author's layer is on the natural scale: named parameters, vectorised over samples; only `loglik` must
be written. The derived layer, `evaluate` (in `evaluation.py`), is on the link scale, in the linear predictors; a law
overrides it where a fused form is safer (Bernoulli: log F(eta), never log of a rounded probability).

Conventions: every derivative is of the log-likelihood, not of its negative; `information` is minus its Hessian in the
linear predictors, observed, or expected where the law has `fisher`. A pair of parameters that is absent is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.utils.validation import column_or_1d

from ..._utils.arguments import WithArguments
from ..._utils.floats import check_numeric
from ...domains import REAL, Domain
from .._fallbacks import interval as intervals
from .._fallbacks import inversion, quadrature, starting_values
from .._fallbacks.algebra import Eval
from .._fallbacks.facts import mark_defaults, numerical, takes_parameters
from . import authors, evaluation
from .derived import COMPUTED_ONCE, derived
from .parameter import Parameter, Parameters, completed, parameters_with
from .relations import Relations

TAILS = {(False, False): "cdf", (True, False): "sf", (False, True): "logcdf", (True, True): "logsf"}  # of (upper, log)


class Child(NamedTuple):
    """A law inside a composite law, with the name in the composite of each of its parameters."""

    law: Likelihood
    names: dict[str, str]

    def of(self, values: dict) -> dict:
        """The entries of this law, by its own names, from a dict by parameters of the composite."""
        return {name: values[outer] for name, outer in self.names.items() if outer in values}


class Observation(NamedTuple):
    """A target as an observation of the predicted values: the ends between which they lie, and parameters of their law."""

    low: np.ndarray
    high: np.ndarray
    params: dict[str, np.ndarray]


class Likelihood(WithArguments):
    """Base class of all laws p(y | parameters).

    A subclass declares `parameters` and `support`, assigns its parameters in `__init__` and writes `loglik`. Everything else
    is optional: derivatives follow from its formula or from differences; moments and distribution functions are integrated.

    Attributes
    ----------
    parameters : dict of str to Domain or Parameter
        In order; the first is modelled on all columns by default. `layout` has the entries with links and values.
    support : Domain
        Of y. Checked before a fit. At its `atoms`, points of positive probability of a law that otherwise has a density,
        `loglik` is the log of the mass.
    smooth : bool
        False declares that the log-likelihood has kinks in its first parameter. Such a law also writes `kinks` and
        `smoothed`, and fits end exactly on the vertex where the kinks meet.
    target_type : {"number", "classes", "targets"}
        What y is: one number, class codes 0..K-1, which MLEClassifier fits, or several targets, y of shape (n, columns). A law
        of classes ends its `support` at K-1, once `bind` has y, and may take their labels in order as an argument
        `categories` of its constructor.
    relations : Relations
        Which other laws this one becomes, for likelihood-ratio tests; the starts of a fit, and which values searches and starts
        try; what messages recommend.
    children : tuple of Child
        The laws inside a composite law, with the names of their parameters in the composite.
    covariance : callable or None
        `covariance(**params) -> (n, columns, columns)`, for laws of several targets.
    gradient, hessian, fisher : callable or None
        `gradient(y, **params) -> {name: (n,)}`, `hessian(y, **params) -> {(a, b): (n,)}` of the log-likelihood and
        `fisher(**params) -> {(a, b): (n,)}` on the natural scale. None: not offered. `terms` implies the first two.
    interval : callable or None
        `interval(low, high, order, **params)` gives log P(low < Y <= high) with its gradient and Hessian on the natural
        scale; None: differenced. Serves censored, truncated and rounded data.
    crps : callable or None
        `crps(y, **params) -> (n,)`, in closed form; `metrics.crps` integrates where this is None, or NaN.
    divergence : callable or None
        `divergence(p, q) -> (n,)`, the Kullback-Leibler divergence between the laws at two dicts of parameters; None:
        `metrics.kl_divergence` integrates.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.domains import POSITIVE, REAL
    >>> class Gumbel(Likelihood):
    ...     parameters = {"loc": REAL, "scale": POSITIVE}
    ...     support = REAL
    ...     def loglik(self, y, loc, scale):
    ...         z = (y - loc) / scale
    ...         return -z - np.exp(-z) - np.log(scale)
    >>> X = np.arange(8.0)[:, None]
    >>> y = 3 * X[:, 0] + [0.1, -0.4, 1.3, 0.2, -0.6, 0.8, 2.1, -0.2]
    >>> MLERegressor(Gumbel()).fit(X, y).coef_.round(1)
    array([3.])
    """

    if TYPE_CHECKING:  # a subclass may give each of these as a value or as a property

        @property
        def parameters(self) -> Mapping[str, Domain | Parameter]: ...
        @property
        def support(self) -> Domain: ...
        @property
        def smooth(self) -> bool: ...
        @property
        def target_type(self) -> str: ...
        @property
        def relations(self) -> Relations: ...
        @property
        def children(self) -> tuple[Child, ...]: ...
        @property
        def covariance(self) -> Callable | None: ...
        @property
        def gradient(self) -> Callable | None: ...
        @property
        def hessian(self) -> Callable | None: ...
        @property
        def fisher(self) -> Callable | None: ...
        @property
        def interval(self) -> Callable | None: ...
        @property
        def crps(self) -> Callable | None: ...
        @property
        def divergence(self) -> Callable | None: ...
    else:
        support = REAL
        smooth = True
        target_type = "number"
        relations = Relations()
        children = ()
        covariance = gradient = hessian = fisher = interval = crps = divergence = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Derive `loglik`, `gradient` and `hessian` from `terms`, the four tails from `tail_probability`, or the converse.

        The method that the class itself writes, or the nearest base that writes one, is the source of the others.
        """
        super().__init_subclass__(**kwargs)
        for written, joint, others in FOLLOWING:
            _withdraw(cls, written, joint, others)
        for name, parts in JOINT_METHODS.items():
            _derive(cls, name, parts)

    @takes_parameters
    def loglik(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """Log density or log mass of each sample, with every normalising constant."""
        named = next((f", as its {name} may be called" for name in ("logpdf", "logpmf", "log_prob") if hasattr(self, name)), "")
        raise NotImplementedError(f"{type(self).__name__} must define loglik(y, {', '.join(self.parameters)}){named}")

    @takes_parameters
    def terms(self, y: np.ndarray, order: int, /, **params: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        """`loglik`, `gradient` and `hessian` at once, for laws in which they share their work.

        Derivatives above `order` (0, 1 or 2) are ignored: leave the dict empty where they cost something.
        """
        first = self.gradient(y, **params) if order and self.gradient else {}
        second = self.hessian(y, **params) if order == 2 and self.hessian else {}
        return self.loglik(y, **params), first, second

    def base_measure(self, y: np.ndarray) -> float | np.ndarray:
        """Log of the base measure, the part of `loglik` that depends on y alone, which a fit computes once; by default 0."""
        return 0.0

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        """Values of the parameters for a model without covariates; by default a numerical fit."""
        return starting_values.numerical_start(self, y, sample_weight)

    @takes_parameters
    def refine(self, y: np.ndarray, sample_weight: np.ndarray, /, **params: np.ndarray) -> dict:
        """Better starting values once the first parameter has been fitted; by default none.

        `params` has the fitted values of the first parameter. The result may also shift that parameter by a constant.
        """
        return {}

    def read(self, y: Any) -> np.ndarray:
        """The target in the form that the law takes: floats of shape (n,), or (n, columns) for laws that take several.

        Raises ValueError that names the rows for anything that is not such a target.
        """
        if type(y) is np.ndarray and y.ndim == 1:
            return check_numeric(y)
        if len(shape := np.asarray(y).shape) == 2 and shape[1] > 1:
            raise ValueError(
                f"y should be a 1d array, got an array of shape {shape} instead: {type(self).__name__} is a law of one number "
                "per row. Of ends of intervals, or times and events (sk_mle.censored), the law is Censored(...) around it; "
                "several targets are those of MultivariateNormal, or of a model for each column"
            )
        return check_numeric(column_or_1d(y, warn=True))

    def inside(self, y: np.ndarray) -> np.ndarray:
        """Whether each value of a target, as `read` returned it, is possible under the law."""
        return self.support.contains(y)

    def observed(self, y: np.ndarray, /, **params: np.ndarray) -> Observation:
        """The target, in the form that `read` returned, as an observation of the predicted values.

        The ends between which each value is known to lie, equal if it was observed, and the parameters of `predictive`
        that the target holds, such as numbers of trials.
        """
        return Observation(y, y, {})

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        """The law with what it takes from a target, as `read` returned it, such as the number of classes.

        `known` has the values (n,) of parameters that columns of X hold, where they are read. Raises ValueError that names the
        rows where y, or its interval, is impossible for them.
        """
        return self

    # ---- from the constructor's arguments -----------------------------------------------------------------------

    @derived
    def layout(self) -> Parameters:
        """The parameters as the law declares them, with the links and values of the constructor's arguments."""
        return parameters_with(tuple(completed(self, self.parameters).items()))

    @property
    def predictive(self) -> Likelihood:
        """The law of predictions, if it is not that of the observations: of the durations, when some are censored."""
        return self

    def check(self) -> None:
        """Raise ValueError or TypeError for constructor arguments that cannot be used."""
        authors.check_declared(self, members=vars(Likelihood))
        law, layout = type(self).__name__, self.layout
        for name in getattr(self, "links", None) or {}:
            if name not in layout:
                raise ValueError(f"links names {name!r}, but the parameters of {law} are {list(layout)}")
        for name, value in layout.fixed.items():
            if not np.isscalar(value) or isinstance(value, bytes | bool | np.bool_) or np.iscomplexobj(value):
                raise TypeError(
                    f"{law}({name}=...): give a number to fix {name}, the name of a column of X that holds it, or None to "
                    f"estimate it, not {type(value).__name__}"
                )
            if not layout[name].admits(value):
                raise ValueError(f"{law}({name}={value!r}): {name} must lie in {layout[name].given}")

    # ---- on the scale of the linear predictors ---------------------------------------------------------------------

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        """Log-likelihood and its derivatives in the linear predictors of the free parameters.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, columns)
        eta : dict of str to ndarray of shape (n,) or (n, K)
            Linear predictor of every free parameter, and the value of every known one.
        order : {0, 1, 2}
            Highest derivative to compute.
        information : {"observed", "expected"}
            "expected" needs `fisher`; without it, it means "observed".

        Returns
        -------
        Eval
        """
        return evaluation.evaluate(self, y, eta, order, information)

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        """log P(low < Y <= high) per sample, with its derivatives in the linear predictors as `evaluate` gives them."""
        return evaluation.evaluate_interval(self, low, high, eta, order)

    @takes_parameters
    def log_interval(self, low: np.ndarray, high: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """log P(low < Y <= high)."""
        return intervals.log_interval(self, low, high, **params)

    def __copy__(self) -> Self:
        law = object.__new__(type(self))
        law.__dict__.update({name: value for name, value in vars(self).items() if name not in COMPUTED_ONCE})
        return law

    def __getstate__(self) -> dict:
        return {name: value for name, value in super().__getstate__().items() if name not in COMPUTED_ONCE}

    # ---- the distribution ---------------------------------------------------------------------------------------

    @takes_parameters
    @numerical
    def expectation(self, **params: np.ndarray) -> np.ndarray:
        """Mean of y; NaN where it does not exist."""
        return quadrature.moment(self, params, 1)

    @takes_parameters
    def variance(self, **params: np.ndarray) -> np.ndarray:
        """Variance of y; infinite or NaN where it does not exist."""
        return quadrature.moment(self, params, 2)

    @takes_parameters
    def entropy(self, **params: np.ndarray) -> np.ndarray:
        """Minus the expected log-likelihood."""
        return quadrature.entropy(self, params)

    @takes_parameters
    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, **params: np.ndarray) -> np.ndarray:
        """P(Y > y) if `upper`, else P(Y <= y); its logarithm if `log`, exact also where the probability underflows.

        `cdf`, `sf`, `logcdf` and `logsf` follow from it, or it from those that the law's class writes; a side of which the
        class writes nothing is integrated.
        """
        return getattr(self, TAILS[upper, log])(y, **params)

    @takes_parameters
    def cdf(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """P(Y <= y)."""
        return quadrature.tail(self, y, params, upper=False, log=False)

    @takes_parameters
    def sf(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """P(Y > y)."""
        return quadrature.tail(self, y, params, upper=True, log=False)

    @takes_parameters
    def logcdf(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """log P(Y <= y), exact in the far tail where the probability itself underflows."""
        return quadrature.tail(self, y, params, upper=False, log=True)

    @takes_parameters
    def logsf(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """log P(Y > y), exact in the far tail where the probability itself underflows."""
        return quadrature.tail(self, y, params, upper=True, log=True)

    @takes_parameters
    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """Quantile: the smallest y with P(Y <= y) >= q."""
        return inversion.quantile(self, q, params)

    @takes_parameters
    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], /, **params: np.ndarray) -> np.ndarray:
        """Random targets, of shape `size` for a law of one number; by default by inversion of the distribution function.

        As a study would record them, where the target is not the value itself: `predictive` has those of values.
        """
        return self.ppf(rng.uniform(size=size), **params)


def _term(order: int) -> Callable:
    """`loglik`, `gradient` or `hessian` from `terms`."""
    return lambda terms: lambda self, y, *at, **params: terms(self, y, order, *at, **params)[order]


def _side(upper: bool, log: bool) -> Callable:
    """`cdf`, `sf`, `logcdf` or `logsf` from `tail_probability`."""
    return lambda tail: lambda self, y, *at, **params: tail(self, y, upper, log, *at, **params)


# Methods that give several others at once; for each of these, the function that makes it from the joint method.
JOINT_METHODS: dict[str, dict[str, Callable]] = {
    "terms": {"loglik": _term(0), "gradient": _term(1), "hessian": _term(2)},
    "tail_probability": {name: _side(upper, log) for (upper, log), name in TAILS.items()},
}


# What follows from a tail, and what does from a density beside its derivatives.
OF_TAILS = ("interval", "evaluate_interval", "log_interval", "crps")
OF_DENSITY = (
    "expectation",
    "variance",
    "covariance",
    "entropy",
    "tail_probability",
    *TAILS.values(),
    "log_interval",
    "ppf",
    "rvs",
)

# Methods of which a law that overrides one no longer has what its parent says of the others, unless it writes the joint method,
# which is taken for another form of the same law.
ONLY_OF_ONE_TARGET = ("expectation", "variance", "covariance", "entropy", "rvs")  # whose defaults integrate over y
FOLLOWING = (
    (("loglik",), "terms", ("gradient", "hessian", "fisher", "evaluate", "interval", "evaluate_interval", *OF_DENSITY)),
    (("loglik", "terms"), "", ("crps", "divergence")),
    (("terms", "gradient", "hessian"), "", ("evaluate",)),
    # a logarithm alone may be a refinement
    (("cdf", "sf"), "tail_probability", (*TAILS.values(), "tail_probability", *OF_TAILS)),
)


def _withdraw(cls: type[Likelihood], written: tuple[str, ...], joint: str, others: tuple[str, ...]) -> None:
    """Give a class that overrides methods `written` of a law the protocol's defaults of the others that it does not write.

    The derivatives of another density, or the other side of another tail, would be wrong. Those of a mixin, a base that does
    not come from that law, stay, and so does what has no default for several targets.
    """
    if joint in vars(cls) or not any(name in vars(cls) for name in written):
        return
    parents = cls.__mro__[1 : cls.__mro__.index(Likelihood)]
    sources = (joint, *written)
    law = next((parent for parent in parents if any(name in vars(parent) for name in sources)), None)
    if law is None:
        return
    for name in others:
        writer = next((parent for parent in parents if name in vars(parent)), None)
        if cls.target_type == "targets" and name in ONLY_OF_ONE_TARGET:
            continue
        if writer is not None and name not in vars(cls):
            mixin = parents.index(writer) < parents.index(law) and not issubclass(writer, law)
            setattr(cls, name, getattr(cls, name) if mixin else vars(Likelihood)[name])


def _derive(cls: type, name: str, parts: dict[str, Callable]) -> None:
    """Derive methods `parts` that `cls` inherits from its joint method `name`, or this from parts that it writes."""
    joint, default = getattr(cls, name), getattr(Likelihood, name)
    if joint is default:
        return
    depth, depths = _mro_depth(cls, name), {part: _mro_depth(cls, part) for part in parts}
    for part, derive in parts.items():
        if depth < depths[part]:
            method = derive(joint)
            method.__name__, method.__qualname__ = part, f"{joint.__qualname__}.{part}"
            method.__doc__ = (inherited := vars(Likelihood)[part]) and inherited.__doc__
            setattr(cls, part, method)
    if min(depths.values()) < depth:
        setattr(cls, name, default)
        for part in parts:  # in the same class as the joint method, so that subclasses take none of them for overridden
            setattr(cls, part, getattr(cls, part))


def _mro_depth(kind: type, name: str) -> int:
    """Position, in the method resolution order, of the class that defines a method."""
    return next(depth for depth, base in enumerate(kind.__mro__) if name in vars(base))


mark_defaults(Likelihood)
