"""Analysed text: the words that an analysed field is searched by."""

from __future__ import annotations

from collections.abc import Sequence


def words_of(text: str) -> list[str]:
    """The lower-cased words of a text, in order: runs of letters, digits and underscores.

    Examples:
        >>> words_of("Access DENIED: user_1@host")
        ['access', 'denied', 'user_1', 'host']
    """
    spaced = "".join(char if char.isalnum() or char == "_" else " " for char in text)
    return spaced.lower().split()


def holds_words(text: str, words: Sequence[str], *, phrase: bool) -> bool:
    """Whether the text holds any of the words, or all of them adjacent and in order if ``phrase``."""
    have = words_of(text)
    if not phrase:
        return not set(words).isdisjoint(have)
    wanted = list(words)
    starts = range(len(have) - len(wanted) + 1)
    return bool(wanted) and any(have[start : start + len(wanted)] == wanted for start in starts)
