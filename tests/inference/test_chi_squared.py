"""Weighted sums of chi-squared variables against scipy, and against the characteristic function inverted by quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from sk_mle.inference._chi_squared import weighted_chi_squared_sf


def imhof(x, w):
    """P(sum w_j Z_j^2 > x) by Imhof's integral."""

    def integrand(u):
        angle = 0.5 * np.sum(np.arctan(w * u)) - 0.5 * x * u
        return np.sin(angle) / (u * np.prod((1 + (w * u) ** 2) ** 0.25))

    return 0.5 + integrate.quad(integrand, 0, 400, limit=2000)[0] / np.pi


@pytest.mark.parametrize("x", [0.3, 2.0, 3.68, 8.0, 20.0])
def test_upper_tail(x):
    w = np.array([1.0, 0.98, 0.9, 0.5, 0.2, 0.1, 1e-9])
    assert weighted_chi_squared_sf(x, w) == pytest.approx(imhof(x, w[:-1]), rel=0.02)


def test_equal_weights_are_exact_and_ends_are_finite():
    assert weighted_chi_squared_sf(6.0, np.full(3, 2.0)) == pytest.approx(stats.chi2.sf(3.0, 3), rel=1e-12)
    assert weighted_chi_squared_sf(0.0, np.array([1.0, 0.5])) == 1.0
    assert 0 <= weighted_chi_squared_sf(1e4, np.array([1.0, 0.5])) < 1e-300
