"""Processes that can be interrupted, whoever started the tests."""

import signal


def hear_ctrl_c() -> None:
    """For ``preexec_fn``: a shell gives what it starts with ``&`` deaf ears to Ctrl-C, and Python leaves it at that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
