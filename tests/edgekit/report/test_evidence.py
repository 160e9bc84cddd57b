from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from edgekit.report.evidence import gather
from edgekit.report.page import render


def joined(manifest: Any, profiles: Any, verdict: Any) -> Any:
    """Evidence whose figures are known to be there."""
    return gather(manifest, profiles, verdict)


def test_the_pick_comes_first_and_every_candidate_once(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    evidence = joined(bundle.manifest, bundle.profiles, bundle.verdict)
    assert evidence.rows[0].picked
    assert [row.number for row in evidence.rows] == list(range(1, 17))
    assert len({row.label for row in evidence.rows}) == 16
    assert evidence.notes == ()
    for row in evidence.rows:
        p99 = next(one for one in row.candidate.constraints if one.name == "p99")
        assert row.latency.p99_seconds == p99.value
        memory = next(one for one in row.candidate.constraints if one.name == "memory")
        assert row.added_bytes == memory.value


def newer(bundle: Any, change: Callable[[Any], Any]) -> Any:
    first = bundle.profiles[0]
    changed = tuple(change(one) for one in first.measurements)
    return dataclasses.replace(first, created="2026-06-01T00:00:00.000000Z", measurements=changed)


def slower(one: Any) -> Any:
    return dataclasses.replace(one, latency=dataclasses.replace(one.latency, p99_seconds=one.latency.p99_seconds * 2))


def test_the_measurement_of_the_verdict_is_shown_not_a_newer_one(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    evidence = joined(bundle.manifest, (*bundle.profiles, newer(bundle, slower)), bundle.verdict)
    assert evidence.notes == ()
    before = joined(bundle.manifest, bundle.profiles, bundle.verdict)
    assert [row.latency for row in evidence.rows] == [row.latency for row in before.rows]


def test_a_verdict_on_other_figures_is_said_to_be_old(bundles: dict[str, Any]) -> None:
    bundle = bundles["single"]
    evidence = joined(bundle.manifest, (newer(bundle, slower),), bundle.verdict)
    assert len(evidence.notes) == 1
    assert "rests on other figures" in evidence.notes[0]


def test_without_a_verdict_the_newest_measurement_counts(bundles: dict[str, Any]) -> None:
    bundle = bundles["no-verdict"]
    evidence = joined(bundle.manifest, (newer(bundle, slower), *bundle.profiles), None)
    old = joined(bundle.manifest, bundle.profiles, None)
    assert [row.latency.p99_seconds for row in evidence.rows] == [row.latency.p99_seconds * 2 for row in old.rows]
    assert [row.latency.p99_seconds for row in old.rows] == sorted(row.latency.p99_seconds for row in old.rows)


def test_measurements_of_another_file_are_never_shown(bundles: dict[str, Any]) -> None:
    bundle = bundles["no-verdict"]
    stale = newer(bundle, lambda one: dataclasses.replace(one, sha256="0" * 64))
    evidence = joined(bundle.manifest, (stale,), None)
    assert evidence.rows == ()
    assert "changed since" in evidence.notes[0]


def test_another_machine_is_left_out_and_named(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    other = newer(bundle, slower)
    other = dataclasses.replace(other, device=dataclasses.replace(other.device, name="pi", fingerprint="e" * 64))
    evidence = joined(bundle.manifest, (other, *bundle.profiles), bundle.verdict)
    assert evidence.device.name == "local"
    assert any("another machine" in note and "pi" in note for note in evidence.notes)
    assert {profile.device.name for profile in evidence.profiles} == {"local"}


def test_an_invalid_measurement_gives_the_figures_nothing(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    bad = dataclasses.replace(
        bundle.profiles[0],
        measurements=tuple(dataclasses.replace(one, valid=False) for one in bundle.profiles[0].measurements),
    )
    evidence = joined(bundle.manifest, (bad,), bundle.verdict)
    assert all(row.latency is None and row.added_bytes is None and row.process_bytes is None for row in evidence.rows)


def test_labels_name_threads_only_where_they_differ(bundles: dict[str, Any]) -> None:
    bundle = bundles["no-verdict"]
    two = newer(bundle, lambda one: dataclasses.replace(one, threads=2))
    evidence = joined(bundle.manifest, (two, *bundle.profiles), None)
    assert len(evidence.rows) == 32
    assert all(row.label.endswith(("1 thread", "2 threads")) for row in evidence.rows)
    assert len({row.label for row in evidence.rows}) == 32


def test_a_pace_is_no_part_of_a_label_where_the_mode_says_it(bundles: dict[str, Any]) -> None:
    manifest, profiles, _ = with_streams(bundles["pick"])
    paced = dataclasses.replace(
        profiles[0],
        measurements=tuple(
            dataclasses.replace(one, every_seconds=0.02) if one.mode == "stream" else one
            for one in profiles[0].measurements
        ),
    )
    rows = joined(manifest, (paced,), None).rows
    assert {row.label for row in rows if row.family == "lstm" and row.target == "cpu"} == {
        "LSTM · fp32 · ONNX Runtime · window",
        "LSTM · int8 · ONNX Runtime · window",
    }
    (short,) = [row.short(24) for row in rows if row.label == "Transformer · int8 · ONNX Runtime · stream"]
    assert short.endswith("  Transformer int8 ONNX RT"), "the mode stands in the figure's title"


def with_streams(bundle: Any) -> tuple[Any, Any, Any]:
    """The bundle with every Transformer a stream, measured by the step."""

    def turned(things: Any, **changes: Any) -> Any:
        return tuple(
            dataclasses.replace(one, mode="stream", **changes) if one.family == "transformer" else one for one in things
        )

    manifest = dataclasses.replace(bundle.manifest, artifacts=turned(bundle.manifest.artifacts))
    profiles = tuple(
        dataclasses.replace(one, measurements=turned(one.measurements, length=1)) for one in bundle.profiles
    )
    verdict = dataclasses.replace(bundle.verdict, candidates=turned(bundle.verdict.candidates))
    return manifest, profiles, verdict


def test_streams_keep_their_figures_beside_windows_and_have_plots_of_their_own(bundles: dict[str, Any]) -> None:
    manifest, profiles, verdict = with_streams(bundles["pick"])
    evidence = joined(manifest, profiles, verdict)
    assert set(evidence.modes) == {"window", "stream"}
    assert all(row.measurement is not None for row in evidence.rows)
    assert {row.measurement.length for row in evidence.rows if row.mode == "stream"} == {1}
    assert evidence.shape == f"batch 1, length {evidence.length}; streams: one step"
    page = render(manifest, profiles, verdict)
    assert "streams: one step" in page
    assert "(window)" in page
    assert "(stream)" in page


def test_without_a_verdict_the_windows_give_the_length(bundles: dict[str, Any]) -> None:
    manifest, profiles, _ = with_streams(bundles["pick"])
    evidence = joined(dataclasses.replace(manifest, data=None), profiles, None)
    assert evidence.length == bundles["pick"].verdict.length
    assert {row.mode for row in evidence.rows} == {"window", "stream"}
