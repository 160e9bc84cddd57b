"""Intervals for what was measured. SciPy does the distributions; what is counted and why is decided here."""
