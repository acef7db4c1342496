"""Models by formula, read by the optional package formulaic."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._estimators.regressor import MLERegressor
from ._model.terms import columns_of_terms
from ._sources import check_in_memory
from ._utils.public import publish
from .inference import Inference
from .likelihoods import censored, get_likelihood

__all__ = ["FormulaModel"]

INTERCEPT = "Intercept"
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")  # colours in formulaic's messages


def _formulaic() -> Any:
    """The package formulaic; ImportError with advice if it is missing."""
    try:
        import formulaic
    except ImportError as error:
        raise ImportError("formulas are read by formulaic: python -m pip install formulaic") from error
    return formulaic


def _offset(values: Any) -> Any:
    """`offset` of a formula: the column itself, which gets no coefficient."""
    return values


@cache
def _context() -> dict[str, Any]:
    """Names that formulas know beside those of formulaic, or in place of these.

    formulaic's `bs` raises beyond the boundary knots, so that held-out rows and derivatives at the ends would fail; R's goes on
    with the polynomials there, as formulaic's own `cr` does.
    """
    _formulaic()
    from formulaic.transforms.basis_spline import basis_spline
    from formulaic.utils.stateful_transforms import stateful_transform

    @stateful_transform
    def bs(
        x: np.ndarray,
        df: Any = None,
        knots: Any = None,
        degree: Any = 3,
        include_intercept: Any = False,
        *,
        extrapolation: Any = "extend",
        _state: Any = None,
        **bounds: Any,
    ) -> Any:
        given = {"df": df, "knots": knots, "degree": degree, "include_intercept": include_intercept}
        return basis_spline(x, **given, extrapolation=extrapolation, _state=_state, **bounds)

    return {"offset": _offset, "censored": censored, "bs": bs}


def _of_estimator(name: str) -> property:
    """A fitted attribute of the estimator inside."""
    return property(lambda model: getattr(model.estimator_, name), doc=f"`{name}` of the estimator.")


def _has(name: str) -> Any:
    return lambda model: hasattr(_inside(model), name)


def _inside(model: Any) -> Any:
    """The fitted estimator of a model by formula, or the one to fit."""
    given = MLERegressor() if model.estimator is None else model.estimator
    return getattr(model, "estimator_", given)


class FormulaModel(MetaEstimatorMixin, BaseEstimator):
    """An estimator of this package on the columns that a formula makes of a data frame.

    Parameters
    ----------
    formula : str or dict of str
        As formulaic reads it: ``"claims ~ C(area) + bs(age, 4) + offset(log(hours))"``, for the first parameter, or a formula
        by parameter, ``{"mean": "claims ~ age", "dispersion": "~ age"}``; a number is a position and ``"*"`` all parameters, as
        in `predictors` of `MLERegressor`. Parameters without a formula have an intercept only. What a transformation learns
        from the rows of the fit (knots, categories, centres) is kept for predictions. `offset(...)` is added to the linear
        predictor, and ``censored(time, event) ~ ...`` makes the target of a `Censored` law.
    estimator : estimator, default=MLERegressor()
        `MLERegressor` or `MLEClassifier`; its `exposure`, and columns that its law and its `penalties` name, are columns of the
        frame: ``FormulaModel("y ~ z", MLERegressor(penalties={"loc": [Smooth("x")]}, alpha="reml"))``. Columns of smooths and
        groups stand there, and not in the formula.

    Attributes
    ----------
    estimator_ : estimator
        The fit to the columns.
    specs_ : dict
        By parameter, what formulaic keeps of the fit.
    coef_, intercept_, coefs_, intercepts_, likelihood_, loglikelihood_, n_params_, converged_, aic_, aicc_, bic_, classes_
        Of `estimator_`.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.formulas import FormulaModel
    >>> rng = np.random.default_rng(0)
    >>> df = pd.DataFrame({"area": rng.choice(["north", "south"], 200), "age": rng.uniform(20, 60, 200), "hours": 2.0})
    >>> df["claims"] = rng.poisson(df.hours * np.exp(0.02 * df.age + (df.area == "south") - 2))
    >>> model = FormulaModel("claims ~ area + age + offset(log(hours))", MLERegressor("poisson")).fit(df)
    >>> print(model.inference(df).table())
                        estimate  std err        z        p     2.5%    97.5%
    mean:intercept       -1.9898   0.2724  -7.3037  <0.0001  -2.5237  -1.4558
    mean:area[T.south]    1.1217   0.1555   7.2113  <0.0001   0.8168   1.4265
    mean:age              0.0181   0.0054   3.3265   0.0009   0.0074   0.0288
    """

    def __init__(self, formula: str, estimator: Any = None) -> None:
        self.formula, self.estimator = formula, estimator

    def fit(self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> FormulaModel:
        """Fit the estimator to the columns that the formula makes of the rows of X.

        Parameters
        ----------
        X : data frame
        y : array-like of shape (n,), optional
            By default what stands left of ``~``.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For a formula that cannot be read or evaluated, with formulaic's words.
        """
        frame, formulas = _frame(X), self.formula if isinstance(self.formula, dict) else {0: self.formula}
        estimator = MLERegressor() if self.estimator is None else self.estimator
        if estimator.get_params().get("predictors") is not None:
            raise ValueError("the columns are named by the formula: leave predictors of the estimator at None")
        if estimator.get_params().get("fit_intercept") is False:
            raise ValueError(
                "the formula says whether there is an intercept: write '- 1' in it, and leave fit_intercept at True"
            )
        right = {key: _read(text)[1] for key, text in formulas.items()}
        specs = {key: _made(side, frame, formulas[key], na_action="raise").model_spec for key, side in right.items()}
        self.specs_ = specs
        kept = {getattr(estimator, name, None) for name in ("offset", "exposure")}
        likelihood = estimator.get_params().get("likelihood")
        law_columns = {} if likelihood is None else get_likelihood(likelihood).layout.known
        of_terms = [name for name in columns_of_terms(estimator.get_params().get("penalties")) if name in frame.columns]
        self.kept_ = [name for name in (*kept, *law_columns.values(), *of_terms) if isinstance(name, str)]
        target = self.target(frame) if y is None else y
        columns, offsets = self._columns_by_parameter(frame)
        intercepts = {key: INTERCEPT in [str(column) for column in spec.column_names] for key, spec in specs.items()}
        if empty := [formulas[key] for key, names in columns.items() if not names and not intercepts[key]]:
            raise ValueError(f"formula {empty[0]!r}: it has no column to estimate a coefficient of; '~ 1' is a constant")
        with_columns = {intercepts[key] for key, names in columns.items() if names}
        if len(with_columns) > 1:
            raise ValueError("'- 1' leaves the intercept out of all parameters that have columns, or of none")
        chosen: dict[str, Any] = {
            "predictors": {"*": "intercept", **{key: names or "intercept" for key, names in columns.items()}},
            "fit_intercept": with_columns != {False},
        }
        if offsets:
            chosen["offset"] = offsets
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        model = clone(estimator).set_params(**chosen)
        self.n_features_in_, self.feature_names_in_ = frame.shape[1], np.array(list(map(str, frame.columns)), dtype=object)
        self.estimator_ = model.fit(self.design(frame), target, **weight)
        return self

    def design(self, X: Any) -> Any:
        """The columns that the formulas make of rows of X, as a data frame.

        Parameters
        ----------
        X : data frame

        Returns
        -------
        DataFrame
            With the columns of all parameters, and those that the estimator's arguments name.
        """
        import pandas as pd

        frame, made = _frame(X), dict[str, Any]()
        missing = [name for name in self.kept_ if name not in frame.columns]
        if missing:
            raise ValueError(
                f"the columns {missing}, which arguments of the estimator or its likelihood name, are not in X; it has "
                f"{list(map(str, frame.columns))[:12]}"
            )
        for key, matrix in self._matrices(frame).items():
            offsets = _offsets(matrix)
            if offsets:
                made[_offset_name(matrix)] = matrix[offsets].sum(axis=1).to_numpy()
            made |= {_name(key, column, self.shared_): matrix[column].to_numpy() for column in _plain(matrix)}
        made |= {name: frame[name].to_numpy() for name in self.kept_}
        return pd.DataFrame(made or {INTERCEPT: np.ones(len(frame))}, index=frame.index)  # of a constant, which needs rows

    def predictor_names(self) -> list[str]:
        """Names of the columns of the fitted frame that have a coefficient: not the target, offsets or exposures.

        Returns
        -------
        list of str
        """
        check_is_fitted(self)
        used = {
            str(variable)
            for spec in self.specs_.values()
            for variable, terms in spec.variable_terms.items()
            if not all(str(term).startswith("offset(") for term in terms)
        }
        return [name for name in self.feature_names_in_ if name in used]

    def target(self, X: Any) -> Any:
        """The left-hand side of the formula, for rows of X.

        Parameters
        ----------
        X : data frame

        Returns
        -------
        array-like
        """
        texts = list(self.formula.values()) if isinstance(self.formula, dict) else [self.formula]
        left = [(side, text) for text in texts if (side := _read(text)[0]) is not None]
        if not left:
            raise ValueError(f"formula={self.formula!r} has nothing left of ~: pass y, or write it there")
        if len({str(side) for side, _ in left}) > 1:
            raise ValueError(f"the formulas {texts} have different left sides; write y in one of them")
        (side, text), frame = left[0], _frame(X)
        name = str(side).strip("`")
        if name in frame.columns:
            return frame[name]
        values = _made(side, frame, text, na_action="ignore").to_numpy()
        return values[:, 0] if values.shape[1] == 1 else values

    def learned(self) -> dict[str, Any]:
        """The state of each expression of the formulas after the fit: knots, centres, categories and their contrasts.

        Columns of one name are the same in two models where this is equal.

        Returns
        -------
        dict
        """
        check_is_fitted(self)
        found: dict[str, Any] = {}
        for spec in self.specs_.values():
            categories = {
                key: (state.get("categories"), repr(state.get("contrasts"))) for key, (_, state) in spec.encoder_state.items()
            }
            found |= {key: (spec.transform_state.get(key), categories.get(key)) for key in {*spec.transform_state, *categories}}
        return found

    def _matrices(self, frame: Any) -> dict[Any, Any]:
        texts = self.formula if isinstance(self.formula, dict) else {0: self.formula}
        return {key: _made(spec, frame, texts[key]) for key, spec in self.specs_.items()}

    def _columns_by_parameter(self, frame: Any) -> tuple[dict[Any, list[str]], dict[Any, str]]:
        """Names of the columns, and of the offset, of every parameter; a column that differs between parameters has two."""
        matrices = self._matrices(frame)
        first: dict[str, np.ndarray] = {}
        self.shared_: dict[str, bool] = {}
        for matrix in matrices.values():
            for column in _plain(matrix):
                values = first.setdefault(column, matrix[column].to_numpy())
                same = np.array_equal(values, matrix[column].to_numpy())
                self.shared_[column] = self.shared_.get(column, True) and same
        columns = {key: [_name(key, column, self.shared_) for column in _plain(matrix)] for key, matrix in matrices.items()}
        return columns, {key: _offset_name(matrix) for key, matrix in matrices.items() if _offsets(matrix)}

    classes_, coef_, intercept_ = map(_of_estimator, ("classes_", "coef_", "intercept_"))
    coefs_, intercepts_, likelihood_ = map(_of_estimator, ("coefs_", "intercepts_", "likelihood_"))
    loglikelihood_, n_params_, converged_ = map(_of_estimator, ("loglikelihood_", "n_params_", "converged_"))
    aic_, aicc_, bic_ = map(_of_estimator, ("aic_", "aicc_", "bic_"))

    def inference(
        self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None, **options: Any
    ) -> Inference:
        """Standard errors, intervals and tests; see `Inference.from_estimator`.

        Parameters
        ----------
        X : data frame
        y : array-like of shape (n,), optional
            By default what stands left of ``~``.
        sample_weight : array-like of shape (n,), optional
            That of the fit.
        **options
            Of `Inference.from_estimator`.

        Returns
        -------
        Inference
        """
        check_is_fitted(self)
        return Inference.from_estimator(self, X, y, sample_weight=sample_weight, **options)

    @available_if(_has("predict"))
    def predict(self, X: Any, *args: Any, **options: Any) -> Any:
        """`predict` of the estimator for rows of a data frame.

        Parameters
        ----------
        X : data frame
        *args, **options
            As in `predict` of the estimator.

        Returns
        -------
        ndarray of shape (n,), or what `output` asks for
        """
        check_is_fitted(self)
        return self.estimator_.predict(self.design(X), *args, **options)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """`predict_proba` of the estimator for rows of a data frame.

        Parameters
        ----------
        X : data frame

        Returns
        -------
        ndarray of shape (n, K)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(self.design(X))

    @available_if(_has("predict_dist"))
    def predict_dist(self, X: Any) -> Any:
        """Predictive distributions of rows of a data frame.

        Parameters
        ----------
        X : data frame

        Returns
        -------
        Distribution
        """
        check_is_fitted(self)
        return self.estimator_.predict_dist(self.design(X))

    @available_if(_has("predict_params"))
    def predict_params(self, X: Any) -> dict[str, np.ndarray]:
        """`predict_params` of the estimator for rows of a data frame.

        Parameters
        ----------
        X : data frame

        Returns
        -------
        dict of str to ndarray
        """
        check_is_fitted(self)
        return self.estimator_.predict_params(self.design(X))

    @available_if(_has("predict_quantiles"))
    def predict_quantiles(self, X: Any, *args: Any, **options: Any) -> np.ndarray:
        """`predict_quantiles` of the estimator for rows of a data frame.

        Parameters
        ----------
        X : data frame
        *args, **options
            As for the estimator.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        return self.estimator_.predict_quantiles(self.design(X), *args, **options)

    @available_if(_has("predict_interval"))
    def predict_interval(self, X: Any, *args: Any, **options: Any) -> np.ndarray:
        """`predict_interval` of the estimator for rows of a data frame.

        Parameters
        ----------
        X : data frame
        *args, **options
            As for the estimator.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        return self.estimator_.predict_interval(self.design(X), *args, **options)

    @available_if(_has("score_samples"))
    def score_samples(self, X: Any, y: ArrayLike | None = None) -> np.ndarray:
        """Log-likelihood of every row; y is by default what stands left of ``~``.

        Parameters
        ----------
        X : data frame
        y : array-like of shape (n,), optional

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        return self.estimator_.score_samples(self.design(X), self.target(X) if y is None else y)

    @available_if(_has("score"))
    def score(self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float:
        """`score` of the estimator for rows of a data frame; y is by default the left-hand side of the formula.

        Parameters
        ----------
        X : data frame
        y : array-like of shape (n,), optional
            By default what stands left of ``~``.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
        """
        check_is_fitted(self)
        return self.estimator_.score(self.design(X), self.target(X) if y is None else y, sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Any:
        return get_tags(MLERegressor() if self.estimator is None else self.estimator)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")


def _frame(X: Any) -> Any:
    """X as a pandas data frame, which formulaic takes."""
    import pandas as pd

    if isinstance(X, pd.DataFrame):
        return X
    check_in_memory(X)
    if not hasattr(X, "columns"):
        raise TypeError(f"a formula names columns: pass a data frame, got {type(X).__name__}")
    return pd.DataFrame({str(name): X[name].to_numpy() for name in X.columns})


def _read(text: str) -> tuple[Any, Any]:
    """Left side, or None, and right side of a formula."""
    formulaic = _formulaic()
    if not isinstance(text, str):
        raise TypeError(f"a formula is a str, got {text!r}")
    try:
        formula = formulaic.Formula(text)
    except formulaic.errors.FormulaicError as error:
        raise _unreadable(text, error) from error
    left, right = (formula.lhs, formula.rhs) if hasattr(formula, "rhs") else (None, formula)
    if isinstance(right, tuple):
        raise ValueError(f"formula {text!r}: it has several parts between '|'; give a dict with a formula by parameter")
    return left, right


def _made(spec: Any, frame: Any, text: str, **options: Any) -> Any:
    """The columns of one side of a formula; ValueError with formulaic's words, and for categories that the fit did not see."""
    errors = _formulaic().errors
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.DataMismatchWarning)
        try:
            return spec.get_model_matrix(frame, context=_context(), **{"output": "pandas", **options})
        except (errors.FormulaicError, errors.DataMismatchWarning, ValueError) as error:
            raise _unreadable(text, error) from error


def _unreadable(text: str, error: Any) -> ValueError:
    """The error with formulaic's words about a formula, without colours."""
    return ValueError(f"formula {text!r}: {TERMINAL_CODES.sub('', str(error))}")


def _offsets(matrix: Any) -> list[str]:
    return [column for column in matrix.columns if column.startswith("offset(")]


def _plain(matrix: Any) -> list[str]:
    """The columns that get a coefficient, but the intercept."""
    offsets = _offsets(matrix)
    return [column for column in matrix.columns if column != INTERCEPT and column not in offsets]


def _name(key: Any, column: str, shared: dict[str, bool]) -> str:
    return column if shared[column] else f"{key}: {column}"


def _offset_name(matrix: np.ndarray) -> str:
    """The name of the sum of the offsets of a parameter, which says what it holds."""
    return " + ".join(_offsets(matrix))


publish(globals())
