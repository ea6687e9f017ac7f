"""Watch lists: what is on them, from when on, and what a flood costs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.time import FOREVER
from dogwatch.engine.watchlists import WatchLists
from dogwatch.schema.field import Scalar


def test_an_entry_holds_for_later_events_only() -> None:
    lists = WatchLists()
    lists.add("bad", "10.0.0.1", 5)
    assert [lists.holds("bad", "10.0.0.1", time) for time in (4, 5, 6)] == [False, False, True]
    assert not lists.holds("good", "10.0.0.1", 6)
    assert not lists.holds("bad", "10.0.0.2", 6)


@pytest.mark.parametrize(
    ("added", "asked"), [("Bob", "bOB"), ("É", "é"), (443, "443"), (443.0, 443), (True, "TRUE"), (1.5, "1.5")]
)
def test_values_are_compared_as_texts_without_case(added: Scalar, asked: Scalar) -> None:
    lists = WatchLists()
    lists.add("Bad Users", added, 0)
    assert lists.holds("bad users", asked, 1)


@pytest.mark.parametrize("times", [(5, 9), (9, 5)])
def test_the_earliest_time_counts(times: tuple[int, int]) -> None:
    lists = WatchLists()
    for time in times:
        lists.add("bad", "x", time)
    assert len(lists) == 1
    assert lists.holds("bad", "x", 6)
    assert not lists.holds("bad", "x", 5)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=12))
def test_a_value_is_there_for_a_while_after_each_addition(additions: list[tuple[int, int]]) -> None:
    lists = WatchLists()
    for added, lasts in additions:
        lists.add("bad", "x", added, added + lasts)
    for time in range(40):
        expected = any(added < time < added + lasts for added, lasts in additions)
        assert lists.holds("bad", "x", time) == expected
    assert len(lists) == bool(additions)


def test_the_longest_list_loses_what_was_not_added_for_longest() -> None:
    lists = WatchLists(limit=4)
    lists.add("few", "kept", 0)
    for value in ("a", "b", "c"):
        lists.add("many", value, 1)
    lists.add("many", "a", 2)
    assert lists.evicted == 0
    lists.add("few", "new", 3)
    assert lists.evicted == 1
    assert sorted(entry[:3] for entry in lists.entries()) == [
        ("few", "kept", 0),
        ("few", "new", 3),
        ("many", "a", 1),
        ("many", "c", 1),
    ]
    assert len(lists) == 4
    assert not lists.holds("many", "b", 9)


def test_all_entries_can_be_given_back() -> None:
    lists = WatchLists()
    lists.extend([("bad", "x", 1, 9), ("Bad", 7, 2, FOREVER), ("good", "y", 3, FOREVER)])
    other = WatchLists()
    other.add("old", "z", 0)
    other.replace(lists.entries())
    assert list(other.entries()) == [("bad", "x", 1, 9), ("bad", "7", 2, FOREVER), ("good", "y", 3, FOREVER)]
    assert len(other) == 3
    assert not other.holds("old", "z", 9)
