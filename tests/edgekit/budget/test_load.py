from pathlib import Path

import pytest

from edgekit.budget.load import DEFAULT, examples, load_budget
from edgekit_targets.errors import InputError


def test_every_example_loads_and_the_default_is_one() -> None:
    assert DEFAULT in examples()
    assert {"imu-50hz", "keyword-20ms", "vibration-1hz"} <= set(examples())
    for name in examples():
        budget = load_budget(name)
        assert budget.name == name
        assert budget.limits


def test_reads_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "pump.toml"
    path.write_text('[budget]\np99 = "10ms"\naccuracy = 0.95\n')
    assert load_budget(str(path)).limits == load_budget("p99=10ms, accuracy=0.95").limits
    assert load_budget(str(path)).name == "pump"


def test_limits_on_the_command_line_are_their_own_name() -> None:
    assert load_budget("p99=20ms, memory=64MiB").name == "p99<=20ms, memory<=64MiB"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("p99 = ", "not valid TOML"),
        ("[limits]\np99 = '1ms'", "no \\[budget\\] table"),
        ("[budget]", "sets no limit"),
        ("[budget]\np99 = true", "must be a quantity"),
        ("[budget]\np99 = 20", "has no unit"),
        ("[budget]\nacuracy = 0.9", "did you mean accuracy"),
    ],
)
def test_refuses_a_broken_file(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "b.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_budget(str(path))


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean imu-50hz"):
        load_budget("imu-50")
    with pytest.raises(InputError, match="cannot be read"):
        load_budget(str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="cannot be read"):
        load_budget(str(tmp_path))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        load_budget(str(tmp_path / "binary.toml"))


def test_own_names_come_before_the_examples_and_are_offered() -> None:
    own = {"gesture": load_budget("p99=5ms"), "imu-50hz": load_budget("p99=7ms")}
    assert load_budget("gesture", own) == own["gesture"]
    assert load_budget("imu-50hz", own) == own["imu-50hz"]
    assert load_budget("keyword-20ms", own) == load_budget("keyword-20ms")
    with pytest.raises(InputError, match=r"did you mean gesture\?"):
        load_budget("gestures", own)
    with pytest.raises(InputError, match="known are gesture, imu-50hz, keyword-20ms"):
        load_budget("zzz", own)
