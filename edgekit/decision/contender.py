"""Who would be preferred to the choice, were it only sure to fit."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.decision.figures import Evidence
from edgekit.decision.prefer import Ranking, rank
from edgekit.decision.weigh import fits
from edgekit_targets.types.verdict import Candidate


def contender(
    judged: Sequence[tuple[Evidence, Candidate]], ranking: Ranking, prefer: Sequence[str]
) -> tuple[Evidence, Candidate] | None:
    """The one that would be shipped if everything open turned out well; None where that is the choice, or ties with it.

    The choice stands on what is sure. People who see only that never learn that a little more measuring may give them
    a better one.
    """
    hoped = rank([one for one, candidate in judged if candidate.valid and candidate.status != "fail"], prefer)
    if any(one is ranking.winner for one in (hoped.winner, *hoped.tied)):
        return None
    return next((item for item in judged if item[0] is hoped.winner and not fits(item[1])), None)
