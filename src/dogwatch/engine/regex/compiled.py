"""Regular expressions over text that strangers typed: matched in linear time or refused.

Hyperscan compiles the ``PERL`` dialect and, rewritten by ``dogwatch.engine.regex.java``, the ``JAVA`` dialect;
``dogwatch.engine.regex.lucene`` compiles the ``LUCENE`` dialect.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import hyperscan

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.regex.java import from_java
from dogwatch.engine.regex.lucene import MAX_WORK, LuceneRegex, TooLargeError
from dogwatch.engine.regex.size import MAX_SIZE, size
from dogwatch.logic.predicate import RegexDialect

MAX_PATTERN = 8192
"""Characters of the longest pattern that is compiled."""

MAX_COST = MAX_WORK
"""What the regular expressions of one rule may cost together to compile, which is half a second or so."""

_COST_OF_LUCENE = 200
_COST_OF_STATE = 10
_COST_OF_PERL = 1000
_COST_OF_POSITION = 60
"""In steps of building one of Lucene's automata, which take 1 to 2 microseconds each."""

_REFUSED = {
    "Back-references": "back-references",
    "Zero-width assertions": "look-around",
    "Possessive": "possessive quantifiers",
    "Atomic groups": "atomic groups",
    "conditional": "conditional groups",
}
"""What Hyperscan's message says -> how its users call it."""


class TextMatcher(Protocol):
    """Whether a text matches one of some patterns."""

    def matches(self, text: str) -> bool:
        """Whether it does."""
        ...


def compile_regex(patterns: tuple[str, ...], dialect: RegexDialect, fold: Fold) -> TextMatcher:
    """A matcher for any of the patterns; equal arguments share one.

    Raises:
        DogwatchError: ``regex-unsupported``, one diagnostic for each pattern that cannot be compiled.
    """
    made = _made(patterns, dialect, fold)
    if made.matcher is None:
        raise DogwatchError(made.problems)
    return made.matcher


def cost_of(patterns: tuple[str, ...], dialect: RegexDialect, fold: Fold) -> int:
    """What it costs to compile the patterns, or to find that they cannot be compiled; see ``MAX_COST``.

    Those for Hyperscan are judged by their size, the others are compiled to find out.
    """
    if dialect is not RegexDialect.LUCENE:
        return sum(_COST_OF_PERL + _COST_OF_POSITION * min(size(each), MAX_SIZE) for each in patterns)
    return _made(patterns, dialect, fold).cost


@dataclass(frozen=True, slots=True)
class _Made:
    """The outcome of compiling: a matcher, or why there is none; and what it cost."""

    matcher: TextMatcher | None
    problems: tuple[Diagnostic, ...]
    cost: int


@lru_cache(maxsize=4096)
def _made(patterns: tuple[str, ...], dialect: RegexDialect, fold: Fold) -> _Made:
    cost = 0
    problems: list[Diagnostic] = []
    # Each by itself at first, so that an error names its pattern.
    for pattern in patterns if len(patterns) > 1 else ():
        each = _made((pattern,), dialect, fold)
        cost += each.cost
        problems += each.problems
        if cost > MAX_COST:
            problems.append(too_costly())
            break
    if problems:
        return _Made(None, tuple(problems), cost)
    try:
        return _compile(patterns, dialect, fold, cost)
    except TooLargeError as error:
        return _Made(None, (_unsupported("|".join(patterns), str(error)),), cost + MAX_WORK)
    except ValueError as error:
        return _Made(None, (_unsupported("|".join(patterns), str(error)),), cost + _COST_OF_LUCENE)


def _compile(patterns: tuple[str, ...], dialect: RegexDialect, fold: Fold, cost: int) -> _Made:
    if any(len(pattern) > MAX_PATTERN for pattern in patterns):
        raise ValueError(f"is longer than {MAX_PATTERN} characters")
    if dialect is RegexDialect.LUCENE:
        regex = LuceneRegex(patterns, fold)
        own = _COST_OF_LUCENE + _COST_OF_STATE * regex.states + regex.work
        return _Made(regex, (), cost + min(own, MAX_COST))
    written = (
        patterns if dialect is RegexDialect.PERL else tuple(rf"\A(?:{from_java(each)})\z" for each in patterns)
    )
    if any(size(each) > MAX_SIZE for each in written):
        raise ValueError("repeats so much that compiling it would take too long")
    return _Made(_PerlRegex(written, fold), (), cost + cost_of(patterns, dialect, fold))


class _PerlRegex:
    """Hyperscan over UTF-8; one text at a time, because its scratch space serves one scan.

    Under either fold letters match both cases by Hyperscan's own rule, which is Unicode's simple folding.
    """

    def __init__(self, patterns: Sequence[str], fold: Fold) -> None:
        flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
        if fold is not Fold.NONE:
            flags |= hyperscan.HS_FLAG_CASELESS
        self._lock = threading.Lock()
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            self._database.compile(
                expressions=[pattern.encode() for pattern in patterns],
                ids=list(range(len(patterns))),
                elements=len(patterns),
                flags=[flags] * len(patterns),
            )
        except (hyperscan.error, UnicodeEncodeError) as error:
            raise ValueError(_reason(str(error))) from error

    def matches(self, text: str) -> bool:
        found: list[int] = []

        def note(pattern: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            found.append(pattern)

        with self._lock:
            self._database.scan(text.encode("utf-8", "replace"), match_event_handler=note)
        return bool(found)


def _reason(message: str) -> str:
    for sign, name in _REFUSED.items():
        if sign in message:
            return f"uses {name}, which cannot be matched in linear time"
    return f"cannot be compiled: {message.rstrip('.')}"


def too_costly() -> Diagnostic:
    """What is said of regular expressions that cost more than ``MAX_COST``."""
    return Diagnostic(
        "regex-unsupported",
        "the regular expressions of one rule together would take too long to compile",
        hint="use fewer or simpler ones, or split the rule",
    )


def _unsupported(pattern: str, reason: str) -> Diagnostic:
    shown = pattern if len(pattern) <= 80 else f"{pattern[:77]}..."
    return Diagnostic("regex-unsupported", f"the regular expression `{shown}` {reason}")
