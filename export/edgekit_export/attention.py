"""The artifact of variant ``attention``: the causal Transformer with its attention weights as a second output.

``attention`` is ``[batch, layer, head, query, key]`` float32: what each step (query) takes from each step (key); rows
add up to 1, and what lies in the future or outside of the window is 0. It grows with the square of the length, so it
is a file to look into the model with; the plain artifact stays without it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np
import torch

from edgekit_export.families.modules.entry import blank
from edgekit_export.families.modules.transformer import CausalTransformer, WithAttention
from edgekit_export.graph.clean import clean, serialise, stamp
from edgekit_export.graph.facts import check, read_facts
from edgekit_export.graph.trace import INPUT, OUTPUT, trace
from edgekit_export.jobs import Floats, Job, metadata_of
from edgekit_export.quantize.contract import PORTABLE
from edgekit_export.quantize.fp32 import Fp32
from edgekit_export.verify import parity
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import write_golden
from edgekit_targets.errors import CheckFailed
from edgekit_targets.files import sha256_of, write_atomic
from edgekit_targets.types.manifest import Artifact, Parity

ATTENTION: Final = "attention"
AXES = "batch,layer,head,query,key"
_NOTE = "for looking into the model, not for shipping: its accuracy was not measured apart from the plain file's"


def write_attention(job: Job, plain: Artifact) -> Artifact | None:
    """Write the artifact and its golden vectors beside the ``plain`` fp32 one; None where the module has no attention.

    Raises:
        CheckFailed: logits or attention are not PyTorch's.
    """
    module = job.prepared.module
    if not isinstance(module, CausalTransformer):
        return None
    spec, precision = job.prepared.spec, Fp32()
    dynamic = {0: "batch", 1: "length"}
    wrapped = WithAttention(module).eval()
    example = blank(spec, parity.TRACED_BATCH, parity.TRACED_LENGTH)
    traced = clean(trace(wrapped, example, dynamic=dynamic, outputs=(OUTPUT, ATTENTION)))
    facts = metadata_of(job, precision, PORTABLE) | {"variant": ATTENTION, ATTENTION: AXES}
    model = stamp(traced, facts)
    check(model, dynamic={INPUT: dynamic, OUTPUT: {0: "batch"}, ATTENTION: {0: "batch"}})
    name = "-".join((job.prepared.family, job.mode, precision.name, PORTABLE, ATTENTION))
    path = job.bundle / f"{name}.onnx"
    write_atomic(path, serialise(model))
    golden = job.bundle / "golden" / f"{plain.id}.npz"
    with np.load(golden, allow_pickle=False) as arrays:
        samples = arrays[f"input.{INPUT}"]
    judged, wanted = _judge(job, path, wrapped, samples)
    write_golden(job.bundle / "golden" / f"{name}.npz", {INPUT: samples}, wanted)
    return dataclasses.replace(
        plain,
        id=name,
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        variant=ATTENTION,
        outputs=read_facts(model).outputs,
        parity=judged,
        accuracy=None,
        accuracy_validation=None,
        notes=(*plain.notes, _NOTE),
    )


def _judge(job: Job, file: Path, wrapped: WithAttention, samples: Floats) -> tuple[Parity, dict[str, Floats]]:
    """Parity of both outputs at every point, and PyTorch's answers to the golden inputs, which are the last point."""
    at = parity.points(job.prepared.spec.length, fixed_length=False)
    inputs = [*parity.point_inputs(samples, at, job.seed)]
    inputs[-1] = samples
    with torch.inference_mode():
        wanted = [tuple(part.numpy() for part in wrapped(torch.from_numpy(x))) for x in inputs]
    with Child(job.agent, file, shapes={INPUT: samples[:1].shape}, scratch=job.scratch, target=job.target) as child:
        answers = [child.run({INPUT: x}, whole=True) for x in inputs]
    found = []
    for index, output in enumerate((OUTPUT, ATTENTION)):
        got = [answer[output].astype(np.float32, copy=False) for answer in answers]
        reference = [parts[index] for parts in wanted]
        try:
            found.append(
                parity.compare(
                    answers=got,
                    references=reference,
                    held_out=got[-1],
                    held_out_reference=reference[-1],
                    at=at,
                    precision=Fp32(),
                    weights=job.prepared.weights,
                )
            )
        except parity.ParityFailed as error:
            raise CheckFailed(f"{file.stem}: output {output}: {error}") from error
    logits, attention = found
    worst = max(logits.max_abs_error, attention.max_abs_error)
    return dataclasses.replace(logits, max_abs_error=worst), dict(zip((OUTPUT, ATTENTION), wanted[-1], strict=True))
