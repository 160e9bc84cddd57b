import contextlib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.budget.load import load_budget
from edgekit.project.contract import FILE, Defaults, Project
from edgekit.project.load import find_project, load_project, read_project
from edgekit_targets.errors import InputError

WHOLE = """
[defaults]
data = "npz:d.npz"
preset = "mid"
device = "pi"
target = ["cpu", "openvino"]
threads = [1, 2]
prefer = "cpu, memory"
budget = "gesture"

[devices.pi]
address = "ssh://pi@raspberrypi.local:2222"
catalogue = "raspberry-pi-5"
folder = "/data"

[devices.here]
address = "local"

[budgets.gesture]
p99 = "20ms"
accuracy = 0.9
"""
TEMPLATE = (resources.files("edgekit.project") / "template.toml").read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(text)
    return folder / FILE


def test_reads_everything(tmp_path: Path) -> None:
    project = read_project(written(tmp_path, WHOLE))
    assert project.defaults == Defaults(
        data="npz:d.npz",
        preset="mid",
        device="pi",
        target="cpu,openvino",
        threads="1,2",
        prefer="cpu, memory",
        budget="gesture",
    )
    assert str(project.devices["pi"].address) == "ssh://pi@raspberrypi.local:2222"
    assert project.devices["pi"].catalogue == "raspberry-pi-5"
    assert project.devices["pi"].folder == "/data"
    assert project.devices["here"].address.host is None
    assert project.budgets["gesture"].name == "gesture"
    assert project.budgets["gesture"].limits == load_budget("p99=20ms, accuracy=0.9").limits


@pytest.mark.parametrize("text", ["", "# nothing\n", "[defaults]\n", "[devices]\n[budgets]\n"])
def test_any_part_may_be_missing(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert read_project(path) == Project(path=path)


@pytest.mark.parametrize(("threads", "text"), [("2", "2"), ("[1, 4]", "1,4"), ('"1,2"', "1,2")])
def test_threads_are_a_number_a_list_or_a_text(tmp_path: Path, threads: str, text: str) -> None:
    assert read_project(written(tmp_path, f"[defaults]\nthreads = {threads}")).defaults.threads == text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[defaults]", "[default]", "'default' is unknown; did you mean defaults"),
        ("preset =", "present =", "defaults: 'present' is unknown; did you mean preset"),
        ("preset =", "colour =", "defaults: 'colour' is unknown; known are data"),
        ('address = "local"', 'adress = "local"', "devices.here: 'adress' is unknown; did you mean address"),
        ('address = "local"', 'catalogue = "laptop"', "address is missing"),
        ('address = "local"', 'address = "ssh://"', "devices.here: address: 'ssh://' is no address"),
        ('address = "local"', 'address = "10.0.0.7"', "'10.0.0.7' is no address; write local or ssh://"),
        ('address = "local"', "address = 7", "address must be str"),
        ("raspberry-pi-5", "raspberry-pi5", "'raspberry-pi5' is not in the catalogue; did you mean raspberry-pi-5"),
        ('folder = "/data"', 'folder = "data"', "devices.pi: 'data' is no absolute path"),
        ("devices.here", "devices.local", "'local' is this machine already"),
        ("devices.here", 'devices."-here"', "'-here' is no name"),
        ("budgets.gesture", 'budgets."p99=1ms"', "'p99=1ms' is no name"),
        ('p99 = "20ms"', 'p98 = "20ms"', "budgets.gesture: unknown limit 'p98'; did you mean p99"),
        ('p99 = "20ms"', "p99 = 20", "budgets.gesture: p99: '20' has no unit"),
        ('p99 = "20ms"', 'p99 = "20MiB"', "has the unit 'MiB'"),
        ('p99 = "20ms"', 'p99 = "20ms"\np50 = "30ms"', "p50<=30ms contradicts p99<=20ms"),
        ('p99 = "20ms"\naccuracy = 0.9', "", "sets no limit"),
        ("threads = [1, 2]", "threads = [1, 0]", "threads must be positive"),
        ("threads = [1, 2]", "threads = 1.5", "threads must be"),
        ("threads = [1, 2]", "threads = true", "threads must be"),
        ('preset = "mid"', "preset = 3", "preset must be str"),
        ('preset = "mid"', "preset = ", "not valid TOML"),
        ('[devices.here]\naddress = "local"', "[devices]\nhere = 3", "TOML|object"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    path = written(tmp_path, WHOLE.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as error:
        read_project(path)
    assert str(error.value).startswith(str(path))


def test_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "work", "")
    below = tmp_path / "work" / "a" / "b"
    below.mkdir(parents=True)
    assert find_project(below) == path
    nearer = written(tmp_path / "work" / "a", "")
    assert find_project(below) == nearer
    monkeypatch.chdir(below)
    assert find_project() == nearer
    assert load_project().path == nearer


def test_the_search_ends_at_the_repository_and_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "")
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "deep" / "er").mkdir(parents=True)
    assert find_project(repository / "deep" / "er") is None
    at_root = written(repository, "")
    assert find_project(repository / "deep" / "er") == at_root
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    assert find_project(home / "work") is None
    assert load_project(home / "work") == Project()
    assert find_project(home) is None
    at_home = written(home, "")
    assert find_project(home / "work") == at_home


def test_a_folder_of_that_name_is_none(tmp_path: Path) -> None:
    (tmp_path / "work" / FILE).mkdir(parents=True)
    (tmp_path / "work" / ".git").mkdir()
    assert find_project(tmp_path / "work") is None


def test_the_template_loads_as_it_is_and_changes_nothing(tmp_path: Path) -> None:
    project = read_project(written(tmp_path, TEMPLATE))
    assert project.defaults == Defaults()
    assert set(project.devices) == {"workbench"}
    assert set(project.budgets) == {"gesture"}


def test_every_line_the_template_offers_is_right(tmp_path: Path) -> None:
    lines = [
        line[2:] if line.startswith("# [") or (line.startswith("# ") and " = " in line) else line
        for line in TEMPLATE.splitlines()
    ]
    project = read_project(written(tmp_path, "\n".join(lines)))
    assert None not in vars(project.defaults).values()
    assert project.defaults.device in project.devices
    assert project.defaults.budget in project.budgets
    assert project.devices["kitchen-pi"].catalogue == "raspberry-pi-5"


@given(st.text(max_size=200))
def test_no_text_is_a_bug(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("project") / FILE
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(InputError):
        assert read_project(path).path == path
