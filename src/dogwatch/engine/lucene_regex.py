"""Lucene's regular expressions, with all of their optional operators, as a finite automaton.

A pattern is parsed into a small algebra of languages (which complement ``~`` and intersection ``&`` fit
into as easily as the rest), and its Brzozowski derivatives are the automaton's states. The automaton is
built whole, within a limit, when the pattern is compiled: matching takes one step a character and cannot
fail. See https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax for the syntax.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dogwatch.base.text import Fold

MAX_STATES = 2000
"""States of the largest automaton; Lucene refuses patterns of that kind as well."""

_MAX_NESTING = 100
_MAX_REPEAT = 1000
_MAX_FOLDED = 4096
_LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]
"""A set of characters: sorted, disjoint, inclusive ranges of code points."""

_ANY: Ranges = ((0, _LAST),)
_DIGITS: Ranges = ((0x30, 0x39),)
_PREDEFINED: dict[str, Ranges] = {
    "d": _DIGITS,
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x20)),
}


class LuceneRegex:
    """Whether a whole text matches one of some patterns.

    Args:
        patterns: At least one pattern.
        fold: Whether letters also match their other case.

    Raises:
        ValueError: A pattern is malformed or needs too large an automaton; the message completes
            "the regular expression ...".
    """

    def __init__(self, patterns: Sequence[str], fold: Fold) -> None:
        algebra = _Algebra()
        try:
            root = algebra.union([_Parser(pattern, fold, algebra).parse() for pattern in patterns])
            self._bounds = algebra.bounds()
            states = _explore(algebra, root, self._bounds)
        except RecursionError as error:
            raise ValueError("is nested too deeply") from error
        self._accepts = [node.nullable for node in states.nodes]
        # A state that no text can leave decides at once: the empty language, or every text.
        self._final = [node in (algebra.nothing, algebra.anything) for node in states.nodes]
        self._by_class = states.moves
        classes = [bisect_right(self._bounds, code) - 1 for code in range(128)]
        self._by_ascii = [[moves[class_] for class_ in classes] for moves in states.moves]

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        state = 0
        for char in text:
            if self._final[state]:
                break
            code = ord(char)
            if code < 128:
                state = self._by_ascii[state][code]
            else:
                state = self._by_class[state][bisect_right(self._bounds, code) - 1]
        return self._accepts[state]


class _Kind(enum.Enum):
    CHARS = enum.auto()
    EMPTY_TEXT = enum.auto()
    CONCAT = enum.auto()
    UNION = enum.auto()
    BOTH = enum.auto()
    NOT = enum.auto()
    REPEAT = enum.auto()


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """A language. Equal ones are one object, so that identity is equality."""

    kind: _Kind
    nullable: bool
    parts: tuple[_Node, ...] = ()
    chars: Ranges = ()
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class _Automaton:
    nodes: list[_Node]
    moves: list[list[int]]


class _Algebra:
    """Makes languages in a normal form, each once."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], _Node] = {}
        self._derived: dict[tuple[_Node, int], _Node] = {}
        self._rank: dict[_Node, int] = {}
        self.nothing = self.chars(())
        self.empty_text = self._make(_Node(_Kind.EMPTY_TEXT, nullable=True))
        self.anything = self.repeat(self.chars(_ANY), 0, None)

    def chars(self, ranges: Ranges) -> _Node:
        """One character of a set."""
        return self._make(_Node(_Kind.CHARS, nullable=False, chars=ranges))

    def text(self, text: str, one: Callable[[str], _Node]) -> _Node:
        """The characters of ``text`` in turn."""
        return self.concat([one(char) for char in text])

    def concat(self, parts: Sequence[_Node]) -> _Node:
        """One language after another, nested to the right."""
        result = self.empty_text
        for part in reversed(parts):
            result = self._pair(part, result)
        return result

    def union(self, parts: Iterable[_Node]) -> _Node:
        """Any of the languages."""
        flat = self._flat(_Kind.UNION, parts)
        flat.pop(self.nothing, None)
        if self.anything in flat:
            return self.anything
        single = [node for node in flat if node.kind is _Kind.CHARS]
        if len(single) > 1:
            for node in single:
                del flat[node]
            flat[self.chars(_merged(range_ for node in single for range_ in node.chars))] = None
        return self._set(_Kind.UNION, flat, self.nothing)

    def both(self, parts: Iterable[_Node]) -> _Node:
        """What is in all of the languages."""
        flat = self._flat(_Kind.BOTH, parts)
        flat.pop(self.anything, None)
        if self.nothing in flat:
            return self.nothing
        return self._set(_Kind.BOTH, flat, self.anything)

    def negation(self, part: _Node) -> _Node:
        """Every text that is not in the language."""
        if part.kind is _Kind.NOT:
            return part.parts[0]
        if part is self.nothing:
            return self.anything
        if part is self.anything:
            return self.nothing
        return self._make(_Node(_Kind.NOT, nullable=not part.nullable, parts=(part,)))

    def repeat(self, part: _Node, least: int, most: int | None) -> _Node:
        """The language ``least`` to ``most`` times; ``None`` is any number."""
        if most == 0 or part is self.empty_text:
            return self.empty_text
        if part.nullable:
            least = 0
        if (least, most) == (1, 1) or (part.kind is _Kind.REPEAT and (part.least, part.most) == (0, None)):
            return part
        nullable = least == 0
        return self._make(_Node(_Kind.REPEAT, nullable, (part,), least=least, most=most))

    def derivative(self, node: _Node, code: int) -> _Node:
        """What may follow the character ``code`` in the language."""
        key = (node, code)
        derived = self._derived.get(key)
        if derived is None:
            derived = self._derived[key] = self._derive(node, code)
        return derived

    def bounds(self) -> list[int]:
        """First code points of the classes of characters that no pattern tells apart."""
        starts = {0}
        for node in self._made.values():
            for low, high in node.chars:
                starts |= {low, high + 1}
        return sorted(start for start in starts if start <= _LAST)

    def _derive(self, node: _Node, code: int) -> _Node:
        match node.kind:
            case _Kind.CHARS:
                return self.empty_text if any(low <= code <= high for low, high in node.chars) else self.nothing
            case _Kind.EMPTY_TEXT:
                return self.nothing
            case _Kind.CONCAT:
                first, rest = node.parts
                after_first = self._pair(self.derivative(first, code), rest)
                return self.union([after_first, self.derivative(rest, code)]) if first.nullable else after_first
            case _Kind.UNION:
                return self.union(self.derivative(part, code) for part in node.parts)
            case _Kind.BOTH:
                return self.both(self.derivative(part, code) for part in node.parts)
            case _Kind.NOT:
                return self.negation(self.derivative(node.parts[0], code))
            case _Kind.REPEAT:
                most = None if node.most is None else node.most - 1
                rest = self.repeat(node.parts[0], max(node.least - 1, 0), most)
                return self._pair(self.derivative(node.parts[0], code), rest)

    def _pair(self, first: _Node, rest: _Node) -> _Node:
        if first is self.nothing or rest is self.nothing:
            return self.nothing
        if first is self.empty_text:
            return rest
        if rest is self.empty_text:
            return first
        if first.kind is _Kind.CONCAT:
            return self._pair(first.parts[0], self._pair(first.parts[1], rest))
        return self._make(_Node(_Kind.CONCAT, first.nullable and rest.nullable, (first, rest)))

    def _flat(self, kind: _Kind, parts: Iterable[_Node]) -> dict[_Node, None]:
        flat: dict[_Node, None] = {}
        for part in parts:
            flat |= dict.fromkeys(part.parts if part.kind is kind else (part,))
        return flat

    def _set(self, kind: _Kind, flat: dict[_Node, None], neutral: _Node) -> _Node:
        if not flat:
            return neutral
        if len(flat) == 1:
            return next(iter(flat))
        parts = tuple(sorted(flat, key=self._rank.__getitem__))
        nullable = (any if kind is _Kind.UNION else all)(part.nullable for part in parts)
        return self._make(_Node(kind, nullable, parts))

    def _make(self, node: _Node) -> _Node:
        made = self._made.setdefault((node.kind, node.parts, node.chars, node.least, node.most), node)
        self._rank.setdefault(made, len(self._rank))
        return made


