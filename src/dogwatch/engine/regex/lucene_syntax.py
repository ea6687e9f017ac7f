r"""The grammar of Lucene's regular expressions, with all of its optional operators.

The grammar is that of ``org.apache.lucene.util.automaton.RegExp``, read as Lucene reads it where that
surprises: an operator in a place where an expression must begin is an ordinary character (``*a``, ``|a``,
``^`` and ``$`` anywhere), ``\\d \\w \\s`` are the only escapes with a letter, and there is no lazy repetition:
``a*?`` is ``(a*)?``. See https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from dogwatch.base.text import Fold

MAX_HEIGHT = 100
"""Expressions within each other, counting every operator."""

MAX_REPEAT = 1000
"""The largest count in ``{n,m}``."""

_MAX_GROUPS = 50
_MAX_DIGITS = 18
_MAX_FOLDED = 4096
_LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]
"""A set of characters: sorted, disjoint, inclusive ranges of code points."""

ANY_CHAR: Ranges = ((0, _LAST),)
DIGITS: Ranges = ((0x30, 0x39),)
_PREDEFINED: dict[str, Ranges] = {
    "d": DIGITS,
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x20)),
}


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set; letters already in both cases where case does not count."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Interval:
    """``<low-high>``: the decimal numbers between two, both included.

    Attributes:
        low: The lesser.
        high: The greater.
        width: How many digits a number has, leading zeros included; ``None`` is any number of them.
    """

    low: int
    high: int
    width: int | None


@dataclass(frozen=True, slots=True)
class InTurn:
    """One expression after another; of none it is the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``a|b``; of none it matches nothing (``#``)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """``a&b``: what every part matches."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Except:
    """``~a``: every text that the part does not match."""

    part: Node


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part ``least`` to ``most`` times; ``None`` is any number."""

    part: Node
    least: int
    most: int | None


Node = Chars | Interval | InTurn | AnyOf | AllOf | Except | Repeat

EMPTY_TEXT = InTurn(())
NOTHING = AnyOf(())
ANYTHING = Repeat(Chars(ANY_CHAR), 0, None)


def parse(pattern: str, fold: Fold) -> Node:
    """The tree of a pattern.

    Args:
        pattern: Its text.
        fold: Which letters also match their other case: under ``ASCII`` those of A-Z, as Lucene's
            case-insensitive matching has it.

    Raises:
        ValueError: It is malformed; the message completes "the regular expression ..." and says where.
    """
    if not pattern:
        return EMPTY_TEXT
    root = _Parser(pattern, fold).parse()
    if _height(root) > MAX_HEIGHT:
        raise ValueError(f"nests more than {MAX_HEIGHT} operators")
    return root


def contains(ranges: Ranges, code: int) -> bool:
    """Whether a set of characters has the code point."""
    place = bisect_right(ranges, (code, _LAST)) - 1
    return place >= 0 and code <= ranges[place][1]


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Ranges in any order, as a set of characters."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


class _Parser:
    """Recursive descent; each method is a rule of Lucene's grammar."""

    def __init__(self, pattern: str, fold: Fold) -> None:
        self._pattern = pattern
        self._fold = fold
        self._at = 0
        self._groups = 0

    def parse(self) -> Node:
        root = self._union()
        if self._at < len(self._pattern):
            raise ValueError(f"has a `)` too many at character {self._at + 1}")
        return root

    def _union(self) -> Node:
        parts = [self._intersection()]
        while self._take("|"):
            parts.append(self._intersection())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _intersection(self) -> Node:
        parts = [self._concatenation()]
        while self._take("&"):
            parts.append(self._concatenation())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _concatenation(self) -> Node:
        parts = [self._repetition()]
        while self._peek() not in ("", "|", "&", ")"):
            parts.append(self._repetition())
        return parts[0] if len(parts) == 1 else InTurn(tuple(parts))

    def _repetition(self) -> Node:
        part = self._complement()
        while (sign := self._peek()) and sign in "?*+{":
            self._at += 1
            match sign:
                case "?":
                    part = _repeated(part, 0, 1)
                case "*":
                    part = _repeated(part, 0, None)
                case "+":
                    part = _repeated(part, 1, None)
                case _:
                    part = _repeated(part, *self._counts())
        return part

    def _counts(self) -> tuple[int, int | None]:
        start = self._at
        least = self._integer()
        most: int | None = least
        if self._take(","):
            most = None if self._peek() == "}" else self._integer()
        self._expect("}")
        if max(least, most or 0) > MAX_REPEAT:
            raise ValueError(f"repeats more than {MAX_REPEAT} times at character {start}")
        if most is not None and most < least:
            raise ValueError(f"repeats at least {least} and at most {most} times at character {start}")
        return least, most

    def _complement(self) -> Node:
        negated = False
        while self._take("~"):
            negated = not negated
        part = self._simple()
        return Except(part) if negated else part

    def _simple(self) -> Node:
        char = self._next()
        match char:
            case ".":
                return Chars(ANY_CHAR)
            case "#":
                return NOTHING
            case "@":
                return ANYTHING
            case '"':
                return InTurn(tuple(self._char(each) for each in self._until('"')))
            case "(":
                return self._group()
            case "[":
                return Chars(self._char_class())
            case "<":
                return self._interval(self._until(">"))
            case "\\":
                escaped, predefined = self._escape()
                return Chars(predefined) if predefined else self._char(escaped)
            case _:
                return self._char(char)

    def _group(self) -> Node:
        if self._take(")"):
            return EMPTY_TEXT
        self._groups += 1
        if self._groups > _MAX_GROUPS:
            raise ValueError(f"nests more than {_MAX_GROUPS} groups at character {self._at}")
        inner = self._union()
        self._groups -= 1
        self._expect(")")
        return inner

    def _char_class(self) -> Ranges:
        negated = self._take("^")
        ranges = list(self._class_member())
        while self._peek() not in ("", "]"):
            ranges += self._class_member()
        self._expect("]")
        folded = self._both_cases(merged(ranges))
        return _complemented(folded) if negated else folded

    def _class_member(self) -> Ranges:
        start = self._at + 1
        low = self._next()
        if low == "\\":
            low, predefined = self._escape()
            if predefined:
                return predefined
            # Lucene takes an escaped backslash by itself: it begins no range.
            if low == "\\":
                return ((ord(low), ord(low)),)
        if not self._take("-"):
            return ((ord(low), ord(low)),)
        high = self._next()
        if high == "\\":
            high = self._next()
        if low > high:
            raise ValueError(
                f"has the impossible range `{low}-{high}` at character {start} (a dash as itself is `\\-`)"
            )
        return ((ord(low), ord(high)),)

    def _escape(self) -> tuple[str, Ranges]:
        """The escaped character, and the class that it names if it names one."""
        char = self._next()
        if char.lower() in _PREDEFINED:
            ranges = _PREDEFINED[char.lower()]
            return char, ranges if char.islower() else _complemented(ranges)
        if char.isascii() and char.isalpha():
            raise ValueError(f"has `\\{char}` at character {self._at - 1}, which means nothing in Lucene")
        return char, ()

    def _interval(self, text: str) -> Interval:
        low, dash, high = text.partition("-")
        if not (dash and all(part.isascii() and part.isdigit() for part in (low, high))):
            raise ValueError(f"has `<...>` with no interval of numbers before character {self._at + 1}")
        if max(len(low), len(high)) > _MAX_DIGITS:
            raise ValueError(f"has a number of more than {_MAX_DIGITS} digits before character {self._at + 1}")
        first, last = sorted((int(low), int(high)))
        return Interval(first, last, len(low) if len(low) == len(high) else None)

    def _char(self, char: str) -> Chars:
        return Chars(self._both_cases(((ord(char), ord(char)),)))

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
        return merged(both)

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise ValueError(f"ends too early, at character {self._at}")
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
        if not 0 < self._at - start <= _MAX_DIGITS:
            raise ValueError(f"misses a number at character {start + 1}")
        return int(self._pattern[start : self._at])


def _repeated(part: Node, least: int, most: int | None) -> Node:
    """The repetition, or ``part`` itself where that says the same: signs in a row must not nest."""
    if (least, most) == (1, 1):
        return part
    if isinstance(part, Repeat):
        if (part.least, part.most) == (0, None) and most != 0:
            return part
        if least <= 1 and most is None and part.least <= 1:
            return Repeat(part.part, min(least, part.least), None)
        if (part.least, part.most) == (least, most) == (0, 1):
            return part
    return Repeat(part, least, most)


def _height(root: Node) -> int:
    height = 0
    level: list[Node] = [root]
    while level:
        height += 1
        level = [child for node in level for child in _children(node)]
    return height


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case InTurn(parts=parts) | AnyOf(parts=parts) | AllOf(parts=parts):
            return parts
        case Except(part=part) | Repeat(part=part):
            return (part,)
        case _:
            return ()


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
