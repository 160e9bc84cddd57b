"""``edgekit device ...``: one file for each of its commands.

To add one, add a file and its line below.
"""

from edgekit.commands.device import checking, listing, pruning, releases, rolling_back, setting_up

NAME = "device"
HELP = "Your machines, and the hardware that edgekit knows facts about."
COMMANDS = [listing, checking, setting_up, releases, rolling_back, pruning]
