"""An `Inference` as a model of the optional package marginaleffects; no other module imports it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._sources import check_in_memory
from ._functions import functional
from ._linearised import RowPredictors, as_matrix


def marginaleffects_model(inference: Any, X: Any, what: Any, at: Any) -> Any:
    """A model for `marginaleffects.predictions`, `comparisons`, `slopes` and their plots, on a data frame of predictors."""
    try:
        import polars as pl
        from marginaleffects.classes import ModelAbstract, ModelVault
    except ImportError as error:
        raise ImportError("for_marginaleffects needs the package marginaleffects: pip install marginaleffects") from error
    check_in_memory(X)
    if not hasattr(X, "columns"):
        raise TypeError("for_marginaleffects needs X as a pandas or polars data frame: its functions name variables")
    polars, columns = hasattr(X, "with_columns"), [str(name) for name in X.columns]
    f = functional(inference, what, at).of
    classes = getattr(inference.model, "classes_", None)

    class Model(ModelAbstract):
        def get_exog(self, newdata: Any) -> Any:
            return newdata

        def get_predict(self, params: Any, newdata: Any) -> Any:
            table = newdata.select(columns)
            rows = RowPredictors(inference, table if polars else table.to_pandas())
            rows.check_estimable()
            value = as_matrix(f(rows.dist(rows.eta(np.asarray(params, dtype=float)))), rows.n)
            ids = pl.Series("rowid", np.tile(np.arange(rows.n), value.shape[1]), dtype=pl.Int32)
            result = pl.DataFrame({"rowid": ids, "estimate": value.ravel(order="F")})
            if value.shape[1] == 1:
                return result
            groups = map(str, range(value.shape[1]) if classes is None else classes)
            return result.with_columns(pl.Series("group", np.repeat(list(groups), rows.n)))

    data = X if polars else pl.from_pandas(X)
    vault = ModelVault(
        coef=inference.params.copy(),
        coefnames=np.array(inference.names),
        vcov=inference.root @ inference.root.T,
        modeldata=data.with_columns(pl.lit(0.0).alias(" target")),
        formula=lambda table: (None, table),
        variable_names=[" target", *columns],
        package="sk_mle",
    )
    return Model(inference, vault)
