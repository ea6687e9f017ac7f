"""What is asked of analysed text: whether it holds words."""

from __future__ import annotations

from collections.abc import Sequence

from dogwatch.base.text import places_of
from dogwatch.base.words import words_of


def holds_words(text: str, words: Sequence[str], *, phrase: bool) -> bool:
    """Whether the text holds any of the words, or all of them adjacent and in order if ``phrase``."""
    have = words_of(text)
    if not phrase:
        return not set(words).isdisjoint(have)
    return bool(words) and any(True for _ in places_of(words, have))
