"""``edgekit device ...``: one file for each of its commands.

To add one, add a file and its line below.
"""

from edgekit.commands.device import listing

NAME = "device"
HELP = "Your machines, and the hardware that edgekit knows facts about."
COMMANDS = [listing]
