"""The verdict as JUnit XML, as CI servers read it: one test case for each limit of the pick.

The format has no standard; this keeps to what Jenkins' schema (junit-10.xsd) allows and GitLab, GitHub actions and
Azure read: ``testsuites``, ``testsuite``, ``properties``, ``testcase``, ``failure``, ``error``, ``skipped``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # writes only
from collections.abc import Sequence

from edgekit.decision.baseline import regression_lines
from edgekit.decision.judge import nearest_first
from edgekit.decision.phrases import breaking, within
from edgekit.decision.setup import setup_of
from edgekit.decision.words import options_name
from edgekit.report.text import clean
from edgekit_targets.types.comparison import Compared
from edgekit_targets.types.verdict import Candidate, Constraint, Verdict

NAME = "junit"


def render(verdict: Verdict) -> str:
    """Two suites at most: the budget, and the last release where there was one to compare with."""
    root = ET.Element("testsuites", name="edgekit")
    subject = _subject(verdict)
    suite = _suite(root, f"edgekit pick: {verdict.budget}", verdict.created)
    properties = ET.SubElement(suite, "properties")
    named = {
        "budget": verdict.budget,
        "device": verdict.device,
        "verdict": verdict.verdict,
        "edgekit": verdict.edgekit_version,
    }
    if verdict.choice is not None:
        named["artifact"] = verdict.choice.artifact
    for name, value in named.items():
        ET.SubElement(properties, "property", name=name, value=clean(value))
    if subject is None:
        case = _case(suite, "a candidate", "a candidate with a valid measurement")
        _add(case, "error", "unmeasured", verdict.sentence)
    else:
        where = f"{subject.artifact} on {subject.target}, {options_name(subject)}"
        for found in subject.constraints:
            _limit(_case(suite, where, found.name), found)
    ET.SubElement(suite, "system-out").text = clean(verdict.sentence, 20_000)
    if verdict.baseline is not None:
        other = _suite(root, f"edgekit baseline: {verdict.baseline.bundle}", verdict.created)
        for one in verdict.baseline.compared:
            _movement(_case(other, f"{one.artifact} on {one.target}", one.name), one)
        _count(other)
    _count(suite)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(each.get(name, "0")) for each in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _subject(verdict: Verdict) -> Candidate | None:
    """The pick; where there is none, the candidate that comes nearest."""
    if verdict.choice is not None:
        picked = setup_of(verdict.choice)
        return next((one for one in verdict.candidates if setup_of(one) == picked), None)
    return next(iter(nearest_first(verdict.candidates)), None)


def _limit(case: ET.Element, found: Constraint) -> None:
    if found.status == "pass":
        ET.SubElement(case, "system-out").text = clean(within(found))
    else:
        kind = "failure" if found.status == "fail" else "error"
        _add(case, kind, found.status, breaking(found))


def _movement(case: ET.Element, one: Compared) -> None:
    if one.status == "unmeasured":
        _add(case, "skipped", "unmeasured", one.note or "not measured")
    elif one.status == "regression":
        _add(case, "failure", "regression", regression_lines([one])[0])
    else:
        ET.SubElement(case, "system-out").text = clean(regression_lines([one])[0])


def _suite(root: ET.Element, name: str, created: str) -> ET.Element:
    # Attributes that readers require are there from the start; the counts are set once the cases are.
    stamp = created.partition(".")[0].removesuffix("Z")
    return ET.SubElement(root, "testsuite", name=clean(name), tests="0", failures="0", errors="0", timestamp=stamp)


def _case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=clean(classname), name=clean(name))


def _add(case: ET.Element, kind: str, what: str, message: str) -> None:
    text = clean(message)
    ET.SubElement(case, kind, type=what, message=text).text = text


def _count(suite: ET.Element) -> None:
    cases: Sequence[ET.Element] = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(kind) is not None for case in cases)))
