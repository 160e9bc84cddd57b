"""Both runtimes that run here, on the same models, against numpy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes import find
from edgekit_targets.runtimes.contract import Session
from edgekit_targets.types.session import SessionOptions

OPTIONS = SessionOptions(threads=1)


@pytest.fixture(params=["cpu", "openvino"])
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(target: str, path: Path, threads: int = 1) -> Session:
    runtime = find(target)
    runtime.prepare()
    return runtime.open(path, SessionOptions(threads=threads), runtime.check(path))


@pytest.fixture
def session(target: str, matmul: Path) -> Iterator[Session]:
    made = opened(target, matmul)
    yield made
    made.close()


def answer(x: Any) -> Any:
    return x @ np.add.outer(np.arange(6), np.arange(4)).astype(np.float32) + np.float32(1)


def noise(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_declares_what_the_file_says(session: Session) -> None:
    assert [(t.name, t.dtype, t.shape) for t in session.inputs] == [("x", "float32", ("batch", 6))]
    assert [(t.name, t.dtype, t.shape) for t in session.outputs] == [("y", "float32", ("batch", 4))]


def test_bind_answers_at_once_and_again_for_other_shapes(session: Session) -> None:
    for batch in (1, 7, 2):
        x = noise(batch, 6, seed=batch)
        session.bind({"x": x})
        np.testing.assert_allclose(session.read()["y"], answer(x), rtol=1e-5)


def test_run_uses_the_bound_buffer(session: Session) -> None:
    x = noise(3, 6)
    session.bind({"x": x})
    first = session.read()["y"]
    x[:] = noise(3, 6, seed=1)
    session.run()
    np.testing.assert_allclose(session.read()["y"], answer(x), rtol=1e-5)
    assert not np.allclose(first, session.read()["y"])


def test_what_was_read_stays_as_it_was(session: Session) -> None:
    x = noise(1, 6)
    session.bind({"x": x})
    kept = session.read()["y"]
    copy = kept.copy()
    x[:] += 1
    session.run()
    np.testing.assert_array_equal(kept, copy)


def test_takes_arrays_that_lie_crosswise_or_may_not_be_written(session: Session) -> None:
    x = noise(6, 5).T
    session.bind({"x": x})
    np.testing.assert_allclose(session.read()["y"], answer(x), rtol=1e-5)
    frozen = noise(1, 6)
    frozen.setflags(write=False)
    session.bind({"x": frozen})
    np.testing.assert_allclose(session.read()["y"], answer(frozen), rtol=1e-5)


def test_a_recurrent_model_answers_alike_at_every_length_and_thread_count(target: str, lstm: Path) -> None:
    reference = opened("cpu", lstm)
    for threads in (1, 2):
        session = opened(target, lstm, threads)
        for shape in [(1, 1, 6), (2, 9, 6), (1, 25, 6)]:
            x = noise(*shape)
            session.bind({"x": x})
            session.run()
            reference.bind({"x": x})
            assert session.read()["y"].shape == (1, shape[0], 8)
            np.testing.assert_allclose(session.read()["y"], reference.read()["y"], atol=1e-6)


def test_shapes_that_do_not_fit(session: Session, target: str) -> None:
    with pytest.raises(InputError, match=r"matmul\.onnx does not run on .*7") as caught:
        session.bind({"x": noise(1, 7)})
    assert "\n" not in str(caught.value)


def test_run_before_bind_and_after_close_is_a_bug(session: Session) -> None:
    with pytest.raises(RuntimeError, match="bind"):
        session.run()
    session.bind({"x": noise(1, 6)})
    session.close()
    with pytest.raises(RuntimeError, match="bind"):
        session.run()


def test_an_operator_that_nobody_has(target: str, matmul: Path, tmp_path: Path) -> None:
    model = onnx.load(matmul)
    model.graph.node[0].op_type = "Teleport"
    path = tmp_path / "new.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"new\.onnx cannot be loaded by .*Teleport") as caught:
        opened(target, path)
    assert "\n" not in str(caught.value)


def test_an_opset_or_ir_version_that_is_too_new(matmul: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.onnx"
    model = onnx.load(matmul)
    model.opset_import[0].version = 999
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"new\.onnx cannot be loaded by ONNX Runtime .*Opset 999"):
        opened("cpu", path)
    model.opset_import[0].version = 18
    model.ir_version = 999
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="Unsupported model IR version: 999"):
        opened("cpu", path)


@pytest.mark.parametrize(("spinning", "arena"), [(False, True), (True, False)])
def test_onnx_runtime_gets_the_options(
    matmul: Path, monkeypatch: pytest.MonkeyPatch, spinning: bool, arena: bool
) -> None:
    import onnxruntime

    seen = []
    real = onnxruntime.InferenceSession

    def recording(path: str, settings: Any, **others: Any) -> Any:
        spin = settings.get_session_config_entry("session.intra_op.allow_spinning")
        seen.append((settings.intra_op_num_threads, spin, settings.enable_cpu_mem_arena))
        return real(path, settings, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", recording)
    target = find("cpu")
    target.open(matmul, SessionOptions(threads=2, spinning=spinning, arena=arena), target.check(matmul)).close()
    assert seen == [(2, "1" if spinning else "0", arena)]


def test_openvino_takes_no_compiled_model_from_a_cache(
    matmul: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled file of yesterday, under other options, must not be what is measured today."""
    import openvino

    class Caching(openvino.Core):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.set_property({"CACHE_DIR": str(tmp_path / "cache")})

    monkeypatch.setattr(openvino, "Core", Caching)
    Caching().compile_model(str(matmul), "CPU")
    kept = sorted((tmp_path / "cache").iterdir())
    assert kept, "this core does cache when nobody forbids it"
    opened("openvino", matmul, threads=2).close()
    assert sorted((tmp_path / "cache").iterdir()) == kept
