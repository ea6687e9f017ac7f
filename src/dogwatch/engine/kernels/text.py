"""The questions asked about texts, made ready to be asked about many."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from dogwatch.base.text import Fold, places_of
from dogwatch.base.words import words_of
from dogwatch.engine.kernels.wildcard import TextTest, compile_patterns
from dogwatch.engine.ordering import address_number, network_range
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.engine.regex.compiled import compile_regex
from dogwatch.engine.words import holds_words
from dogwatch.logic.predicate import AnyWord, Contains, Field, InNetwork, IsTrue, Like, Predicate, Regex, Words

TextLeaf = Like | Contains | Regex | InNetwork | Words | AnyWord


def text_test(leaf: TextLeaf) -> tuple[Fold, TextTest]:
    """How to fold a text first, and the test of the folded text.

    Raises:
        DogwatchError: A regular expression is not supported.
    """
    match leaf:
        case Like(patterns=patterns, fold=fold):
            return fold, compile_patterns(patterns)
        case Contains(text=part, fold=fold, at_word_start=at_word_start):
            return fold, _at_word_start(part) if at_word_start else _containing(part)
        case Regex(patterns=patterns, dialect=dialect, fold=fold):
            return Fold.NONE, compile_regex(patterns, dialect, fold).matches
        case InNetwork(networks=networks):
            return Fold.NONE, _in_networks(networks)
        case Words(words=words, phrase=phrase):
            return Fold.NONE, lambda text: holds_words(text, words, phrase=phrase)
        case AnyWord(predicate=predicate):
            word_test = _word_test(predicate)
            return Fold.NONE, lambda text: any(map(word_test, words_of(text)))


def _word_test(predicate: Predicate) -> TextTest:
    """A test of one word. A word is always there, so that what is true of it is all that counts."""
    match predicate:
        case IsTrue(part=part):
            return _word_test(part)
        case Like(operand=Field()) | Regex(operand=Field()) | Contains(operand=Field()):
            fold, test = text_test(predicate)
            return test if fold is Fold.NONE else lambda word: test(fold.apply(word))
        case _:
            return lambda word: evaluate(predicate, lambda _: (word,)) is True


def _containing(part: str) -> TextTest:
    return lambda text: part in text


def _at_word_start(part: str) -> TextTest:
    def test(text: str) -> bool:
        if part not in text:
            return False
        return any(not at or not text[at - 1].isalnum() for at in places_of(part, text))

    return test


def _in_networks(networks: Sequence[str]) -> TextTest:
    ranges = sorted(found for network in networks if (found := network_range(network)) is not None)
    firsts: list[int] = []
    lasts: list[int] = []
    for first, last in ranges:
        if lasts and first <= lasts[-1]:
            lasts[-1] = max(lasts[-1], last)
        else:
            firsts.append(first)
            lasts.append(last)

    def test(text: str) -> bool:
        number = address_number(text)
        if number is None:
            return False
        block = bisect_right(firsts, number) - 1
        return block >= 0 and number <= lasts[block]

    return test
