from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_samples import event

from dogwatch.engine.limit import Outermost, limited
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Event
from dogwatch.logic.pattern import End, Limit, limits_with_size

limits = st.lists(st.builds(Limit, st.sampled_from(End), st.integers(0, 7)), max_size=4)


def head(count: int) -> Limit:
    return Limit(End.HEAD, count)


def tail(count: int) -> Limit:
    return Limit(End.TAIL, count)


@pytest.mark.parametrize(
    ("several", "kept"),
    [
        ([], "abcdef"),
        ([head(2)], "ab"),
        ([tail(2)], "ef"),
        ([head(4), tail(2)], "cd"),
        ([tail(4), head(2)], "cd"),
        ([head(9)], "abcdef"),
        ([tail(9)], "abcdef"),
        ([head(0)], ""),
        ([tail(0)], ""),
        ([tail(3), tail(2), head(1)], "e"),
    ],
)
def test_limits_apply_one_after_the_other(several: list[Limit], kept: str) -> None:
    assert "".join(limited("abcdef", several)) == kept


@given(st.lists(st.integers(), max_size=10), limits)
def test_limits_are_slices(results: list[int], several: list[Limit]) -> None:
    expected = results
    for limit in several:
        start = 0 if limit.end is End.HEAD else max(0, len(expected) - limit.count)
        expected = expected[start : start + limit.count]
    assert list(limited(results, several)) == expected
    assert list(limited(results, several, len(results))) == expected


def test_a_head_ends_the_reading_at_its_last() -> None:
    numbers = itertools.count()
    assert list(limited(numbers, [head(3), tail(2)])) == [1, 2]
    assert next(numbers) == 3


@pytest.mark.parametrize("nothing", [[head(0)], [tail(0)], [tail(3), head(0)]])
def test_what_keeps_nothing_reads_nothing(nothing: list[Limit]) -> None:
    numbers = itertools.count()
    assert list(limited(numbers, nothing)) == []
    assert next(numbers) == 0


def test_results_of_a_head_come_as_they_are_found() -> None:
    def results() -> Iterator[str]:
        yield "first"
        raise AssertionError("the second was asked for too early")

    assert next(limited(results(), [head(2)])) == "first"


@pytest.mark.parametrize("end", End)
def test_the_size_keeps_the_end_of_the_first_pipe(end: End) -> None:
    assert limits_with_size((head(7), tail(3)), 5, end) == (head(5), head(7), tail(3))
    assert limits_with_size((), 5, end) == (Limit(end, 5),)
    assert limits_with_size((tail(3),), None, end) == (tail(3),)


@st.composite
def batches(draw: st.DrawFn) -> list[list[Event]]:
    """Events in any order, many at equal times or without any, by the batches in which they come."""
    times = st.sampled_from([NO_TIME, -1, 0, 1, 2])
    count = draw(st.integers(0, 20))
    found = [event(draw(times), arrival, draw(st.sampled_from([1, 2, NO_TIEBREAK]))) for arrival in range(count)]
    size = draw(st.integers(1, 8))
    return [found[start : start + size] for start in range(0, count, size)]


@given(batches(), st.builds(Limit, st.sampled_from(End), st.integers(0, 6)))
def test_the_outermost_are_those_of_the_whole_order(several: list[list[Event]], limit: Limit) -> None:
    kept = Outermost(limit)
    looked_at = 0
    for batch in several:
        time = np.array([one.time for one in batch], np.int64)
        tiebreak = np.array([one.tiebreak for one in batch], np.int64)
        rows = kept.candidates(np.arange(len(batch)), time, tiebreak)
        assert rows.tolist() == sorted(rows.tolist())
        assert rows.size <= limit.count
        looked_at += rows.size
        for row in rows.tolist():
            kept.add(batch[row])
    everything = sorted((one for batch in several for one in batch), key=lambda one: one.order)
    assert list(kept) == list(limited(everything, [limit]))


def test_later_batches_are_measured_by_what_is_kept() -> None:
    kept = Outermost(head(2))
    tiebreak = np.full(3, NO_TIEBREAK)
    for arrival, time in enumerate([5, 6]):
        kept.add(event(time, arrival))
    assert kept.candidates(np.arange(3), np.array([9, 4, 8]), tiebreak).tolist() == [1]
    assert Outermost(tail(0)).candidates(np.arange(3), np.array([9, 4, 8]), tiebreak).tolist() == []
