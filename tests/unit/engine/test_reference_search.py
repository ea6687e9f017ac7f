"""The plain search, checked by hand: everything else is checked against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dogwatch.engine.passed import MAX_KEYS
from dogwatch.engine.reference.search import search, values_in
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Event
from dogwatch.logic.pattern import (
    Absence,
    Clock,
    End,
    EventPattern,
    JoinKey,
    Limit,
    SamplePattern,
    SequencePattern,
    Stage,
)
from dogwatch.logic.predicate import Compare, Exists, Field, IsTrue, Literal, Not, Order, Predicate
from dogwatch.schema.field import FieldRef, FieldType

KIND = Field(FieldRef("kind", FieldType.KEYWORD))
HOST = Field(FieldRef("host.name", FieldType.KEYWORD))
PORT = Field(FieldRef("port", FieldType.LONG))
BY_HOST = (JoinKey(HOST),)
BY_MAYBE_HOST = (JoinKey(HOST, optional=True),)


def kind(name: str) -> Predicate:
    return IsTrue(Compare(Order.EQ, KIND, Literal(name, FieldType.KEYWORD)))


def log(*documents: dict[str, Any] | str, times: Sequence[int] | None = None) -> list[Event]:
    """Events at 0, 1, 2.. unless told otherwise; a text is a document's kind."""
    found = []
    for place, document in enumerate(documents):
        whole = {"kind": document} if isinstance(document, str) else document
        time = place if times is None else times[place]
        found.append(Event(str(place), None, time, NO_TIEBREAK, place, whole, None, has_own_id=False))
    return found


def ids(results: Sequence[SequenceHit | Event]) -> list[Any]:
    return [one.id if isinstance(one, Event) else tuple(event.id for event in one.events) for one in results]


def test_single_events_come_in_canonical_order() -> None:
    events = log("a", "b", "a", "a", times=[3, 2, NO_TIME, 3])
    assert ids(search(EventPattern(kind("a")), events)) == ["2", "0", "3"]


def test_values_are_coerced_and_flattened() -> None:
    values = values_in({"port": ["12", [7, "x"], None], "host": [{"name": 1}, {"name": True}]})
    assert values(PORT.ref) == [12, 7]
    assert values(HOST.ref) == ["1", "true"]
    assert values(KIND.ref) == []


def test_another_reader_of_values_may_be_given() -> None:
    found = search(EventPattern(Exists(PORT)), log("a", "b"), read=lambda document: lambda _: [document["kind"]])
    assert ids(found) == ["0", "1"]


def test_negation_is_the_complement() -> None:
    assert ids(search(EventPattern(Not(kind("a"))), log("a", {}, "b"))) == ["1", "2"]


@pytest.mark.parametrize(
    ("limits", "size", "position", "found"),
    [
        ((), None, End.TAIL, "01234"),
        ((), 2, End.TAIL, "34"),
        ((), 2, End.HEAD, "01"),
        ((), 0, End.TAIL, ""),
        ((Limit(End.HEAD, 4), Limit(End.TAIL, 2)), None, End.TAIL, "23"),
        ((Limit(End.HEAD, 4), Limit(End.TAIL, 2)), 3, End.TAIL, "12"),
        ((Limit(End.TAIL, 4),), 3, End.HEAD, "234"),
        ((Limit(End.TAIL, 0),), None, End.HEAD, ""),
    ],
)
def test_limits(limits: tuple[Limit, ...], size: int | None, position: End, found: str) -> None:
    events = log(*["a"] * 5)
    assert ids(search(EventPattern(kind("a")), events, limits=limits, size=size, position=position)) == list(found)


