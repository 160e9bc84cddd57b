"""One sample of one artifact, explained, and the explanations of many held against the file."""

from __future__ import annotations

import contextlib
import difflib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, get_args

import numpy as np

from edgekit.documents import now
from edgekit.explaining.contract import METHODS, SCHEMA_VERSION, Attribution, Explanation, Method
from edgekit.explaining.faithfulness import measure, score
from edgekit.explaining.model import Model, check_model
from edgekit.explaining.samples import Sample, Samples, pick, samples_of
from edgekit.explaining.segments import names, pooled, segments
from edgekit_targets import __version__
from edgekit_targets.agent.contract import Agent
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.progress import Progress
from edgekit_targets.types.manifest import Artifact, Manifest

MOST_SAMPLES: Final = 100
ATTENTIVE: Final = "transformer"
_AGREE: Final = 1e-3


def explain(
    bundle: Path,
    artifact_id: str,
    text: str,
    *,
    agent: Agent,
    progress: Progress,
    methods: Sequence[Method] = (),
    most: int = MOST_SAMPLES,
) -> Explanation:
    """Explain the answer of an artifact to one sample, and tell how faithful such explanations are on others.

    Args:
        bundle: a folder.
        artifact_id: of the bundle.
        text: the sample: its number in the test split, or words.
        agent: runs the file, in a process of its own.
        progress: told how many samples are done.
        methods: none means all that the artifact can give.
        most: so many samples of the test split, evenly spaced, say how faithful the methods are.

    Raises:
        InputError: no such artifact or sample, an artifact without attention, a text model without its vocabulary.
        CheckFailed: a file was changed, or two files of one model answer differently.
    """
    manifest = read_manifest(bundle)
    artifact = find_artifact(bundle, manifest, artifact_id)
    check_model(artifact)
    wanted = methods_of(artifact, methods)
    samples = samples_of(bundle, manifest, artifact)
    sample = pick(samples, text)
    _check_length(artifact, samples, len(sample.x))
    chosen = evenly(samples.x, most)
    notes = []
    with opened(bundle, manifest, artifact, len(sample.x), agent, wanted) as (model, looked):
        answers = model.answer(sample.x[None])
        if looked is not None and np.abs(looked.answer(sample.x[None]) - answers).max() > _AGREE:
            raise CheckFailed(f"{artifact.id} does not answer as the plain file beside it does; export them again")
        own = measure(model, looked, sample.x[None], samples.blank, wanted)
        parts = segments(len(sample.x))
        maps = None if looked is None else pooled(looked.attention(sample.x[None])[0], parts)
        runtime, answered_by = model.runtime, model.id
    with opened(bundle, manifest, artifact, chosen.shape[1], agent, wanted) as (model, looked):
        stage = f"explain {artifact.id}"
        many = measure(model, looked, chosen, samples.blank, wanted, lambda done: progress(stage, done, len(chosen)))
    if len(sample.x) != samples.x.shape[1]:
        notes.append(f"it has {len(sample.x)} steps, the model was trained on {samples.x.shape[1]}")
    if artifact.weights == "random":
        notes.append("the weights are random, so there is nothing in them to explain")
    occluded = [many["occlusion"]] if "occlusion" in many else None
    answer = int(answers[0].argmax())
    classes = samples.classes or tuple(map(str, range(answers.shape[1])))
    return Explanation(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        created=now(),
        artifact=artifact.id,
        sha256=artifact.sha256,
        family=artifact.family,
        mode=artifact.mode,
        precision=artifact.precision,
        answered_by=answered_by,
        runtime=runtime,
        sample=sample.name,
        data=manifest.data.name if manifest.data is not None else None,
        truth=sample.truth,
        answer=classes[answer],
        probability=float(answers[0, answer]),
        probabilities={name: float(value) for name, value in zip(classes, answers[0], strict=True)},
        hidden=samples.hidden,
        steps=len(sample.x),
        labels=_labels(sample),
        attributions=tuple(
            Attribution(method=method, values=tuple(map(float, found.attribution[0]))) for method, found in own.items()
        ),
        attention=None if maps is None else _nested(maps),
        faithfulness=tuple(score(method, [found], occluded) for method, found in many.items()),
        notes=tuple(notes),
    )


