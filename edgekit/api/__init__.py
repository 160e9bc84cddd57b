"""The Python API: what the commands do, as functions that return the frozen types the commands print.

Importing it imports nothing heavy; each function imports what it needs when it is called.
"""
