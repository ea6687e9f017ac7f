"""Lucene's regular expressions as a finite automaton: one step a character, whatever the text.

The tree of a pattern becomes a small algebra of languages (which complement and intersection fit into as
easily as the rest), and its Brzozowski derivatives are the automaton's states. The automaton is built whole,
within limits of size and effort, when the pattern is compiled; matching cannot fail.
"""

from __future__ import annotations

import enum
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dogwatch.base.text import Fold
from dogwatch.engine.regex.lucene_syntax import (
    ANY_CHAR,
    DIGITS,
    AllOf,
    AnyOf,
    Chars,
    Except,
    Interval,
    InTurn,
    Node,
    Ranges,
    Repeat,
    merged,
    parse,
)

MAX_STATES = 2000
"""States of the largest automaton; Lucene refuses patterns of that kind as well."""

MAX_WORK = 200_000
"""Steps that building an automaton may take; the costliest in Elastic's public rules takes 12,000."""

_ASCII = 128


class TooLargeError(ValueError):
    """A pattern needs a larger automaton than is made."""


class LuceneRegex:
    """Whether a whole text matches one of some patterns.

    Args:
        patterns: At least one pattern.
        fold: Whether letters also match their other case.

    Attributes:
        work: Steps that it took to build the automaton.

    Raises:
        TooLargeError: A pattern needs too large an automaton.
        ValueError: A pattern is malformed; either message completes "the regular expression ...".
    """

    def __init__(self, patterns: Sequence[str], fold: Fold) -> None:
        trees = [parse(pattern, fold) for pattern in patterns]
        algebra = _Algebra()
        root = algebra.union([algebra.language(tree) for tree in trees])
        states = _explore(algebra, root)
        self.work = algebra.work
        self._accepts = [language.nullable for language in states.languages]
        # A state that no text can leave decides at once: the empty language, or every text.
        self._final = [language in (algebra.nothing, algebra.anything) for language in states.languages]
        self._starts = [array("l", [start for start, _ in row]) for row in states.moves]
        self._targets = [array("H", [target for _, target in row]) for row in states.moves]
        self._by_ascii = [_ascii_table(row) for row in states.moves]

    @property
    def states(self) -> int:
        """How many states the automaton has."""
        return len(self._accepts)

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        state = 0
        for char in text:
            if self._final[state]:
                break
            code = ord(char)
            if code < _ASCII:
                state = self._by_ascii[state][code]
            else:
                state = self._targets[state][bisect_right(self._starts[state], code) - 1]
        return self._accepts[state]


class _Kind(enum.Enum):
    CHARS = enum.auto()
    EMPTY_TEXT = enum.auto()
    PAIR = enum.auto()
    UNION = enum.auto()
    BOTH = enum.auto()
    NOT = enum.auto()
    REPEAT = enum.auto()


@dataclass(frozen=True, slots=True, eq=False)
class _Language:
    """A set of texts. Equal ones are one object, so that identity is equality."""

    kind: _Kind
    nullable: bool
    parts: tuple[_Language, ...] = ()
    chars: Ranges = ()
    least: int = 0
    most: int | None = None


_Moves = tuple[tuple[int, _Language], ...]
"""What may follow each first character: from each code point up to the next one, a language."""


@dataclass(frozen=True, slots=True)
class _Automaton:
    languages: list[_Language]
    moves: list[list[tuple[int, int]]]


