"""What a KQL query says, as a tree.

Spans do not take part in equality: two trees are equal if they ask the same thing in the same shape.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from dogwatch.base.diagnostic import Span
from dogwatch.languages.value import NOWHERE, Text
from dogwatch.logic.predicate import Order


@dataclass(frozen=True, slots=True)
class MatchAll:
    """The blank query: every event."""

    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Is:
    """``field: value``, or free text when ``field`` is ``None``."""

    field: Text | None
    value: Text
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """``field < value`` and its three sisters."""

    field: Text
    op: Order
    value: Text
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Nested:
    """``path: { query }``: the inner names are relative to the path."""

    path: Text
    query: Query
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more parts."""

    parts: tuple[Query, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more parts."""

    parts: tuple[Query, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """Every event that does not satisfy the part."""

    part: Query
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


Query = MatchAll | Is | Range | Nested | And | Or | Not
