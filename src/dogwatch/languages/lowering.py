"""What every language gives back: a pattern, and what its author should know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic
from dogwatch.logic.pattern import OWN_CLOCK, Clock, Limit, Pattern
from dogwatch.schema.field import FieldType

TypeOf = Callable[[str], FieldType | None]
"""From a field's dotted path to its type, or ``None`` where no schema knows it."""

MappingOf = Callable[[str], str | None]
"""From a field's dotted path to its mapping type in Elasticsearch's words, such as ``wildcard`` or ``nested``."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A query in the engine's form.

    Attributes:
        pattern: What to look for.
        notes: Warnings and notices about the query; errors are raised instead.
        limits: The query's pipes: which of the ordered results are kept, each limit on what the one before left.
        clock: What orders the events.
    """

    pattern: Pattern
    notes: tuple[Diagnostic, ...] = ()
    limits: tuple[Limit, ...] = ()
    clock: Clock = OWN_CLOCK
