"""Text that strangers typed, made safe to show; and the two ways of folding letter case."""

from __future__ import annotations

import enum

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


def _visible(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
