import os
import signal
from collections.abc import Iterator

import pytest

from edgekit.main import INTERRUPTED, main
from edgekit.terminal.interrupt import check, heard, listening
from edgekit.terminal.progress import Bar


@pytest.fixture(autouse=True)
def _as_in_a_terminal() -> Iterator[None]:
    """A shell gives what it starts with ``&`` deaf ears to Ctrl-C; these tests need them open."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_and_lose() -> None:
    """Ctrl-C that hits where somebody swallows it."""
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_one_that_got_lost_ends_long_work_at_its_next_step() -> None:
    with listening(), Bar() as bar:
        bar("profile", 0, 2)
        press_and_lose()
        with pytest.raises(KeyboardInterrupt):
            bar("profile", 1, 2)


def test_one_that_got_lost_in_a_command_without_steps_is_told_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    with listening():
        press_and_lose()
        assert main(["--version"]) == INTERRUPTED
    assert capsys.readouterr().err == "edgekit: interrupted; what was measured is kept\n"


def test_what_came_before_is_forgotten() -> None:
    with listening():
        press_and_lose()
        assert heard()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with listening():
        assert not heard()
        check()


def test_one_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert not heard()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
