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
from .._model.summaries import MAX_DISTINCT, ColumnSummary, TermData
from .._model.terms import BoundTerm

SIGNS = {"increasing": 1.0, "decreasing": -1.0}


class Smooth(BaseEstimator):
    r"""A smooth function of one column or several: a penalised B-spline, as a term of the argument `penalties`.

    .. math:: f(x) = \sum_j a_j B_j(x), \qquad \frac{\lambda}{2} \sum_j (\Delta^d a_j)^2

    with B-splines on equally spaced knots over the range of the column in the fit, and differences of order d. The function has
    mean zero over the rows of the fit, so that the intercept stays what it is. Beyond that range it goes on as a straight line.
    With a penalty without end it becomes a polynomial of degree d - 1: a straight line by default. A function of several
    columns is made of products of their B-splines, with a penalty for the differences along each column.

    Parameters
    ----------
    column : str or int, or list of them
        The column of X, or the columns; "all" columns of `predictors` are then without it.
    n_basis : int or list of int, default=None
        Number of B-splines, of each column: the most degrees of freedom that the function can use, plus one. By default 20, or
        8 for each of several columns.
    degree : int, default=3
        Of the B-splines.
    order : int, default=2
        Of the differences.
    cyclic : bool, tuple or list, default=False
        Whether the function ends as it begins. The period is the range of the column, or a pair, as in ``cyclic=(0, 365)``. For
        several columns a list with an entry for each.
    by : str or int, optional
        A column of numbers by which the function is multiplied: of zeros and ones, it is the difference between the functions
        of the two groups; in general, a coefficient of this column that depends on `column`. Of such a term no column is left
        out of "all": its columns have plain coefficients, or terms of their own beside it. Or a column of text of a data
        frame: a function of its own for each of its values, with a penalty each; ``Groups(by)`` beside it has their levels.
    monotone : {"increasing", "decreasing"}, optional
        Whether a function of one column only rises, or only falls: the coefficients of the B-splines do. The penalty that
        "reml" chooses is that of the free function.

    References
    ----------
    Eilers and Marx (1996), Flexible smoothing with B-splines and penalties, doi:10.1214/ss/1038425655. Wood (2006), Low-rank
    scale-invariant tensor product smooths, doi:10.1111/j.1541-0420.2006.00574.x.

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

    def __init__(
        self,
        column: Any,
        n_basis: Any = None,
        *,
        degree: int = 3,
        order: int = 2,
        cyclic: Any = False,
        by: int | None = None,
        monotone: str | None = None,
    ) -> None:
        self.column = column
        self.n_basis = n_basis
        self.degree = degree
        self.order = order
        self.cyclic = cyclic
        self.by = by
        self.monotone = monotone

    takes_text = ("by",)  # of these attributes, columns of text in data frames are turned into codes before X is read

    def bind(self, term_data: TermData, argument: str) -> list[BoundTerm]:
        """The term on the columns of one X: a part for each value of a `by` of text; the rows say where its knots lie."""
        names, several = term_data.names, isinstance(self.column, list | tuple)
        given = list(self.column) if several else [self.column]
        index = [column(one, names, term_data.n_features, argument) for one in given]
        if len(set(index)) < len(index) or not index:
            raise ValueError(f"{argument}: name each column once")
        default = 8 if several else 20
        sizes = _of_each(default if self.n_basis is None else self.n_basis, len(index), (list, tuple), argument, "n_basis")
        periods = _of_each(self.cyclic, len(index), (list,), argument, "cyclic")
        margins = [
            self._margin(term_data.column(j), term_data.n_kept, size, period, f"{argument}, column {_name(j, names)}")
            for j, size, period in zip(index, sizes, periods, strict=True)
        ]
        n_columns = int(np.prod([len(margin.weights) for margin in margins])) - 1
        if n_columns >= term_data.n_kept:
            raise ValueError(
                f"{argument} has {n_columns} coefficients, too many for {term_data.n_kept} rows: use fewer n_basis"
            )
        shown = [_name(j, names) for j in index]
        label, monotonicity = f"smooth({', '.join(shown)})", self._monotonicity_matrix(margins, argument)
        result, taken = [], tuple(index)
        for suffix, by, level in self._groups_of_rows(term_data, argument):
            basis, one = _TensorProduct(np.array(index), margins, by, level), label + suffix
            penalties = [f"{one}[{name}]" for name in shown] if several else [one]
            weights = dict(zip(penalties, basis.weights, strict=True))
            labels = tuple(f"{one}[{k}]" for k in range(n_columns))
            takes = taken if by is None or level is not None else ()
            slopes = basis.slopes_at_start()
            result.append(BoundTerm(one, takes, basis, labels, weights, nonnegative=monotonicity, slopes_at_start=slopes))
            taken = ()  # the parts share their columns
        return result

    def _groups_of_rows(self, term_data: TermData, argument: str) -> list[tuple[str, int | None, float | None]]:
        """Ends of labels, column `by` and its value, for each value of a column of text, or one for all rows."""
        if self.by is None:
            return [("", None, None)]
        by = column(self.by, term_data.names, term_data.n_features, argument)
        suffix = f" by {_name(by, term_data.names)}"
        if by not in term_data.texts:
            return [(suffix, by, None)]
        levels = term_data.column(by).values
        if len(levels) > MAX_DISTINCT:
            raise ValueError(f"{argument}: by={self.by!r} has more than {MAX_DISTINCT} values")
        return [(f"{suffix}={term_data.texts[by][int(level)]}", by, float(level)) for level in levels]

    def _monotonicity_matrix(self, margins: list[_Margin], argument: str) -> np.ndarray | None:
        """The matrix whose product with the coefficients has no negative entry where the function is monotone; None without."""
        if self.monotone is None:
            return None
        if self.monotone not in SIGNS:
            raise ValueError(f"{argument}: monotone={self.monotone!r} is unknown; use None or one of {list(SIGNS)}")
        if len(margins) > 1 or margins[0].cyclic or self.by is not None:
            raise ValueError(f"{argument}: a monotone smooth is of one column, neither cyclic nor with a factor `by`")
        return SIGNS[self.monotone] * np.diff(margins[0].to_columns[:, 1:], axis=0)

    def _margin(self, x: ColumnSummary, n_rows: int, n_basis: Any, period: Any, argument: str) -> _Margin:
        """The B-splines of one column; ValueError for numbers that do not fit it."""
        for name, value, low in (("degree", self.degree, 1), ("order", self.order, 1), ("n_basis", n_basis, self.degree + 1)):
            if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
                raise ValueError(f"{argument}: {name} must be an integer of at least {low}, got {value!r}")
        if n_basis <= self.order:
            raise ValueError(f"{argument}: n_basis must be larger than order={self.order}, got {n_basis}")
        n_distinct = len(x.values)
        if n_distinct <= max(self.order, self.degree):
            raise ValueError(
                f"{argument} has {n_distinct} distinct values in n_samples={n_rows}, too few for splines of degree "
                f"{self.degree} and differences of order {self.order}: use it as a plain column, or as Groups"
            )
        if n_basis > n_distinct:
            raise ValueError(
                f"{argument} has {n_distinct} distinct values, too few for n_basis={n_basis}: use n_basis={n_distinct} or less"
            )
        ends = _ends(x, period, argument)
        return _Margin(ends, int(n_basis), int(self.degree), int(self.order), period is not False)


def _of_each(value: Any, n: int, kinds: tuple, argument: str, name: str) -> list:
    """An entry for each of n columns, from a list of them or from one for all."""
    if not isinstance(value, kinds):
        return [value] * n
    if len(value) != n:
        raise ValueError(f"{argument}: {name}={value!r} has {len(value)} entries for {n} columns")
    return list(value)


def _ends(x: ColumnSummary, period: Any, argument: str) -> tuple[float, float]:
    """The range of the knots: that of the column, or the period that was given."""
    if isinstance(period, bool):
        return x.low, x.high
    ends = np.asarray(period, dtype=float)
    if ends.shape != (2,) or not np.isfinite(ends).all() or not ends[0] < ends[1]:
        raise ValueError(f"{argument}: cyclic must be True or False, or the ends of a period, as (0, 365); got {period!r}")
    return float(ends[0]), float(ends[1])


class _Margin:
    """B-splines of one column, rotated so that the matrix of their penalty is diagonal; the first is constant.

    With singular value decomposition U s V' of the difference matrix the columns are B V, with the penalty s^2; polynomials
    of coefficients, which differences do not see, stand in front of them.
    """

    def __init__(self, ends: tuple[float, float], n_basis: int, degree: int, order: int, cyclic: bool) -> None:
        (self.low, self.high), self.degree, self.cyclic = ends, degree, cyclic
        step = (self.high - self.low) / (n_basis if cyclic else n_basis - degree)
        n_splines = n_basis + degree * cyclic
        self.knots = self.low + step * np.arange(-degree, n_splines + 1)
        identity = np.eye(n_basis)
        D = identity if cyclic else np.diff(identity, n=order, axis=0)
        for _ in range(order * cyclic):
            D = np.roll(D, -1, axis=0) - D
        _, singular, right = linalg.svd(D)
        n_free = 1 if cyclic else order
        place = np.arange(n_basis) - (n_basis - 1) / 2
        free = linalg.qr(place[:, None] ** np.arange(n_free), mode="economic")[0]
        rotation = np.hstack([free, right[: n_basis - n_free].T])
        self.weights = np.append(np.zeros(n_free), singular[: n_basis - n_free] ** 2)
        self.to_columns = rotation[np.arange(n_splines) % n_basis]

    def columns(self, x: np.ndarray, first: int = 0) -> np.ndarray:
        """The columns (n, n_basis - first) at values of the column, from the first one; NaN where these are."""
        finite = np.isfinite(x)
        known = np.where(finite, x, self.low)
        if self.cyclic:
            known = self.low + np.mod(known - self.low, self.high - self.low)
        inside = np.clip(known, self.low, self.high)
        end = np.nextafter(self.high, self.low)  # inside the last interval of knots, whatever their rounding
        B = BSpline.design_matrix(np.minimum(inside, end), self.knots, self.degree, extrapolate=True)
        result = np.asarray(B @ self.to_columns[:, first:])
        for side, edge in ((known < self.low, self.low), (known > self.high, end)):
            if side.any():
                slope = BSpline(self.knots, self.to_columns[:, first:], self.degree).derivative()(edge)
                result[side] += (known - inside)[side, None] * slope
        result[~finite] = np.nan
        return result


class _TensorProduct:
    """Products of the columns of one or more margins, without the constant, with mean zero; times a column `by`, if any.

    Attributes
    ----------
    weights : ndarray of shape (margins, k)
        The diagonals of the penalty matrices: differences along each column.
    mean : ndarray of shape (k,)
        What is subtracted from the products.
    level : float or None
        The value of `by` in the rows where the columns are not zero, if it does not multiply them.
    """

    def __init__(self, index: np.ndarray, margins: list[_Margin], by: int | None, level: float | None = None) -> None:
        self.index, self.margins, self.by, self.level = index, margins, by, level
        grids = np.meshgrid(*(margin.weights for margin in margins), indexing="ij")
        self.weights = np.array([grid.ravel()[1:] for grid in grids])
        self.mean = np.zeros(self.weights.shape[1])

    def __call__(self, X: Any) -> np.ndarray:
        """The columns (n, k) of rows of X; NaN where a value is."""
        return self.centred(X, self.products(X))

    def centred(self, X: Any, products: np.ndarray) -> np.ndarray:
        """The columns of rows of X whose products are known, which are overwritten."""
        products -= self.mean
        if self.by is not None:
            by = dense(X, np.array([self.by]))
            products *= by if self.level is None else by == self.level
        return products

    def products(self, X: Any) -> np.ndarray:
        """The products (n, k), before their mean is subtracted."""
        return self._products(dense(X, self.index).T)

    def slopes_at_start(self) -> np.ndarray:
        """The change (k,) of the columns where all margins begin; before it they are straight lines, but for cyclic ones."""
        start, before = self._products(np.array([[margin.low, 2 * margin.low - margin.high] for margin in self.margins]))
        return start - before

    def _products(self, values: np.ndarray) -> np.ndarray:
        """The products (n, k) at values (margins, n)."""
        if len(values) == 1:
            return self.margins[0].columns(values[0], first=1)
        first, *others = (margin.columns(x) for margin, x in zip(self.margins, values, strict=True))
        for other in others:
            first = (first[:, :, None] * other[:, None, :]).reshape(len(first), -1)
        return np.ascontiguousarray(first[:, 1:])


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

    takes_text = ("column",)

    def __init__(self, column: Any) -> None:
        self.column = column

    def bind(self, term_data: TermData, argument: str) -> list[BoundTerm]:
        """The term on the columns of one X."""
        j = column(self.column, term_data.names, term_data.n_features, argument)
        levels = term_data.column(j).values
        if len(levels) < 3:
            raise ValueError(f"{argument}: the column has {len(levels)} groups; a law of groups needs three or more")
        if len(levels) > MAX_DISTINCT:
            raise ValueError(f"{argument}: the column has more than {MAX_DISTINCT} groups, the most that is offered")
        text = term_data.texts.get(j)
        shown = [f"{level:g}" for level in levels] if text is None else [str(text[int(level)]) for level in levels]
        label = f"groups({_name(j, term_data.names)})"
        return [BoundTerm(label, (j,), _Indicators(j, levels), tuple(f"{label}[{level}]" for level in shown))]


class _Indicators:
    """A column per level: whether a row belongs to it."""

    def __init__(self, j: int, levels: np.ndarray) -> None:
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

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.predictors import Ridge
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> y = X[:, 0] + np.random.default_rng(1).normal(size=100)
    >>> model = MLERegressor(penalties={"loc": Ridge("all")}, alpha="reml").fit(X, y)
    >>> model.edf_["loc"]["ridge(all)"] < 5
    True
    """

    def __init__(self, columns: Any = "all") -> None:
        self.columns = columns

    def bind(self, term_data: TermData, argument: str) -> list[BoundTerm]:
        """The term on the columns of one X."""
        if isinstance(self.columns, str) and self.columns == "all":
            return [BoundTerm("ridge(all)", ridge="all")]
        index = resolve(self.columns, term_data.frame, term_data.names, term_data.n_features, argument)
        shown = ", ".join(_name(j, term_data.names) for j in index[:4]) + (", ..." if len(index) > 4 else "")
        return [BoundTerm(f"ridge({shown})", ridge=index)]


def _name(j: int, names: Any) -> str:
    return f"x{j}" if names is None else str(names[j])
