"""Clocks, latency and memory: how the figures come about."""
