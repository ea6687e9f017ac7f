"""Rows that passed: what a stateful pattern keeps of an event that satisfied one of its predicates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import msgspec

from dogwatch.events.batch import Event
from dogwatch.logic.pattern import AggregatePattern, Key, aggregates_in
from dogwatch.logic.predicate import Field
from dogwatch.schema.field import Scalar

StageKeys = tuple[tuple[Key, int], ...]
"""Each key that a row acts under, with the stages that it satisfies there as bits (``stages_of`` numbers them)."""

GroupValues = tuple[Scalar | None, ...]
"""A row's values of ``aggregated_fields``, ``None`` where missing."""

MAX_KEYS = 1000
"""Keys that one event may have in one stage: many-valued keys multiply, and their values are hostile."""


# The rows are msgspec structs, not dataclasses: millions are made, and a frozen dataclass takes five
# times as long to make.
class StagePassed(msgspec.Struct, frozen=True):
    """An event that satisfied stages of a sequence or a sample.

    Attributes:
        event: The event; its ``order`` is the row's.
        keys: For each key the stages satisfied under it, the keys of later stages first.
    """

    event: Event
    keys: StageKeys


class GroupPassed(msgspec.Struct, frozen=True):
    """An event that satisfied the one predicate of an aggregate pattern or of a pattern of single events.

    Attributes:
        event: The event; its ``order`` is the row's.
        group: Its values of the grouping fields.
        values: Its values of ``aggregated_fields(pattern)``, ``None`` where missing.
    """

    event: Event
    group: Key
    values: GroupValues = ()


PartValues = tuple[tuple[int, Key, GroupValues], ...]
"""Each part of a composite pattern that a row counts in, by number: its group there, and its aggregated values."""


class PartsPassed(msgspec.Struct, frozen=True):
    """An event that satisfied predicates of a composite pattern.

    Attributes:
        event: The event; its ``order`` is the row's.
        parts: For each part whose predicate it satisfied, in ascending order of their numbers: the number, the
            values of the part's grouping fields, and the values of ``aggregated_fields`` of the part.
    """

    event: Event
    parts: PartValues


Passed = StagePassed | GroupPassed | PartsPassed


@dataclass(frozen=True, slots=True)
class PassedEvent:
    """An event with everything that it passed under one clock.

    Attributes:
        event: The event, its time and tiebreak as the clock reads them.
        rows: The numbers of the patterns, each with its row.
        keys_left_out: Keys beyond ``MAX_KEYS`` in one stage, under which the event was not counted.
    """

    event: Event
    rows: tuple[tuple[int, Passed], ...]
    keys_left_out: int = 0

    @classmethod
    def of(
        cls,
        event: Event,
        stages: Iterable[tuple[int, StageKeys]],
        groups: Iterable[tuple[int, Key, GroupValues]],
        parts: Iterable[tuple[int, PartValues]],
        keys_left_out: int = 0,
    ) -> Self:
        """An event that passed stages, groups or parts of patterns, each given after the pattern's number."""
        rows: list[tuple[int, Passed]] = [(number, StagePassed(event, keys)) for number, keys in stages]
        rows += ((number, GroupPassed(event, group, values)) for number, group, values in groups)
        rows += ((number, PartsPassed(event, values_of_parts)) for number, values_of_parts in parts)
        return cls(event, tuple(rows), keys_left_out)


def aggregated_fields(pattern: AggregatePattern) -> tuple[Field, ...]:
    """The distinct fields that the pattern's aggregates read, in the order of ``aggregates_in``."""
    aggregates = aggregates_in(pattern)
    return tuple(dict.fromkeys(aggregate.field for aggregate in aggregates if aggregate.field is not None))
