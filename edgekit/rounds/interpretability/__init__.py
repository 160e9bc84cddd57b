"""Round 3: what is explained, and whether the models answer by it."""