class _Algebra:
    """Makes languages in a normal form, each once, and says how each goes on after a character."""

    def __init__(self) -> None:
        self.work = 0
        self._made: dict[tuple[object, ...], _Language] = {}
        self._moves: dict[_Language, _Moves] = {}
        self._rank: dict[_Language, int] = {}
        self.nothing = self.chars(())
        self.empty_text = self._make(_Language(_Kind.EMPTY_TEXT, nullable=True))
        self.anything = self.repeat(self.chars(ANY_CHAR), 0, None)

    def language(self, tree: Node) -> _Language:
        """The texts that an expression matches."""
        match tree:
            case Chars(ranges=ranges):
                return self.chars(ranges)
            case Interval():
                return self._interval(tree)
            case InTurn(parts=parts):
                return self.concat([self.language(part) for part in parts])
            case AnyOf(parts=parts):
                return self.union([self.language(part) for part in parts])
            case AllOf(parts=parts):
                return self.both([self.language(part) for part in parts])
            case Except(part=part):
                return self.negation(self.language(part))
            case Repeat(part=part, least=least, most=most):
                return self.repeat(self.language(part), least, most)

    def chars(self, ranges: Ranges) -> _Language:
        """One character of a set."""
        return self._make(_Language(_Kind.CHARS, nullable=False, chars=ranges))

    def concat(self, parts: Sequence[_Language]) -> _Language:
        """One language after another."""
        result = self.empty_text
        for part in reversed(parts):
            result = self._pair(part, result)
        return result

    def union(self, parts: Iterable[_Language]) -> _Language:
        """Any of the languages."""
        flat = self._flat(_Kind.UNION, parts)
        flat.pop(self.nothing, None)
        if self.anything in flat:
            return self.anything
        single = [language for language in flat if language.kind is _Kind.CHARS]
        if len(single) > 1:
            for language in single:
                del flat[language]
            flat[self.chars(merged(range_ for language in single for range_ in language.chars))] = None
        return self._set(_Kind.UNION, flat, self.nothing)

    def both(self, parts: Iterable[_Language]) -> _Language:
        """What is in all of the languages."""
        flat = self._flat(_Kind.BOTH, parts)
        flat.pop(self.anything, None)
        if self.nothing in flat:
            return self.nothing
        return self._set(_Kind.BOTH, flat, self.anything)

    def negation(self, part: _Language) -> _Language:
        """Every text that is not in the language."""
        if part.kind is _Kind.NOT:
            return part.parts[0]
        if part is self.nothing:
            return self.anything
        if part is self.anything:
            return self.nothing
        return self._make(_Language(_Kind.NOT, nullable=not part.nullable, parts=(part,)))

    def repeat(self, part: _Language, least: int, most: int | None) -> _Language:
        """The language ``least`` to ``most`` times; ``None`` is any number."""
        if most == 0 or part is self.empty_text:
            return self.empty_text
        if part.nullable:
            least = 0
        if (least, most) == (1, 1) or (part.kind is _Kind.REPEAT and (part.least, part.most) == (0, None)):
            return part
        return self._make(_Language(_Kind.REPEAT, least == 0, (part,), least=least, most=most))

    def moves(self, language: _Language) -> _Moves:
        """What may follow each first character of the language's texts."""
        known = self._moves.get(language)
        if known is None:
            known = self._moves[language] = self._derive(language)
        return known

    def _derive(self, language: _Language) -> _Moves:
        match language.kind:
            case _Kind.CHARS:
                return self._chars_moves(language.chars)
            case _Kind.EMPTY_TEXT:
                return ((0, self.nothing),)
            case _Kind.PAIR:
                found = []
                # Not by recursion: the pairs of a long pattern hang one below another.
                while True:
                    first, rest = language.parts
                    found.append(self._followed(self.moves(first), rest))
                    if not first.nullable:
                        return self._merged(self.union, found)
                    if rest.kind is not _Kind.PAIR:
                        return self._merged(self.union, [*found, self.moves(rest)])
                    language = rest
            case _Kind.UNION:
                return self._merged(self.union, [self.moves(part) for part in language.parts])
            case _Kind.BOTH:
                return self._merged(self.both, [self.moves(part) for part in language.parts])
            case _Kind.NOT:
                return tuple((start, self.negation(after)) for start, after in self.moves(language.parts[0]))
            case _Kind.REPEAT:
                most = None if language.most is None else language.most - 1
                rest = self.repeat(language.parts[0], max(language.least - 1, 0), most)
                return self._followed(self.moves(language.parts[0]), rest)

    def _chars_moves(self, ranges: Ranges) -> _Moves:
        self._spend(len(ranges))
        moves = [] if ranges and ranges[0][0] == 0 else [(0, self.nothing)]
        for low, high in ranges:
            moves.append((low, self.empty_text))
            if high < ANY_CHAR[-1][1]:
                moves.append((high + 1, self.nothing))
        return tuple(moves)

    def _followed(self, moves: _Moves, rest: _Language) -> _Moves:
        return tuple((start, self._pair(after, rest)) for start, after in moves)

    def _merged(self, combine: Callable[[Iterable[_Language]], _Language], tables: Sequence[_Moves]) -> _Moves:
        """One table that combines, for each character, what the tables say of it."""
        if len(tables) == 1:
            return tables[0]
        starts = sorted({start for table in tables for start, _ in table})
        self._spend(len(starts) * len(tables))
        places = [0] * len(tables)
        found: list[tuple[int, _Language]] = []
        for start in starts:
            for number, table in enumerate(tables):
                place = places[number] + 1
                if place < len(table) and table[place][0] <= start:
                    places[number] = place
            after = combine(dict.fromkeys(table[place][1] for table, place in zip(tables, places, strict=True)))
            if not found or found[-1][1] is not after:
                found.append((start, after))
        return tuple(found)

    def _pair(self, first: _Language, rest: _Language) -> _Language:
        if first is self.nothing or rest is self.nothing:
            return self.nothing
        if first is self.empty_text:
            return rest
        if rest is self.empty_text:
            return first
        return self._make(_Language(_Kind.PAIR, first.nullable and rest.nullable, (first, rest)))

    def _interval(self, interval: Interval) -> _Language:
        low, high = interval.low, interval.high
        if interval.width is not None:
            return self._numbers(str(low).zfill(interval.width), str(high).zfill(interval.width))
        spans = []
        for width in range(len(str(low)), len(str(high)) + 1):
            least = max(low, 10 ** (width - 1) if width > 1 else 0)
            spans.append(self._numbers(str(least), str(min(high, 10**width - 1))))
        return self.concat([self.repeat(self._digits("0", "0"), 0, None), self.union(spans)])

    def _numbers(self, low: str, high: str) -> _Language:
        """The numbers ``low`` to ``high``, both written with the same count of digits."""
        if not low:
            return self.empty_text
        if low[0] == high[0]:
            return self._pair(self._digits(low[0], low[0]), self._numbers(low[1:], high[1:]))
        rest = len(low) - 1
        parts = [
            self._pair(self._digits(low[0], low[0]), self._numbers(low[1:], "9" * rest)),
            self._pair(self._digits(high[0], high[0]), self._numbers("0" * rest, high[1:])),
        ]
        if ord(low[0]) + 1 < ord(high[0]):
            between = self._digits(chr(ord(low[0]) + 1), chr(ord(high[0]) - 1))
            parts.append(self._pair(between, self.repeat(self.chars(DIGITS), rest, rest)))
        return self.union(parts)

    def _digits(self, low: str, high: str) -> _Language:
        return self.chars(((ord(low), ord(high)),))

    def _flat(self, kind: _Kind, parts: Iterable[_Language]) -> dict[_Language, None]:
        flat: dict[_Language, None] = {}
        for part in parts:
            flat |= dict.fromkeys(part.parts if part.kind is kind else (part,))
        self._spend(len(flat))
        return flat

    def _set(self, kind: _Kind, flat: dict[_Language, None], neutral: _Language) -> _Language:
        if not flat:
            return neutral
        if len(flat) == 1:
            return next(iter(flat))
        parts = tuple(sorted(flat, key=self._rank.__getitem__))
        nullable = (any if kind is _Kind.UNION else all)(part.nullable for part in parts)
        return self._make(_Language(kind, nullable, parts))

    def _make(self, language: _Language) -> _Language:
        self._spend(1)
        key = (language.kind, language.parts, language.chars, language.least, language.most)
        made = self._made.setdefault(key, language)
        self._rank.setdefault(made, len(self._rank))
        return made

    def _spend(self, steps: int) -> None:
        self.work += steps
        if self.work > MAX_WORK:
            raise TooLargeError("needs too large an automaton")


def _explore(algebra: _Algebra, root: _Language) -> _Automaton:
    numbers = {root: 0}
    languages = [root]
    moves: list[list[tuple[int, int]]] = []
    for language in languages:
        row = []
        for start, after in algebra.moves(language):
            if after not in numbers:
                if len(languages) == MAX_STATES:
                    raise TooLargeError(f"needs an automaton of more than {MAX_STATES} states")
                numbers[after] = len(languages)
                languages.append(after)
            row.append((start, numbers[after]))
        moves.append(row)
    return _Automaton(languages, moves)


def _ascii_table(row: list[tuple[int, int]]) -> array[int]:
    table = array("H")
    ends = [start for start, _ in row[1:]] + [_ASCII]
    for (start, target), end in zip(row, ends, strict=True):
        if start >= _ASCII:
            break
        table.extend([target] * (min(end, _ASCII) - start))
    return table
