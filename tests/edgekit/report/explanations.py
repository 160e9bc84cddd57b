"""Explanations made by hand: a sentence, a long signal, hostile tokens."""

from __future__ import annotations

import numpy as np

from edgekit.explaining.contract import Attribution, Curve, Explanation, Faithfulness, Method


def _curve(full: float, hidden: float, steps: int, fall: float) -> Curve:
    share = np.linspace(0.0, 1.0, steps + 1)
    value = hidden + (full - hidden) * np.exp(-fall * share)
    return Curve(
        share=tuple(map(float, share)),
        value=tuple(map(float, value)),
        low=tuple(map(float, value - 0.02)),
        high=tuple(map(float, value + 0.02)),
    )


def _faithful(method: Method, score: float | None, steps: int) -> Faithfulness:
    other = score is not None and method != "occlusion"
    return Faithfulness(
        method=method,
        score=score,
        low=None if score is None else score - 0.05,
        high=None if score is None else score + 0.05,
        deletion=0.3,
        insertion=0.7,
        full=0.9,
        hidden=0.2,
        samples=100,
        deletion_curve=_curve(0.9, 0.2, steps, 4.0),
        insertion_curve=_curve(0.2, 0.9, steps, 3.0),
        difference=-0.2 if other else None,
        difference_low=-0.25 if other else None,
        difference_high=-0.15 if other else None,
        reason="nothing explains it" if score is None else None,
    )


def _made(labels: tuple[str, ...], *, layers: int, score: float | None, answer: str = "cars, likes") -> Explanation:
    steps = len(labels)
    generator = np.random.default_rng(0)
    raw = np.tril(generator.random((max(layers, 1), 2, steps, steps)) + 0.01)
    maps = raw / raw.sum(axis=-1, keepdims=True)
    methods: tuple[Method, ...] = ("attention", "rollout", "occlusion") if layers else ("occlusion",)
    values = {"attention": maps[-1, :, -1].mean(axis=0), "rollout": maps[0, 0, -1], "occlusion": raw[0, 0, -1] - 0.2}
    return Explanation(
        schema_version=1,
        edgekit_version="0.1.0",
        created="2026-01-01T00:00:00.000000Z",
        artifact="transformer-window-fp32-portable-attention" if layers else "lstm-window-fp32-portable-plain",
        sha256="0" * 64,
        family="transformer" if layers else "lstm",
        mode="window",
        precision="fp32",
        answered_by="transformer-window-fp32-portable-plain",
        runtime="ONNX Runtime 1.0",
        sample=" ".join(labels[:8]),
        data="text:remarks",
        truth="food, hates",
        answer=answer,
        probability=0.9,
        probabilities={answer: 0.9, "food, hates": 0.1},
        hidden="the token <unk>",
        steps=steps,
        labels=labels,
        attributions=tuple(Attribution(method=method, values=tuple(map(float, values[method]))) for method in methods),
        attention=tuple(tuple(tuple(tuple(map(float, row)) for row in head) for head in layer) for layer in maps)
        if layers
        else None,
        faithfulness=tuple(_faithful(method, score, steps) for method in methods),
        notes=("it has 3 steps, the model was trained on 8",),
    )


HOSTILE = ("<script>alert(1)</script>", "a\u202eb", "$x^2$", "-->", "]]>", "&amp;", "W" * 400, "\x00\x1b[31m")
EXPLANATIONS = {
    "sentence": _made(("The", "CEO", "of", "Tesla", "said", "he", "loves", "rockets"), layers=2, score=0.5),
    "signal": _made(tuple(map(str, range(64))), layers=1, score=0.5),
    "recurrent": _made(tuple(f"{3 * step}-{3 * step + 2}" for step in range(64)), layers=0, score=0.5),
    "no-score": _made(("one",), layers=1, score=None),
    "hostile-tokens": _made(HOSTILE, layers=1, score=0.5, answer="<b>cars</b>"),
}
