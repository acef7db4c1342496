"""The result of a statistical test."""

from __future__ import annotations

from dataclasses import dataclass

from .._utils.tables import Table, number, probability


@dataclass(frozen=True)
class TestResult:
    """A test of a hypothesis, or between two models.

    Attributes
    ----------
    test : str
    statistic : float
    df : int, (int, float) or None
        Degrees of freedom: of chi-squared; the pair of an F statistic; None for a standard normal statistic. Of a
        likelihood-ratio test those inside the larger model.
    pvalue : float
    hypothesis : str
        What is tested, in words.
    boundary : tuple of str
        Parameters of the larger model at an edge of their domain, for which `pvalue` is corrected.
    note : str

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.datasets import make_mle_regression
    >>> X, y, *_ = make_mle_regression("poisson", 40, 2, random_state=0)
    >>> result = MLERegressor("poisson").fit(X, y).inference(X, y).wald_test("x1 = 0")
    >>> print(result)
    Wald test: mean:x1 = 0
    statistic = 9.4291, df = 1, p-value = 0.0021
    >>> result.df, round(result.pvalue, 3)
    (1, 0.002)
    """

    test: str
    statistic: float
    df: int | tuple[int, float] | None
    pvalue: float
    hypothesis: str
    boundary: tuple[str, ...] = ()
    note: str = ""

    __test__ = False  # not a test for pytest

    @property
    def _df(self) -> str:
        """The degrees of freedom as text; "" if there are none."""
        df = f"({self.df[0]}, {self.df[1]:g})" if isinstance(self.df, tuple) else self.df
        return "" if df is None else f"{df}" + "".join(f" + {name} at its edge" for name in self.boundary)

    def _repr_html_(self) -> str:
        df = [("degrees of freedom", self._df)] * bool(self._df)
        facts = [("hypothesis", self.hypothesis), ("statistic", number(self.statistic)), *df]
        facts.append(("p-value", probability(self.pvalue)))
        return Table({}, [], title=self.test, head=facts, notes=[self.note] * bool(self.note))._repr_html_()

    def __str__(self) -> str:
        df = f", df = {self._df}" * bool(self._df)
        pvalue = f"= {probability(self.pvalue)}".replace("= <", "< ")
        lines = [f"{self.test}: {self.hypothesis}", f"statistic = {number(self.statistic)}{df}, p-value {pvalue}"]
        return "\n".join([*lines, self.note] if self.note else lines)
