"""``edgekit.export``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit_targets.progress import Progress, silent

if TYPE_CHECKING:
    from edgekit_targets.types.manifest import Manifest, Mode, Precision


def export(
    *models: str | Path,
    out: str | Path,
    data: str | None = None,
    preset: str = "iot",
    settings: Mapping[str, object] | None = None,
    modes: Sequence[Mode] | None = None,
    precisions: Sequence[Precision] = ("fp32", "int8-dynamic"),
    devices: Sequence[str] = (),
    checkpoint: str | Path | None = None,
    seed: int = 0,
    shapes: Mapping[str, Sequence[int]] | None = None,
    set_inputs: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
    attention: bool = False,
    accuracy_drop: float = 0.01,
    force: bool = False,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> Manifest:
    """Export models to ONNX, quantize them, and verify every file against its source before it is written.

    Args:
        *models: families (``lstm``, ``transformer``), ``package.module:callable``, ``.pt2`` or ``.onnx`` files; none
            means the pair.
        out: the bundle to write, a folder that must not exist.
        data: ``aeon:NAME``, ``npz:FILE``, ``text:remarks`` or ``package.module:callable``; without it weights are
            random.
        preset: sizes of the reference pair.
        settings: sizes and training settings to change, as ``{"lstm.hidden": 64}``.
        modes: ``window``, ``stream`` or both; by default windows, and streams for files with state.
        precisions: of each artifact.
        devices: integer files are made for the instruction set that all of these have; by default they are right
            everywhere. A name from ``edgekit.toml`` with an entry in the catalogue is not asked.
        checkpoint: weights for one model.
        seed: fixes weights, training and the validation split.
        shapes: of the inputs of ``.onnx`` files, by name.
        set_inputs: inputs of ``.onnx`` files to make constants, as ``{"sr": "16000"}``.
        states: outputs that go back in as inputs, as ``{"state": "stateN"}``, where they are not recognised.
        attention: also write a Transformer file that gives its attention weights.
        accuracy_drop: what a quantized artifact may lose on the validation split against fp32, as a share.
        force: replace the bundle that is there.
        progress: told how far it is.
        say: told in one line for which instruction set, where devices are named.

    Returns:
        What was written to ``out/manifest.json``.

    Raises:
        InputError: something asked for cannot be done; nothing is left behind.
        CheckFailed: an artifact does not answer as its source does.
    """
    from edgekit.api.notebook import shown
    from edgekit.devices.isa import isa_for
    from edgekit.project.load import load_project
    from edgekit_export.exporting import ExportRequest
    from edgekit_export.exporting import export as export_request

    isa = "portable"
    if devices:
        from edgekit_targets.hardware.describe import describe

        isa, why = isa_for(devices, load_project().devices, describe().isa)
        say(f"integer files are made for {isa}: {why or 'what ' + ' and '.join(devices) + ' can do'}")
    request = ExportRequest(
        models=tuple(map(str, models)),
        out=Path(out),
        data=data,
        preset=preset,
        settings={key: str(value) for key, value in (settings or {}).items()},
        modes=None if modes is None else tuple(modes),
        precisions=tuple(precisions),
        isa=isa,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        seed=seed,
        shapes={name: tuple(shape) for name, shape in (shapes or {}).items()},
        set_inputs=dict(set_inputs or {}),
        states=dict(states or {}),
        force=force,
        attention=attention,
        accuracy_drop=accuracy_drop,
    )
    return shown(export_request(request, progress))
