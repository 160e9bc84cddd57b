"""The whole way on a real NVIDIA GPU, which ``make test-cuda`` runs; without one they fail, they are not skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from edgekit.profiling.plan import Plan
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.progress import silent
from edgekit_targets.types.profile import Measurement

pytestmark = [pytest.mark.cuda, pytest.mark.slow]

QUICK = Plan(launches=2, rounds=2, samples=40, seconds=1.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pair in both modes and every kind of precision, small."""
    out = tmp_path_factory.mktemp("pair") / "bundle"
    request = ExportRequest(
        models=("lstm", "transformer"),
        out=out,
        modes=("window", "stream"),
        precisions=("fp32", "fp16", "int8-dynamic"),
        settings={"lstm.hidden": "32", "transformer.dim": "32", "transformer.layers": "1", "transformer.window": "8"},
    )
    export(request, silent)
    return out


@pytest.fixture(scope="module")
def measured(bundle: Path) -> tuple[Measurement, ...]:
    return edgekit.profile(bundle, targets=["cuda"], every="none", plan=QUICK).measurements


@pytest.mark.parametrize("family", ["lstm", "transformer"])
@pytest.mark.parametrize("mode", ["window", "stream"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_gpu_answers_as_pytorch_does(
    measured: tuple[Measurement, ...], family: str, mode: str, precision: str
) -> None:
    (one,) = (m for m in measured if (m.family, m.mode, m.precision) == (family, mode, precision))
    assert one.latency is not None, one.warnings
    assert one.parity is not None
    assert one.parity.passed, one.parity
    if precision == "fp32":
        assert one.parity.max_abs_error <= 1e-4
    assert one.facts is not None
    assert (one.facts.device, one.facts.precision, one.facts.shapes) == (
        "CUDAExecutionProvider on the GPU",
        "as in the file, TF32 off",
        "fixed",
    )
    assert one.device_memory is not None, one.warnings
    assert one.device_memory.source == "NVML, this process"
    assert one.energy is not None, one.warnings
    assert one.energy.source == "measured: NVML, graphics processor"


def test_integer_kernels_that_a_gpu_lacks_are_refused(measured: tuple[Measurement, ...]) -> None:
    refused = [one for one in measured if one.precision == "int8-dynamic"]
    assert refused
    for one in refused:
        assert one.latency is None
        assert not one.valid
        assert any("processor" in warning or "CPU" in warning for warning in one.warnings), one.warnings


def test_a_graph_answers_alike(bundle: Path) -> None:
    found = edgekit.profile(bundle, targets=["cuda"], every="none", cuda_graph=True, plan=QUICK).measurements
    ran = [one for one in found if one.latency is not None]
    assert {one.family for one in ran} >= {"transformer"}, [one.warnings for one in found]
    for one in ran:
        assert one.facts is not None
        assert one.facts.graph
        assert one.parity is not None
        assert one.parity.passed, (one.artifact, one.parity)


def test_the_pick_is_what_was_measured_there(bundle: Path, measured: tuple[Measurement, ...]) -> None:
    assert measured
    verdict = edgekit.pick(bundle, budget="memory=8GiB", every="none")
    assert verdict.choice is not None, verdict.sentence
    assert verdict.choice.target == "cuda"
    assert "ONNX Runtime on CUDA" in verdict.sentence
