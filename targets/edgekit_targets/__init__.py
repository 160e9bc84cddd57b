"""The device room: everything that travels to the machine a model will run on.

Imports the standard library, numpy and one runtime; never torch, never the rooms above.
"""

__version__ = "0.1.0"
