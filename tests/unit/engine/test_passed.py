from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import event

from dogwatch.base.diagnostic import Place
from dogwatch.engine.passed import MAX_KEYS, GroupPassed, PartsPassed, PassedEvent, StagePassed, aggregated_fields
from dogwatch.engine.spool import PassedSpool
from dogwatch.engine.taking import MatchedRows, ordinals, take
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch, Document, Event
from dogwatch.logic.pattern import (
    Absence,
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    Clock,
    CompositePattern,
    EventPattern,
    JoinKey,
    Number,
    SamplePattern,
    SequencePattern,
    Stage,
)
from dogwatch.logic.predicate import ALWAYS, Field, Order
from dogwatch.logic.relation import Part, Related, Relation
from dogwatch.schema.field import FieldRef, FieldType

HOST = FieldRef("host.name", FieldType.KEYWORD)
PID = FieldRef("process.pid", FieldType.LONG)
USER = FieldRef("user.name", FieldType.KEYWORD)

Passing = dict[int, list[tuple[int, Any]]]


@dataclass
class Source:
    """Documents by row that count how often they were read."""

    reads: int = 0

    def document(self, row: int) -> Document:
        self.reads += 1
        return {"row": row}

    def event_id(self, row: int) -> tuple[str, bool]:
        return f"id{row}", row % 2 == 0

    def place(self, row: int) -> Place | None:
        return Place("log.ndjson", row + 1)


def batch(columns: dict[FieldRef, list[Any]], times: Sequence[int] | None = None) -> Batch:
    length = len(next(iter(columns.values())))
    arrays: dict[FieldRef, pa.Array[Any]] = {}
    for ref, values in columns.items():
        many = any(isinstance(value, list) for value in values)
        if many:
            values = [value if value is None or isinstance(value, list) else [value] for value in values]
        array: pa.Array[Any] = pa.array(values)
        arrays[ref] = array.dictionary_encode() if ref.type.is_text and not many else array
    return Batch(
        length=length,
        columns=arrays,
        time=np.array(times or range(length), dtype=np.int64),
        tiebreak=np.full(length, NO_TIEBREAK),
        first_arrival=100,
        index=pa.array([None] * length, pa.string()).dictionary_encode(),
        source=Source(),
    )


