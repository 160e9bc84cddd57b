"""A real agent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgekit_targets.agent.client import LocalAgent


@pytest.fixture
def agent() -> Iterator[LocalAgent]:
    with LocalAgent() as started:
        yield started
