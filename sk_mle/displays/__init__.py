"""Pictures of fitted models, in the grammar of scikit-learn's displays; matplotlib is needed to draw them."""

from __future__ import annotations

from .._utils.public import publish
from ._coefficients import CoefficientDisplay
from ._coverage import CoverageDisplay
from ._effect import EffectDisplay
from ._fan import FanChartDisplay
from ._likelihood import LikelihoodDisplay
from ._pit import PITDisplay
from ._profile import ProfileLikelihoodDisplay
from ._quantiles import QuantileResidualDisplay
from ._residuals import ResidualsVsFittedDisplay
from ._rootogram import RootogramDisplay
from ._survival import SurvivalDisplay
from ._worm import WormDisplay

__all__ = [
    "CoefficientDisplay",
    "CoverageDisplay",
    "EffectDisplay",
    "FanChartDisplay",
    "LikelihoodDisplay",
    "PITDisplay",
    "ProfileLikelihoodDisplay",
    "QuantileResidualDisplay",
    "ResidualsVsFittedDisplay",
    "RootogramDisplay",
    "SurvivalDisplay",
    "WormDisplay",
]

publish(globals())
