from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.matrix import Matrix, matrix
from edgekit.formats.markdown import cell_text, render_matrix
from edgekit.profiling.store import read_profiles, write_profile
from edgekit_targets.errors import Undecided
from edgekit_targets.records import dumps, loads, parse
from edgekit_targets.types.profile import Profile

Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
BUDGETS = [load_budget("p99=20ms"), load_budget("p99=1ms"), load_budget("p99=4ms")]


@pytest.fixture
def found(make_bundle: MakeBundle, make_evidence: Make, make_profile: Callable[..., Profile]) -> Matrix:
    bundle = make_bundle(make_evidence("lstm"), make_evidence("transformer", p99=0.006))
    own = read_profiles(bundle)[0][1].measurements
    write_profile(bundle, make_profile(own[1], fingerprint="a" * 64, name="pi", created=3))
    return matrix(bundle, BUDGETS, devices=["local", "pi", "nano"])


def test_has_the_pick_of_every_device_and_budget(found: Matrix) -> None:
    texts = {(one.device, one.budget): cell_text(one) for one in found.cells}
    assert texts["local", "p99<=20ms"] == "LSTM, fp32 on ONNX Runtime, 1 thread"
    assert texts["pi", "p99<=20ms"] == "Transformer, fp32 on ONNX Runtime, 1 thread"
    assert texts["local", "p99<=1ms"] == "nothing fits"
    assert texts["local", "p99<=4ms"] == "undecided"


def test_is_blank_where_nothing_was_measured_and_says_why(found: Matrix) -> None:
    blank = found.cell("nano", "p99<=20ms")
    assert (blank.verdict, blank.choice, cell_text(blank)) == (None, None, "")
    assert "holds no measurement of it" in blank.why


def test_the_wiki_page_is_one_table(found: Matrix) -> None:
    lines = render_matrix(found).splitlines()
    assert lines[0] == r"| device | p99\<=20ms | p99\<=1ms | p99\<=4ms |"
    assert lines[4] == "| nano |  |  |  |"
    assert parse(Matrix, loads(dumps(found), "x"), "x") == found


def test_machines_of_one_name_get_rows_of_their_own(
    make_bundle: MakeBundle, make_evidence: Make, make_profile: Callable[..., Profile]
) -> None:
    bundle = make_bundle(make_evidence("lstm"))
    own = read_profiles(bundle)[0][1].measurements
    write_profile(bundle, make_profile(*own, fingerprint="a" * 64, created=3))
    assert matrix(bundle, BUDGETS[:1]).devices == ("local (ffffffff)", "local (aaaaaaaa)")


def test_a_bundle_without_measurements_has_no_matrix(make_bundle: MakeBundle, make_evidence: Make) -> None:
    with pytest.raises(Undecided, match="edgekit profile"):
        matrix(make_bundle(make_evidence("lstm"), profiled=False), BUDGETS)
