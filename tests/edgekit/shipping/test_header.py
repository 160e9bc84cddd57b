import ast
import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.shipping.header import contract, header
from edgekit_targets.releases.format import MANIFEST, Release, parse_release
from tests.edgekit.shelf import STREAM, WINDOW

NASTY = ('"; int x; //', "a\\", "*/", "??/", "\n", "é 1", "\x00\x019", "%s")


@pytest.fixture(scope="module", params=[WINDOW, STREAM])
def release(request: pytest.FixtureRequest, composed: Callable[..., Path]) -> Release:
    return parse_release((composed(request.param) / MANIFEST).read_bytes(), "release.json")


def test_says_what_the_release_says(release: Release) -> None:
    text = header(release)
    assert f'#define EDGEKIT_SHA256 "{release.sha256}"' in text
    assert f"enum {{ EDGEKIT_STATES = {len(release.states)} }};" in text
    assert "enum { EDGEKIT_INPUTS = 1 };" in text  # what is carried is no input to feed
    assert "enum { EDGEKIT_OUTPUTS = 1 };" in text
    if release.states:
        assert '{{"h", 1, 2, {1, 3}, NULL}, "h_out", 2.0}' in text
        assert '{"batch", 1}' in text
    else:
        assert '{"x", 1, 3, {1, 4, 3}, NULL}' in text
        assert '{"length", 4}' in text


def test_compiles_whatever_the_texts_are(release: Release) -> None:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("there is no C compiler here")
    ports = (dataclasses.replace(release.inputs[0], unit=NASTY[0]), *release.inputs[1:])
    text = header(dataclasses.replace(release, labels=NASTY, inputs=ports))
    words = [compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-trigraphs", "-fsyntax-only"]
    done = subprocess.run([*words, "-x", "c", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@given(label=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_from_its_literal(release: Release, label: str) -> None:
    text = header(dataclasses.replace(release, labels=(label,)))
    found = re.search(r'edgekit_labels\[\] = \{\n  (".*")\};', text)
    assert found is not None
    assert ast.literal_eval(f"b{found[1]}") == label.encode()


def test_the_contract_is_what_an_application_relies_on(release: Release) -> None:
    own = contract(release)
    same = dataclasses.replace(release, counter=99, sha256="1" * 64, created="later", limits=release.limits)
    assert contract(same) == own
    options = dataclasses.replace(release.session.options, threads=4)
    for change in (
        {"labels": ("other",)},
        {"session": dataclasses.replace(release.session, options=options)},
        {"outputs": (dataclasses.replace(release.outputs[0], dtype="float16"), *release.outputs[1:])},
        {"states": () if release.states else release.states, "mode": "window" if release.states else "stream"},
    ):
        assert contract(dataclasses.replace(release, **change)) != own
