"""Scores of censored durations, against lifelines, formulas by hand, and samples of which nothing is hidden."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from sk_mle import Distribution, MLERegressor, censored
from sk_mle._utils.kaplan_meier import kaplan_meier
from sk_mle.likelihoods import Censored, Exponential, Geometric, Weibull
from sk_mle.metrics import censored_crps, concordance_index, crps, integrated_brier_score

RNG = np.random.default_rng(6)
N = 150
MEAN = np.exp(RNG.normal(size=N))
LIFE, END = RNG.exponential(MEAN), RNG.exponential(2.0, N)
TIME, EVENT = np.minimum(LIFE, END), LIFE <= END
Y = censored(TIME, EVENT)
DIST = Distribution(Exponential(), {"mean": MEAN * 1.2})


def test_kaplan_meier_and_concordance_of_lifelines():
    lifelines = pytest.importorskip("lifelines")
    for time in (TIME, np.round(TIME, 1)):  # with ties
        km = lifelines.KaplanMeierFitter().fit(time, EVENT)
        ours = kaplan_meier(time, EVENT)
        np.testing.assert_allclose(ours.survival, km.predict(ours.times), rtol=1e-10)
        np.testing.assert_allclose(ours.at(np.array([0.0, 0.33, 1.7])), km.predict([0.0, 0.33, 1.7]), rtol=1e-10)
        for predicted in (MEAN, np.round(MEAN, 1)):
            found = concordance_index(censored(time, EVENT), Distribution(Exponential(), {"mean": predicted + 0.1}))
            assert found == pytest.approx(lifelines.utils.concordance_index(time, predicted, EVENT), rel=1e-12)


def test_weights_are_repeated_rows():
    weight = RNG.integers(0, 3, N)
    rows = np.repeat(np.arange(N), weight)
    for score in (integrated_brier_score, censored_crps):
        options = {"times": [0.2, 0.5, 1.0]} if score is integrated_brier_score else {"horizon": 1.0}
        weighted = score(Y, DIST, sample_weight=weight, **options)
        assert weighted == pytest.approx(score(Y[rows], DIST[rows], **options), rel=1e-10)


def test_brier_scores_by_hand():
    times = np.array([0.3, 0.8, 1.5])

    def G(t, left=False):
        value = 1.0
        for s in sorted(TIME[~EVENT]):
            if s < t or (s == t and not left):
                value *= 1 - 1 / (np.sum(s <= TIME) - np.sum((s == TIME) & EVENT))
        return value

    by_hand = []
    for t in times:
        total = 0.0
        for i in range(N):
            survival = np.exp(-t / (1.2 * MEAN[i]))
            if TIME[i] <= t and EVENT[i]:
                total += survival**2 / G(TIME[i], left=True)
            elif TIME[i] > t:
                total += (1 - survival) ** 2 / G(t)
        by_hand.append(total / N)
    np.testing.assert_allclose(integrated_brier_score(Y, DIST, times=times, per_time=True), by_hand, rtol=1e-10)
    expected = (0.25 * (by_hand[0] + by_hand[1]) + 0.35 * (by_hand[1] + by_hand[2])) / 1.2
    assert integrated_brier_score(Y, DIST, times=times) == pytest.approx(expected, rel=1e-10)


def test_without_censoring_it_is_the_crps():
    assert censored_crps(LIFE, DIST, horizon=400.0) == pytest.approx(crps(LIFE, DIST), rel=1e-6)
    far = np.array([-30.0, 0.0, 1.0, 50.0])  # below all that is predicted, too
    normal = Distribution("normal", {"loc": np.zeros(4), "scale": np.ones(4)})
    assert censored_crps(far, normal, horizon=60.0) == pytest.approx(crps(far, normal), rel=1e-10)
    narrow = Distribution("gamma", {"mean": np.full(3, 10.0), "shape": np.full(3, 1e6)})
    # |y - 10| less E|Y - Y'| / 2 of a normal law of standard deviation 0.01
    expected = (1 + 0 + 1) / 3 + 0.01 * (np.sqrt(2 / np.pi) / 3 - 1 / np.sqrt(np.pi))
    assert censored_crps([9.0, 10.0, 11.0], narrow, horizon=1000.0) == pytest.approx(expected, abs=1e-6)
    counts, poisson = np.array([0.0, 2.0, 5.0]), Distribution("poisson", {"mean": np.array([1.0, 2.0, 3.0])})
    assert censored_crps(counts, poisson, horizon=100.0) == pytest.approx(crps(counts, poisson), rel=1e-10)


def test_censored_crps_is_exact_between_the_steps_of_the_weights():
    rate, end = 1 / (1.2 * MEAN), 1.5
    steps, survival = np.sort(TIME[~EVENT]), kaplan_meier(TIME, EVENT, censoring=True)

    def antiderivative(t, i):
        """Of (1 - exp(-rate t))^2."""
        return t + 2 * np.exp(-rate[i] * t) / rate[i] - np.exp(-2 * rate[i] * t) / (2 * rate[i])

    total = 0.0
    for i in range(N):
        stop = min(TIME[i], end)
        edges = np.concatenate([[0.0], steps[steps < stop], [stop]])
        total += np.diff(antiderivative(edges, i)) @ (1 / survival.at(edges[:-1]))
        if EVENT[i] and TIME[i] < end:
            after = (np.exp(-2 * rate[i] * stop) - np.exp(-2 * rate[i] * end)) / (2 * rate[i])
            total += after / survival.at(TIME[i : i + 1], before=True)[0]
    assert censored_crps(Y, DIST, horizon=end) == pytest.approx(total / N, rel=1e-10)


@pytest.mark.parametrize("scale", [1.0, 1e-3])  # wide and narrow beside the steps of the weights
def test_censored_crps_of_many_steps(scale):
    """Against the antiderivatives of the squared normal distribution function and of the other tail's."""
    rng = np.random.default_rng(4)
    n, high = 900, 1.0
    loc = rng.normal(size=n)
    life, cut = loc + scale * rng.normal(size=n), rng.normal(size=n)
    time, event = np.minimum(life, cut), life <= cut
    survival = kaplan_meier(time, event, censoring=True)

    def antiderivative(z):
        """Of ndtr(z)^2, from minus infinity."""
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return z * ndtr(z) ** 2 + 2 * ndtr(z) * density - ndtr(np.sqrt(2) * z) / np.sqrt(np.pi)

    edges = survival.jumps()
    stop, jump = np.minimum(time, high)[:, None], np.diff(1 / survival.at(np.append(-9.0, edges)))
    up_to = antiderivative((stop - loc[:, None]) / scale)
    total = (
        up_to[:, 0] + np.where(edges < stop, up_to - antiderivative((np.minimum(edges, stop) - loc[:, None]) / scale), 0) @ jump
    )
    seen = event & (time < high)
    below = [antiderivative((loc - t) / scale) for t in (time, np.full(n, high))]
    total[seen] += ((below[0] - below[1]) / survival.at(time, before=True))[seen]
    found = censored_crps(censored(time, event), Distribution("normal", {"loc": loc, "scale": np.full(n, scale)}), horizon=high)
    assert found == pytest.approx(scale * total.mean(), rel=1e-9)


