from collections.abc import Callable

from edgekit.decision.figures import Evidence
from edgekit.decision.pareto import pareto

Make = Callable[..., Evidence]


def test_keeps_what_no_other_beats_in_everything(make_evidence: Make) -> None:
    accurate = make_evidence("transformer", validation=0.99, p99=0.005)
    quick = make_evidence("lstm", validation=0.97, p99=0.001)
    worse = make_evidence("conv", validation=0.96, p99=0.006)
    assert pareto([accurate, quick, worse]) == [accurate, quick]


def test_leaves_out_what_is_invalid_or_unmeasured(make_evidence: Make) -> None:
    fine = make_evidence("lstm")
    assert pareto([fine, make_evidence("conv", valid=False), make_evidence("linear", p99=None)]) == [fine]


def test_equal_candidates_both_stay(make_evidence: Make) -> None:
    one, two = make_evidence("lstm", target="cpu"), make_evidence("lstm", target="openvino")
    assert pareto([one, two]) == [one, two]
