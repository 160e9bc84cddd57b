"""The rounds of the classic comparison, each with a claim that is measured here: one contract for all.

A round is a module with a ``NAME``, a ``TITLE``, the usual ``CLAIM``, ``check``, which refuses what it cannot do before
anything is trained, ``stages``, which says what it will do and how long that takes, and ``play``. Each takes a
:class:`edgekit.rounds.context.Context`; ``play`` gives a :class:`edgekit.rounds.contract.Round`. One that takes more
than a file is ``round`` of a folder of its own. To add one, add it and its line below, in the order of the score card.
Heavy imports happen inside ``play``.
"""

from types import ModuleType

from edgekit.rounds import edge
from edgekit.rounds.business import round as business
from edgekit.rounds.interpretability import round as interpretability
from edgekit.rounds.memory import round as memory
from edgekit.rounds.speed import round as speed

ROUNDS: list[ModuleType] = [memory, speed, interpretability, business, edge]
