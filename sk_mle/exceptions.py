"""Warnings of this package; those of fits are ConvergenceWarnings, so that one filter catches all."""

from sklearn.exceptions import ConvergenceWarning

__all__ = [
    "BoundaryWarning",
    "ConvergenceWarning",
    "IdentificationWarning",
    "SeparationWarning",
    "VersionWarning",
]


class SeparationWarning(ConvergenceWarning):
    """A direction of the coefficients raises the likelihood without end: no finite maximum exists.

    Examples
    --------
    >>> import warnings
    >>> from sk_mle import MLEClassifier
    >>> from sk_mle.exceptions import SeparationWarning
    >>> X, y = [[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1]  # between 2 and 3 a point separates the classes
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = MLEClassifier().fit(X, y)
    >>> issubclass(caught[0].category, SeparationWarning), model.converged_
    (True, False)
    >>> MLEClassifier(alpha=0.1).fit(X, y).converged_  # with a penalty there is a maximum
    True
    """


class BoundaryWarning(ConvergenceWarning):
    """The likelihood grows towards the edge of a parameter's domain.

    Examples
    --------
    >>> import warnings
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.exceptions import BoundaryWarning
    >>> X, y = [[0], [1], [2], [3], [4], [5]], [2, 2, 3, 3, 4, 4]  # counts that vary less than Poisson ones
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = MLERegressor("negative_binomial").fit(X, y)
    >>> issubclass(caught[0].category, BoundaryWarning)
    True
    >>> print(str(caught[0].message)[:66])
    dispersion of NegativeBinomial ran to the lower edge of its domain
    """


class IdentificationWarning(ConvergenceWarning):
    """The likelihood does not depend on some coefficients: other values of them are as good, with other predictions.

    Examples
    --------
    >>> import warnings
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.exceptions import IdentificationWarning
    >>> from sk_mle.likelihoods import Hurdle, Poisson
    >>> X, y = [[0], [0], [0], [0], [1], [1]], [1, 2, 3, 0, 0, 0]  # where the column is 1 there are no counts above zero
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = MLERegressor(Hurdle(Poisson())).fit(X, y)
    >>> issubclass(caught[0].category, IdentificationWarning), bool(abs(model.coef_[0]) < 1e-12)
    (True, True)
    """


class VersionWarning(UserWarning):
    """A fitted estimator was saved by another version of this package, which may compute otherwise.

    Examples
    --------
    >>> import warnings
    >>> from sk_mle.exceptions import VersionWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", VersionWarning)  # here, models of another version are an error to read
    """
