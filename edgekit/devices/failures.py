"""What ssh says when it fails, as one line with the remedy. All of its failures have one exit code, 255."""

from __future__ import annotations

import re

from edgekit.devices.address import Address
from edgekit_targets.errors import AgentGone, EdgekitError, InputError


class DeviceLost(AgentGone):
    """A device that could be reached broke off or fell silent; trying again may help."""


# In this order: the warning about a changed key comes with the words about verification too.
_WORDS = [
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed|differs from the key",
        "is not the machine it was: its host key has changed. If it was installed anew, remove the old key with: "
        "ssh-keygen -R {known}, then log in once by hand and compare the new one",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        "has a host key that is not known here; log in once by hand (ssh {target}) and compare it",
    ),
    (r"Could not resolve hostname|Name or service not known", "does not resolve; check the address {address}"),
    (
        r"Permission denied|Too many authentication failures|no mutual signature",
        "lets nobody in with the keys that are here, and edgekit never asks for a password; "
        "install a key with: ssh-copy-id {target}",
    ),
    (r"Connection refused", "refuses connections at {address}; is its ssh server running? (sudo systemctl start ssh)"),
    (r"No route to host|Network is unreachable", "cannot be reached from this network; check the address {address}"),
    (r"Bad configuration option|no argument after keyword|Bad owner", "cannot be reached: ssh says: {last}"),
]
_LOST = (
    r"timed out|Connection closed|Connection reset|Broken pipe|not responding|closed by remote host|"
    r"kex_exchange_identification|lost connection|Control socket|mux_client|Connection to .* closed"
)


def explain(name: str, address: Address, stderr: str) -> EdgekitError:
    """The error that ssh's own words stand for."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else "the connection broke without a word"
    target = address.host if address.user is None else f"{address.user}@{address.host}"
    known = address.host if address.port is None else f"'[{address.host}]:{address.port}'"
    port = "" if address.port is None else f"-p {address.port} "
    for pattern, text in _WORDS:
        if re.search(pattern, stderr):
            told = text.format(known=known, target=f"{port}{target}", address=address, last=last)
            return InputError(f"{name} {told}")
    if not lines or re.search(_LOST, stderr):
        return DeviceLost(f"the connection to {name} broke: {last}")
    return DeviceLost(f"{name} cannot be reached: ssh says: {last}")
