from collections.abc import Callable

import pytest

from edgekit.profiling.plan import Plan, concrete_shapes
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Artifact, Tensor

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


def test_a_plan_divides_its_caps_over_its_slices() -> None:
    plan = Plan(launches=5, rounds=4, samples=2000, seconds=8.0)
    assert plan.slice_samples == 100
    assert plan.slice_seconds == pytest.approx(0.4)
    assert Plan(launches=2, rounds=2, samples=1).slice_samples == 1
