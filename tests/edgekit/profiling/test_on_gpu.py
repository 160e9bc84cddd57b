"""The whole way on a real NVIDIA GPU, which ``make test-cuda`` runs; without one they fail, they are not skipped."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgekit
from edgekit.devices.connect import connect
from edgekit.profiling.measure import open_request
from edgekit.profiling.plan import Plan, Subject, subjects
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Opened
from edgekit_targets.bundle import read_manifest, write_manifest
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import Precision
from edgekit_targets.types.session import SessionOptions

pytestmark = [pytest.mark.cuda, pytest.mark.slow]

QUICK = Plan(launches=2, rounds=2, samples=40, seconds=1.0)
FAMILIES = ("lstm", "transformer")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pair in both modes and every kind of precision, small."""
    out = tmp_path_factory.mktemp("pair") / "bundle"
    request = ExportRequest(
        models=FAMILIES,
        out=out,
        modes=("window", "stream"),
        precisions=("fp32", "fp16", "int8-dynamic"),
        settings={"lstm.hidden": "32", "transformer.dim": "32", "transformer.layers": "1", "transformer.window": "8"},
    )
    export(request, silent)
    return out


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with connect("local", {}) as one:
        yield one


def found(bundle: Path, precision: Precision, *, graph: bool = False, batch: int = 1, length: int = 0) -> list[Subject]:
    every = subjects(
        bundle,
        read_manifest(bundle),
        targets=["cuda"],
        threads=[1],
        batches=[batch],
        lengths=[length] if length else [],
        settings=SessionOptions(fixed_shapes=True, cuda_graph=graph),
    )
    return [one for one in every if one.artifact.precision == precision]


def opened(agent: Agent, subject: Subject) -> Opened:
    told = agent.open(open_request("one", subject))
    agent.close("one")
    return told


def check(told: Opened, subject: Subject, error: float) -> None:
    assert told.parity is not None
    assert told.parity.passed, (subject.key, told.parity)
    assert told.parity.max_abs_error <= error, (subject.key, told.parity)
    assert told.facts is not None
    assert (told.facts.device, told.facts.precision, told.facts.shapes) == (
        "CUDAExecutionProvider on the GPU",
        "as in the file, TF32 off",
        "fixed",
    )
    assert told.facts.refused is None
    assert told.device_memory is not None, told.warnings
    assert told.conditions is not None
    assert told.conditions.device is not None
    assert told.conditions.device.frequency_hz is not None
    assert told.conditions.device.temperature_celsius is not None
    assert told.conditions.device.throttled is not None


@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-4), ("fp16", 2e-2)])
def test_the_gpu_answers_as_pytorch_does(agent: Agent, bundle: Path, precision: Precision, error: float) -> None:
    every = found(bundle, precision)
    assert {(one.artifact.family, one.artifact.mode) for one in every} == {
        (family, mode) for family in FAMILIES for mode in ("window", "stream")
    }
    for subject in every:
        check(opened(agent, subject), subject, error)


def test_at_another_batch_and_length_too(agent: Agent, bundle: Path) -> None:
    """The golden inputs then run on a session of their own."""
    for subject in found(bundle, "fp32", batch=4, length=40):
        check(opened(agent, subject), subject, 1e-4)


def test_a_graph_answers_alike(agent: Agent, bundle: Path) -> None:
    for subject in found(bundle, "fp32", graph=True):
        told = opened(agent, subject)
        check(told, subject, 1e-4)
        assert told.facts is not None
        assert told.facts.graph


def test_integer_kernels_that_a_gpu_lacks_are_refused_by_name(agent: Agent, bundle: Path) -> None:
    every = found(bundle, "int8-dynamic")
    assert every
    for subject in every:
        named = "DynamicQuantizeLSTM|MatMulInteger|DynamicQuantizeMatMul|DynamicQuantizeLinear"
        with pytest.raises(InputError, match=rf"does not run on CUDAExecutionProvider alone: .*({named})"):
            opened(agent, subject)


def test_a_profile_tells_time_memory_and_energy(bundle: Path, tmp_path: Path) -> None:
    """Under five launches no latency is said to fit; the memory of the process is."""
    few = tmp_path / "few"
    shutil.copytree(bundle, few)
    manifest = read_manifest(few)
    kept = tuple(one for one in manifest.artifacts if (one.mode, one.precision) == ("window", "fp32"))
    write_manifest(few, dataclasses.replace(manifest, artifacts=kept))
    measured = edgekit.profile(few, targets=["cuda"], plan=QUICK).measurements
    assert len(measured) == 2
    for one in measured:
        assert one.latency is not None, one.warnings
        assert one.device_memory is not None, one.warnings
        assert one.device_memory.source == "NVML, this process"
        assert one.energy is not None, one.warnings
        assert one.energy.source == "measured: NVML, graphics processor"
        assert one.energy.idle_watts > 0.0
        assert one.energy.joules_per_inference > 0.0
    verdict = edgekit.pick(few, budget="memory=8GiB")
    assert verdict.choice is not None, verdict.sentence
    assert verdict.choice.target == "cuda"
    assert "ONNX Runtime on CUDA" in verdict.sentence
