from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.profiling import plan
from edgekit.profiling.plan import Plan, concrete_shapes
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Artifact, Manifest, State, Tensor
from edgekit_targets.types.session import SessionOptions

MakeArtifact = Callable[..., Artifact]


def tensor(*shape: int | str) -> Tensor:
    return Tensor(name="x", dtype="float32", shape=shape)


@pytest.mark.parametrize(
    ("shape", "golden", "expected"),
    [
        (("batch", "length", 12), (8, 25, 12), (2, 7, 12)),
        (("batch", 25, 12), (8, 25, 12), (2, 25, 12)),
        (("n", "time", 6), (8, 50, 6), (2, 50, 6)),
        ((), (), ()),
    ],
)
def test_free_dimensions_take_batch_length_or_that_of_the_golden_inputs(
    make_artifact: MakeArtifact, shape: tuple[int | str, ...], golden: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    artifact = make_artifact(inputs=(tensor(*shape), tensor("batch")))
    assert concrete_shapes(
        make_artifact(inputs=(tensor(*shape),)) if shape else artifact,
        {"x": golden},
        batch=2,
        length=7,
        given=False,
    )["x"] == (expected or (2,))


def test_a_fixed_batch_or_length_is_refused_by_name(make_artifact: MakeArtifact) -> None:
    fixed = make_artifact(inputs=(tensor(1, 16, 3),))
    assert concrete_shapes(fixed, {}, batch=1, length=9, given=False) == {"x": (1, 16, 3)}
    with pytest.raises(InputError, match="--batch 4"):
        concrete_shapes(fixed, {}, batch=4, length=16, given=False)
    with pytest.raises(InputError, match="--length 9"):
        concrete_shapes(fixed, {}, batch=1, length=9, given=True)


def test_options_are_those_that_the_target_has(make_bundle: Any, make_evidence: Any) -> None:
    bundle = make_bundle(make_evidence("lstm"), profiled=False)
    found = plan.subjects(
        bundle,
        read_manifest(bundle),
        targets=["cpu", "openvino"],
        threads=[1, 2],
        lengths=[],
        settings=SessionOptions(spinning=True, arena=False),
    )
    assert {(one.target, one.options.threads): (one.options.spinning, one.options.arena) for one in found} == {
        ("cpu", 1): (False, False),
        ("cpu", 2): (True, False),
        ("openvino", 1): (False, True),
        ("openvino", 2): (False, True),
    }
    assert len({one.key for one in found}) == 4


def test_a_plan_divides_its_caps_over_its_slices() -> None:
    caps = Plan(launches=5, rounds=4, samples=2000, seconds=8.0)
    assert caps.slice_samples == 100
    assert caps.slice_seconds(None) == pytest.approx(0.4)
    assert caps.slice_seconds(0.02) == pytest.approx(30 * 0.02), "600 arrivals over 20 slices"
    assert Plan(launches=2, rounds=2, samples=1).slice_samples == 1


def step_artifact(make_artifact: MakeArtifact) -> Artifact:
    states = (State(input="h", output="h_next", shape=(1, "batch", 4), dtype="float32", initial=0.0),)
    return make_artifact(
        mode="stream",
        inputs=(tensor("batch", "width"), Tensor(name="h", dtype="float32", shape=(1, "batch", 4))),
        states=states,
    )


def test_a_step_has_no_length_and_its_states_no_shape_of_their_own(make_artifact: MakeArtifact) -> None:
    shapes = concrete_shapes(step_artifact(make_artifact), {"x": (8, 25, 12)}, batch=3, length=1, given=False)
    assert shapes == {"x": (3, 12)}


def test_a_stream_is_measured_once_whatever_the_lengths(
    make_artifact: MakeArtifact, make_manifest: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "artifact_path", lambda bundle, artifact: bundle / artifact.file)
    manifest = make_manifest((make_artifact(), step_artifact(make_artifact)))
    found = plan.subjects(Path("b"), manifest, targets=["cpu"], threads=[1], lengths=[16, 64])
    assert [(one.artifact.mode, one.length) for one in found] == [("window", 16), ("window", 64), ("stream", 1)]
    own = plan.subjects(Path("b"), manifest, targets=["cpu"], threads=[1], lengths=[])
    assert [(one.artifact.mode, one.length) for one in own] == [("window", 25), ("stream", 1)]
