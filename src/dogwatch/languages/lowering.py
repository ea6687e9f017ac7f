"""What every language gives back: a pattern, and what its author should know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic
from dogwatch.logic.pattern import Pattern
from dogwatch.schema.field import FieldType

TypeOf = Callable[[str], FieldType | None]
"""From a field's dotted path to its type, or ``None`` where no schema knows it."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A query in the engine's form.

    Attributes:
        pattern: What to look for.
        notes: Warnings and notices about the query; errors are raised instead.
    """

    pattern: Pattern
    notes: tuple[Diagnostic, ...] = ()
