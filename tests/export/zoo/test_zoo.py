"""User's modules, from ``package.module:callable`` to files that answer as PyTorch does, and those that are refused."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.bundle import artifact_path
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import Manifest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]

X = ("batch", "length", 6)
LOGITS = ("batch", 3)


@dataclass(frozen=True)
class Case:
    """A module of the zoo, what its file declares, and its recurrent layers."""

    name: str
    inputs: dict[str, tuple[int | str, ...]]
    outputs: dict[str, tuple[int | str, ...]]
    lstm: int = 0
    gru: int = 0
    conv: int = 0


CASES = [
    Case("lstm", {"x": X}, {"output": LOGITS}, lstm=1),
    Case("lstm_bi2", {"x": X}, {"output": LOGITS}, lstm=2),
    Case("lstm_time_first", {"x": ("length", "batch", 6)}, {"output": LOGITS}, lstm=2),
    Case(
        "lstm_bare",
        {"input": X},
        {"output_0": ("batch", "length", 8), "output_1": (2, "batch", 8), "output_2": (2, "batch", 8)},
        lstm=2,
    ),
    Case(
        "lstm_states",
        {"x": X, "state_0": (2, "batch", 8), "state_1": (2, "batch", 8)},
        {"output_0": ("batch", "length", 3), "output_1": (2, "batch", 8), "output_2": (2, "batch", 8)},
        lstm=2,
    ),
    Case("lstm_twice", {"x": X}, {"logits": LOGITS, "count": ("batch",)}, lstm=2),
    Case(
        "packed",
        {"x": X, "lengths": ("batch",)},
        {"logits": LOGITS, "steps": ("batch", "length", 16)},
        lstm=2,
    ),
    Case("gru", {"x": X}, {"output": LOGITS}, gru=2),
    Case("gru_packed_time_first", {"x": ("length", "batch", 6), "lengths": ("batch",)}, {"output": LOGITS}, gru=1),
    Case(
        "lstm_attention",
        {"x": X},
        {"output_0": LOGITS, "output_1": ("batch", "length", "length")},
        lstm=1,
    ),
    Case("encoder_post", {"x": X}, {"output": LOGITS}),
    Case("encoder_pre", {"x": X}, {"output": LOGITS}),
    Case("encoder_padding", {"x": X, "padding": ("batch", "length")}, {"output": LOGITS}),
    Case("encoder_causal", {"x": ("batch", "length", 8)}, {"output": ("batch", "length", 8)}),
    Case("tokens_sdpa_cls", {"tokens": ("batch", "length"), "mask": ("batch", "length")}, {"output": LOGITS}),
    Case("cnn_lstm", {"x": X}, {"output": ("batch", "(((length - 1)//2)) + 1", 3)}, lstm=1, conv=1),
    Case("channels_first", {"x": ("batch", 6, "length")}, {"output": LOGITS}, lstm=1, conv=1),
    Case("spectrogram", {"x": ("batch", 1, 10, "length")}, {"output": LOGITS}, lstm=1, conv=1),
    Case("two_inputs", {"x": X, "meta": ("batch", 4)}, {"output": LOGITS}, lstm=1),
    Case("bounded", {"x": X}, {"output": LOGITS}),
    Case(
        "encoder_decoder",
        {"x": X, "seen": X, "padding": ("batch", "length")},
        {"output": ("batch", "length", 3)},
    ),
]


@pytest.fixture(autouse=True)
def zoo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The zoo is found as a user's module is: in the current folder."""
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("zoo_models")


def take(name: str, out: Path, **changes: Any) -> Manifest:
    return export(ExportRequest(models=(source(name),), out=out, **changes), silent)


