"""The functions give what the commands print, on a real model and the real runtime."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgekit
from edgekit.commands.verdicts import EXIT_CODES
from edgekit.main import main
from edgekit.profiling.plan import Plan
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.records import to_json
from edgekit_targets.types.manifest import Manifest
from edgekit_targets.types.profile import Profile
from edgekit_targets.types.verdict import Verdict

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SUBJECT = ("artifact", "sha256", "target", "threads", "batch", "length", "every_seconds")
QUICK = Plan(launches=2, rounds=2, samples=200, seconds=0.5)
BUDGET = "p50=10s, size=1MiB"


def as_read(value: object) -> Any:
    return json.loads(json.dumps(to_json(value)))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def without(document: Any, *keys: str) -> Any:
    return {key: value for key, value in document.items() if key not in keys}


def test_function_and_command_give_the_same_documents(
    one_node: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = one_node("one.onnx")
    manifest = edgekit.export(model, out="a", shapes={"x": (1, 7, 6)}, precisions=["fp32"])
    assert type(manifest) is Manifest
    command = printed(capsys, "export", "one.onnx", "--out", "b", "--shape", "x=1x7x6", "--precision", "fp32")
    assert command["settings"] == as_read(manifest)["settings"] | {"models": ["one.onnx"]}
    assert without(command, "created", "settings") == without(as_read(manifest), "created", "settings")

    profile = edgekit.profile("a", targets=["cpu"], plan=QUICK)
    assert type(profile) is Profile
    command = printed(capsys, "profile", "a", "--target", "cpu")
    assert set(command) == set(as_read(profile))
    assert command["device"] == as_read(profile)["device"]
    (one,), (other,) = command["measurements"], as_read(profile)["measurements"]
    assert {key: one[key] for key in SUBJECT} == {key: other[key] for key in SUBJECT}
    # It is reused, unless the machine was too busy: then it is rightly measured again.
    assert one == other or not other["valid"]

    verdict = edgekit.pick(Path("a"), BUDGET, prefer=["size"])
    assert type(verdict) is Verdict
    code = EXIT_CODES[verdict.verdict]
    command = printed(capsys, "pick", "a", "--budget", BUDGET, "--prefer", "size", code=code)
    assert without(command, "created") == without(as_read(verdict), "created")
    kept = [json.loads(path.read_text()) for path in Path("a", "verdicts").glob("*.json")]
    assert len(kept) == 2
    assert as_read(verdict) in kept
    assert edgekit.pick("a", BUDGET, prefer="size,cpu").prefer == ("size", "cpu"), "as one writes it after --prefer"


def test_one_file_is_profiled_and_nothing_kept(one_node: Callable[[str], Path], here: Path) -> None:
    model = one_node("one.onnx")
    said: list[str] = []
    profile = edgekit.profile(model, targets=["cpu"], plan=QUICK, say=said.append)
    assert [one.artifact for one in profile.measurements] == ["one-window-fp32-portable-plain"]
    assert any("nothing is kept" in line for line in said)
    assert {path.name for path in here.iterdir()} == {"one.onnx", ".git"}


def test_names_come_from_the_project_and_the_nearest_are_offered(
    one_node: Callable[[str], Path], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "edgekit.toml").write_text(
        '[defaults]\nbudget = "roomy"\ntarget = "cpu"\n'
        '[devices.bench]\naddress = "local"\n[devices.pi]\naddress = "ssh://pi@no-such-host.invalid"\n'
        '[budgets.roomy]\np50 = "10s"\n'
    )
    edgekit.export(one_node("one.onnx"), out="a")
    with pytest.raises(Undecided, match="no measurement"):
        edgekit.pick("a", "roomy")
    edgekit.profile("a", device="bench", plan=QUICK, targets=["cpu"])
    verdict = edgekit.pick("a", "roomy", device="bench")
    assert verdict.budget == "roomy"
    assert verdict.device == "local"
    for wrong in ("bensh", "benc"):
        with pytest.raises(InputError, match="did you mean bench"):
            edgekit.pick("a", "roomy", device=wrong)
    with pytest.raises(InputError, match="did you mean roomy"):
        edgekit.pick("a", "romy")
    with pytest.raises(InputError, match="does not resolve"):
        edgekit.profile("a", device="pi")
    # The commands take defaults, and say from where; what is given goes before.
    assert main(["pick", "a"]) == EXIT_CODES[verdict.verdict]
    err = capsys.readouterr().err
    assert f"from {here / 'edgekit.toml'}: --budget roomy" in err
    assert main(["pick", "a", "--budget", "size=1B"]) != 0
    assert "--budget roomy" not in capsys.readouterr().err
    assert main(["profile", "a"]) == 0
    assert "--target cpu" in capsys.readouterr().err


def test_defaults_of_training_are_not_for_files(
    one_node: Callable[[str], Path], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "edgekit.toml").write_text('[defaults]\ndata = "aeon:JapaneseVowels"\npreset = "nonsense"\n')
    one_node("one.onnx")
    assert main(["export", "one.onnx", "--out", "a"]) == 0
    assert "--data" not in capsys.readouterr().err
    assert main(["export", "lstm", "--out", "b"]) == 2
    err = capsys.readouterr().err
    assert "--data aeon:JapaneseVowels, --preset nonsense" in err
    assert "nonsense" in err.splitlines()[-1]


def test_a_broken_project_is_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "edgekit.toml").write_text("[budget.x]\np99 = '1ms'\n")
    for arguments in (["pick", "a"], ["profile", "a"], ["verify", "a"], ["compare"], ["export", "--out", "o"]):
        assert main(arguments) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert "did you mean budgets?" in line
    with pytest.raises(InputError, match="did you mean budgets"):
        edgekit.pick("a", "p99=1ms")
