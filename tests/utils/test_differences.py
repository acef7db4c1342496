"""Numerical derivatives against exact ones."""

import numpy as np
import pytest

from sk_mle._utils.differences import differentiate


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("gradient", [None, lambda eta: pytest.fail("asked of no sample")])
def test_no_sample_has_no_derivatives(order, gradient):
    f = lambda eta: pytest.fail("asked of no sample")
    found = differentiate(f, np.empty((0, 3)), order, np.array([True, False, True]), gradient, together=True)
    shapes = [value if value is None else value.shape for value in found]
    assert shapes == [(0,), (0, 3), (0, 3, 3)][: order + 1] + [None] * (2 - order)
