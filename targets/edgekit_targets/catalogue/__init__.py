"""The device catalogue: facts about hardware, one TOML file for each kind. It is not a budget.

To add one, add its file; every figure names the document it is taken from.
"""
