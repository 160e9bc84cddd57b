"""The figures of the report, in the order of the page. Imports matplotlib: import it where it is needed."""

from edgekit.report.plots import budget_use, latency_accuracy, latency_distribution, memory_phases, memory_size, sweep
from edgekit.report.plots.contract import Plot

PLOTS: list[Plot] = [
    budget_use.draw,
    latency_accuracy.draw,
    latency_distribution.draw,
    sweep.draw,
    memory_size.draw,
    memory_phases.draw,
]
