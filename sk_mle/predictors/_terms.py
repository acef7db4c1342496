"""Terms with a penalty that the data choose: smooth functions, effects of groups, ridges on columns."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.interpolate import BSpline
from sklearn.base import BaseEstimator

from .._model.columns import column, resolve
from .._model.curve import dense
from .._model.terms import Bound
from .._utils.frames import text_levels


class Smooth(BaseEstimator):
    r"""A smooth function of one column: a penalised B-spline, as a term of the argument `penalties`.

    .. math:: f(x) = \sum_j a_j B_j(x), \qquad \frac{\lambda}{2} \sum_j (\Delta^d a_j)^2

    with B-splines on equally spaced knots over the range of the column in the fit, and differences of order d. The function has
    mean zero over the rows of the fit, so that the intercept stays what it is. Beyond that range it goes on as a straight line.
    With a penalty without end it becomes a polynomial of degree d - 1: a straight line by default.

    Parameters
    ----------
    column : str or int
        The column of X; "all" columns of `predictors` are then without it.
    n_basis : int, default=20
        Number of B-splines: the most degrees of freedom that the function can use, plus one.
    degree : int, default=3
        Of the B-splines.
    order : int, default=2
        Of the differences.

    References
    ----------
    Eilers and Marx (1996), Flexible smoothing with B-splines and penalties, doi:10.1214/ss/1038425655.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.predictors import Smooth
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(0, 1, 500)
    >>> y = rng.poisson(np.exp(1 + np.sin(6 * x)))
    >>> model = MLERegressor("poisson", penalties={"mean": [Smooth(0)]}, alpha="reml").fit(x[:, None], y)
    >>> bool(4 < model.edf_["mean"]["smooth(x0)"] < 12)
    True
    """

    def __init__(self, column, n_basis=20, *, degree=3, order=2):
        self.column = column
        self.n_basis = n_basis
        self.degree = degree
        self.order = order

    def bind(self, original_X: Any, X: Any, weight: np.ndarray, names: Any, argument: str) -> Bound:
        """The term on the columns of one X; the rows of positive weight say where its knots lie."""
        for name, low in (("degree", 1), ("order", 1), ("n_basis", self.degree + 1)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
                raise ValueError(f"{argument}: {name} must be an integer of at least {low}, got {value!r}")
        if self.n_basis <= self.order:
            raise ValueError(f"{argument}: n_basis must be larger than order={self.order}, got {self.n_basis}")
        j = column(self.column, names, X.shape[1], argument)
        x, weight = dense(X, np.array([j]))[:, 0][weight > 0], weight[weight > 0]
        n_distinct = len(np.unique(x))
        if n_distinct <= self.order:
            raise ValueError(
                f"{argument}: the column has {n_distinct} distinct values, too few for differences of order {self.order}: "
                "use it as a plain column, or as Groups"
            )
        basis = _SplineBasis(j, x, weight, int(self.n_basis), int(self.degree), int(self.order))
        label = f"smooth({_name(j, names)})"
        labels = tuple(f"{label}[{k}]" for k in range(basis.n_columns))
        return Bound(label, (j,), basis, labels, int(self.order) - 1)


class _SplineBasis:
    """Columns of a penalised spline in mixed-model form, with mean zero: powers of x first, then those with a ridge."""

    def __init__(self, j: int, x, weight, n_basis: int, degree: int, order: int):
        self.column, self.degree, self.order = j, degree, order
        self.low, self.high = float(x.min()), float(x.max())
        step = (self.high - self.low) / (n_basis - degree)
        self.knots = self.low + step * np.arange(-degree, n_basis + 1)
        D = np.diff(np.eye(n_basis), n=order, axis=0)
        self.to_columns = linalg.solve(D @ D.T, D, assume_a="pos").T  # coefficients a = this times c, with D a = c
        self.n_columns = n_basis - 1
        self.mean = np.zeros(self.n_columns)
        self.mean = weight @ self._columns(x) / weight.sum()

    def __call__(self, X: Any) -> np.ndarray:
        """The columns (n, n_basis - 1) of rows of X; NaN where x is."""
        return self._columns(dense(X, np.array([self.column]))[:, 0])

    def _columns(self, x):
        finite = np.isfinite(x)
        known = np.where(finite, x, self.low)
        inside = np.clip(known, self.low, self.high)
        end = np.nextafter(self.high, self.low)  # inside the last interval of knots, whatever their rounding
        Z = BSpline.design_matrix(np.minimum(inside, end), self.knots, self.degree, extrapolate=True) @ self.to_columns
        slopes = BSpline(self.knots, self.to_columns, self.degree).derivative()
        for side, edge in ((known < self.low, self.low), (known > self.high, end)):
            if side.any():
                Z[side] += (known - inside)[side, None] * slopes(edge)
        scaled = (known - self.low) / (self.high - self.low)
        powers = [scaled**power for power in range(1, self.order)]
        result = np.column_stack([*powers, Z]) - self.mean
        result[~finite] = np.nan
        return result


class Groups(BaseEstimator):
    r"""An intercept for each group of rows, drawn to the common one: random intercepts, as a term of `penalties`.

    .. math:: b_g, \qquad \frac{\lambda}{2} \sum_g b_g^2

    which is the normal law of b with the standard deviation 1 / sqrt(lambda). Groups that the fit has not seen are at zero.

    Parameters
    ----------
    column : str or int
        The column of X that holds the groups, numbers, or text in a data frame; "all" columns of `predictors` are without it.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.predictors import Groups
    >>> rng = np.random.default_rng(0)
    >>> site = rng.integers(30, size=600)
    >>> y = 5 + 2 * rng.normal(size=30)[site] + rng.normal(size=600)
    >>> model = MLERegressor(penalties={"loc": [Groups(0)]}, alpha="reml").fit(site[:, None], y)
    >>> round(model.penalties_["loc"]["groups(x0)"] ** -0.5, 1)  # standard deviation of the groups
    2.1
    """

    takes_text = True  # columns of text in data frames are turned into codes before X is read

    def __init__(self, column):
        self.column = column

    def bind(self, original_X: Any, X: Any, weight: np.ndarray, names: Any, argument: str) -> Bound:
        """The term on the columns of one X."""
        j = column(self.column, names, X.shape[1], argument)
        levels = np.unique(dense(X, np.array([j]))[:, 0][weight > 0])
        if len(levels) < 3:
            raise ValueError(f"{argument}: the column has {len(levels)} groups; a law of groups needs three or more")
        text = text_levels(original_X, original_X.columns[j]) if hasattr(original_X, "columns") else None
        shown = [f"{level:g}" for level in levels] if text is None else [str(text[int(level)]) for level in levels]
        label = f"groups({_name(j, names)})"
        return Bound(label, (j,), _Indicators(j, levels), tuple(f"{label}[{level}]" for level in shown))


class _Indicators:
    """A column per level: whether a row belongs to it."""

    def __init__(self, j: int, levels: np.ndarray):
        self.column, self.levels = j, levels

    def __call__(self, X: Any) -> sparse.csr_matrix:
        values = dense(X, np.array([self.column]))[:, 0]
        place = np.minimum(np.searchsorted(self.levels, values), len(self.levels) - 1)
        rows = np.flatnonzero(self.levels[place] == values)
        return sparse.csr_matrix((np.ones(len(rows)), (rows, place[rows])), (len(values), len(self.levels)))


class Ridge(BaseEstimator):
    r"""A ridge on columns, :math:`\lambda / 2 \sum_j \beta_j^2`, as a term of the argument `penalties`.

    Parameters
    ----------
    columns : "all", or columns as in `predictors`
        "all": the columns that the parameter has. Others join the linear predictor. Scale them first: their coefficients have
        one penalty.
    """

    def __init__(self, columns="all"):
        self.columns = columns

    def bind(self, original_X: Any, X: Any, weight: np.ndarray, names: Any, argument: str) -> Bound:
        """The term on the columns of one X."""
        if isinstance(self.columns, str) and self.columns == "all":
            return Bound("ridge(all)", ridge="all")
        index = resolve(self.columns, original_X, names, X.shape[1], argument)
        shown = ", ".join(_name(j, names) for j in index[:4]) + (", ..." if len(index) > 4 else "")
        return Bound(f"ridge({shown})", ridge=index)


def _name(j: int, names: Any) -> str:
    return f"x{j}" if names is None else str(names[j])
