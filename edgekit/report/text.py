"""Names from a bundle are untrusted: what they may do to a page is limited here, once."""

from __future__ import annotations

import unicodedata

_LONGEST = 2000
# Control, format (bidirectional overrides hide what a name says), surrogates (not encodable) and private use.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean(text: str, longest: int = _LONGEST) -> str:
    """One line that can be encoded and drawn: odd characters become U+FFFD, white space is folded, length is capped."""
    shown = text if len(text) <= longest else text[:longest] + "…"
    line = " ".join(shown.split())
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _REFUSED else char for char in line)


def shorten(text: str, longest: int) -> str:
    """``text`` cut in the middle, where names differ least, to at most ``longest`` characters."""
    line = clean(text)
    if len(line) <= longest:
        return line
    head = (longest - 1) * 2 // 3
    return f"{line[:head]}…{line[len(line) - (longest - 1 - head) :]}"
