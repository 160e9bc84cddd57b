"""Round 1: what is trained, and how far back it can tell."""
