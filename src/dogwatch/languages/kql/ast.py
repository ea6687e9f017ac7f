"""What a KQL query says, as a tree.

Spans do not take part in equality: two trees are equal if they ask the same thing in the same shape.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from dogwatch.base.diagnostic import Span
from dogwatch.logic.predicate import Order, Wild

NOWHERE = Span(0, 0)
"""The span of a node that no source text holds."""


@dataclass(frozen=True, slots=True)
class Text:
    """A field name or a value.

    Attributes:
        pieces: Literal stretches and wildcard stars; a star that was quoted or escaped is literal. A quoted
            text is one literal piece, or none when it is empty.
        quoted: Whether it stood in double quotes: no wildcards, no ``true``/``false``/``null``, and a phrase
            to an analysed field.
        span: Where it stands.
    """

    pieces: tuple[str | Wild, ...]
    quoted: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False)

    @property
    def has_wildcard(self) -> bool:
        """Whether a star in it stands for any run of characters."""
        return any(isinstance(piece, Wild) for piece in self.pieces)

    @property
    def is_star(self) -> bool:
        """Whether it is a lone wildcard star: any value, or any field."""
        return self.pieces == (Wild.ANY,)

    @property
    def literal(self) -> str:
        """The text as characters, wildcard stars as ``*``."""
        return "".join(piece.value if isinstance(piece, Wild) else piece for piece in self.pieces)


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
