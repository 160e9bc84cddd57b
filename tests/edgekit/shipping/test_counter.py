from datetime import UTC, datetime

import pytest

from edgekit.shipping.counter import next_counter
from edgekit_targets.errors import InputError


def test_grows_with_the_time_and_takes_a_number() -> None:
    before = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    found = next_counter(None)
    assert int(before) <= found <= int(datetime.now(UTC).strftime("%Y%m%d%H%M%S"))
    assert next_counter(12) == 12


@pytest.mark.parametrize("number", [0, -1, 1 << 53])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(InputError, match="--counter"):
        next_counter(number)