def mask(*answers: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers of the rows for which the answer is 1."""
    return np.flatnonzero(answers)


def pattern(*keys: tuple[JoinKey, ...], until: tuple[JoinKey, ...] | None = None) -> SequencePattern:
    stages = tuple(Stage(ALWAYS, key) for key in keys)
    return SequencePattern(stages, None, None if until is None else Stage(ALWAYS, until))


def taken(batch: Batch, *watches: MatchedRows) -> Passing:
    """What passed by row: the pattern's number and the row's own part."""
    found: Passing = {}
    for passed in take(batch, watches):
        rows: list[tuple[int, Any]] = []
        for number, row in passed.rows:
            assert row.event is passed.event
            match row:
                case StagePassed(keys=keys):
                    rows.append((number, keys))
                case GroupPassed(group=group, values=values):
                    rows.append((number, (group, values)))
                case PartsPassed(parts=parts):
                    rows.append((number, parts))
        found[passed.event.arrival - batch.first_arrival] = rows
    return found


HOST_KEY = (JoinKey(Field(HOST)),)


def test_stages_and_until_become_bits_of_their_key() -> None:
    data = batch({HOST: ["a", "b", "a"]})
    watch = MatchedRows(
        7, pattern(HOST_KEY, HOST_KEY, until=HOST_KEY), [mask(1, 0, 1), mask(0, 0, 1), mask(0, 0, 1)]
    )
    assert taken(data, watch) == {0: [(7, ((("a",), 0b001),))], 2: [(7, ((("a",), 0b111),))]}


def test_an_event_without_a_plain_key_takes_no_part() -> None:
    data = batch({HOST: [None, "a"]})
    assert list(taken(data, MatchedRows(0, pattern(HOST_KEY, HOST_KEY), [mask(1, 1), mask(0, 0)]))) == [1]


def test_a_missing_optional_key_is_null() -> None:
    keys = (JoinKey(Field(HOST)), JoinKey(Field(USER), optional=True))
    data = batch({HOST: ["a", "a"], USER: [None, ["x", None]]})
    found = taken(data, MatchedRows(0, pattern(keys, keys), [mask(1, 1), mask(0, 0)]))
    assert found == {0: [(0, ((("a", None), 1),))], 1: [(0, ((("a", "x"), 1),))]}


def test_an_empty_text_is_missing_where_the_field_says_so() -> None:
    blank = (JoinKey(Field(HOST, blank_is_missing=True)),)
    data = batch({HOST: ["", ""]})
    assert taken(data, MatchedRows(0, pattern(blank, blank), [mask(1, 1), mask(1, 1)])) == {}
    assert list(taken(data, MatchedRows(0, pattern(HOST_KEY, HOST_KEY), [mask(1, 0), mask(0, 0)]))) == [0]


def test_many_values_multiply_without_duplicates() -> None:
    keys = (JoinKey(Field(HOST)), JoinKey(Field(PID)))
    data = batch({HOST: [["b", "a", "b"]], PID: [[2, 1, None]]})
    ((number, pairs),) = taken(data, MatchedRows(3, pattern(keys, keys), [mask(1), mask(1)]))[0]
    assert number == 3
    assert pairs == tuple((key, 0b11) for key in [("a", 1), ("a", 2), ("b", 1), ("b", 2)])


def test_a_stage_has_its_own_keys_and_later_stages_come_first() -> None:
    parent = FieldRef("process.parent.pid", FieldType.LONG)
    chain = pattern((JoinKey(Field(PID)),), (JoinKey(Field(parent)),))
    data = batch({PID: [2], parent: [1]})
    assert taken(data, MatchedRows(0, chain, [mask(1), mask(1)])) == {0: [(0, (((1,), 0b10), ((2,), 0b01)))]}


def test_no_keys_is_one_key() -> None:
    data = batch({HOST: ["a"]})
    assert taken(data, MatchedRows(0, pattern((), ()), [mask(1), mask(0)])) == {0: [(0, (((), 1),))]}


def test_values_that_multiply_beyond_reason_are_left_out_and_counted() -> None:
    keys = (JoinKey(Field(HOST)), JoinKey(Field(PID)))
    data = batch({HOST: [[str(number) for number in range(200)]], PID: [list(range(200))]})
    (passed,) = take(data, [MatchedRows(0, pattern(keys, keys), [mask(1), mask(0)])])
    ((_, row),) = passed.rows
    assert isinstance(row, StagePassed)
    assert len(row.keys) == MAX_KEYS
    assert passed.keys_left_out == 200 * 200 - MAX_KEYS


def test_a_row_without_time_takes_no_part() -> None:
    data = batch({HOST: ["a", "a"]}, times=[NO_TIME, 5])
    assert list(taken(data, MatchedRows(0, pattern(HOST_KEY, HOST_KEY), [mask(1, 1), mask(1, 1)]))) == [1]


def test_an_event_is_read_once_for_all_patterns() -> None:
    data = batch({HOST: ["a", "b"], PID: [1, [2, 3]]})
    count = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(2))
    total = AggregateCompare(Order.GE, Aggregate(AggregateFunction.SUM, Field(PID)), Number(2))
    aggregate = AggregatePattern("p", ALWAYS, (Field(HOST),), AggregateAnd((count, total)), 10)
    assert aggregated_fields(aggregate) == (Field(PID),)
    both = [
        MatchedRows(0, pattern(HOST_KEY, HOST_KEY), [mask(1, 0), mask(0, 0)]),
        MatchedRows(1, aggregate, [mask(1, 1)]),
    ]
    assert taken(data, *both) == {0: [(0, ((("a",), 1),)), (1, (("a",), (1,)))], 1: [(1, (("b",), (2,)))]}
    assert isinstance(data.source, Source)
    assert data.source.reads == 2


def test_a_group_has_the_first_value_or_null() -> None:
    aggregate = AggregatePattern(
        "p", ALWAYS, (Field(HOST),), AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(2)), 10
    )
    data = batch({HOST: [["z", "a"], None]})
    found = taken(data, MatchedRows(0, aggregate, [mask(1, 1)]))
    assert found == {0: [(0, (("z",), ()))], 1: [(0, ((None,), ()))]}


def test_aggregates_that_are_only_shown_are_read_too() -> None:
    count = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(2))
    highest = Aggregate(AggregateFunction.MAX, Field(PID))
    aggregate = AggregatePattern("p", ALWAYS, (Field(HOST),), count, 10, shown=(("MAX(pid)", highest),))
    assert aggregated_fields(aggregate) == (Field(PID),)
    data = batch({HOST: ["a"], PID: [5]})
    assert taken(data, MatchedRows(0, aggregate, [mask(1)])) == {0: [(0, (("a",), (5,)))]}


class TestParts:
    COUNT = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(2))
    SUM = AggregateCompare(Order.GE, Aggregate(AggregateFunction.SUM, Field(PID)), Number(2))
    PATTERN = CompositePattern(
        (
            AggregatePattern("first", ALWAYS, (Field(HOST),), COUNT, 10),
            AggregatePattern("second", ALWAYS, (Field(USER), Field(HOST)), SUM, 10),
        ),
        Related(Relation.AND, Part(0), Part(1)),
        (),
        10,
    )

    def test_each_part_has_its_own_group_and_values(self) -> None:
        data = batch({HOST: ["h", "h", "h"], USER: ["u", None, "v"], PID: [1, 2, 3]})
        found = taken(data, MatchedRows(3, self.PATTERN, [mask(1, 0, 1), mask(1, 1, 0)]))
        assert found == {
            0: [(3, ((0, ("h",), ()), (1, ("u", "h"), (1,))))],
            1: [(3, ((1, (None, "h"), (2,)),))],
            2: [(3, ((0, ("h",), ()),))],
        }

    def test_a_row_without_time_takes_no_part(self) -> None:
        data = batch({HOST: ["h", "h"], USER: ["u", "u"], PID: [1, 2]}, times=[NO_TIME, 5])
        assert list(taken(data, MatchedRows(0, self.PATTERN, [mask(1, 1), mask(1, 1)]))) == [1]

    def test_it_stands_beside_other_patterns(self) -> None:
        data = batch({HOST: ["h"], USER: ["u"], PID: [1]})
        watches = [
            MatchedRows(0, self.PATTERN, [mask(1), mask(0)]),
            MatchedRows(1, pattern(HOST_KEY, HOST_KEY), [mask(1), mask(0)]),
        ]
        (passed,) = take(data, watches)
        assert sorted(number for number, _ in passed.rows) == [0, 1]


def test_nothing_passed_is_nothing() -> None:
    data = batch({HOST: ["a"]})
    assert list(take(data, [MatchedRows(0, pattern(HOST_KEY, HOST_KEY), [mask(0), mask(0)])])) == []


def test_absences_are_numbered_after_until() -> None:
    stage = Stage(ALWAYS, HOST_KEY)
    absences = (Absence(Stage(ALWAYS, (JoinKey(Field(USER)),)), 0), Absence(stage, 1, runs=3))
    watched = SequencePattern((stage, stage), 10, stage, absences)
    data = batch({HOST: ["a"], USER: ["u"]})
    masks = [mask(1), mask(1), mask(1), mask(1), mask(1)]
    assert taken(data, MatchedRows(0, watched, masks)) == {0: [(0, ((("a",), 0b10111), (("u",), 0b01000)))]}
    without_until = SequencePattern((stage, stage), 10, None, absences)
    assert taken(data, MatchedRows(0, without_until, masks[:4])) == {
        0: [(0, ((("a",), 0b1011), (("u",), 0b0100)))]
    }


def test_the_stages_of_a_sample_are_bits_too() -> None:
    sample = SamplePattern((Stage(ALWAYS, HOST_KEY), Stage(ALWAYS, (JoinKey(Field(USER), optional=True),))))
    data = batch({HOST: ["a", None], USER: [None, ["a", "b"]]})
    assert taken(data, MatchedRows(4, sample, [mask(1, 1), mask(1, 1)])) == {
        0: [(4, (((None,), 0b10), (("a",), 0b01)))],
        1: [(4, ((("a",), 0b10), (("b",), 0b10)))],
    }


def test_a_row_without_time_takes_part_where_order_plays_no_part() -> None:
    data = batch({HOST: ["a", "a"]}, times=[NO_TIME, 5])
    stages = (Stage(ALWAYS, HOST_KEY), Stage(ALWAYS, HOST_KEY))
    watches = [
        MatchedRows(0, SequencePattern(stages), [mask(1, 1), mask(1, 1)]),
        MatchedRows(1, SamplePattern(stages), [mask(1, 1), mask(1, 1)]),
        MatchedRows(2, EventPattern(ALWAYS), [mask(1, 1)]),
    ]
    numbers = {row: [number for number, _ in passed] for row, passed in taken(data, *watches).items()}
    assert numbers == {0: [1, 2], 1: [0, 1, 2]}
    assert {passed.event.time for passed in take(data, watches, untimed=False)} == {5}


class TestClock:
    TIMESTAMP = FieldRef("event.ingested", FieldType.DATE)
    TIEBREAKER = FieldRef("event.sequence", FieldType.LONG)
    EVENTS = EventPattern(ALWAYS)

    def orders(self, data: Batch, clock: Clock, pattern: EventPattern | SequencePattern = EVENTS) -> list[Any]:
        masks = [np.arange(data.length)] * (1 if isinstance(pattern, EventPattern) else 2)
        return [passed.event.order for passed in take(data, [MatchedRows(0, pattern, masks, clock)])]

    def test_other_fields_give_time_and_tiebreak(self) -> None:
        data = batch({self.TIMESTAMP: [30, 20], self.TIEBREAKER: [7, 8]})
        clock = Clock(self.TIMESTAMP, self.TIEBREAKER)
        assert self.orders(data, clock) == [(30, 7, 100), (20, 8, 101)]
        assert [each.tolist() for each in ordinals(data, clock)] == [[30, 20], [7, 8]]

    def test_one_of_them_leaves_the_other_as_it_is(self) -> None:
        data = batch({self.TIMESTAMP: [30], self.TIEBREAKER: [7]}, times=[3])
        assert self.orders(data, Clock(self.TIMESTAMP)) == [(30, NO_TIEBREAK, 100)]
        assert self.orders(data, Clock(None, self.TIEBREAKER)) == [(3, 7, 100)]

    def test_the_first_of_many_values_counts_and_nulls_do_not(self) -> None:
        data = batch({self.TIMESTAMP: [[30, 10], None, []], self.TIEBREAKER: [None, [9, 1], [None]]})
        clock = Clock(self.TIMESTAMP, self.TIEBREAKER)
        assert self.orders(data, clock) == [(30, NO_TIEBREAK, 100), (NO_TIME, 9, 101), (NO_TIME, NO_TIEBREAK, 102)]

    def test_an_event_without_that_time_has_no_place_in_a_sequence(self) -> None:
        data = batch({self.TIMESTAMP: [None, 5], HOST: ["a", "a"]}, times=[1, 2])
        assert self.orders(data, Clock(self.TIMESTAMP), pattern(HOST_KEY, HOST_KEY)) == [(5, NO_TIEBREAK, 101)]

    def test_an_event_without_a_timestamp_has_one_if_the_clock_finds_it(self) -> None:
        data = batch({self.TIMESTAMP: [5], HOST: ["a"]}, times=[NO_TIME])
        assert self.orders(data, Clock(self.TIMESTAMP), pattern(HOST_KEY, HOST_KEY)) == [(5, NO_TIEBREAK, 100)]

    def test_each_clock_has_its_own_event_of_a_row_that_is_read_once(self) -> None:
        data = batch({self.TIMESTAMP: [30, 20]}, times=[1, 2])
        other = Clock(self.TIMESTAMP)
        watches = [
            MatchedRows(0, self.EVENTS, [mask(1, 1)]),
            MatchedRows(1, self.EVENTS, [mask(1, 0)], other),
            MatchedRows(2, self.EVENTS, [mask(0, 1)]),
        ]
        found = [(passed.event.time, [number for number, _ in passed.rows]) for passed in take(data, watches)]
        assert found == [(1, [0]), (30, [1]), (2, [0, 2])]
        assert isinstance(data.source, Source)
        assert data.source.reads == 2

    def test_the_spool_orders_by_the_clock(self) -> None:
        data = batch({self.TIMESTAMP: [30, 20, None]})
        with PassedSpool(1 << 20) as spool:
            for passed in take(data, [MatchedRows(0, self.EVENTS, [mask(1, 1, 1)], Clock(self.TIMESTAMP))]):
                spool.add(passed)
            assert [passed.event.arrival for passed in spool] == [102, 101, 100]


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text()
)
documents = st.dictionaries(
    st.text(),
    st.recursive(
        st.one_of(scalars, st.integers(), st.text(st.characters(categories=["L", "Cs"]))),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
        max_leaves=5,
    ),
    max_size=3,
)
times = st.integers(-(2**63) + 1, 2**63 - 1)


rows = st.lists(scalars, max_size=3).map(tuple)


@st.composite
def passed_events(draw: st.DrawFn) -> list[PassedEvent]:
    found = []
    for arrival in range(draw(st.integers(0, 12))):
        place = draw(st.sampled_from([None, Place("f"), Place("f", 3), Place("f", 3, 4)]))
        one = Event(
            draw(st.text(max_size=8)),
            draw(st.none() | st.text(max_size=8)),
            draw(times | st.just(5)),
            draw(st.sampled_from([NO_TIEBREAK, 1])),
            arrival,
            draw(documents),
            place,
            draw(st.booleans()),
        )
        keys = draw(st.lists(st.tuples(rows, st.integers(1, 2**100)), max_size=2))
        values = draw(rows)
        stage = (0, StagePassed(one, tuple(keys)))
        parts = tuple((number, draw(rows), values) for number in range(draw(st.integers(1, 3))))
        found.append(
            PassedEvent(one, (stage, (1, GroupPassed(one, (arrival,), values)), (2, PartsPassed(one, parts))))
        )
    return found


@settings(max_examples=60, deadline=None)
@given(passed_events(), st.sampled_from([1, 600, 1 << 20]), st.randoms(use_true_random=False))
def test_the_spool_gives_back_what_it_got_in_canonical_order(
    passed: list[PassedEvent], limit: int, random: Any
) -> None:
    shuffled = random.sample(passed, len(passed))
    with PassedSpool(limit) as spool:
        for one in shuffled:
            spool.add(one)
        back = list(spool)
    assert back == sorted(passed, key=lambda one: one.event.order)
    for one in back:
        assert all(row.event is one.event for _, row in one.rows)
        assert [type(row) for _, row in one.rows] == [StagePassed, GroupPassed, PartsPassed]


def test_types_of_key_values_survive_the_spool() -> None:
    one = event(1, 1)
    key = (1, 1.0, True, "1", None)
    with PassedSpool(1) as spool:
        spool.add(PassedEvent(one, ((0, StagePassed(one, ((key, 1),))),)))
        assert spool.spilled == 1
        ((_, row),) = next(iter(spool)).rows
    assert isinstance(row, StagePassed)
    assert [type(value) for value in row.keys[0][0]] == [int, float, bool, str, type(None)]


@pytest.mark.parametrize("limit", [1, 1 << 20])
def test_a_closed_spool_is_empty(limit: int) -> None:
    spool = PassedSpool(limit)
    spool.add(PassedEvent(event(1, 1), ()))
    spool.close()
    assert list(spool) == []
