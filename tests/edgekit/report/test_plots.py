from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from edgekit.decision.words import crossover_text
from edgekit.profiling.sweep import crossovers
from edgekit.report.evidence import gather
from edgekit.report.plots import (
    PLOTS,
    budget_use,
    latency_accuracy,
    latency_distribution,
    memory_phases,
    memory_size,
    sweep,
)
from edgekit.report.plots.budget_use import use_of
from edgekit.report.plots.canvas import new_figure, style, to_svg
from edgekit.report.plots.contract import Drawing, Omitted, Plot
from edgekit.report.plots.labels import Box, place
from edgekit.report.plots.scales import log_ticks
from edgekit_targets.types.verdict import Constraint


def joined(bundle: Any) -> Any:
    return gather(bundle.manifest, bundle.profiles, bundle.verdict)


def drawn(bundle: Any, plot: Plot) -> Any:
    evidence = joined(bundle)
    with style():
        return plot(evidence, evidence.rows)


@pytest.mark.parametrize("plot", [plot for plot in PLOTS if plot is not sweep.draw])
@pytest.mark.parametrize("name", ["pick", "imported", "invalid", "single", "forty", "hostile", "no-upper-bounds"])
def test_every_figure_says_its_message_with_units_and_an_interval(
    bundles: dict[str, Any], plot: Plot, name: str
) -> None:
    drawing = drawn(bundles[name], plot)
    assert isinstance(drawing, Drawing)
    assert re.search(r"\d (us|ms|s|KiB|MiB|%)", drawing.caption)
    if plot is not budget_use.draw:
        assert re.search(r"\[[^\]]+, [^\]]+\]", drawing.caption)
    labels = [axes.get_xlabel() for axes in drawing.figure.axes if axes.get_xlabel()]
    assert labels
    assert all(re.search(r"\((us|ms|s|B|KiB|MiB|%)[,)]|\(%\)", label) for label in labels)


