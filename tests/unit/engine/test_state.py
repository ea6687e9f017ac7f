from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_samples import event

from dogwatch.base.diagnostic import DogwatchError, Place
from dogwatch.engine.state import EventRow, EventTable, Repeats, decode, encode
from dogwatch.events.batch import Event


class Box(msgspec.Struct, frozen=True, array_like=True):
    number: int
    text: str


def test_an_event_is_the_same_after_storing() -> None:
    made = Event("id", "logs", 1, 2, 3, {"a": {"b": [1, 2.5, None]}}, Place("f", 3, None), has_own_id=True)
    assert decode(encode(EventRow.of(made)), EventRow).event() == made


@given(st.integers(), st.text(st.characters()))
def test_decode_of_encode_is_the_value(number: int, text: str) -> None:
    assert decode(encode(Box(number, text)), Box) == Box(number, text)


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**400])
@pytest.mark.parametrize("text", ["", "\ud800", "\x1b[2J"])
def test_what_messagepack_cannot_hold_is_kept(number: int, text: str) -> None:
    assert decode(encode(Box(number, text)), Box) == Box(number, text)


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    try:
        found = decode(data, Box)
    except DogwatchError:
        return
    assert decode(encode(found), Box) == found


def test_bytes_of_another_type_are_refused() -> None:
    with pytest.raises(DogwatchError, match="state-format"):
        decode(encode(EventRow.of(event(1, 1))), Box)


def test_a_table_stores_an_event_once() -> None:
    table, one, like_it = EventTable(), event(1, 1), event(1, 1)
    assert [table.number(one), table.number(like_it), table.number(one)] == [0, 1, 0]
    assert len(table.rows()) == 2


def test_only_ids_of_the_newest_time_are_remembered() -> None:
    repeats = Repeats()
    first = event(1, 1, name="a", own=True)
    assert [repeats.seen(first), repeats.seen(first)] == [False, True]
    assert not repeats.seen(event(2, 2, name="b", own=True))
    assert not repeats.seen(first)
    assert repeats.saved() == (2, [("logs-test", "b")])


def test_one_id_in_two_indices_is_two_events() -> None:
    repeats = Repeats()
    here = event(1, 1, name="a", own=True)
    seen = [repeats.seen(each) for each in (here, replace(here, index="logs-b"), replace(here, index=None), here)]
    assert seen == [False, False, False, True]
    restored = Repeats(*repeats.saved())
    assert restored.seen(replace(here, index="logs-b"))


def test_an_id_that_is_a_hash_is_never_a_repeat() -> None:
    repeats = Repeats()
    assert not any(repeats.seen(event(1, number, name="same")) for number in range(3))
