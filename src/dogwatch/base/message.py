"""What messages are made of: texts that fit a line, counts with their nouns, the word that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_QUOTED = 80
"""Characters of a text in a message: whoever wrote it knows it by its beginning."""

_LONGEST_COMPARED = 64


def shortened(text: str, most: int = LONGEST_QUOTED) -> str:
    """The first characters of a text, and an ellipsis where more would follow.

    Examples:
        >>> shortened("a long name", 6), shortened("short", 6)
        ('a long…', 'short')
    """
    return text if len(text) <= most else f"{text[:most]}…"


def quoted(text: str) -> str:
    """A text of somebody's in backquotes, shortened if it is very long."""
    return f"`{shortened(text)}`"


def count_of(number: int, noun: str) -> str:
    """A number with its noun, which takes an ``s`` unless there is one.

    Examples:
        >>> count_of(1, "rule"), count_of(20000, "rule")
        ('1 rule', '20,000 rules')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word that a mistyped one most likely means, letter case ignored; ``None`` if none resembles it.

    Args:
        word: What was written; only its beginning is looked at if it is very long.
        known: The words that it may mean.
        likeness: How much a word must resemble it, from 0 to 1.

    Examples:
        >>> nearest("srcipaddr", ["srcIpAddr", "destIpAddr"])
        'srcIpAddr'
    """
    folded = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word[:_LONGEST_COMPARED].lower(), folded, 1, likeness)
    return folded[found[0]] if found else None