def test_the_caption_names_the_extremes(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    evidence = joined(bundle)
    fastest = min(evidence.rows, key=lambda row: row.latency.p99_seconds)
    best = max(row.artifact.accuracy.value for row in evidence.rows)
    caption = drawn(bundle, latency_accuracy.draw).caption
    assert caption.startswith(f"{fastest.label} is the fastest")
    assert f"{best * 100:.1f} %" in caption
    lightest = min(evidence.rows, key=lambda row: row.added_bytes)
    assert drawn(bundle, memory_size.draw).caption.startswith(f"{lightest.label} adds the least memory")
    ratios = {row.label: row.latency.p99_seconds / row.latency.p50_seconds for row in evidence.rows}
    worst = max(ratios, key=ratios.__getitem__)
    assert f"The longest tail is that of {worst}" in drawn(bundle, latency_distribution.draw).caption
    fits = sum(candidate.status == "pass" for candidate in bundle.verdict.candidates)
    assert drawn(bundle, budget_use.draw).caption.startswith(f"{fits} of 16 candidates meet every limit")


def test_a_limit_is_drawn_through_the_strips_and_not_through_their_names(bundles: dict[str, Any]) -> None:
    bundle = bundles["nothing-fits"]
    for plot, at in ((budget_use.draw, 100.0), (latency_distribution.draw, None)):
        axes: Any = drawn(bundle, plot).figure.axes[0]
        if at is None:
            at = next(one.value for one in bundle.verdict.limits if one.name == "p99") / 1e-6
        pieces = [line.get_ydata() for line in axes.lines if line.is_dashed() and list(line.get_xdata()) == [at, at]]
        assert len(pieces) == 16
        names = [text.get_position()[1] for text in axes.texts if text.get_position()[0] == 0.0]
        assert len(names) == 16
        assert not [name for name in names for low, high in pieces if low - 0.1 <= name <= high + 0.1]


def test_the_room_at_the_tightest_limit_is_told_in_words(bundles: dict[str, Any]) -> None:
    def states(name: str) -> list[str]:
        axes: Any = drawn(bundles[name], budget_use.draw).figure.axes[0]
        return [text.get_text() for text in axes.texts if text.get_position()[0] == 0.0]

    assert all(re.search(r"✓ [\d.]+ % left$|✗ [\d.]+ % beyond$", one) for one in states("pick"))
    assert any("✓" in one for one in states("pick"))
    assert all("beyond" in one for one in states("nothing-fits"))
    assert "? open: p99" in "\n".join(states("undecided"))
    assert sum("✗ not valid" in one for one in states("invalid")) == 2
    assert "– no p99" in "\n".join(states("invalid"))


def test_candidates_without_both_figures_are_counted(bundles: dict[str, Any]) -> None:
    assert "6 of 16 candidates lack a valid figure" in drawn(bundles["invalid"], latency_accuracy.draw).caption


def test_what_cannot_be_drawn_says_why(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    empty = dataclasses.replace(
        bundle.profiles[0],
        measurements=tuple(
            dataclasses.replace(one, latency=None, memory=None) for one in bundle.profiles[0].measurements
        ),
    )
    bare = dataclasses.replace(bundle, profiles=(empty,), verdict=None)
    for plot in PLOTS:
        omitted = drawn(bare, plot)
        assert isinstance(omitted, Omitted)
        assert omitted.reason.endswith(".")


def test_latencies_without_raw_samples_still_show_their_marks(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    thin = dataclasses.replace(
        bundle.profiles[0],
        measurements=tuple(
            dataclasses.replace(one, latency=dataclasses.replace(one.latency, raw_seconds=()))
            for one in bundle.profiles[0].measurements
        ),
    )
    assert isinstance(drawn(dataclasses.replace(bundle, profiles=(thin,)), latency_distribution.draw), Drawing)


def test_a_metric_that_is_no_share_is_not_in_percent(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    artifacts = tuple(
        dataclasses.replace(one, accuracy=dataclasses.replace(one.accuracy, metric="r2"))
        for one in bundle.manifest.artifacts
    )
    scored = dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, artifacts=artifacts))
    drawing = drawn(scored, latency_accuracy.draw)
    assert isinstance(drawing, Drawing)
    assert "r2 0.9" in drawing.caption
    assert "%" not in drawing.caption


@pytest.mark.parametrize(
    ("upper", "value", "low", "high", "expected"),
    [(True, 5.0, 4.0, 8.0, (0.5, 0.8)), (False, 12.0, 9.0, 15.0, (0.8, 1.1)), (True, 5.0, None, None, (0.5, 0.5))],
)
def test_the_use_of_a_limit_is_one_minus_the_margin_at_the_unfavourable_end(
    upper: bool, value: float, low: float | None, high: float | None, expected: tuple[float, float]
) -> None:
    one = Constraint(name="p99", limit=10.0, value=value, low=low, high=high, status="pass")
    use = use_of(one, upper=upper)
    assert use is not None
    assert (use.value, use.worst) == pytest.approx(expected)
    margin = (10.0 - value) / 10.0 * (1 if upper else -1)
    assert use.value == pytest.approx(1 - margin)
    assert use_of(dataclasses.replace(one, value=None), upper=upper) is None
    assert use_of(dataclasses.replace(one, limit=0.0), upper=upper) is None


@pytest.mark.parametrize(("low", "high"), [(1e-5, 1e3), (0.9, 1.1), (3.0, 30.0), (1.0, 1.02), (400.0, 500.0)])
def test_log_axes_have_a_few_round_ticks_inside(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    assert all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(set(ticks))


def test_numbers_do_not_overlap_where_there_is_room() -> None:
    points = [(100.0 + 14 * (index % 4), 100.0 + 14 * (index // 4)) for index in range(16)]
    frame = Box(0.0, 0.0, 260.0, 200.0)
    places = place(points, [str(index) for index in range(16)], [], frame)
    boxes = [Box(one.x - 6, one.y - 5, one.x + 6, one.y + 5) for one in places]
    crossings = [(a, b) for a in range(16) for b in range(a) if boxes[a].overlap(boxes[b]) > 12]
    assert crossings == []
    assert all(box.overlap(frame) == pytest.approx(120.0) for box in boxes)


def test_a_points_area_is_the_memory_it_adds_and_a_pointer_is_told_the_rest(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    rows = joined(bundle).rows
    with style():
        drawing: Any = latency_accuracy.draw(joined(bundle), rows)
        points = {line.get_gid(): line for line in drawing.figure.axes[0].lines if line.get_gid()}
        page = to_svg(drawing.figure, "k", "t", "m", "d")
    assert len(points) == len(rows)
    sizes = {row.number: line.get_markersize() for row, line in zip(rows, points.values(), strict=True)}
    heaviest, lightest = (choose(rows, key=lambda row: row.added_bytes) for choose in (max, min))
    expected = (lightest.added_bytes / heaviest.added_bytes) ** 0.5
    assert sizes[lightest.number] / sizes[heaviest.number] == pytest.approx(max(expected, 4.5 / 13.0))
    tips = re.findall(r"<title>(.*?)</title>", page)[1:]
    assert len(tips) == len(rows)
    for words in ("p50 ", "p99 ", "memory ", "CPU time ", "file ", "accuracy (validation) ", "limits: "):
        assert all(words in tip for tip in tips)
    assert "hover:" not in page


def test_the_front_steps_through_what_no_other_beats(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    rows = joined(bundle).rows
    with style():
        drawing: Any = latency_accuracy.draw(joined(bundle), rows)
    (front,) = [line for line in drawing.figure.axes[0].lines if line.get_drawstyle() == "steps-post"]
    x, y = front.get_xdata(), front.get_ydata()
    assert list(x) == sorted(x)
    assert list(y) == sorted(y)
    assert y[-1] == pytest.approx(max(row.artifact.accuracy.value for row in rows) * 100)


def test_memory_is_shown_in_each_phase(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    rows = joined(bundle).rows
    drawing = drawn(bundle, memory_phases.draw)
    heaviest = max(rows, key=lambda row: row.process_bytes)
    assert drawing.caption.startswith(f"The highest peak is that of {heaviest.label}, ")
    marks = [line for line in drawing.figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert len(marks) == 4 * len(rows)


def test_ids_of_two_figures_never_meet() -> None:
    with style():
        texts = []
        for key in ("one", "two"):
            figure = new_figure(2.0)
            figure.add_subplot().plot([1, 2, 3], marker="o")
            texts.append(to_svg(figure, key, "t", "m", "d"))
    first, second = (set(re.findall(r'id="([^"]+)"', text)) for text in texts)
    assert first
    assert second
    assert not first & second


def test_the_users_matplotlib_settings_change_nothing(bundles: dict[str, Any]) -> None:
    import matplotlib as mpl

    evidence = gather(bundles["single"].manifest, bundles["single"].profiles, bundles["single"].verdict)

    def svg() -> str:
        with style():
            drawing = latency_distribution.draw(evidence, evidence.rows)
            assert isinstance(drawing, Drawing)
            return to_svg(drawing.figure, "k", "t", "m", "d")

    plain = svg()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path", "lines.linewidth": 9}):
        assert svg() == plain


def swept(bundle: Any, over: str) -> Any:
    """The bundle with every candidate measured at more lengths or batches, as a later run would leave it."""
    profile = bundle.profiles[0]
    more = []
    for one in profile.measurements:
        for factor in (2, 4, 8):
            latency = one.latency
            grown = {
                name: getattr(latency, name) * factor ** (1.0 if one.family == "lstm" else 0.6)
                for name in ("p50_seconds", "p50_low_seconds", "p50_high_seconds")
            }
            changes: dict[str, Any] = {over: getattr(one, over) * factor}
            more.append(dataclasses.replace(one, latency=dataclasses.replace(latency, **grown), **changes))
    measurements = (*profile.measurements, *more)
    run = dataclasses.replace(profile, measurements=measurements, crossovers=crossovers(measurements))
    return dataclasses.replace(bundle, profiles=(run,))


@pytest.mark.parametrize("over", ["length", "batch"])
def test_a_sweep_is_drawn_with_its_crossover(bundles: dict[str, Any], over: str) -> None:
    bundle = swept(bundles["pick"], over)
    drawing = drawn(bundle, sweep.draw)
    assert isinstance(drawing, Drawing)
    axes: Any = drawing.figure.axes[0]
    assert axes.get_xlabel().startswith(f"{over}: ")
    base = getattr(bundle.profiles[0].measurements[0], over)
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(base * factor) for factor in (1, 2, 4, 8)]
    assert len([line for line in axes.lines if len(line.get_xdata()) == 4]) == 10
    assert "6 more curves are not drawn." in drawing.caption
    told = next(one for one in bundle.profiles[0].crossovers if one.over == over)
    assert told.length is not None
    dashed = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert dashed == [told.length]
    assert crossover_text(told) in drawing.caption
    assert re.search(r"p50 .* \[[^\]]+, [^\]]+\] at ", drawing.caption)


def test_one_shape_is_no_sweep(bundles: dict[str, Any]) -> None:
    omitted = drawn(bundles["pick"], sweep.draw)
    assert isinstance(omitted, Omitted)
    assert "--length 16,64,256 or --batch 1,8" in omitted.reason
