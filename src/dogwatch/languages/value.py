"""A field name or a value as a query writes it: literal stretches and wildcards."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from dogwatch.base.diagnostic import Span
from dogwatch.logic.predicate import Wild

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
    def length(self) -> int:
        """Characters that it stands in, each wildcard counting as one."""
        return sum(1 if isinstance(piece, Wild) else len(piece) for piece in self.pieces)

    @property
    def literal(self) -> str:
        """The text as characters, wildcard stars as ``*``."""
        return "".join(piece.value if isinstance(piece, Wild) else piece for piece in self.pieces)
