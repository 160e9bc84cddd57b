"""The team's own file, ``edgekit.toml``: its devices, its budgets, and defaults for options that are not given."""
