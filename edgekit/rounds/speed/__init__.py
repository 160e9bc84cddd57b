"""Round 2: what is timed, and who is ahead."""
