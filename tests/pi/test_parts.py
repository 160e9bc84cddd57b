"""A part that is missing is no silent gap: named in a skip on a desk, an error under ``.ci/run``."""

from __future__ import annotations

import pytest

from tests.pi.conftest import without


def test_on_a_desk_it_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="qemu missing"):
        without("qemu missing")


def test_under_ci_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="qemu missing"):
        without("qemu missing")
