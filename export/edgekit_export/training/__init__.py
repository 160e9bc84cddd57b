"""Training, and keeping what it made."""
