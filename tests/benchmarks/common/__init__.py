"""What the benchmarks share; each benchmark is a file beside this folder."""
