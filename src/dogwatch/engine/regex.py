"""Regular expressions over text that strangers typed: matched in linear time or refused.

Hyperscan compiles the ``PERL`` dialect and, rewritten by ``dogwatch.engine.java_regex``, the ``JAVA`` dialect;
``dogwatch.engine.lucene_regex`` compiles the ``LUCENE`` dialect.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import hyperscan

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.java_regex import from_java
from dogwatch.engine.lucene_regex import LuceneRegex
from dogwatch.engine.regex_size import MAX_SIZE, size
from dogwatch.logic.predicate import RegexDialect

MAX_PATTERN = 8192
"""Characters of the longest pattern that is compiled."""

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


@lru_cache(maxsize=4096)
def compile_regex(patterns: tuple[str, ...], dialect: RegexDialect, fold: Fold) -> TextMatcher:
    """A matcher for any of the patterns; equal arguments share one.

    Raises:
        DogwatchError: ``regex-unsupported``, one diagnostic for each pattern that cannot be compiled.
    """
    problems: list[Diagnostic] = []
    for pattern in patterns:
        try:
            _compile((pattern,), dialect, fold)
        except DogwatchError as error:
            problems += error.diagnostics
    if problems:
        raise DogwatchError(problems)
    return _compile(patterns, dialect, fold)


def _compile(patterns: tuple[str, ...], dialect: RegexDialect, fold: Fold) -> TextMatcher:
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN:
            raise _unsupported(pattern, f"is longer than {MAX_PATTERN} characters")
        if dialect is not RegexDialect.LUCENE and size(pattern) > MAX_SIZE:
            raise _unsupported(pattern, "repeats so much that compiling it would take too long")
    match dialect:
        case RegexDialect.PERL:
            return _PerlRegex(patterns, fold)
        case RegexDialect.JAVA:
            return _PerlRegex([_whole_java(pattern) for pattern in patterns], fold)
        case RegexDialect.LUCENE:
            try:
                return LuceneRegex(patterns, fold)
            except ValueError as error:
                raise _unsupported("|".join(patterns), str(error)) from error


def _whole_java(pattern: str) -> str:
    try:
        return rf"\A(?:{from_java(pattern)})\z"
    except ValueError as error:
        raise _unsupported(pattern, str(error)) from error


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
            raise _unsupported(patterns[0], _reason(str(error))) from error

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


def _unsupported(pattern: str, reason: str) -> DogwatchError:
    shown = pattern if len(pattern) <= 80 else f"{pattern[:77]}..."
    return DogwatchError(Diagnostic("regex-unsupported", f"the regular expression `{shown}` {reason}"))
