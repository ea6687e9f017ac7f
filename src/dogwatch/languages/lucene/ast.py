"""What a Lucene query string says, as a tree.

Fields are already handed down to the values of a group. Spans do not take part in equality.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

from dogwatch.base.diagnostic import Span
from dogwatch.languages.value import NOWHERE, Text


class Occur(enum.Enum):
    """What a clause does in its group."""

    MUST = "+"
    """It has to match."""
    SHOULD = ""
    """One of these has to match, unless there are clauses that must."""
    MUST_NOT = "-"
    """It may not match."""


@dataclass(frozen=True, slots=True)
class MatchAll:
    """``*`` or ``*:*``: every event."""

    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Term:
    """``field:value``: a word, a phrase or a wildcard; a bare value when ``field`` is ``None``."""

    field: Text | None
    value: Text
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """``_exists_:field``, or ``field:*``."""

    field: Text
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Regexp:
    """``field:/pattern/``; the pattern as written between the slashes."""

    field: Text | None
    pattern: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """``field:[low TO high]``, ``field:>=low``; an end that is ``None`` is open."""

    field: Text | None
    low: Text | None
    high: Text | None
    include_low: bool
    include_high: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A query with something behind it that changes no answer: a boost, or a tilde behind a wildcard."""

    query: Query
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a group and what it does there.

    Attributes:
        occur: What it does.
        query: What it asks.
        joined: Whether ``AND`` stands before it. It makes the clause before it required too, and if there is
            nothing to ask in that one, as in a text without words, the one before that.
    """

    occur: Occur
    query: Query
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Bool:
    """A group of clauses, at least one."""

    clauses: tuple[Clause, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


Query = MatchAll | Term | Exists | Regexp | Range | Ignored | Bool
