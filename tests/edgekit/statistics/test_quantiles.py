import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.statistics.clusters import Launches, Samples
from edgekit.statistics.quantiles import Quantile, longest_covered, samples_needed, samples_to_decide
from edgekit.statistics.quantiles import quantile as quantile_of
from edgekit.statistics.sequences import NEEDED, evidence_above, evidence_below

LAUNCHES = st.lists(
    st.lists(st.lists(st.floats(1e-6, 1e3), max_size=30), min_size=1, max_size=4), min_size=1, max_size=5
)


def quantile(launches: Launches, q: float) -> Quantile:
    return quantile_of(Samples(launches), q)


@given(LAUNCHES, st.sampled_from([0.5, 0.9, 0.99]))
def test_the_interval_holds_the_value_and_both_are_samples(launches: list[list[list[float]]], q: float) -> None:
    found = quantile(launches, q)
    flat = sorted(value for one in launches for part in one for value in part)
    for value in (found.value, found.low, found.high):
        assert value is None or value in flat
    if found.low is not None and found.value is not None:
        assert found.low <= found.value
    if found.high is not None and found.value is not None:
        assert found.value <= found.high
    assert 0 <= found.effective_samples <= len(flat)


@given(LAUNCHES, st.sampled_from([0.25, 2.0, 1024.0]), st.sampled_from([0.5, 0.99]))
def test_scaling_the_samples_scales_the_figures(launches: list[list[list[float]]], factor: float, q: float) -> None:
    one = quantile(launches, q)
    two = quantile([[[value * factor for value in part] for part in each] for each in launches], q)
    assert two.effective_samples == one.effective_samples
    for before, after in ((one.value, two.value), (one.low, two.low), (one.high, two.high)):
        assert after == (None if before is None else before * factor)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_the_bet_is_fair(share: float) -> None:
    """The expected wealth is 1 where the hypothesis just holds, and less where it holds with room."""
    from scipy.special import logsumexp
    from scipy.stats import binom

    hits = np.arange(201)
    for evidence, room in ((evidence_below, 1.5), (evidence_above, 0.5)):
        wealth = evidence(200, hits, share)
        assert logsumexp(binom.logpmf(hits, 200, share) + wealth) == pytest.approx(0.0, abs=1e-9)
        assert logsumexp(binom.logpmf(hits, 200, share * room) + wealth) < 0.0


def test_a_p99_needs_501_samples_to_be_bounded_from_above() -> None:
    # An interval for one look needs 368 (MLPerf LoadGen, SciPy); this one may be looked at after each.
    assert samples_needed(0.99) == 501
    assert evidence_below(500, 0, 0.01) < NEEDED <= evidence_below(501, 0, 0.01)
    samples = list(np.random.default_rng(1).random(501))
    assert quantile([[samples]], 0.99).high is not None
    assert quantile([[samples[:500]]], 0.99).high is None
    assert quantile([[samples[:99]]], 0.99).value is None
    assert longest_covered(501.0) == 1.0


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_ties_are_no_trouble(q: float) -> None:
    found = quantile([[[0.001] * 200] * 3] * 2, q)
    assert (found.low, found.value, found.high) == (0.001, 0.001, 0.001)


def test_launches_that_differ_are_worth_fewer_samples() -> None:
    rng = np.random.default_rng(3)
    alike = rng.exponential(size=(6, 6, 100))
    apart = alike * np.exp(0.3 * rng.standard_normal((6, 1, 1)))
    worth = [quantile(launches.tolist(), 0.9).effective_samples for launches in (apart, alike)]
    assert worth[0] < worth[1]
    pooled = quantile([[apart.ravel().tolist()]], 0.9)
    assert pooled.effective_samples == 3600, "one slice of one launch tells of no dependence"


@given(st.floats(1.05, 3.0), st.sampled_from([0.5, 0.99]))
def test_what_it_takes_to_decide_is_what_decides(times: float, q: float) -> None:
    samples = Samples(np.random.default_rng(5).exponential(size=(5, 4, 50)).tolist())
    limit = float(np.quantile(samples.sorted, q)) * times
    wanted = samples_to_decide(samples, q, limit)
    if wanted is not None and wanted > 1000:
        share = float(np.mean(samples.sorted > limit))
        one = np.array([limit])
        effect = float(samples.above(one).design_effects()[0])
        assert evidence_below(wanted / max(effect, 1.0), share * wanted / max(effect, 1.0), 1 - q) >= NEEDED
