"""How a machine is reached: ``local``, or ``ssh://[user@]host[:port]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit_targets.errors import InputError

LOCAL = "local"
SSH = "ssh://"
# Neither user nor host may begin with a dash: the ssh program would take it for an option.
_WORD = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_ADDRESS = re.compile(
    rf"ssh://(?:(?P<user>{_WORD})@)?(?:(?P<host>{_WORD})|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?/?"
)
_PASSWORD = re.compile(r"ssh://[^/@]*:[^/]*@")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A machine behind ssh; this one where ``host`` is null. An IPv6 ``host`` has no brackets."""

    host: str | None = None
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        if self.host is None:
            return LOCAL
        user = "" if self.user is None else f"{self.user}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SSH}{user}{host}{'' if self.port is None else f':{self.port}'}"


def parse_address(text: str, where: str) -> Address:
    """Read an address; ``where`` names the option or file.

    Raises:
        InputError: neither ``local`` nor an ssh address, or one with a password, a path or a port out of range.
    """
    if text == LOCAL:
        return Address()
    if _PASSWORD.match(text):
        raise InputError(f"{where}: an address holds no password; use a key (ssh-copy-id user@host)")
    match = _ADDRESS.fullmatch(text)
    port = int(match["port"]) if match is not None and match["port"] is not None else None
    if match is None or (port is not None and not 1 <= port <= 65535):
        raise InputError(f"{where}: {text!r} is no address; write {LOCAL} or {SSH}user@host[:port]")
    return Address(host=match["host"] or match["ipv6"], user=match["user"], port=port)
