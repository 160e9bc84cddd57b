"""Round 4: what is learned from how much, and what it costs."""
