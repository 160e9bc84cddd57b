from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.budget.load import load_budget
from edgekit.decision.explain import Explanation, explain
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import conclude
from edgekit.decision.prefer import DEFAULT
from edgekit.decision.weigh import weigh
from edgekit.terminal.story import story_lines
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.records import dumps, loads, parse

MIB = 2**20
Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
BUDGET = load_budget("p99=20ms, memory=8MiB, accuracy=0.9")


def told(bundle: Path, artifact: str) -> Explanation:
    weighed = weigh(bundle, BUDGET)
    return explain(weighed, artifact, DEFAULT, conclude(weighed).verdict)


@pytest.fixture
def bundle(make_bundle: MakeBundle, make_evidence: Make) -> Path:
    return make_bundle(
        make_evidence("lstm", cpu=0.001),
        make_evidence("lstm", target="openvino", cpu=0.003),
        make_evidence("transformer", memory=11 * MIB),
        make_evidence("conv", valid=False, warnings=("it was throttled",)),
        make_evidence("linear", validation=0.8),
    )


def test_tells_why_it_won_and_where_its_figures_stand(bundle: Path) -> None:
    found = told(bundle, "lstm-window-fp32-portable-plain")
    first, second = found.stories
    assert first.picked
    assert first.outcome == "Picked: it meets every limit, and CPU time decided."
    assert (bundle / first.profile).is_file()
    assert [(place.metric, place.place, place.of, place.kept) for place in first.places] == [
        ("accuracy", 1, 3, True),
        ("cpu", 1, 2, True),
    ]
    assert not second.picked
    assert "lost by CPU time: 3.00 ms [2.94, 3.06] against 1.00 ms" in second.outcome
    assert parse(Explanation, loads(dumps(found), "x"), "x") == found


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("transformer", "Not picked: memory 11.0 MiB"),
        ("conv", "Not picked: its measurement is not valid (it was throttled)."),
        ("linear", "lost by accuracy: 80.0 % [79.4, 80.6] against 97.0 %"),
    ],
)
def test_tells_why_it_lost(bundle: Path, family: str, words: str) -> None:
    found = told(bundle, f"{family}-window-fp32-portable-plain")
    assert words in found.stories[0].outcome
    text = "\n".join(story_lines(found))
    for part in (words, "limit 20 ms", "parity against pytorch", "golden vectors: not run there", "profiles/"):
        assert part in text


def test_a_tie_is_told_on_both_sides(make_bundle: MakeBundle, make_evidence: Make) -> None:
    found = told(
        make_bundle(make_evidence("lstm"), make_evidence("lstm", target="openvino")), "lstm-window-fp32-portable-plain"
    )
    assert "nothing that was preferred tells it apart from LSTM, fp32, on OpenVINO" in found.stories[0].outcome
    assert found.stories[1].outcome.startswith("A tie:")


def test_an_unknown_name_gets_the_nearest(bundle: Path) -> None:
    with pytest.raises(InputError, match="did you mean lstm-window-fp32-portable-plain"):
        told(bundle, "lstm-windw-fp32")
    with pytest.raises(InputError, match="no such artifact; it has lstm-window"):
        told(bundle, "zzzzzz")


def test_an_artifact_that_was_not_measured_is_not_explained(make_bundle: MakeBundle, make_evidence: Make) -> None:
    bundle = make_bundle(make_evidence("lstm"), make_evidence("conv", length=50))
    with pytest.raises(Undecided, match="conv-window-fp32-portable-plain was not measured"):
        told(bundle, "conv-window-fp32-portable-plain")
