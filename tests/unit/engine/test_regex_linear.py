"""Linear time, counted: what matchers do over a hostile text, for every pattern of Elastic's public rules.

The work is counted by the text itself, a ``str`` that notes how many of its characters are looked at. Regular
expressions are automata: one step a character. Wildcards go through ``str.find``, whose own work is linear in
the stretch that it is given (CPython changes to the two-way algorithm when a search goes badly), so that the
stretches are what is counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import SupportsIndex

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold, places_of
from dogwatch.engine.kernels.text import text_test
from dogwatch.engine.kernels.wildcard import compile_patterns, length_of
from dogwatch.engine.plan import check
from dogwatch.engine.reference import evaluate
from dogwatch.engine.regex.compiled import compile_regex
from dogwatch.engine.words import holds_words
from dogwatch.logic.pattern import predicates_of
from dogwatch.logic.predicate import (
    MAX_WILDCARD,
    And,
    AnyWord,
    Constant,
    Contains,
    Field,
    IsTrue,
    Leaf,
    Like,
    Not,
    Or,
    Predicate,
    Regex,
    RegexDialect,
    Wild,
    WildcardPattern,
    Within,
    Words,
)
from dogwatch.rules.logic import lower_rule
from dogwatch.rules.ruleset import load_rules
from dogwatch.schema.field import FieldRef, FieldType
from dogwatch.schema.schema import Schema

ANY, ONE = Wild.ANY, Wild.ONE
_ROOT = Path(__file__).resolve().parents[3]
LENGTH = 1_000_000
PATIENCE = 60
"""Seconds for what ends within one on an idle machine, and not within a year if it were quadratic."""


class Counted(str):
    """A text that counts how many of its characters are looked at."""

    looks = 0

    def __iter__(self) -> Iterator[str]:
        for char in super().__iter__():
            self.looks += 1
            yield char

    def find(self, sub: str, start: SupportsIndex | None = None, end: SupportsIndex | None = None) -> int:
        first = 0 if start is None else int(start)
        last = len(self) if end is None else int(end)
        found = super().find(sub, first, last)
        self.looks += len(sub) + max((last if found < 0 else found) - first, 0)
        return found

    def startswith(
        self, prefix: str | tuple[str, ...], start: SupportsIndex | None = None, end: SupportsIndex | None = None
    ) -> bool:
        self.looks += sum(map(len, (prefix,) if isinstance(prefix, str) else prefix))
        return super().startswith(prefix, start, end)

    def __contains__(self, part: object) -> bool:
        self.looks += len(self)
        return super().__contains__(part)  # type: ignore[operator] # as str has it

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        part = super().__getitem__(key)
        self.looks += len(part)
        return part


def hostile(literals: Sequence[str]) -> Iterator[Counted]:
    """Texts that are nasty for a pattern: of its own literals, of near misses, of one character."""
    own = "x".join(literals) or "a"
    longest = max(literals, key=len, default="a") or "a"
    yield from (Counted(piece * (LENGTH // len(piece))) for piece in (f"{own[:-1]}\n", longest[:-1] or "a"))
    yield from map(_monotonous, dict.fromkeys((longest[0], longest[-1])))


@lru_cache(maxsize=256)
def _monotonous(char: str) -> Counted:
    return Counted(char * LENGTH)


@lru_cache(maxsize=1)
def corpus() -> frozenset[Leaf]:
    root = Path(os.environ.get("DOGWATCH_SHARED", _ROOT.parent / "shared")) / "corpus" / "elastic-detection-rules"
    if not root.is_dir():
        pytest.skip("Elastic's public rules are not on this machine")
    schema = Schema.ecs()
    found: set[Leaf] = set()
    for rule in load_rules(str(root)).rules:
        try:
            lowered = lower_rule(rule, schema)
        except DogwatchError:
            continue
        for predicate in predicates_of(lowered.pattern):
            found.update(leaves(predicate))
    return frozenset(found)


def leaves(predicate: Predicate) -> Iterator[Leaf]:
    match predicate:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from leaves(part)
        case Not(part=part) | IsTrue(part=part):
            yield from leaves(part)
        case Within(predicate=inner):
            yield from leaves(inner)
        case Constant():
            return
        case _:
            yield predicate


def literals_of(pattern: WildcardPattern) -> list[str]:
    return [piece for piece in pattern.pieces if isinstance(piece, str)]


@pytest.mark.slow
def test_every_regular_expression_of_the_corpus_takes_one_step_a_character() -> None:
    found = {leaf for leaf in corpus() if isinstance(leaf, Regex)}
    assert len(found) >= 20
    for leaf in found:
        matcher = compile_regex(leaf.patterns, leaf.dialect, leaf.fold)
        literals = "".join(char if char.isalnum() or char in "./" else " " for char in leaf.patterns[0]).split()
        started = time.process_time()
        for text in (*hostile(literals), Counted("1.1." * (LENGTH // 4)), _monotonous("\U0001f600")):
            before = text.looks
            matcher.matches(text)
            assert text.looks - before <= len(text), leaf.patterns
        assert time.process_time() - started < PATIENCE


@pytest.mark.slow
def test_every_wildcard_pattern_of_the_corpus_takes_linear_work_over_a_megabyte() -> None:
    found = {pattern for leaf in corpus() if isinstance(leaf, Like) for pattern in leaf.patterns}
    assert len(found) >= 3000
    for pattern in found:
        test = compile_patterns([pattern])
        started = time.process_time()
        for text in hostile(literals_of(pattern)):
            before = text.looks
            test(text)
            assert text.looks - before <= 3 * len(text) + 40 * length_of(pattern), pattern
        assert time.process_time() - started < PATIENCE


@pytest.mark.slow
def test_every_text_and_word_of_the_corpus_is_found_in_linear_work_over_a_megabyte() -> None:
    found = [leaf for leaf in corpus() if isinstance(leaf, Contains | Words | AnyWord)]
    assert any(isinstance(leaf, Words) for leaf in found)
    for leaf in found:
        fold, test = text_test(leaf)
        started = time.process_time()
        for text in hostile(list(words_asked(leaf))):
            test(fold.apply(text))
        assert time.process_time() - started < PATIENCE


def words_asked(leaf: Contains | Words | AnyWord) -> Iterator[str]:
    match leaf:
        case Contains(text=text):
            yield text
        case Words(words=words):
            yield from (f" {word}" for word in words)
        case AnyWord(predicate=predicate):
            for inner in leaves(predicate):
                if isinstance(inner, Like):
                    yield from (piece for pattern in inner.patterns for piece in literals_of(pattern))


WORST: list[tuple[str, tuple[str | Wild, ...]]] = [
    ("a", (ANY, "a") * 4000 + (ANY, "b")),
    ("a", (ANY, "a", ONE) * 2000 + ("b", ANY)),
    ("a", (ANY, *("a", ONE) * 2000, "b", ANY)),
    ("ab", (ANY, *("ab", ONE) * 2000, "c", ANY)),
    ("a", (ANY, "a" * 4000 + "b" + "a" * 4000, ANY)),
    ("a", (ANY, "a" * 4000, ONE, "b", ANY)),
    ("a", (ANY, ONE) * 4000 + ("b",)),
    ("ab", (ANY, "a", ONE, "a", ANY, "b", ONE, "a", ANY)),
    ("a", (ANY,) * 100_000 + ("b",)),
    ("aab", (ANY, "ab" * 3000, ONE, "a", ANY)),
]


@pytest.mark.parametrize(("piece", "pieces"), WORST, ids=range(len(WORST)))
def test_the_worst_patterns_take_linear_work(piece: str, pieces: tuple[str | Wild, ...]) -> None:
    pattern = WildcardPattern(pieces)
    assert length_of(pattern) <= MAX_WILDCARD
    text = Counted((piece * LENGTH)[:LENGTH])
    started = time.process_time()
    assert not compile_patterns([pattern])(text)
    assert text.looks <= 3 * len(text) + 40 * length_of(pattern)
    assert time.process_time() - started < PATIENCE


@pytest.mark.parametrize(("piece", "pieces"), WORST, ids=range(len(WORST)))
def test_the_reference_takes_one_step_a_character(piece: str, pieces: tuple[str | Wild, ...]) -> None:
    text = Counted((piece * LENGTH)[: LENGTH // 10])
    ref = FieldRef("name", FieldType.KEYWORD)
    assert evaluate(Like(Field(ref), (WildcardPattern(pieces),), Fold.NONE), lambda _: (text,)) is False
    assert text.looks <= len(text)


def test_too_long_a_pattern_is_refused_and_stars_in_a_row_are_one() -> None:
    field = Field(FieldRef("name", FieldType.KEYWORD))
    long = Like(field, (WildcardPattern((ANY, "a") * 5000),))
    assert [problem.code for problem in check(long)] == ["pattern-too-long"]
    assert check(Like(field, (WildcardPattern((ANY,) * 100_000 + ("a",)),))) == ()


@pytest.mark.parametrize(
    ("dialect", "pattern"), [(RegexDialect.LUCENE, "<0-{}00000000000>"), (RegexDialect.PERL, "{}a.{{1,390}}b")]
)
def test_regular_expressions_that_together_cost_too_much_are_refused_once(
    dialect: RegexDialect, pattern: str
) -> None:
    field = Field(FieldRef("name", FieldType.KEYWORD))
    many = [Regex(field, (pattern.format(number + 1),), dialect) for number in range(500)]
    assert check(many[0]) == ()
    assert check(*many[:1] * 500) == ()
    for problems in (check(*many), check(Or(tuple(many))), check(Not(And(tuple(many))))):
        (problem,) = problems
        assert problem.code == "regex-unsupported"
        assert "together" in problem.message
        assert problem.hint


def test_too_deep_a_field_is_refused() -> None:
    deep = Like(Field(FieldRef("a." * 100 + "a", FieldType.KEYWORD)), (WildcardPattern((ANY, "a")),))
    assert [problem.code for problem in check(deep)] == ["field-too-deep"]


def test_phrases_and_word_starts_take_linear_work() -> None:
    text = Counted("a" * LENGTH)
    assert sum(1 for _ in places_of("a" * 5000 + "b", text)) == 0
    assert text.looks <= len(text)
    started = time.process_time()
    assert not holds_words("a " * 200_000, ["a"] * 20_000 + ["b"], phrase=True)
    assert time.process_time() - started < PATIENCE


@pytest.mark.parametrize("dialect", list(RegexDialect))
@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*b", "a*a*a*a*a*a*b", "(.*a){20}b"])
def test_no_dialect_stalls_over_a_megabyte(pattern: str, dialect: RegexDialect) -> None:
    matcher = compile_regex((pattern,), dialect, Fold.NONE)
    started = time.process_time()
    assert not matcher.matches("a" * LENGTH)
    assert time.process_time() - started < PATIENCE


def test_one_regular_expression_asked_of_many_fields_is_paid_for_once() -> None:
    fields = [Field(FieldRef(f"f{number}", FieldType.KEYWORD)) for number in range(3000)]
    leaves = [Regex(field, ("a.c",), RegexDialect.LUCENE) for field in fields]
    assert check(Or(tuple(leaves))) == ()
    different = [
        Regex(field, (f"a{{{number % 900}}}.c{number}",), RegexDialect.LUCENE)
        for number, field in enumerate(fields)
    ]
    assert [found.code for found in check(Or(tuple(different)))] == ["regex-unsupported"]
