from importlib import resources
from pathlib import Path

import pytest

from edgekit_targets.catalogue.load import FIGURES, entries, find_entry, parse_entry
from edgekit_targets.errors import InputError
from edgekit_targets.hardware.describe import describe
from edgekit_targets.runtimes import TARGETS
from edgekit_targets.types.catalogue import Entry

OF_THE_ISSUE = {
    "raspberry-pi-zero-2",
    "raspberry-pi-3",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "intel-n100",
    "laptop",
    "jetson-orin-nano",
    "workstation-gpu",
}
# The kernel's words for what edgekit calls by its own.
FLAGS = {"vnni": "avx_vnni", "arm-dotprod": "asimddp"}
WHOLE = """
title = "A board"
cores = 4
memory = ["512MiB", "1GiB"]
architecture = "aarch64"
threads = [1, 4]
[marks]
models = ["Board"]
[targets.cpu]
usable = true
note = "yes"
[[sources]]
title = "Data sheet"
url = "https://example.com/sheet.pdf"
figures = ["cores", "memory", "architecture", "threads", "targets"]
"""


def test_the_entries_of_the_issue_ship_and_load() -> None:
    assert {entry.name for entry in entries()} == OF_THE_ISSUE
    folder = resources.files("edgekit_targets.catalogue")
    assert {f"{name}.toml" for name in OF_THE_ISSUE} == {
        file.name for file in folder.iterdir() if file.name.endswith(".toml")
    }


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_figure_has_a_source(entry: Entry) -> None:
    sourced = {figure for source in entry.sources for figure in source.figures}
    given = {
        figure
        for figure in FIGURES
        if getattr(entry, "memory_bytes" if figure == "memory" else figure) not in (None, (), {})
    }
    assert given == sourced
    assert {"architecture", "threads", "targets"} <= given


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_target_is_told_usable_or_why_not(entry: Entry) -> None:
    assert set(entry.targets) == {target.name for target in TARGETS}
    assert all(found.note for found in entry.targets.values())
    assert entry.targets["cpu"].usable


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_its_words_of_the_instruction_set_are_those_a_device_is_described_by(entry: Entry, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    for word in (*entry.isa, *entry.lacks):
        (tmp_path / "proc" / "cpuinfo").write_text(f"flags : {FLAGS.get(word, word)}\n")
        assert word in describe(root=tmp_path).isa


def test_what_is_known_to_matter_is_there() -> None:
    four, five = find_entry("raspberry-pi-4", ""), find_entry("raspberry-pi-5", "")
    assert "arm-dotprod" in four.lacks
    assert any("1.21.0" in trap.what for trap in four.traps)
    assert "arm-dotprod" in five.isa
    assert not any("1.21.0" in trap.what for trap in five.traps)
    assert any("16 KiB" in trap.what for trap in five.traps)
    assert {"avx2", "vnni"} <= set(find_entry("intel-n100", "").isa)
    assert not find_entry("raspberry-pi-3", "").targets["cuda"].usable
    assert find_entry("jetson-orin-nano", "").targets["cuda"].usable


def test_the_nearest_names_are_offered() -> None:
    with pytest.raises(InputError, match=r"f\.toml: 'raspbery-pi-5' .* did you mean raspberry-pi-5"):
        find_entry("raspbery-pi-5", "f.toml")


def test_a_small_entry_loads() -> None:
    entry = parse_entry("board", WHOLE)
    assert entry.name == "board"
    assert entry.memory_bytes == (2**29, 2**30)
    assert entry.processor is None
    assert entry.targets["cpu"].usable


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cores = 4", "core = 4", "'core' is unknown; did you mean cores"),
        ("cores = 4", "cores = 4\nspeed = 1", "'speed' is unknown"),
        ("cores = 4", "cores = '4'", "cores must be int"),
        ("cores = 4", "cores = 0", "cores must be at least 1"),
        ("cores = 4", "cores = 4\nmemory_bytes = [1]", "'memory_bytes' is unknown"),
        ("cores = 4", "cores = 4\nname = 'x'", "'name' is unknown"),
        ('"512MiB"', '"512MB"', "'512MB' is no size"),
        ('"512MiB"', '"512"', "'512' is no size"),
        ('"512MiB"', "512", "512 is no size"),
        ('["512MiB", "1GiB"]', '"1GiB"', "must be a list"),
        ('"512MiB", "1GiB"', '"1GiB", "512MiB"', "must ascend"),
        ("[1, 4]", "[1, 8]", "threads must lie"),
        ("cores = 4", "cores = 4\nisa = ['avx2']\nlacks = ['avx2']", "both in isa and in lacks"),
        ("targets.cpu", "targets.tpu", "'tpu' is unknown; did you mean cpu"),
        ("usable = true", "usable = 'yes'", "usable must be bool"),
        ("usable = true", "usable = true\nwhy = 1", "'why' is unknown"),
        ('note = "yes"\n', "", "note is missing"),
        ('models = ["Board"]', "models = ['B']\ncpus = ['(']", "no regular expression"),
        ("https://example.com/sheet.pdf", "sheet.pdf", "no https address"),
        ('"cores", ', "", "cores has no source"),
        ('"cores", ', '"cores", "energy", ', "'energy' is unknown"),
        ('title = "A board"', "", "title is missing"),
        ("cores = 4", "cores =", "not valid TOML"),
    ],
)
def test_anything_else_is_refused_by_name(old: str, new: str, message: str) -> None:
    assert old in WHOLE
    with pytest.raises(InputError, match=message) as error:
        parse_entry("board", WHOLE.replace(old, new, 1))
    assert str(error.value).startswith("catalogue entry board")
