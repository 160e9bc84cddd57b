"""Measuring candidates on a device: what to measure, in which order, and what the samples say."""
