"""The rounds of the classic comparison, each with a claim that is measured here: one file a round, one contract.

A round is a module with a ``NAME``, a ``TITLE``, the usual ``CLAIM``, ``check``, which refuses what it cannot do before
anything is trained, and ``play``, which takes a :class:`edgekit.rounds.context.Context` and gives a
:class:`edgekit.rounds.contract.Round`. To add one, add a file and
its line below, in the order of the score card. Heavy imports happen inside ``play``.
"""

from types import ModuleType

from edgekit.rounds import business, edge, interpretability, memory, speed

ROUNDS: list[ModuleType] = [memory, speed, interpretability, business, edge]
