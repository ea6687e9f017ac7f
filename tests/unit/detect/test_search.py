"""Searches: against the plain search, and what must not change an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dogwatch
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.detect import results
from dogwatch.detect.search import Hit, Search, result_end
from dogwatch.engine.reference import search as reference
from dogwatch.events.batch import Batch, Document, Event
from dogwatch.events.readers import documents_to_batches
from dogwatch.languages import eql
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.logic.pattern import (
    AggregatePattern,
    CompositePattern,
    End,
    EventPattern,
    SamplePattern,
    SequencePattern,
)
from dogwatch.schema.schema import Schema

SCHEMA = Schema.ecs()
NO_CLOCK: Mapping[str, Any] = {}

QUERIES = (
    "any where true",
    "process where process.pid != 1",
    "any where process.pid > 1 | head 3",
    "any where process.pid > 1 | tail 3",
    "any where true | head 4 | tail 2",
    "any where true | tail 0",
    "sequence [process where true] [network where true]",
    "sequence by host.name [process where true] [any where true] | tail 2",
    "sequence by ?host.name, process.pid with maxspan=2s [process where true] [any where true] [any where true]",
    "sequence with maxspan=3s [process where true] by process.pid [network where true] by process.parent.pid",
    "sequence by host.name [any where true] with runs=3 until [network where process.pid == 2]",
    "sequence by host.name [process where true] [network where true] until [network where true] | head 1",
    "sequence by ?host.name with maxspan=3s [process where true] ![network where true] [process where true]",
    "sequence by ?host.name with maxspan=2s ![network where true] [process where true] [process where true]",
    "sequence by host.name with maxspan=2s [process where true] [any where true] ![network where true]",
    "sequence with maxspan=2s ![network where true] [process where true] ![network where true] with runs=2",
    "sample by host.name [process where true] [network where true]",
    "sample by ?host.name, ?process.pid [any where true] [any where true] [network where true]",
    "sample [process where true] by process.pid [any where true] by process.parent.pid",
)

names = st.sampled_from(["a", "b", None])
pids = st.sampled_from([1, 2, "2", None, [1, 2]])


@st.composite
def documents(draw: st.DrawFn, *, distinct: bool = False) -> list[Document]:
    """Few hosts, few process ids, times close together; each document has a number of its own."""
    found = []
    count = draw(st.integers(0, 14))
    stamps = draw(st.permutations(range(count)))
    for number in range(count):
        second = stamps[number] if distinct else draw(st.integers(0, 6))
        document: Document = {
            "@timestamp": f"2026-01-01T00:00:{second:02}Z",
            "event": {"category": draw(st.sampled_from(["process", "network", ["network", "process"], None]))},
            "host": {"name": draw(st.one_of(names, st.lists(names, max_size=3)))},
            "process": {"pid": draw(pids), "parent.pid": draw(pids)},
            "number": number,
        }
        if not distinct and draw(st.integers(0, 9)) == 0:
            del document["@timestamp"]
        if draw(st.booleans()):
            document["event"]["sequence"] = draw(st.integers(0, 3))
        if draw(st.integers(0, 3)):
            document["event"]["created"] = f"2026-01-01T00:00:00.{draw(st.integers(0, 3))}Z"
        found.append(document)
    return found


def batches_of(events: Sequence[Document], query: Search, rows: int = 8192) -> Iterator[Batch]:
    return documents_to_batches(events, query.fields, batch_rows=rows)


def plain(
    query: str, events: Sequence[Document], clock: Mapping[str, Any] = NO_CLOCK, **options: Any
) -> list[Hit]:
    """What the plain search finds."""
    lowered = eql.lower_text(query, type_of=SCHEMA.type_of, **clock)
    pattern = lowered.pattern
    assert not isinstance(pattern, AggregatePattern | CompositePattern)
    rows = [batch.event(row) for batch in documents_to_batches(events, ()) for row in range(batch.length)]
    found = reference.search(pattern, rows, clock=lowered.clock, limits=lowered.limits, **options)
    return [plain_hit(pattern, each) for each in found]


def plain_hit(pattern: EventPattern | SequencePattern | SamplePattern, found: Any) -> Hit:
    if isinstance(found, Event):
        return Hit((found.document,))
    events = pattern.laid_out(found.events) if isinstance(pattern, SequencePattern) else found.events
    documents = tuple({"missing": True} if event is None else event.document for event in events)
    return Hit(documents, found.keys, found.open_until)


clocks = st.sampled_from(
    [
        NO_CLOCK,
        {"timestamp_field": "event.created"},
        {"tiebreaker_field": "process.pid"},
        {"timestamp_field": "event.created", "tiebreaker_field": "event.sequence"},
    ]
)
sizes = st.one_of(st.none(), st.integers(0, 4))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(QUERIES),
    documents(),
    clocks,
    sizes,
    st.sampled_from(End),
    st.integers(0, 3),
    st.integers(1, 5),
)
def test_it_finds_what_the_plain_search_finds(
    query: str,
    events: list[Document],
    clock: dict[str, Any],
    size: int | None,
    position: End,
    most: int,
    rows: int,
) -> None:
    prepared = Search("eql", query, SCHEMA, **clock)
    batches = batches_of(events, prepared, rows)
    found = prepared.run(batches, size=size, result_position=position, max_samples_per_key=most)
    assert list(found) == plain(query, events, clock, size=size, position=position, max_samples_per_key=most)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(QUERIES), documents(distinct=True), st.randoms(use_true_random=False), sizes)
def test_the_order_of_reading_plays_no_part(
    query: str, events: list[Document], random: Any, size: int | None
) -> None:
    prepared = Search("eql", query, SCHEMA)
    shuffled = random.sample(events, len(events))
    first, second = (list(prepared.run(batches_of(each, prepared), size=size)) for each in (events, shuffled))
    if query.startswith("sample"):
        # Which of several documents a sample takes is decided by their order of time, so this holds as well.
        assert [hit.join_keys for hit in first] == [hit.join_keys for hit in second]
    assert first == second


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(QUERIES), documents(distinct=True), st.integers(1, 4), sizes)
def test_a_followed_stream_in_order_gives_the_same_events_and_sequences(
    query: str, events: list[Document], rows: int, size: int | None
) -> None:
    ordered = sorted(events, key=lambda event: event["@timestamp"])
    prepared = Search("eql", query, SCHEMA)
    options: dict[str, Any] = {"size": size, "result_position": End.HEAD}
    live = list(prepared.run(batches_of(ordered, prepared, rows), follow=True, **options))
    closed = list(prepared.run(batches_of(ordered, prepared), **options))
    if query.startswith("sample"):
        assert len(live) == len(closed)
    elif "![" in query:
        # What must not follow is decided later than what ends later.
        assert len(live) == len(closed)
    else:
        assert live == closed


@settings(max_examples=60, deadline=None)
@given(documents(), st.integers(0, 5), st.sampled_from(End), st.integers(1, 4))
def test_many_events_are_spooled_and_few_are_not_with_one_answer(
    events: list[Document], size: int, position: End, rows: int
) -> None:
    prepared = Search("eql", "process where true", SCHEMA)
    found = list(prepared.run(batches_of(events, prepared, rows), size=size, result_position=position))
    of_few = prepared.found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "_FEW", -1)
        again = list(prepared.run(batches_of(events, prepared, rows), size=size, result_position=position))
    assert again == found
    assert prepared.found == of_few == len(plain("process where true", events))


def process(second: float, **more: Any) -> Document:
    stamp = f"2026-01-01T00:00:{second:06.3f}Z"
    return {"@timestamp": stamp, "event": {"category": "process"}, "second": second, **more}


def network(second: float, **more: Any) -> Document:
    return {**process(second, **more), "event": {"category": "network"}}


class TestHits:
    def test_an_absence_has_its_places(self) -> None:
        query = (
            "sequence with maxspan=5s [process where true] ![network where true] with runs=2 [process where true]"
        )
        start, end = process(1), process(2)
        (hit,) = dogwatch.search("eql", query, [start, end])
        assert hit == Hit((start, {"missing": True}, {"missing": True}, end))

    def test_a_window_that_is_open_says_until_when(self) -> None:
        query = "sequence by host.name with maxspan=5s [process where true] ![network where true]"
        start = process(1, host={"name": "h"})
        (hit,) = dogwatch.search("eql", query, [start, process(6)])
        assert hit == Hit((start, {"missing": True}), ("h",), 1_767_225_606_000_000_000)
        (hit,) = dogwatch.search("eql", query, [start, process(6.001)])
        assert hit.open_until is None

    def test_sequences_come_by_their_last_event_however_late_they_are_decided(self) -> None:
        query = (
            "sequence by host.name with maxspan=10s [process where true] [process where true] ![file where true]"
        )
        here, there = {"host": {"name": "here"}}, {"host": {"name": "there"}}
        early = [process(1, **here), process(9, **here)]
        late = [process(2, **there), process(3, **there)]
        events = [*early, *late, process(30)]
        assert [hit.join_keys for hit in dogwatch.search("eql", query, events)] == [("there",), ("here",)]

    @pytest.mark.parametrize(
        ("stamp", "shown"),
        [
            ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.000Z"),
            (1_767_225_600_120, "2026-01-01T00:00:00.120Z"),
            ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456789Z"),
        ],
    )
    def test_dates_among_the_keys_are_iso_text(self, stamp: object, shown: str) -> None:
        query = "sample by event.created, process.pid [process where true] [network where true]"
        events = [
            {"event": {"category": category, "created": stamp}, "process": {"pid": 5}}
            for category in ("process", "network")
        ]
        (hit,) = dogwatch.search("eql", query, events)
        assert hit.join_keys == (shown, 5)

    def test_a_null_key_and_a_boolean_stay_what_they_are(self) -> None:
        query = "sample by ?host.name, process.interactive [process where true] [process where true]"
        events = [process(1, **{"process.interactive": True}), process(2, **{"process.interactive": "true"})]
        (hit,) = dogwatch.search("eql", query, events)
        assert hit.join_keys == (None, True)


class TestLimits:
    EVENTS = tuple(process(second) for second in (3, 1, 2, 0))

    def seconds(self, query: str = "any where true", **options: Any) -> list[Any]:
        return [hit.events[0]["second"] for hit in dogwatch.search("eql", query, list(self.EVENTS), **options)]

    def test_everything_by_default_in_the_order_of_time(self) -> None:
        assert self.seconds() == [0, 1, 2, 3]

    def test_the_last_by_default_the_first_if_asked(self) -> None:
        assert self.seconds(size=2) == [2, 3]
        assert self.seconds(size=2, result_position="tail") == [2, 3]
        assert self.seconds(size=2, result_position="head") == [0, 1]

    def test_a_pipe_has_the_last_word_about_the_end(self) -> None:
        assert self.seconds("any where true | head 3", size=2) == [0, 1]
        assert self.seconds("any where true | tail 3", size=2, result_position="head") == [2, 3]
        assert self.seconds("any where true | head 3 | tail 1") == [2]

    def test_kql_has_the_same_limits(self) -> None:
        hits = dogwatch.search("kql", "second >= 0", list(self.EVENTS), size=1)
        assert [hit.events[0]["second"] for hit in hits] == [3]

    @pytest.mark.parametrize(
        ("size", "position", "found"), [(None, End.TAIL, 4), (2, End.TAIL, 4), (4, End.HEAD, 4), (0, End.TAIL, 4)]
    )
    def test_what_was_found_is_counted_beyond_the_limit(self, size: int | None, position: End, found: int) -> None:
        prepared = Search("eql", "any where true", SCHEMA)
        list(prepared.run(batches_of(self.EVENTS, prepared), size=size, result_position=position))
        assert prepared.found == found

    def test_a_head_of_sequences_looks_one_further(self) -> None:
        prepared = Search("eql", "sequence [any where true] [any where true]", SCHEMA)
        assert len(list(prepared.run(batches_of(self.EVENTS, prepared), size=1, result_position=End.HEAD))) == 1
        assert prepared.found == 2
        assert len(list(prepared.run(batches_of(self.EVENTS, prepared), size=3, result_position=End.HEAD))) == 3
        assert prepared.found == 3


class TestFollowing:
    def batches(self, prepared: Search, *documents: Document) -> Iterator[Batch]:
        yield from batches_of(documents, prepared, 1)
        raise AssertionError("the stream was read further than was needed")

    @pytest.mark.parametrize(
        "query",
        [
            "process where true",
            "sequence [process where true] [process where true]",
            "sample by event.category [process where true] [process where true]",
            "any where true | head 1",
        ],
    )
    def test_a_hit_comes_before_the_next_event_is_read_and_the_last_ends_the_reading(self, query: str) -> None:
        prepared = Search("eql", query, SCHEMA)
        batches = self.batches(prepared, process(1), process(2))
        (hit,) = prepared.run(batches, size=1, result_position=End.HEAD, follow=True)
        assert hit.events[0]["second"] in (1, 2)
        assert prepared.found == 1

    def test_an_absence_is_decided_by_a_later_event_of_any_kind(self) -> None:
        prepared = Search("eql", "sequence with maxspan=2s [process where true] ![network where true]", SCHEMA)
        other = {**process(4), "event": {"category": "file"}}
        batches = self.batches(prepared, process(1), other)
        (hit,) = prepared.run(batches, size=1, result_position=End.HEAD, follow=True)
        assert hit == Hit((process(1), {"missing": True}))

    def test_the_last_hits_wait_for_the_end(self) -> None:
        prepared = Search("eql", "any where true", SCHEMA)
        found = prepared.run(batches_of([process(2), process(1)], prepared), size=1, follow=True)
        assert [hit.events[0]["second"] for hit in found] == [2]


class TestFields:
    def test_another_category_field(self) -> None:
        events = [{"event_type": "alert", "n": 1}, {"event": {"category": "alert"}, "n": 2}]
        found = dogwatch.search("eql", "alert where true", events, event_category_field="event_type")
        assert [hit.events[0]["n"] for hit in found] == [1]

    def test_another_clock(self) -> None:
        events = [
            {"@timestamp": "2026-01-01", "event": {"ingested": "2026-01-05", "sequence": 1}, "n": 1},
            {"@timestamp": "2026-01-02", "event": {"ingested": "2026-01-04", "sequence": 7}, "n": 2},
            {"event": {"ingested": "2026-01-04", "sequence": 3}, "n": 3},
        ]
        options: dict[str, Any] = {"timestamp_field": "event.ingested", "tiebreaker_field": "event.sequence"}
        found = dogwatch.search("eql", "any where true", events, **options)
        assert [hit.events[0]["n"] for hit in found] == [3, 2, 1]
        pairs = dogwatch.search("eql", "sequence [any where n == 3] [any where n == 1]", events, **options)
        assert [[event["n"] for event in hit.events] for hit in pairs] == [[3, 1]]

    def test_fortisiem_filters_are_read_as_strictly_as_is_asked(self) -> None:
        events = [{"fortisiem": {"user": "ROOT"}}, {"fortisiem": {"procName": "nc"}}]
        for query, strict, found in (
            ('user = "root"', [], [0]),
            ('user = "root"', ["case"], []),
            ('user != "eve"', [], [0]),
            ('user != "eve"', ["missing-differs"], [0, 1]),
        ):
            hits = dogwatch.search("fortisiem", query, events, fortisiem=FortisiemOptions.named(strict))
            assert [hit.events[0] for hit in hits] == [events[number] for number in found], (query, strict)
        with pytest.raises(DogwatchError, match="no file describes"):
            dogwatch.search("fortisiem", "user IN (Group@X)", [], fortisiem=FortisiemOptions.named(["groups"]))

    @pytest.mark.parametrize("language", ["kql", "fortisiem"])
    @pytest.mark.parametrize("name", ["event_category_field", "timestamp_field", "tiebreaker_field"])
    def test_only_eql_has_a_choice(self, language: str, name: str) -> None:
        choice: dict[str, Any] = {name: "other"}
        with pytest.raises(DogwatchError) as error:
            Search(language, "a: b", SCHEMA, **choice)
        assert error.value.diagnostics[0].code == "search-option"


class TestErrors:
    @pytest.mark.parametrize("options", [{"size": -1}, {"max_samples_per_key": -1}, {"result_position": "middle"}])
    def test_arguments_that_make_no_sense(self, options: dict[str, Any]) -> None:
        with pytest.raises(DogwatchError) as error:
            dogwatch.search("eql", "any where true", [], **options)
        (problem,) = error.value.diagnostics
        assert problem.code == "search-option"
        assert str(next(iter(options.values()))) in problem.message

    def test_they_are_told_before_anything_is_read(self) -> None:
        with pytest.raises(DogwatchError, match="negative"):
            Search("eql", "any where true", SCHEMA).run(iter(()), size=-1)

    def test_an_unknown_language(self) -> None:
        with pytest.raises(DogwatchError, match="choose one of eql, kql") as error:
            Search("spl", "x", SCHEMA)
        assert error.value.diagnostics[0].code == "unknown-language"

    def test_the_ends_have_names(self) -> None:
        assert (result_end("tail"), result_end("head")) == (End.TAIL, End.HEAD)


def test_join_keys_beyond_reason_are_told() -> None:
    many = [str(number) for number in range(1100)]
    query = Search("eql", "sequence by host.name [any where true] [any where true]", SCHEMA)
    events = [process(1, host={"name": many}), process(2, host={"name": many})]
    assert len(list(query.run(batches_of(events, query)))) == 1000
    (problem,) = query.left_out
    assert problem.code == "join-keys-left-out"
    assert problem.message.startswith("400 ")
    list(query.run(batches_of([], query)))
    assert query.left_out == ()
