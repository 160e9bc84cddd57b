"""Releases on a device: taken in, switched to in one step, proved, and taken back when they fail."""