def source(name: str) -> str:
    """What a user would type for a model of the zoo."""
    return name if ":" in name else f"{'zoo_refused' if name.startswith('bad_') else 'zoo_models'}:{name}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_answers_as_pytorch_at_any_shape(case: Case, tmp_path: Path, zoo: Any) -> None:
    manifest = take(case.name, tmp_path / "out")
    by_precision = {artifact.precision: artifact for artifact in manifest.artifacts}
    fp32 = by_precision["fp32"]
    assert fp32.family == case.name
    assert fp32.weights == "imported"
    assert {tensor.name: tensor.shape for tensor in fp32.inputs} == case.inputs
    assert {tensor.name: tensor.shape for tensor in fp32.outputs} == case.outputs
    assert fp32.parity is not None
    assert fp32.parity.reference == "pytorch"
    assert len(fp32.parity.points) >= 5
    assert (1, 1) in fp32.parity.points
    assert any(length > 20 for _, length in fp32.parity.points)
    assert "vary" in fp32.notes[0]
    assert "the file fixes" not in fp32.notes[0]
    assert fp32.quantized is not None
    counted = {kind: entry.total for kind, entry in fp32.quantized.items()}
    assert counted.get("LSTM", 0) == case.lstm
    assert counted.get("GRU", 0) == case.gru
    model = onnx.load(artifact_path(tmp_path / "out", fp32))
    weights = {tensor.name for tensor in model.graph.initializer}
    layers = [node for node in model.graph.node if node.op_type in ("LSTM", "GRU")]
    assert len(layers) == case.lstm + case.gru
    assert all(name in weights for node in layers for name in node.input[1:4])
    if case.gru:
        assert set(by_precision) == {"fp32"}
        assert any("GRU" in line and "no int8 form" in line for line in manifest.dropped)
    else:
        int8 = by_precision["int8-dynamic"]
        assert int8.quantized is not None
        assert all(e.quantized == e.total for kind, e in int8.quantized.items() if kind != "Conv")
        assert int8.quantized.get("LSTM", None) is None or int8.quantized["LSTM"].quantized == case.lstm
        assert bool(case.conv) == any("Conv" in note and "stays float" in note for note in int8.notes)
    _answers_once_more(case, tmp_path / "out", fp32.id, zoo)


def _answers_once_more(case: Case, out: Path, artifact: str, zoo: Any) -> None:
    """At a shape that edgekit did not look at, without edgekit: ONNX Runtime against the module, made again."""
    from edgekit_export.training.deterministic import deterministic

    with deterministic(0):
        module, example = getattr(zoo, case.name)()
    example = example if isinstance(example, tuple) else (example,)
    sizes = {"batch": 4, "length": 23}
    generator = torch.Generator().manual_seed(9)
    feeds: dict[str, torch.Tensor] = {}
    for name, shape in case.inputs.items():
        concrete = [sizes.get(str(size), size) for size in shape]
        if name == "lengths":
            feeds[name] = torch.tensor([23, 1, 9, 22])
        elif name == "tokens":
            feeds[name] = torch.randint(0, 30, concrete, generator=generator)  # type: ignore[arg-type]
        elif name in ("mask", "padding"):
            ends = torch.tensor([[23], [1], [9], [22]])
            feeds[name] = (torch.arange(23)[None] < ends) ^ (name == "padding")
        else:
            feeds[name] = torch.randn(concrete, generator=generator)  # type: ignore[arg-type]
    arguments = list(feeds.values())
    if case.name == "lstm_states":
        arguments = [arguments[0], tuple(arguments[1:])]  # type: ignore[list-item]
    with torch.no_grad():
        wanted = _flat(module.eval()(*arguments))
    session = onnxruntime.InferenceSession(out / f"{artifact}.onnx", providers=["CPUExecutionProvider"])
    found: list[NDArray[Any]] = session.run(None, {name: value.numpy() for name, value in feeds.items()})
    assert len(found) == len(wanted) == len(case.outputs)
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want.numpy(), atol=2e-5)


def _flat(answer: Any) -> list[torch.Tensor]:
    if isinstance(answer, torch.Tensor):
        return [answer]
    values = answer.values() if isinstance(answer, dict) else answer
    return [tensor for value in values for tensor in _flat(value)]


