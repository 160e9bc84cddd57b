"""The errors a user can meet. Each carries its exit code and is printed as one line.

Anything that is not an :class:`EdgekitError` is a bug in edgekit and keeps its traceback (exit code 1).

    EdgekitError
    |-- InputError          2    the user's input or environment: names the option or file, and the remedy
    |   |-- MissingExtra    2    a part that is not installed: names the ``pip install`` that brings it
    |   `-- WriteFailed     2    the disk is full or the folder cannot be written; nothing is left behind
    |-- AgentFailed         2    the agent or a worker process on the device died or does not answer
    |   `-- AgentGone       2    the agent itself: nothing more can be asked of the device
    |-- NothingFits         3    no candidate meets the budget
    |-- Undecided           4    more measuring would tell
    `-- CheckFailed         5    parity, hash, signature or golden vectors
"""

from __future__ import annotations

from typing import ClassVar

DISTRIBUTION = "edgekit-onnx"


class EdgekitError(Exception):
    """Base of every error whose cause lies outside edgekit. The message is one line for the user."""

    exit_code: ClassVar[int] = 2


class InputError(EdgekitError):
    """The user's input or environment is wrong; the message names the option or file and the remedy."""


class MissingExtra(InputError):
    """A needed package is not installed; the message is the command that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        """Name what is missing (``what``) and the extra of the distribution that brings it (``extra``)."""
        super().__init__(f'{what} is not installed; install it with: pip install "{DISTRIBUTION}[{extra}]"')
        self.extra = extra


class WriteFailed(InputError):
    """A file could not be written: the disk is full, or permission is missing. Nothing is left behind."""


class AgentFailed(EdgekitError):
    """The agent, or a worker that held a model, died (crash in native code, out of memory) or does not answer."""


class AgentGone(AgentFailed):
    """The agent itself has ended; nothing more can be asked of the device."""


class NothingFits(EdgekitError):
    """Every candidate breaks at least one limit of the budget."""

    exit_code: ClassVar[int] = 3


class Undecided(EdgekitError):
    """The evidence does not settle the question; more measuring would."""

    exit_code: ClassVar[int] = 4


class CheckFailed(EdgekitError):
    """A file or an answer is not what it must be: parity, hash, signature or golden vectors."""

    exit_code: ClassVar[int] = 5
