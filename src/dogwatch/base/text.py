"""Text that strangers typed, made safe to show; and the two ways of folding letter case."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


class Fold(enum.Enum):
    """How letter case is treated when two texts are compared."""

    NONE = "none"
    """Case matters."""
    ASCII = "ascii"
    """A-Z equal a-z and nothing else does: Lucene's case-insensitive terms and wildcards."""
    UNICODE = "unicode"
    """Unicode simple lower case, as the JVM's and Python's string functions fold."""

    def apply(self, text: str) -> str:
        """``text`` in the form in which texts equal under this fold are identical."""
        match self:
            case Fold.NONE:
                return text
            case Fold.ASCII:
                return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)
            case Fold.UNICODE:
                return text.lower()


def printable(text: str) -> str:
    r"""``text`` with everything that a terminal could obey made visible.

    Control characters, escape sequences, bidirectional overrides and lone surrogates become ``\n``,
    ``\t``, ``\x1b`` or ``\u202e`` style escapes; ordinary text is returned unchanged.

    Examples:
        >>> printable("ls\x1b[2J")
        'ls\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _visible(char) for char in text)


def places_of(part: Sequence[str], whole: Sequence[str]) -> Iterator[int]:
    """Every place where a text occurs in another, overlapping ones too, or a row of words in a row of words.

    It takes linear time whatever they are (Knuth, Morris and Pratt).

    Examples:
        >>> list(places_of("aa", "aaab"))
        [0, 1]
    """
    if not part:
        yield from range(len(whole) + 1)
        return
    # For each beginning of the part, how much of the part ends it: where to go on after a mismatch.
    back = [0] * len(part)
    held = 0
    for at in range(1, len(part)):
        while held and part[held] != part[at]:
            held = back[held - 1]
        held += part[held] == part[at]
        back[at] = held
    held = 0
    for at, item in enumerate(whole):
        while held and part[held] != item:
            held = back[held - 1]
        held += part[held] == item
        if held == len(part):
            yield at - held + 1
            held = back[held - 1]


def _visible(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