def test_a_length_with_an_end_is_told(tmp_path: Path) -> None:
    (artifact,) = take("bounded", tmp_path / "out", precisions=("fp32",)).artifacts
    assert any("not checked at batch 2, length 41" in note for note in artifact.notes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "bad_loop",
            r"input x: axis 1 \(length\) became fixed at 20 in body\.loop \(Loop\).*nn\.LSTM instead",
        ),
        (
            "bad_mask",
            r"0\.encoder \(TransformerEncoder\): an explicit mask without is_causal.*pass is_causal=True",
        ),
        (
            "bad_rnn",
            r"axis 1 \(length\) became fixed at 20 in 1 \(RNN\): PyTorch unrolls nn\.RNN.*use nn\.GRU or nn\.LSTM",
        ),
        ("bad_decoder_mask", r"decoder \(TransformerDecoder\): an explicit mask without tgt_is_causal"),
        ("bad_packed", r"the example holds a PackedSequence; give the padded tensor and its lengths"),
        ("bad_proj", r"lstm: nn\.LSTM with proj_size has no ONNX operator; remove proj_size"),
        ("bad_if", r"1 \(If\): data-dependent control flow \(zoo_refused\.py, line \d+\).*torch\.where"),
        ("bad_dropout", r"1 \(Drop\) answers differently when called twice.*dropout that is left on"),
        ("bad_op", r"1 \(Custom\): the operator zoo::double has no ONNX form; write it with"),
        ("bad_batch", r"input input: axis 0 is fixed at 2 or does not count samples"),
        ("bad_subclass", r"0: Residual replaces nn\.LSTM\.forward; export needs the stock nn\.LSTM"),
        ("bad_double", r"lstm\.weight_ih_l0 is float64; call \.float\(\)"),
        ("bad_return", r"gives int; return an nn\.Module or \(module, example_inputs\)"),
        ("bad_arguments", r"cannot be called without arguments .*'width'"),
        ("bad_example", r"the example does not fit forward\(x\)"),
        ("bad_width", r"does not run on its example: lstm \(LSTM\) says:"),
        (
            "two_lengths",
            r"would fix axis 1 of key at 20, axis 1 of value at 20.*--shape key=2x20x6 --shape value=2x20x6",
        ),
        ("two_sides", r"would fix axis 3 of x at 10.*that it is to stay so with --shape x=2x1x40x10"),
        ("plain_module", r"gives no example: pass --shape x=1x100x6"),
        ("nothing", r"module zoo_models has no nothing"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words) as caught:
        take(name, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert source(name) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_second_length_stays_fixed_where_that_is_said(tmp_path: Path) -> None:
    sides = {"key": (2, 20, 6), "value": (2, 20, 6)}
    artifact, int8 = take("two_lengths", tmp_path / "out", shapes=sides).artifacts
    assert {tensor.name: tensor.shape for tensor in artifact.inputs} == {
        "query": X,
        "key": ("batch", 20, 6),
        "value": ("batch", 20, 6),
    }
    assert "the file fixes axis 1 of key at 20, axis 1 of value at 20, as --shape says" in artifact.notes[0]
    assert int8.quantized is not None
    assert int8.quantized["MatMul"].quantized == int8.quantized["MatMul"].total == 3, "query, key and value"


def test_a_shape_stands_in_for_an_example(tmp_path: Path) -> None:
    (artifact,) = take("plain_module", tmp_path / "out", precisions=("fp32",), shapes={"x": (1, 12, 6)}).artifacts
    assert artifact.inputs[0].shape == X
    assert artifact.example == (1, 12)
    with pytest.raises(InputError, match="--shape z=1x2: no file has an input z; inputs are x"):
        take("plain_module", tmp_path / "no", shapes={"x": (1, 12, 6), "z": (1, 2)})


def test_the_users_module_is_left_as_it_was(tmp_path: Path, zoo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = zoo.StockLstm().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    monkeypatch.setattr(zoo, "kept", lambda: (module, torch.zeros(2, 20, 6)), raising=False)
    take("kept", tmp_path / "out", precisions=("fp32",))
    assert module.training
    assert type(module.lstm) is torch.nn.LSTM
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert torch.nn.utils.rnn.pack_padded_sequence is zoo.pack_padded_sequence
    assert zoo.pack_padded_sequence.__module__ == "torch.nn.utils.rnn"


def test_equal_callables_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (take("lstm_bi2", tmp_path / folder).artifacts for folder in ("a", "b"))
    assert [one.sha256 for one in first] == [one.sha256 for one in second]


def test_a_checkpoint_replaces_the_weights(tmp_path: Path, zoo: Any) -> None:
    module = zoo.StockLstm()
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    changes = {"checkpoint": tmp_path / "weights.pt", "precisions": ("fp32",)}
    (artifact,) = take("lstm", tmp_path / "out", **changes).artifacts
    assert artifact.weights == "trained"
    session = onnxruntime.InferenceSession(tmp_path / "out" / artifact.file, providers=["CPUExecutionProvider"])
    x = torch.randn(3, 9, 6)
    with torch.no_grad():
        np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], module(x).numpy(), atol=1e-5)
    torch.save({**module.state_dict(), "extra": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"'extra' is not part of it.*give the weights of that very module"):
        take("lstm", tmp_path / "no", **changes)
    torch.save(module, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="holds more than weights"):
        take("lstm", tmp_path / "no", **changes)


def test_data_gives_accuracy_and_calibration_where_it_fits(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((120, 15, 6)).astype(np.float32)
    y = np.array(["a", "b", "c"])[generator.integers(0, 3, 120)]
    np.savez(tmp_path / "d.npz", x_train=x[:80], y_train=y[:80], x_test=x[80:], y_test=y[80:])
    data = f"npz:{tmp_path / 'd.npz'}"
    for artifact in take("lstm", tmp_path / "out", data=data).artifacts:
        assert artifact.accuracy is not None
        assert artifact.accuracy.samples == 40
        assert artifact.example == (1, 15)
        with np.load(tmp_path / "out" / "golden" / f"{artifact.id}.npz") as golden:
            np.testing.assert_array_equal(golden["input.x"], x[80:88])
    (artifact,) = take("encoder_causal", tmp_path / "other", data=data, precisions=("fp32",)).artifacts
    assert artifact.accuracy is None
    assert any("--data was not used" in note for note in artifact.notes)


def test_a_stream_of_a_users_module_is_refused_by_name(tmp_path: Path) -> None:
    manifest = take("lstm", tmp_path / "out", modes=("window", "stream"), precisions=("fp32",))
    assert [one.mode for one in manifest.artifacts] == ["window"]
    assert any("lstm-stream-fp32" in line and "--state in=out" in line for line in manifest.dropped)


def test_an_instance_and_a_class_are_callables_too(tmp_path: Path, zoo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "ready", zoo.StockLstm(), raising=False)
    for name in ("ready", "StockLstm"):
        changes = {"shapes": {"x": (2, 20, 6)}, "precisions": ("fp32",)}
        (artifact,) = take(name, tmp_path / name, **changes).artifacts
        assert artifact.family == name.lower()


def test_nothing_is_printed_but_what_edgekit_says(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgekit", "export", source("lstm"), "--precision", "fp32"]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if not line.startswith("edgekit: ")] == []


def test_the_zoo_is_whole(zoo: Any) -> None:
    """Every good model of the zoo is a case above."""
    own = {name for name, value in vars(zoo).items() if getattr(value, "__module__", "") == "zoo_models"}
    made = {name for name in own if name.islower()} - {"plain_module"}
    assert made == {case.name for case in CASES} | {"two_lengths", "two_sides"}  # those have tests of their own
    assert "zoo_models" in sys.modules