def find_artifact(bundle: Path, manifest: Manifest, artifact_id: str) -> Artifact:
    """The artifact of that id.

    Raises:
        InputError: there is none; the message offers the nearest.
    """
    known = {artifact.id: artifact for artifact in manifest.artifacts}
    if artifact_id not in known:
        near = difflib.get_close_matches(artifact_id, known, n=1, cutoff=0.4)
        guess = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"--artifact {artifact_id} is not in {bundle}; {guess}it has {', '.join(known)}")
    return known[artifact_id]


def methods_of(artifact: Artifact, asked: Sequence[Method] = ()) -> tuple[Method, ...]:
    """What can be asked of ``artifact``: of a Transformer its attention, of any file occlusion.

    Raises:
        InputError: attention is asked for, or expected of a Transformer, and the file does not give it.
    """
    attentive = artifact.variant == "attention"
    if not asked:
        asked = get_args(Method) if attentive or artifact.family == ATTENTIVE else ("occlusion",)
    if not attentive and set(asked) - {"occlusion"}:
        remedy = (
            "export one that has it with: edgekit export transformer --attention --out DIR, or ask for --method "
            "occlusion alone"
            if artifact.family == ATTENTIVE
            else f"the {artifact.family} has none to give; ask for --method occlusion"
        )
        raise InputError(f"--artifact {artifact.id} has no attention output; {remedy}")
    return tuple(dict.fromkeys(asked))


@contextlib.contextmanager
def opened(
    bundle: Path, manifest: Manifest, artifact: Artifact, length: int, agent: Agent, methods: Sequence[Method]
) -> Iterator[tuple[Model, Model | None]]:
    """The model that answers and, where a method needs it, the one that gives attention, for ``length`` steps.

    An attention file is there to be looked into; what answers is the plain file beside it, which ships, and does
    not write the weights of every step out again and again.
    """
    plain = artifact
    if artifact.variant == "attention":
        alike = ("family", "mode", "precision", "training")
        plain = next(
            (
                one
                for one in manifest.artifacts
                if one.variant == "plain" and all(getattr(one, name) == getattr(artifact, name) for name in alike)
            ),
            artifact,
        )
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder, contextlib.ExitStack() as stack:
        model = stack.enter_context(Model(bundle, plain, length, agent, Path(folder)))
        needed = artifact.variant == "attention" and set(methods) - {"occlusion"}
        looked = None
        if needed:
            looked = (
                model
                if plain is artifact
                else stack.enter_context(Model(bundle, artifact, length, agent, Path(folder)))
            )
        yield model, looked


def evenly(x: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` of the samples, evenly spaced."""
    return x[np.unique(np.linspace(0, len(x) - 1, min(most, len(x))).astype(np.int64))]


def method_names(text: str | None) -> tuple[Method, ...]:
    """Read ``--method``.

    Raises:
        InputError: an unknown method.
    """
    known: dict[str, Method] = {method: method for method in METHODS}
    asked = [part.strip() for part in (text or "").split(",") if part.strip()]
    for name in asked:
        if name not in known:
            raise InputError(f"--method {name!r} is unknown; choose from {', '.join(known)}")
    return tuple(dict.fromkeys(known[name] for name in asked))


def _check_length(artifact: Artifact, samples: Samples, length: int) -> None:
    states = {one.input for one in artifact.states}
    entry = next(tensor for tensor in artifact.inputs if tensor.name not in states)
    if artifact.mode == "window" and isinstance(entry.shape[1], int) and entry.shape[1] != length:
        raise InputError(
            f"--input has {length} steps, --artifact {artifact.id} takes {entry.shape[1]}; give as many, or another "
            "artifact"
        )
    step = entry.shape[1:] if artifact.mode == "stream" else entry.shape[2:]
    if tuple(step) != samples.x.shape[2:]:
        raise InputError(
            f"--artifact {artifact.id} takes steps of {list(step)}, the data's are {list(samples.x.shape[2:])}; export "
            "it again with its data"
        )


def _labels(sample: Sample) -> tuple[str, ...]:
    parts = segments(len(sample.x))
    if sample.tokens is None:
        return names(parts)
    return tuple(" ".join(np.array(sample.tokens)[steps]) for steps in parts)


def _nested(maps: np.ndarray) -> tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]:
    return tuple(tuple(tuple(tuple(map(float, row)) for row in head) for head in layer) for layer in maps)
