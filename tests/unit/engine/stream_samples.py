"""Events, passed rows and hypothesis strategies for the tests of stateful matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from dogwatch.engine.passed import GroupPassed, StagePassed
from dogwatch.events.batch import NO_TIEBREAK, Event
from dogwatch.logic.pattern import Absence, JoinKey, Key, SequencePattern, Stage, stages_of
from dogwatch.logic.predicate import ALWAYS, Field
from dogwatch.schema.field import FieldRef, FieldType, Scalar

SECOND = 1_000_000_000


def field(path: str, kind: FieldType = FieldType.KEYWORD) -> Field:
    return Field(FieldRef(path, kind))


def event(
    time: int, arrival: int, tiebreak: int = NO_TIEBREAK, name: str | None = None, *, own: bool = False
) -> Event:
    name = name or f"e{arrival}"
    return Event(name, "logs-test", time, tiebreak, arrival, {"name": name}, None, own)


def sequence(
    stages: int, maxspan: int | None = None, *, until: bool = False, keys: int = 1, absences: Sequence[int] = ()
) -> SequencePattern:
    """A pattern whose rows the tests make themselves, so that its predicates do not matter.

    ``absences`` holds for each of them how many stages come before it.
    """
    stage = Stage(ALWAYS, tuple(JoinKey(field(f"key{number}")) for number in range(keys)))
    absent = tuple(Absence(stage, after) for after in absences)
    return SequencePattern((stage,) * stages, maxspan, stage if until else None, absent)


def stages(of: Event, *numbers: int, key: Key = ("k",)) -> StagePassed:
    """A row that satisfies stages (counted from 0) under one key."""
    return StagePassed(of, ((key, sum(1 << number for number in numbers)),))


@st.composite
def patterns_with_absences(draw: st.DrawFn) -> SequencePattern:
    """Patterns of one to four stages with one to three absences, in any place."""
    count = draw(st.integers(1, 4))
    absences = draw(st.lists(st.integers(0, count), min_size=1, max_size=3))
    maxspan = draw(st.sampled_from([0, 1, 3, 8, 20]))
    return sequence(count, maxspan, until=draw(st.booleans()), absences=absences)


@st.composite
def events(draw: st.DrawFn, max_size: int = 30) -> list[Event]:
    """Events in canonical order, many of them at equal times, some of them repeats."""
    count = draw(st.integers(0, max_size))
    time = 0
    found = []
    for arrival in range(count):
        time += draw(st.sampled_from([0, 0, 1, 2, 5]))
        tiebreak = draw(st.sampled_from([NO_TIEBREAK, 1, 2]))
        own = draw(st.booleans())
        name = f"own{draw(st.integers(0, 3))}" if own else None
        one = event(time, arrival, tiebreak, name, own=own)
        found.append(replace(one, index="logs-other") if draw(st.integers(0, 4)) == 0 else one)
    # Repeats differ in arrival only; the sort makes equal times come by tiebreak.
    return sorted(found, key=lambda one: one.order)


@st.composite
def stage_rows(draw: st.DrawFn, pattern: SequencePattern, max_size: int = 30) -> list[StagePassed]:
    """Rows of a sequence in canonical order, under few keys, so that they meet."""
    bits = (1 << len(stages_of(pattern))) - 1
    names = st.sampled_from([("a",), ("b",), (None,)])
    masks = st.integers(1, bits)
    rows = []
    for one in draw(events(max_size)):
        keys: Sequence[Key] = draw(st.lists(names, min_size=1, max_size=2, unique=True))
        rows.append(StagePassed(one, tuple((key, draw(masks)) for key in keys)))
    return rows


@st.composite
def group_rows(draw: st.DrawFn, fields: int, max_size: int = 30) -> list[GroupPassed]:
    """Rows of an aggregate pattern over ``fields`` fields in canonical order."""
    values: st.SearchStrategy[Scalar | None] = st.one_of(
        st.none(),
        st.integers(-3, 3),
        st.sampled_from([0.1, 0.2, 1e300, 1.7e308, -1.7e308, 5e-324, float("inf"), "text", True]),
        st.floats(allow_nan=False, allow_infinity=False),
    )
    groups = st.sampled_from([("a",), ("b",), (None,)])
    return [
        GroupPassed(one, draw(groups), tuple(draw(st.lists(values, min_size=fields, max_size=fields))))
        for one in draw(events(max_size))
    ]
