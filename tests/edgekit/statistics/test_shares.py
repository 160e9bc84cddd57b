import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.statistics.shares import share

PARTS = st.integers(0, 30).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size)))


@given(st.lists(st.lists(PARTS, max_size=4), max_size=6))
def test_the_interval_holds_the_share(launches: list[list[tuple[int, int]]]) -> None:
    found = share(launches)
    total = sum(size for one in launches for _, size in one)
    assert (found is None) == (total == 0)
    if found is not None:
        assert found.value == pytest.approx(sum(hits for one in launches for hits, _ in one) / total)
        assert 0.0 <= found.low <= found.value + 1e-12
        assert found.value - 1e-12 <= found.high <= 1.0


def test_nothing_hit_is_no_proof_that_nothing_will_be() -> None:
    found = share([[(0, 100)] * 2] * 5)
    assert found is not None
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.003 < found.high < 0.01


@pytest.mark.parametrize("truth", [0.01, 0.2])
def test_covers_the_truth_at_every_look(truth: float) -> None:
    rng = np.random.default_rng(6)
    wrong = 0
    for _ in range(300):
        hits = rng.binomial(20, truth, size=(12, 4))
        looks = [share([[(int(one), 20) for one in launch] for launch in hits[:n]]) for n in range(3, 13, 3)]
        wrong += any(one is not None and not one.low <= truth <= one.high for one in looks)
    assert wrong <= 15