def test_censored_scores_estimate_those_of_complete_data():
    rng = np.random.default_rng(0)
    n = 4000
    life, end = rng.weibull(1.5, n), rng.exponential(2.0, n)
    dist = Distribution(Weibull(), {"scale": np.full(n, 1.3), "shape": np.full(n, 1.2)})
    y = censored(np.minimum(life, end), life <= end)
    times = np.array([0.5, 1.0, 1.5])
    np.testing.assert_allclose(
        integrated_brier_score(y, dist, times=times, per_time=True),
        integrated_brier_score(life, dist, times=times, per_time=True),
        rtol=0.05,
    )
    few = slice(0, 800)
    assert censored_crps(y[few], dist[few], horizon=1.5) == pytest.approx(
        censored_crps(life[few], dist[few], horizon=1.5), rel=0.05
    )


def test_hazards():
    shape, scale = 1.7, 2.5
    dist = Distribution(Weibull(), {"scale": np.full(3, scale), "shape": np.full(3, shape)})
    t = np.array([0.1, 1.0, 80.0])
    np.testing.assert_allclose(dist.hazard(t), shape / scale * (t / scale) ** (shape - 1), rtol=1e-10)
    np.testing.assert_allclose(dist.cumulative_hazard(t), (t / scale) ** shape, rtol=1e-10)
    counts = Distribution(Geometric(), {"prob": np.full(2, 0.25)})
    law = stats.geom(0.25, loc=-1)
    np.testing.assert_allclose(counts.hazard([0.0, 4.0]), law.pmf([0, 4]) / law.sf([-1, 3]), rtol=1e-10)
    X = np.log(MEAN)[:, None]
    model = MLERegressor(Censored(Weibull())).fit(X, Y)
    inference = model.inference(X, Y)
    for what in ("hazard", "cumulative_hazard"):
        table = inference.predict(X[:4], what, y=1.0)
        np.testing.assert_allclose(table[f"{what}(1)"], getattr(model.predict_dist(X[:4]), what)(np.ones(4)), rtol=1e-10)
        assert (table["2.5%"] > 0).all()


def test_what_cannot_be_scored_is_told():
    for score in (concordance_index, integrated_brier_score, censored_crps):
        with pytest.raises(TypeError, match="takes y first, then its predictive distribution"):
            score(DIST, Y)
    with pytest.raises(ValueError, match="times censored on the right censored_crps, integrated_brier_score and"):
        crps(Y, DIST)
    with pytest.raises(ValueError, match=r"time has shape \(150, 2\), but must be \(n,\): times and events are two arguments"):
        censored(np.column_stack([TIME, EVENT]))
    with pytest.raises(ValueError, match=r"the order is censored\(time, event\)"):
        censored(EVENT, TIME)
    with pytest.raises(ValueError, match=r"row 0 of y is known up to an interval; such values have a log score only"):
        concordance_index([[1.0, 2.0], [1.0, 1.0]], DIST[:2])
    with pytest.raises(ValueError, match="no pair of rows can be judged"):
        concordance_index(censored([1.0, 2.0], [False, False]), DIST[:2])
    with pytest.raises(ValueError, match="nothing is known of later times; end at or before 1"):
        integrated_brier_score(censored([1.0, 2.0], [True, False]), DIST[:2], times=[0.5, 3.0])
    with pytest.raises(ValueError, match="times must be increasing"):
        integrated_brier_score(Y, DIST, times=[2.0, 1.0])
    with pytest.raises(ValueError, match="y has 2 rows, but dist has 3"):
        concordance_index([1.0, 2.0], DIST[:3])
    with pytest.raises(ValueError, match=r"as sk_mle\.censored"):
        censored_crps(np.ones((2, 3)), DIST[:2])
    for horizon in (np.nan, -1.0, 0.0, np.inf):
        with pytest.raises(ValueError, match=f"horizon must be a finite number above 0, got {horizon}"):
            censored_crps(Y, DIST, horizon=horizon)
