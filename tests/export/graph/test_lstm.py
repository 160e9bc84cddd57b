from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit_export.graph.lstm import LSTMTwin
from edgekit_export.graph.swap import swap_recurrent
from edgekit_targets.errors import InputError


class Shouting(nn.LSTM):
    def forward(self, *args: object) -> object:  # type: ignore[override]
        return args


def test_the_users_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.LSTM(3, 4)).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    clone = swap_recurrent(module)
    assert isinstance(clone[0], LSTMTwin)  # type: ignore[index]
    assert not clone.training
    assert type(module[0]) is nn.LSTM
    assert module.training
    assert module[0].training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_one_lstm_used_in_two_places_stays_one() -> None:
    shared = nn.LSTM(3, 3)
    clone = swap_recurrent(nn.ModuleDict({"a": shared, "b": nn.ModuleDict({"c": shared})}))
    assert clone["a"] is clone["b"]["c"]  # type: ignore[index]


def test_gates_are_reordered_to_onnx() -> None:
    lstm = nn.LSTM(1, 1)
    numbered = {
        "weight_ih_l0": torch.tensor([[1.0], [2.0], [3.0], [4.0]]),  # i, f, g, o
        "weight_hh_l0": torch.zeros(4, 1),
        "bias_ih_l0": torch.tensor([1.0, 2.0, 3.0, 4.0]),
        "bias_hh_l0": torch.tensor([5.0, 6.0, 7.0, 8.0]),
    }
    lstm.load_state_dict(numbered)
    kept = LSTMTwin(lstm, "lstm").state_dict()
    assert kept["W0"].flatten().tolist() == [1, 4, 2, 3]
    assert kept["B0"].flatten().tolist() == [1, 4, 2, 3, 5, 8, 6, 7]


@pytest.mark.parametrize(
    ("lstm", "words"),
    [
        (nn.LSTM(3, 4, proj_size=2), "encoder.cell: .*proj_size"),
        (Shouting(3, 4), "encoder.cell: Shouting replaces"),
        (nn.LSTM(3, 4).double(), "encoder.cell: .*float64"),
    ],
)
def test_what_has_no_onnx_form_is_refused_by_its_name(lstm: nn.Module, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        swap_recurrent(nn.ModuleDict({"encoder": nn.ModuleDict({"cell": lstm})}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("x", [torch.zeros(5, 3), nn.utils.rnn.pack_sequence([torch.zeros(5, 3)])])
def test_packed_and_unbatched_inputs_are_refused(x: torch.Tensor) -> None:
    with pytest.raises(InputError, match="packed or unbatched"):
        LSTMTwin(nn.LSTM(3, 4), "lstm")(x)