class _Parser:
    """Lucene's grammar by recursive descent."""

    def __init__(self, pattern: str, fold: Fold, algebra: _Algebra) -> None:
        self._pattern = pattern
        self._fold = fold
        self._algebra = algebra
        self._at = 0
        self._depth = 0

    def parse(self) -> _Node:
        if not self._pattern:
            return self._algebra.empty_text
        root = self._union()
        if self._at < len(self._pattern):
            raise ValueError(f"has a `)` too many at character {self._at + 1}")
        return root

    def _union(self) -> _Node:
        parts = [self._intersection()]
        while self._take("|"):
            parts.append(self._intersection())
        return self._algebra.union(parts)

    def _intersection(self) -> _Node:
        parts = [self._concatenation()]
        while self._take("&"):
            parts.append(self._concatenation())
        return self._algebra.both(parts)

    def _concatenation(self) -> _Node:
        if self._peek() in ("", "|", "&", ")"):
            raise ValueError(f"misses an expression at character {self._at + 1}")
        parts = []
        while self._peek() not in ("", "|", "&", ")"):
            parts.append(self._repetition())
        return self._algebra.concat(parts)

    def _repetition(self) -> _Node:
        part = self._complement()
        while (sign := self._peek()) and sign in "?*+{":
            self._at += 1
            match sign:
                case "?":
                    part = self._algebra.repeat(part, 0, 1)
                case "*":
                    part = self._algebra.repeat(part, 0, None)
                case "+":
                    part = self._algebra.repeat(part, 1, None)
                case _:
                    part = self._algebra.repeat(part, *self._counts())
        return part

    def _counts(self) -> tuple[int, int | None]:
        least = self._integer()
        most: int | None = least
        if self._take(","):
            most = None if self._peek() == "}" else self._integer()
        self._expect("}")
        if max(least, most or 0) > _MAX_REPEAT:
            raise ValueError(f"repeats more than {_MAX_REPEAT} times")
        if most is not None and most < least:
            raise ValueError(f"repeats at least {least} and at most {most} times")
        return least, most

    def _complement(self) -> _Node:
        negated = False
        while self._take("~"):
            negated = not negated
        part = self._simple()
        return self._algebra.negation(part) if negated else part

    def _simple(self) -> _Node:
        char = self._next()
        match char:
            case ".":
                return self._algebra.chars(_ANY)
            case "#":
                return self._algebra.nothing
            case "@":
                return self._algebra.anything
            case '"':
                return self._algebra.text(self._until('"'), self._char)
            case "(":
                return self._group()
            case "[":
                return self._algebra.chars(self._char_class())
            case "<":
                return self._interval(self._until(">"))
            case "\\":
                return self._algebra.chars(self._escape())
            case _:
                return self._char(char)

    def _group(self) -> _Node:
        if self._take(")"):
            return self._algebra.empty_text
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise ValueError("is nested too deeply")
        inner = self._union()
        self._depth -= 1
        self._expect(")")
        return inner

    def _char_class(self) -> Ranges:
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._class_member()
            if self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                high = self._class_member()
                if low[0] != low[-1] or high[0] != high[-1] or low[0][0] > high[0][0]:
                    raise ValueError(f"has an impossible range before character {self._at + 1}")
                low = ((low[0][0], high[0][0]),)
            ranges += low
        self._expect("]")
        folded = self._both_cases(_merged(ranges))
        return _complemented(folded) if negated else folded

    def _class_member(self) -> Ranges:
        char = self._next()
        return self._escape() if char == "\\" else ((ord(char), ord(char)),)

    def _escape(self) -> Ranges:
        char = self._next()
        if char.lower() in _PREDEFINED:
            ranges = _PREDEFINED[char.lower()]
            return ranges if char.islower() else _complemented(ranges)
        return self._both_cases(((ord(char), ord(char)),))

    def _interval(self, text: str) -> _Node:
        low, dash, high = text.partition("-")
        if not (dash and all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (low, high))):
            raise ValueError(f"has `<{text}>`, which is no interval of numbers")
        first, last = sorted((int(low), int(high)))
        if len(low) == len(high):
            return self._span(str(first).zfill(len(low)), str(last).zfill(len(low)))
        widths = range(len(str(first)), len(str(last)) + 1)
        spans = [
            self._span(str(max(first, 10 ** (width - 1) if width > 1 else 0)), str(min(last, 10**width - 1)))
            for width in widths
        ]
        zeros = self._algebra.repeat(self._char("0"), 0, None)
        return self._algebra.concat([zeros, self._algebra.union(spans)])

    def _span(self, low: str, high: str) -> _Node:
        """The numbers ``low`` to ``high``, both written with the same count of digits."""
        if not low:
            return self._algebra.empty_text
        if low[0] == high[0]:
            return self._algebra.concat([self._char(low[0]), self._span(low[1:], high[1:])])
        rest = len(low) - 1
        parts = [
            self._algebra.concat([self._char(low[0]), self._span(low[1:], "9" * rest)]),
            self._algebra.concat([self._char(high[0]), self._span("0" * rest, high[1:])]),
        ]
        if ord(low[0]) + 1 < ord(high[0]):
            between = self._algebra.chars(((ord(low[0]) + 1, ord(high[0]) - 1),))
            parts.append(
                self._algebra.concat([between, self._algebra.repeat(self._algebra.chars(_DIGITS), rest, rest)])
            )
        return self._algebra.union(parts)

    def _char(self, char: str) -> _Node:
        return self._algebra.chars(self._both_cases(((ord(char), ord(char)),)))

    def _both_cases(self, ranges: Ranges) -> Ranges:
        if self._fold is Fold.NONE:
            return ranges
        both = list(ranges)
        for low, high in ranges:
            for start, end, shift in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
                first, last = max(low, start), min(high, end)
                if first <= last:
                    both.append((first + shift, last + shift))
            if self._fold is Fold.UNICODE and high - low < _MAX_FOLDED:
                for code in range(low, high + 1):
                    cases = (chr(code).lower(), chr(code).upper())
                    both += [(ord(case), ord(case)) for case in cases if len(case) == 1]
        return _merged(both)

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise ValueError("ends too early")
        self._at += 1
        return char

    def _take(self, char: str) -> bool:
        found = self._peek() == char
        self._at += found
        return found

    def _expect(self, char: str) -> None:
        if not self._take(char):
            raise ValueError(f"misses `{char}` at character {self._at + 1}")

    def _until(self, char: str) -> str:
        end = self._pattern.find(char, self._at)
        if end < 0:
            raise ValueError(f"misses `{char}` after character {self._at}")
        text = self._pattern[self._at : end]
        self._at = end + 1
        return text

    def _integer(self) -> int:
        start = self._at
        while (char := self._peek()) and char in "0123456789":
            self._at += 1
        if not 0 < self._at - start <= 9:
            raise ValueError(f"misses a number at character {start + 1}")
        return int(self._pattern[start : self._at])


def _explore(algebra: _Algebra, root: _Node, bounds: list[int]) -> _Automaton:
    numbers = {root: 0}
    nodes = [root]
    moves: list[list[int]] = []
    for node in nodes:
        row: list[int] = []
        for code in bounds:
            target = algebra.derivative(node, code)
            if target not in numbers:
                if len(nodes) == MAX_STATES:
                    raise ValueError(f"needs an automaton of more than {MAX_STATES} states")
                numbers[target] = len(nodes)
                nodes.append(target)
            row.append(numbers[target])
        moves.append(row)
    return _Automaton(nodes, moves)


def _merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complemented(ranges: Ranges) -> Ranges:
    gaps: list[tuple[int, int]] = []
    start = 0
    for low, high in ranges:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        gaps.append((start, _LAST))
    return tuple(gaps)
