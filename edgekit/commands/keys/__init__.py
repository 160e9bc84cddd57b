"""``edgekit keys ...``: one file for each of its commands.

To add one, add a file and its line below.
"""

from edgekit.commands.keys import making, revoking, trusting

NAME = "keys"
HELP = "Keys that releases are signed with, and the devices that trust them."
COMMANDS = [making, trusting, revoking]
