"""Training, the cache and determinism, through the one door the exporter uses."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from edgekit_export.data.contract import Dataset
from edgekit_export.families import FAMILIES
from edgekit_export.prepare import Prepared, prepare
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent

SMALL = {
    "lstm.hidden": "8",
    "layers": "1",
    "dim": "16",
    "heads": "2",
    "ff": "16",
    "window": "4",
    "channels": "8",
    "epochs": "30",
    "batch": "16",
}


class Recorder:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, float]] = []

    def __call__(self, stage: str, done: float, total: float) -> None:
        self.calls.append((stage, done, total))


def run(family: str, dataset: Dataset | None, **changes: Any) -> Prepared:
    options: dict[str, Any] = {"preset": "iot", "settings": SMALL, "checkpoint": None, "seed": 0, "progress": silent}
    return prepare(family, dataset=dataset, **(options | changes))


def digest(prepared: Prepared) -> str:
    weights = {name: value.contiguous() for name, value in sorted(prepared.module.state_dict().items())}
    return hashlib.sha256(safetensors.torch.save(weights)).hexdigest()


def accuracy(prepared: Prepared, data: Dataset) -> float:
    with torch.no_grad():
        answers = prepared.module(torch.from_numpy(data.x_test)).argmax(dim=1).numpy()
    return float((answers == data.y_test).mean())


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("family", [family.name for family in FAMILIES])
def test_every_family_learns(family: str, data: Dataset) -> None:
    progress = Recorder()
    prepared = run(family, data, progress=progress)
    assert accuracy(prepared, data) >= 0.9
    assert prepared.weights == "trained"
    assert not prepared.module.training
    assert (prepared.spec.features, prepared.spec.classes, prepared.spec.length) == (3, 2, 8)
    assert prepared.parameters == sum(weights.numel() for weights in prepared.module.parameters())
    assert prepared.training is not None
    assert 1 <= prepared.training.best_epoch <= prepared.training.epochs <= 30
    assert prepared.training.seconds > 0
    assert {stage for stage, _, _ in progress.calls} == {f"train {family}"}
    done = [share for _, share, _ in progress.calls]
    assert done == sorted(done)
    assert progress.calls[-1][1] == progress.calls[-1][2]


def test_nothing_is_trained_twice(data: Dataset, cache: Path) -> None:
    first = run("lstm", data)
    progress = Recorder()
    again = run("lstm", data, progress=progress)
    assert progress.calls == []
    assert digest(again) == digest(first)
    assert again.training == first.training
    assert not again.module.training
    (file,) = cache.iterdir()
    assert again.training is not None
    assert again.training.checkpoint_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_weights_depend_on_trains_again(
    data: Dataset, make_data: Callable[[int], Dataset], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("lstm", data)
    changes: list[Mapping[str, Any]] = [
        {"seed": 1},
        {"settings": {**SMALL, "epochs": "11"}},
        {"settings": {**SMALL, "lstm.hidden": "9"}},
        {"settings": {**SMALL, "noise": "0.2"}},
        {"dataset": make_data(1)},
    ]
    for count, change in enumerate(changes, start=2):
        run("lstm", **({"dataset": data} | dict(change)))
        assert len(list(cache.iterdir())) == count
    monkeypatch.setattr(torch, "__version__", "9.9.9")
    run("lstm", data)
    assert len(list(cache.iterdir())) == len(changes) + 2


def test_settings_of_other_families_do_not_train_again(data: Dataset, cache: Path) -> None:
    run("lstm", data)
    run("lstm", data, settings={**SMALL, "transformer.window": "5"})
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "foreign", "header"])
def test_a_damaged_cache_is_trained_again(
    data: Dataset, cache: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = run("lstm", data)
    (file,) = cache.iterdir()
    content = file.read_bytes()
    flipped = content[:-5] + bytes([content[-5] ^ 0x40]) + content[-4:]
    file.write_bytes(
        {
            "empty": b"",
            "truncated": content[:-40],
            "flipped": flipped,
            "foreign": safetensors.torch.save({"other": torch.zeros(2)}),
            "header": content.replace(b'"best_epoch"', b'"west_epoch"'),
        }[damage]
    )
    progress = Recorder()
    with caplog.at_level(logging.WARNING):
        again = run("lstm", data, progress=progress)
    assert progress.calls
    assert "trained again" in caplog.text
    assert digest(again) == digest(first)
    progress.calls.clear()
    run("lstm", data, progress=progress)
    assert progress.calls == []


def test_a_cache_that_cannot_be_written_costs_a_warning(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert accuracy(run("linear", data), data) >= 0.9
    assert "is not kept" in caplog.text


def test_random_weights_are_seeded_and_labelled() -> None:
    first = run("transformer", None, settings={})
    assert (first.weights, first.training) == ("random", None)
    assert (first.spec.features, first.spec.classes, first.spec.length) == (12, 9, 25)
    assert digest(run("transformer", None, settings={})) == digest(first)
    assert digest(run("transformer", None, settings={}, seed=1)) != digest(first)
    assert first.module.state_dict()["normalise.mean"].abs().max() == 0


@pytest.mark.usefixtures("cache")
def test_preparing_leaves_torch_as_it_was(data: Dataset) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    run("lstm", data)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.usefixtures("cache")
def test_a_learning_rate_that_diverges(data: Dataset) -> None:
    broken = Dataset(
        **{
            **{name: getattr(data, name) for name in ("y_train", "y_valid", "x_test", "y_test", "classes", "name")},
            "x_train": data.x_train,
            "x_valid": data.x_valid * float("nan"),
        }
    )
    with pytest.raises(InputError, match=r"train linear diverged.*--set learning_rate"):
        run("linear", broken)


def test_unknown_names_before_any_work(data: Dataset) -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"preset": "big"}, "--preset big"),
        ({"settings": {"x": "1"}}, "--set x"),
    ]
    for change, named in changes:
        with pytest.raises(InputError, match=named):
            run("lstm", data, **change)
    with pytest.raises(InputError, match="unknown model gru"):
        run("gru", data)


OTHER_PROCESS = """
import sys
import numpy as np
from edgekit_export.data.checked import dataset_of
from edgekit_export.prepare import prepare
from edgekit_targets.progress import silent
generator = np.random.default_rng(0)
arrays = {"x_train": generator.normal(size=(40, 6, 3)), "y_train": np.arange(40) % 2}
arrays |= {"x_test": generator.normal(size=(10, 6, 3)), "y_test": np.arange(10) % 2}
data = dataset_of("test:noise", arrays, 0)
for family in ("lstm", "transformer", "linear", "conv"):
    options = {"preset": "iot", "settings": {"epochs": "2"}, "checkpoint": None, "seed": 3, "progress": silent}
    made = prepare(family, dataset=data, **options)
    for name, value in made.module.state_dict().items():
        sys.stdout.buffer.write(value.numpy().tobytes())
"""


@pytest.mark.slow
def test_two_processes_train_the_same_bytes(tmp_path: Path) -> None:
    outputs = []
    for name, threads in (("a", "1"), ("b", "2")):
        environment = {"XDG_CACHE_HOME": str(tmp_path / name), "OMP_NUM_THREADS": threads, "PATH": ""}
        done = subprocess.run([sys.executable, "-c", OTHER_PROCESS], env=environment, capture_output=True, check=True)
        outputs.append(done.stdout)
    assert len(outputs[0]) > 4 * 200_000
    assert outputs[0] == outputs[1]


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_two_threads_give_the_same_bytes_twice(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = {"preset": "mid", "settings": {"epochs": "1"}}
    first = run("lstm", data, **large)
    assert first.parameters > 250_000
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert digest(run("lstm", data, **large)) == digest(first)
