"""Every format is one document that its readers can parse, whatever the names in a bundle are."""

import csv
import dataclasses
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import pick
from edgekit.formats import FORMATS, csv_table, find_format, json_document, junit, markdown
from edgekit_targets.errors import InputError
from edgekit_targets.records import loads, parse
from edgekit_targets.types.comparison import Baseline, Compared
from edgekit_targets.types.verdict import Verdict

MIB = 2**20
Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
BUDGET = load_budget("p99=20ms, memory=8MiB, accuracy=0.9")
# junit-10.xsd of Jenkins' xunit plugin: what may stand in what, and the attributes that must be there.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "properties": {"property"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
}
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}, "property": {"name", "value"}}
ALLOWED = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "timestamp", "time", "hostname", "id", "package"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "property": {"name", "value"},
}


@pytest.fixture
def verdicts(make_bundle: MakeBundle, make_evidence: Make) -> dict[str, Verdict]:
    fits, heavy = make_evidence("lstm"), make_evidence("transformer", memory=11 * MIB)
    return {
        "pick": pick(make_bundle(fits, heavy), BUDGET),
        "nothing-fits": pick(make_bundle(heavy), BUDGET),
        "undecided": pick(make_bundle(make_evidence("lstm", p99=0.0199, memory=None)), BUDGET),
        "invalid": pick(make_bundle(make_evidence("lstm", valid=False)), BUDGET),
    }


def checked_junit(text: str) -> ET.Element:
    root = ET.fromstring(text.partition("?>")[2])
    assert root.tag == "testsuites"
    for parent in root.iter():
        assert {child.tag for child in parent} <= CHILDREN.get(parent.tag, set())
        assert REQUIRED.get(parent.tag, set()) <= set(parent.attrib) <= ALLOWED.get(parent.tag, set())
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert suite.get(name) == str(len([case for case in cases if case.find(kind) is not None]))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", str(suite.get("timestamp")))
    return root


def test_junit_has_one_case_for_each_limit_of_the_pick(verdicts: dict[str, Verdict]) -> None:
    root = checked_junit(junit.render(verdicts["pick"]))
    assert [case.get("name") for case in root.iter("testcase")] == ["p99", "memory", "accuracy"]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "0", "0")
    assert {one.get("name"): one.get("value") for one in root.iter("property")}["verdict"] == "pick"


def test_junit_is_red_where_the_exit_code_is(verdicts: dict[str, Verdict]) -> None:
    failed = checked_junit(junit.render(verdicts["nothing-fits"]))
    (found,) = failed.iter("failure")
    assert found.get("type") == "fail"
    assert "11.0 MiB" in str(found.get("message"))
    undecided = checked_junit(junit.render(verdicts["undecided"]))
    assert {one.get("type") for one in undecided.iter("error")} == {"undecided", "unmeasured"}
    nothing = checked_junit(junit.render(verdicts["invalid"]))
    assert (nothing.get("tests"), nothing.get("errors")) == ("1", "1")


def moved(status: str, note: str | None = None) -> Compared:
    return Compared(
        artifact="a",
        family="lstm",
        mode="window",
        precision="fp32",
        target="cpu",
        name="p99",
        then=0.001,
        then_low=0.0009,
        then_high=0.0011,
        now=0.002,
        now_low=0.0019,
        now_high=0.0021,
        p_value=None,
        status=status,  # type: ignore[arg-type]
        note=note,
    )


def test_a_regression_is_in_every_format_that_shows_it(verdicts: dict[str, Verdict]) -> None:
    found = (moved("regression"), moved("unmeasured", "why"), moved("same"), moved("better"))
    baseline = Baseline(bundle="old", created="c", device="local", compared=found, notes=("the pick changed",))
    verdict = dataclasses.replace(verdicts["pick"], baseline=baseline)
    root = checked_junit(junit.render(verdict))
    second = root.findall("testsuite")[1]
    assert [second.get(name) for name in ("tests", "failures", "skipped")] == ["4", "1", "1"]
    assert "p99 was 1.00 ms [0.900, 1.10], is 2.00 ms [1.90, 2.10]" in str(next(second.iter("failure")).get("message"))
    text = markdown.render(verdict)
    assert "1 regression beyond noise" in text
    assert "- the pick changed" in text
    assert parse(Verdict, loads(json_document.render(verdict), "x"), "x") == verdict


def test_csv_has_a_line_for_each_candidate_and_unrounded_figures(verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts["pick"]
    rows = list(csv.DictReader(io.StringIO(csv_table.render(verdict))))
    assert [row["family"] for row in rows] == ["lstm", "transformer"]
    assert [row["picked"] for row in rows] == ["true", "false"]
    assert float(rows[0]["p99"]) == verdict.candidates[0].constraints[0].value
    assert rows[1]["memory_status"] == "fail"
    missing = next(csv.DictReader(io.StringIO(csv_table.render(verdicts["undecided"]))))
    assert missing["memory"] == missing["margin"] == ""


def test_markdown_is_one_table_that_is_whole(verdicts: dict[str, Verdict]) -> None:
    for verdict in verdicts.values():
        text = markdown.render(verdict)
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len(rows) == 2 + len(verdict.candidates)
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "**LSTM, fp32, on ONNX Runtime, 1 thread** (the pick)" in markdown.render(verdicts["pick"])


@given(st.text(max_size=60))
def test_no_text_leaves_its_place_in_markdown(text: str) -> None:
    shown = markdown.escape(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<`]", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*\]\(", shown)


HOSTILE = ['=HYPERLINK("x")', "a|b\n# c", "<script>", "]]>&\x00\x1b", "[x](http://y)", "@all", "\ud800"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_break_no_format(verdicts: dict[str, Verdict], name: str) -> None:
    verdict = verdicts["pick"]
    assert verdict.choice is not None
    changed = dataclasses.replace(
        verdict,
        budget=name,
        device=name,
        sentence=name,
        reasons=(name,),
        candidates=tuple(dataclasses.replace(one, family=name, artifact=name) for one in verdict.candidates),
        choice=dataclasses.replace(verdict.choice, family=name, artifact=name),
    )
    root = checked_junit(junit.render(changed))
    assert len(list(root.iter("testcase"))) == 3
    rows = list(csv.DictReader(io.StringIO(csv_table.render(changed))))
    assert len(rows) == 2
    assert not rows[0]["artifact"].startswith(("=", "@"))
    table = [line for line in markdown.render(changed).splitlines() if line.startswith("|")]
    assert len(table) == 4


def test_a_format_that_is_unknown_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean junit"):
        find_format("juint")
    assert [find_format(one.NAME) for one in FORMATS] == FORMATS
