"""What every family promises, and how names are found."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from edgekit_export.families import FAMILIES, find
from edgekit_export.families.contract import Family, ModelSpec
from edgekit_export.presets import PRESETS
from edgekit_targets.errors import InputError


def spec_of(family: Family, preset: str = "iot") -> ModelSpec:
    return ModelSpec(features=5, classes=3, length=6, settings=family.sizes[preset])


@pytest.fixture(params=FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    found: Family = request.param
    return found


def test_raw_sequences_to_logits_at_any_length_that_is_promised(family: Family) -> None:
    module = family.build(spec_of(family)).eval()
    for batch, length in [(1, 6), (4, 6)] + ([] if family.fixed_length else [(1, 1), (3, 40)]):
        assert module(torch.randn(batch, length, 5)).shape == (batch, 3)


def test_token_ids_to_logits(family: Family) -> None:
    spec = dataclasses.replace(spec_of(family), vocab=7)
    module = family.build(spec).eval()
    for batch, length in [(1, 6), (4, 6)] + ([] if family.fixed_length else [(1, 1), (3, 40)]):
        x = torch.randint(7, (batch, length))
        assert module(x).shape == (batch, 3)
        assert not torch.allclose(module(x), module((x + 1) % 7))


def test_a_module_standardises_with_what_it_saw_in_training(family: Family) -> None:
    module: Any = family.build(spec_of(family)).eval()
    x = torch.randn(50, 6, 5)
    plain = module(x)
    moved = x * torch.tensor([1e-3, 1.0, 50.0, 2.0, 1e4]) + torch.tensor([0.0, 1.0, -300.0, 7.0, 1e5])
    module.normalise.fit(x.numpy())
    standard = module(x)
    module.normalise.fit(moved.numpy())
    torch.testing.assert_close(module(moved), standard, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(plain, standard, atol=1e-4)


def test_a_constant_feature_does_not_blow_up(family: Family) -> None:
    module: Any = family.build(spec_of(family)).eval()
    x = torch.randn(20, 6, 5)
    x[:, :, 2] = 0.1
    module.normalise.fit(x.numpy())
    changed = x.clone()
    changed[:, :, 2] = 0.2
    assert (module(x) - module(changed)).abs().max() < 1.0


def test_every_preset_has_sizes_that_the_family_allows(family: Family) -> None:
    allowed = {setting.name: setting for setting in family.settings}
    for preset in PRESETS:
        for name, value in preset.settings(family.name).items():
            assert allowed[name].low <= value <= allowed[name].high


def test_settings_change_the_module() -> None:
    small = dataclasses.replace(spec_of(find("lstm")), settings={"hidden": 4, "layers": 1, "dropout": 0.5})
    assert find("lstm").build(small)(torch.randn(2, 6, 5)).shape == (2, 3)


@pytest.mark.parametrize(
    ("family_name", "settings", "named"),
    [
        (
            "transformer",
            {"dim": 10, "heads": 4},
            "transformer.heads=4",
        ),
        ("conv", {"kernel": 4}, "conv.kernel=4"),
    ],
)
def test_sizes_that_do_not_go_together(family_name: str, settings: dict[str, float], named: str) -> None:
    sizes = {**find(family_name).sizes["iot"], **settings}
    with pytest.raises(InputError, match=f"--set {named}"):
        find(family_name).build(ModelSpec(features=2, classes=2, length=4, settings=sizes))


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean transformer\\?") as caught:
        find("tranformer")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="choose lstm, transformer, linear, conv"):
        find("zzz")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family_name", "preset", "low", "high"),
    [
        *[(name, "iot", 90_000, 110_000) for name in ("lstm", "transformer")],
        *[(name, "10m", 9_500_000, 10_500_000) for name in ("lstm", "transformer")],
        ("lstm", "mid", 840_000, 880_000),
        ("transformer", "mid", 520_000, 550_000),
    ],
)
def test_the_pair_has_the_sizes_its_preset_promises(family_name: str, preset: str, low: int, high: int) -> None:
    shape = next(each for each in PRESETS if each.name == preset)
    settings = shape.settings(family_name)
    spec = ModelSpec(features=shape.features, classes=shape.classes, length=shape.length, settings=settings)
    parameters = sum(weights.numel() for weights in find(family_name).build(spec).parameters())
    assert low <= parameters <= high


def test_the_seed_pair_is_stock() -> None:
    lstm: Any = find("lstm").build(spec_of(find("lstm"), "seed"))
    assert isinstance(lstm.lstm, torch.nn.LSTM)
    assert (lstm.lstm.hidden_size, lstm.lstm.num_layers, lstm.lstm.proj_size) == (64, 1, 0)
    spec = dataclasses.replace(spec_of(find("transformer"), "seed"), features=128)
    encoder: Any = find("transformer").build(spec)
    layers = [layer for layer in encoder.modules() if isinstance(layer, torch.nn.TransformerEncoderLayer)]
    assert len(layers) == 1
    assert layers[0].self_attn.num_heads == 8
    x = torch.randn(2, 10, 128)
    stock = torch.nn.TransformerEncoderLayer(128, nhead=8, batch_first=True).eval()
    stock.load_state_dict(layers[0].state_dict())
    torch.testing.assert_close(encoder.eval()(x), encoder.head(stock(x)[:, -1]), rtol=1e-4, atol=1e-5)
