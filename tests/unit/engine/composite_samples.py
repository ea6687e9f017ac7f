"""Composite patterns, rows of them and hypothesis strategies for the tests of patterns of several parts."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from stream_samples import event, events, field

from dogwatch.engine.composite import CompositeHit
from dogwatch.engine.passed import PartsPassed, aggregated_fields
from dogwatch.engine.reference.composite import Found
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    CompositePattern,
    Constraint,
    Key,
    Number,
)
from dogwatch.logic.predicate import ALWAYS, Order
from dogwatch.logic.relation import Fixed, JoinCompare, Part, PartValue, Related, Relation, RelationTree
from dogwatch.schema.field import FieldType, Scalar

COUNT = Aggregate(AggregateFunction.COUNT)
BYTES = field("bytes", FieldType.LONG)
HIGHEST = Aggregate(AggregateFunction.MAX, BYTES)
SHOWN = ("highest", HIGHEST)

GROUP_FIELDS = 2


def at_least(count: int) -> Constraint:
    return AggregateCompare(Order.GE, COUNT, Number(count))


def part(
    constraint: Constraint,
    window: int,
    *,
    shows: bool = False,
    keep_null_groups: bool = True,
    fields: int = GROUP_FIELDS,
) -> AggregatePattern:
    """A part whose rows the tests make themselves, so that its predicate does not matter."""
    group_by = tuple(field(f"key{number}") for number in range(fields))
    return AggregatePattern(
        "p", ALWAYS, group_by, constraint, window, keep_null_groups, None, (SHOWN,) if shows else ()
    )


def counts(
    relation: RelationTree,
    *least: int,
    window: int = 10,
    joins: Sequence[JoinCompare] = (),
    fields: int = GROUP_FIELDS,
) -> CompositePattern:
    """A pattern of parts that count events."""
    parts = tuple(part(at_least(count), window, fields=fields) for count in least)
    return CompositePattern(parts, relation, tuple(joins), window)


def related(relation: Relation, left: RelationTree | int, right: RelationTree | int) -> Related:
    return Related(relation, *(Part(side) if isinstance(side, int) else side for side in (left, right)))


def equal(left: int, right: int, place: int = 0) -> JoinCompare:
    """The groups of two parts have one value in common."""
    return JoinCompare(Order.EQ, PartValue(left, place), PartValue(right, place))


def row(
    time: int, arrival: int, *parts: int, key: Key = ("a", "x"), values: tuple[Scalar | None, ...] = ()
) -> PartsPassed:
    """A row that counts in parts, in one and the same group of each."""
    return PartsPassed(event(time, arrival), tuple((number, key, values) for number in parts))


constraints: st.SearchStrategy[Constraint] = st.one_of(
    st.builds(at_least, st.sampled_from([1, 1, 2, 3])),
    st.builds(
        AggregateCompare,
        st.sampled_from([Order.GT, Order.EQ]),
        st.just(COUNT),
        st.builds(Number, st.integers(0, 2)),
    ),
    st.builds(
        AggregateCompare,
        st.sampled_from(Order),
        st.builds(
            Aggregate,
            st.sampled_from(
                [AggregateFunction.AVG, AggregateFunction.MAX, AggregateFunction.FIRST, AggregateFunction.SUM]
            ),
            st.just(BYTES),
        ),
        st.builds(Number, st.integers(-1, 3)),
        st.booleans(),
    ),
)


@st.composite
def trees(draw: st.DrawFn, numbers: Sequence[int]) -> RelationTree:
    """Any tree over the parts."""
    if len(numbers) == 1:
        return Part(numbers[0])
    cut = draw(st.integers(1, len(numbers) - 1))
    left, right = draw(trees(numbers[:cut])), draw(trees(numbers[cut:]))
    return Related(draw(st.sampled_from(Relation)), left, right)


@st.composite
def composite_patterns(draw: st.DrawFn) -> CompositePattern:
    """Patterns of two to four parts with joins of all kinds."""
    count = draw(st.integers(2, 4))
    window = draw(st.sampled_from([1, 3, 8]))
    parts = tuple(
        part(
            draw(st.one_of(constraints, st.builds(AggregateAnd, st.tuples(constraints, constraints)))),
            window,
            shows=draw(st.booleans()),
            keep_null_groups=draw(st.sampled_from([True, True, False])),
        )
        for _ in range(count)
    )
    shows = [number for number in range(count) if parts[number].shown]
    values = st.builds(PartValue, st.integers(0, count - 1), st.integers(0, GROUP_FIELDS - 1))
    if shows:
        values = st.one_of(values, values, st.builds(PartValue, st.sampled_from(shows), st.just("highest")))
    equalities = st.builds(JoinCompare, st.just(Order.EQ), values, values)
    others = st.builds(
        JoinCompare,
        st.sampled_from(Order),
        values,
        st.one_of(values, st.builds(Fixed, st.sampled_from(["A", 1, 1.0, "1"]))),
        st.booleans(),
    )
    joins = draw(st.lists(st.one_of(equalities, equalities, others), max_size=3))
    return CompositePattern(parts, draw(trees(draw(st.permutations(range(count))))), tuple(joins), window)


@st.composite
def parts_rows(draw: st.DrawFn, pattern: CompositePattern, max_size: int = 16) -> list[PartsPassed]:
    """Rows of a pattern in canonical order, in few groups, so that they meet."""
    first: st.SearchStrategy[Scalar | None] = st.sampled_from(["a", "a", "A", "b", 1, None])
    second: st.SearchStrategy[Scalar | None] = st.sampled_from(["x", 1.0, "1"])
    keys = st.tuples(first, second)
    values = st.sampled_from([None, -1, 0, 1, 2, 3])
    rows = []
    for one in draw(events(max_size)):
        numbers = sorted(
            draw(st.lists(st.integers(0, len(pattern.parts) - 1), min_size=1, max_size=2, unique=True))
        )
        parts: list[tuple[int, Key, tuple[Scalar | None, ...]]] = [
            (number, draw(keys), tuple(draw(values) for _ in aggregated_fields(pattern.parts[number])))
            for number in numbers
        ]
        rows.append(PartsPassed(one, tuple(parts)))
    return rows


@st.composite
def narrow_patterns(draw: st.DrawFn) -> CompositePattern:
    """Patterns of two or three parts that count events, almost all of which meet: times decide."""
    count = draw(st.sampled_from([2, 3, 3]))
    least = draw(st.lists(st.sampled_from([1, 1, 2]), min_size=count, max_size=count))
    joins = draw(st.sampled_from([(), (), (equal(0, 1),)]))
    tree = draw(trees(draw(st.permutations(range(count)))))
    return counts(tree, *least, window=draw(st.sampled_from([2, 3])), joins=joins, fields=1)


@st.composite
def narrow_rows(draw: st.DrawFn, pattern: CompositePattern) -> list[PartsPassed]:
    """Rows of such a pattern: in one part or two, mostly of one group, at times that are near each other."""
    coming = st.tuples(
        st.sampled_from([0, 1, 1, 2, 3]),
        st.sets(st.integers(0, len(pattern.parts) - 1), min_size=1, max_size=2),
        st.sampled_from(["a", "a", "a", "b"]),
    )
    rows: list[PartsPassed] = []
    time = 0
    for step, numbers, group in draw(st.lists(coming, min_size=3, max_size=9)):
        time += step
        rows.append(row(time, len(rows), *sorted(numbers), key=(group,)))
    return rows


def found_by_matcher(hits: Sequence[CompositeHit]) -> list[tuple[object, ...]]:
    """Hits in a form in which they compare with what the reference finds."""
    return [
        (
            hit.time,
            hit.first_time,
            [None if one is None else (one.group, one.events, one.aggregates, one.shown) for one in hit.parts],
        )
        for hit in hits
    ]


def found_by_reference(found: Sequence[Found]) -> list[tuple[object, ...]]:
    """What the reference finds, in the same form."""
    return [
        (
            each.time,
            each.first_time,
            [None if one is None else (one.group, one.events, one.aggregates, one.shown) for one in each.parts],
        )
        for each in found
    ]
