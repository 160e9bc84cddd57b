"""Budgets: the limits an application sets. Grammar, units, and where budgets come from."""
