from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_samples import event

from dogwatch.engine.packed import RowFormat, ValueList, digest_of
from dogwatch.schema.field import Scalar

DIGEST = bytes(range(16))

scalars: st.SearchStrategy[Scalar | None] = st.one_of(
    st.none(),
    st.integers(),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, True, False, 0, 1, 0.0, 1.0, -math.inf]),
    st.floats(allow_nan=False),
    st.text(st.characters(), max_size=3),
)
times = st.integers(-(2**63), 2**63 - 1)


def typed(values: tuple[Scalar | None, ...]) -> list[tuple[type, Scalar | None]]:
    return [(type(value), value) for value in values]


@given(st.data(), st.lists(st.booleans(), max_size=3))
def test_what_is_packed_comes_back(data: st.DataObject, floats: list[bool]) -> None:
    form = RowFormat(floats)
    row = st.tuples(times, st.binary(min_size=16, max_size=16), st.tuples(*[scalars for _ in floats]))
    wanted = sorted(data.draw(st.lists(row, min_size=1, max_size=8)), key=lambda each: each[0])
    rows = bytearray()
    for each in wanted:
        rows += form.packed(*each)
    assert len(rows) == len(wanted) * form.size
    saved = form.saved(rows)
    other = RowFormat(floats)
    for made, packed in ((form, rows), (other, other.restored(*saved))):
        assert [made.time(packed, place) for place in range(len(wanted))] == [time for time, _, _ in wanted]
        assert [made.digest(packed, place) for place in range(len(wanted))] == list(made.digests(packed))
        assert list(made.digests(packed)) == [digest for _, digest, _ in wanted]
        assert list(map(typed, made.all_values(packed))) == [typed(values) for _, _, values in wanted]
        assert typed(made.values(packed, 0)) == typed(wanted[0][2])
    assert other.saved(other.restored(*saved)) == saved
    cut = data.draw(st.integers(0, len(wanted)))
    for _ in range(cut):
        form.remove_oldest(rows)
    assert list(map(typed, form.all_values(rows))) == [typed(values) for _, _, values in wanted[cut:]]
    form.release(rows)
    assert len(form.listed) == 0


@given(st.lists(st.integers(0, 5), max_size=12))
def test_late_rows_go_behind_those_of_their_time(points: list[int]) -> None:
    form = RowFormat([False])
    rows = bytearray()
    for number, time in enumerate(points):
        form.insert(rows, time, DIGEST, (number,))
    found = [(form.time(rows, place), form.values(rows, place)[0]) for place in range(len(points))]
    assert found == sorted((time, number) for number, time in enumerate(points))


@pytest.mark.parametrize("is_float", [False, True])
def test_what_is_no_number_is_missing(is_float: bool) -> None:
    form = RowFormat([is_float])
    rows = bytearray()
    rows += form.packed(0, DIGEST, (math.nan,))
    assert form.values(rows, 0) == (None,)


def test_a_text_is_held_once_and_as_long_as_a_row_holds_it() -> None:
    form = RowFormat([False, True])
    rows = bytearray()
    for text in ("root", "".join(["ro", "ot"]), "alice"):
        rows += form.packed(0, DIGEST, (text, text))
    assert len(form.listed) == 2
    assert form.values(rows, 0)[0] is form.values(rows, 1)[1]
    form.remove_oldest(rows)
    form.remove_oldest(rows)
    assert form.listed.all() == ["alice"]
    rows += form.packed(0, DIGEST, ("bob", 1.5))
    assert form.listed.all() == ["bob", "alice"]
    assert [form.values(rows, place) for place in range(2)] == [("alice", "alice"), ("bob", 1.5)]


def test_a_released_number_names_nothing() -> None:
    listed = ValueList(["a", "b"])
    listed.release(0)
    for number in (0, 2, -1):
        with pytest.raises(LookupError):
            listed.value(number)


@pytest.mark.parametrize("packed", [b"", b"\0" * 25])
def test_a_part_of_a_row_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="without rows"):
        RowFormat([]).restored(packed, [])


def test_digests_are_the_same_everywhere() -> None:
    one = replace(event(5, 1, name="e1"), index="logs-a")
    assert digest_of(one).hex() == "64d3a9fae0691448f64dc4ce13949552"
    assert digest_of(replace(one, arrival=7, tiebreak=3, document={})) == digest_of(one)
    others = [
        replace(one, time=6),
        replace(one, id="e2"),
        replace(one, index="logs-"),
        replace(one, index="logs-ae", id="1"),
        replace(one, index=None),
        replace(one, id="\ud800"),
    ]
    assert len({digest_of(each) for each in (one, *others)}) == len(others) + 1
    assert digest_of(replace(one, index="")) == digest_of(replace(one, index=None))
