"""The interval of a mean over models and samples."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.statistics.crossed import crossed


def test_of_one_model_it_is_students_over_the_samples() -> None:
    from scipy import stats

    values = np.random.default_rng(0).normal(size=(1, 12))
    found = crossed(values)
    expected = stats.ttest_1samp(values[0], 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_of_one_sample_there_is_no_interval_and_of_equal_ones_it_is_a_point() -> None:
    assert (crossed(np.ones((1, 1))).low, crossed(np.ones((3, 1))).high) == (None, None)
    found = crossed(np.full((3, 4), 2.0))
    assert (found.low, found.value, found.high) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("models", "samples", "between_models", "between_samples", "rest"),
    [(3, 60, 0.5, 1.0, 1.0), (10, 20, 1.0, 0.2, 0.5), (5, 100, 0.0, 1.0, 2.0), (6, 30, 0.0, 0.0, 1.0)],
)
def test_it_covers_new_models_and_new_samples(
    models: int, samples: int, between_models: float, between_samples: float, rest: float
) -> None:
    generator = np.random.default_rng(1)
    runs, covered = 600, 0
    for _ in range(runs):
        values = (
            between_models * generator.normal(size=(models, 1))
            + between_samples * generator.normal(size=(1, samples))
            + rest * generator.normal(size=(models, samples))
        )
        found = crossed(values)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.0 <= found.high
    # 95 % and more: 0.929 is what 600 runs of exactly 95 % stay above in 99 of 100.
    assert covered / runs >= 0.929