def test_a_sequence_with_keys_until_and_an_absence() -> None:
    stages = (Stage(kind("a"), BY_HOST), Stage(kind("b"), BY_HOST))
    pattern = SequencePattern(stages, 10, Stage(kind("stop"), BY_HOST), (Absence(Stage(kind("no"), BY_HOST), 1),))
    both = {"kind": "b", "host": {"name": ["x", "y"]}}
    events = log(
        {"kind": "a", "host.name": "x"},
        {"kind": "a", "host.name": "y"},
        {"kind": "no", "host.name": "y"},
        both,
        {"kind": "a", "host.name": "x"},
        {"kind": "stop", "host.name": "x"},
        both,
        "a",
    )
    (found,) = search(pattern, events)
    assert isinstance(found, SequenceHit)
    assert (found.keys, ids([found]), found.open_until) == (("x",), [("0", "3")], None)


def test_an_event_without_time_has_no_place_in_a_sequence() -> None:
    pattern = SequencePattern((Stage(kind("a")), Stage(kind("b"))))
    assert search(pattern, log("a", "b", times=[NO_TIME, 1])) == []


def test_the_newest_event_of_all_closes_a_window() -> None:
    stages = (Stage(kind("a")),)
    pattern = SequencePattern(stages, 5, None, (Absence(Stage(kind("no")), 1),))
    first = log("a")[0]
    assert search(pattern, log("a", "other", times=[0, 5])) == [SequenceHit((), (first,), 5)]
    assert search(pattern, log("a", "other", times=[0, 6])) == [SequenceHit((), (first,))]


class TestSamples:
    PATTERN = SamplePattern((Stage(kind("a"), BY_MAYBE_HOST), Stage(kind("b"), BY_MAYBE_HOST)))

    def test_by_key_without_regard_to_time(self) -> None:
        events = log(
            {"kind": "b", "host.name": "y"},
            {"kind": "b"},
            {"kind": "a", "host.name": ["x", "y"]},
            {"kind": "a", "host.name": []},
            times=[5, NO_TIME, 1, 0],
        )
        found = search(self.PATTERN, events)
        assert ids(found) == [("3", "1"), ("2", "0")]
        assert [one.keys for one in found if isinstance(one, SequenceHit)] == [(None,), ("y",)]

    @pytest.mark.parametrize("position", End)
    def test_a_size_keeps_the_first_whatever_the_position(self, position: End) -> None:
        events = log(*({"kind": name, "host.name": host} for host in "zyx" for name in "ab"))
        assert ids(search(self.PATTERN, events, size=2, position=position)) == [("4", "5"), ("2", "3")]

    def test_more_of_a_key(self) -> None:
        assert ids(search(self.PATTERN, log("a", "a", "b"), max_samples_per_key=5)) == [("0", "2"), ("1", "2")]
        assert search(self.PATTERN, log("a", "a", "b"), max_samples_per_key=0) == []


class TestClock:
    MADE = FieldRef("made", FieldType.DATE)
    NUMBER = FieldRef("number", FieldType.LONG)

    def test_its_fields_order_the_events(self) -> None:
        stamp = "2026-01-01T00:00:00Z"
        events = log(
            {"kind": "a", "made": stamp, "number": 2},
            {"kind": "a", "made": [stamp, "2020-01-01"], "number": 1},
            {"kind": "a", "made": "2025-12-31"},
            {"kind": "a", "made": stamp},
            "a",
        )
        pattern = EventPattern(kind("a"))
        assert ids(search(pattern, events, clock=Clock(self.MADE, self.NUMBER))) == ["4", "2", "1", "0", "3"]
        assert ids(search(pattern, events, clock=Clock(self.MADE))) == ["4", "2", "0", "1", "3"]
        pairs = SequencePattern((Stage(kind("a")), Stage(kind("a"))))
        assert ids(search(pairs, events, clock=Clock(self.MADE, self.NUMBER))) == [
            ("2", "1"),
            ("1", "0"),
            ("0", "3"),
        ]


def test_keys_beyond_reason_are_left_out() -> None:
    many = {"kind": "a", "host.name": [f"{number:05}" for number in range(MAX_KEYS + 5)]}
    pattern = SamplePattern((Stage(kind("a"), BY_HOST),))
    found = search(pattern, log(many))
    assert len(found) == MAX_KEYS
    assert isinstance(found[-1], SequenceHit)
    assert found[-1].keys == (f"{MAX_KEYS - 1:05}",)
