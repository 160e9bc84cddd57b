"""The figures of the report, in the order of the page. Imports matplotlib: import it where it is needed."""

from edgekit.report.plots import budget_use, latency_accuracy, latency_distribution, memory_phases, memory_size, sweep
from edgekit.report.plots.contract import Plot

PLOTS: list[Plot] = [
    latency_accuracy.draw,
    memory_size.draw,
    memory_phases.draw,
    latency_distribution.draw,
    sweep.draw,
    budget_use.draw,
]
