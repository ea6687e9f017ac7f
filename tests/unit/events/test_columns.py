from typing import Any

import pyarrow as pa
import pytest
from document_strategies import DOCUMENTS, plain_values
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.document import field_values
from dogwatch.events.report import ReadReport
from dogwatch.events.storage import storage_type
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import FieldRef, FieldType

TEXT = pa.dictionary(pa.int32(), pa.utf8())
NAME = FieldRef("process.name", FieldType.KEYWORD)
ARGS = FieldRef("process.args", FieldType.KEYWORD)
PID = FieldRef("process.pid", FieldType.LONG)
ALL = [FieldRef(path, kind) for path in ("a", "a.b.c", "b") for kind in FieldType]


def rows_of(documents: list[dict[str, Any]]) -> list[Row]:
    return [Row(document, f"id{n}", True, None, None, NO_TIEBREAK) for n, document in enumerate(documents)]


def batch_of(documents: list[dict[str, Any]], *fields: FieldRef) -> tuple[Batch, ReadReport]:
    report = ReadReport()
    return make_batch(rows_of(documents), fields, 0, report), report


def column(documents: list[dict[str, Any]], ref: FieldRef) -> list[list[Any]]:
    batch, _ = batch_of(documents, ref)
    return [list(batch.values(ref, row)) for row in range(batch.length)]


def test_storage_types() -> None:
    stored = {kind: storage_type(kind) for kind in FieldType}
    assert stored == {
        FieldType.KEYWORD: TEXT,
        FieldType.TEXT: TEXT,
        FieldType.IP: TEXT,
        FieldType.VERSION: TEXT,
        FieldType.OBJECT: TEXT,
        FieldType.LONG: pa.int64(),
        FieldType.DOUBLE: pa.float64(),
        FieldType.BOOLEAN: pa.bool_(),
        FieldType.DATE: pa.int64(),
    }


@pytest.mark.parametrize("kind", FieldType)
def test_a_column_has_its_storage_type_whatever_is_missing(kind: FieldType) -> None:
    ref = FieldRef("x", kind)
    cases: list[list[dict[str, Any]]] = [[], [{}], [{"x": None}, {}]]
    for documents in cases:
        batch, _ = batch_of(documents, ref)
        assert batch.columns[ref].type == storage_type(kind)
        assert batch.columns[ref].null_count == len(batch.columns[ref]) == len(documents)


def test_a_column_is_a_list_only_if_a_row_has_several_values() -> None:
    batch, _ = batch_of([{"process": {"args": ["a"]}}, {}], ARGS)
    assert batch.columns[ARGS].type == TEXT
    batch, _ = batch_of([{"process": {"args": ["a", "b"]}}, {}, {"process": {"args": "c"}}], ARGS)
    assert batch.columns[ARGS].type == pa.list_(TEXT)
    assert batch.columns[ARGS].to_pylist() == [["a", "b"], None, ["c"]]


def test_values_that_do_not_fit_are_missing_and_counted() -> None:
    documents = [{"process": {"pid": pid}} for pid in (1, "2", "x", {"n": 1}, None, [3, "y"])]
    batch, report = batch_of(documents, PID, NAME)
    assert batch.columns[PID].to_pylist() == [1, 2, None, None, None, 3]
    assert report.uncoercible == {PID: 3}


def test_time_index_and_tiebreak() -> None:
    rows = [
        Row({"@timestamp": "1970-01-01T00:00:01Z"}, "a", True, "logs", None, 7),
        Row({"@timestamp": ["1970-01-01T00:00:02Z", "1970-01-01T00:00:09Z"]}, "b", True, None, None, NO_TIEBREAK),
        Row({"@timestamp": "soon"}, "c", True, "logs", None, NO_TIEBREAK),
        Row({}, "d", True, None, None, NO_TIEBREAK),
    ]
    report = ReadReport()
    batch = make_batch(rows, [], 40, report)
    assert batch.time.tolist() == [10**9, 2 * 10**9, NO_TIME, NO_TIME]
    assert batch.tiebreak.tolist() == [7, NO_TIEBREAK, NO_TIEBREAK, NO_TIEBREAK]
    assert [batch.event(row).index for row in range(4)] == ["logs", None, "logs", None]
    assert (report.without_time, report.without_index) == (2, 2)
    assert batch.first_arrival == 40


def test_the_way_back() -> None:
    place = Place("x.ndjson", 3)
    document = {"process": {"name": "nc"}}
    batch = make_batch([Row(document, "a", False, "logs", place, 5)], [NAME], 10, ReadReport())
    event = batch.event(0)
    assert (event.id, event.has_own_id, event.index, event.place) == ("a", False, "logs", place)
    assert (event.arrival, event.tiebreak, event.time) == (10, 5, NO_TIME)
    assert event.document is document


def test_surrogates_and_nul_are_text_enough() -> None:
    documents = [{"process": {"name": text}} for text in ("a\ud800b", "a\0b", "\U0001f415")]
    assert column(documents, NAME) == [["a\ufffdb"], ["a\0b"], ["\U0001f415"]]


def test_a_multi_field_reads_its_parent_and_a_field_of_that_name_itself() -> None:
    ref = FieldRef("process.name.text", FieldType.TEXT)
    assert column([{"process": {"name": "nc"}}, {"process.name": ["a", "b"]}, {}], ref) == [["nc"], ["a", "b"], []]
    batch, report = batch_of(
        [{"io": {"text": "own"}}, {"io": {"more": 1}}], FieldRef("io.text", FieldType.KEYWORD)
    )
    assert batch.columns[FieldRef("io.text", FieldType.KEYWORD)].to_pylist() == ["own", None]
    assert not report.uncoercible


def test_derived_fields_follow_from_others_unless_the_document_says() -> None:
    documents: list[dict[str, Any]] = [
        {"process": {"args": ["nc", "-l", "99"], "name": "/usr/bin/nc"}},
        {"process": {"args": ["nc"]}, "fortisiem": {"procName": "own"}},
        {"process": {"args": ["nc", "-e"]}, "fortisiem.swParam": "own"},
        {},
    ]
    parameters = FieldRef("fortisiem.swParam", FieldType.KEYWORD)
    assert column(documents, parameters) == [["-l 99"], [], ["own"], []]
    name = FieldRef("fortisiem.procName", FieldType.KEYWORD)
    assert column(documents, name) == [["/usr/bin/nc", "nc"], ["own"], [], []]


def test_a_derived_field_counts_the_losses_of_its_input_once() -> None:
    derived = FieldRef("fortisiem.procName", FieldType.KEYWORD)
    _, report = batch_of([{"process": {"name": {"x": 1}}}], derived, NAME)
    assert report.uncoercible == {NAME: 1}


@settings(max_examples=60, deadline=None)
@given(st.lists(DOCUMENTS, max_size=4))
def test_columns_agree_with_the_plain_search(documents: list[dict[str, Any]]) -> None:
    batch, report = batch_of(documents, *ALL)
    lost = 0
    for ref in ALL:
        for row, document in enumerate(documents):
            expected, missed = coerce_all(plain_values(document, ref.path), ref.type)
            lost += missed
            whole = [value.replace("\ud800", "\ufffd") if isinstance(value, str) else value for value in expected]
            assert list(batch.values(ref, row)) == whole
    assert sum(report.uncoercible[ref] for ref in ALL) == lost


@settings(max_examples=60, deadline=None)
@given(st.lists(DOCUMENTS, max_size=5), st.integers(0, 5))
def test_splitting_a_batch_changes_nothing(documents: list[dict[str, Any]], at: int) -> None:
    whole, whole_report = batch_of(documents, *ALL)
    parts_report = ReadReport()
    rows = rows_of(documents)
    parts = [make_batch(part, ALL, 0, parts_report) for part in (rows[:at], rows[at:])]
    for ref in ALL:
        together = [list(part.values(ref, row)) for part in parts for row in range(part.length)]
        assert together == [list(whole.values(ref, row)) for row in range(whole.length)]
    assert [time for part in parts for time in part.time] == list(whole.time)
    assert parts_report.uncoercible == whole_report.uncoercible
    assert parts_report.without_time == whole_report.without_time


BERTH = FieldRef("berth", FieldType.KEYWORD, null_value="adrift")
DAY = FieldRef("day", FieldType.DATE, ("dd-MM-yyyy",))


def test_an_explicit_null_is_the_null_value_and_absence_is_not() -> None:
    documents: list[dict[str, Any]] = [
        {"berth": None},
        {"berth": ["north", None, [None]]},
        {"berth": []},
        {},
        {"berth": "south"},
    ]
    assert column(documents, BERTH) == [["adrift"], ["north", "adrift", "adrift"], [], [], ["south"]]


def test_the_same_field_with_and_without_its_null_value_is_two_columns() -> None:
    plain = FieldRef("berth", FieldType.KEYWORD)
    batch, _ = batch_of([{"berth": None}, {"berth": ["a", None]}], BERTH, plain)
    assert [list(batch.values(plain, row)) for row in range(2)] == [[], ["a"]]
    assert [list(batch.values(BERTH, row)) for row in range(2)] == [["adrift"], ["a", "adrift"]]


def test_nulls_inside_objects_of_a_list_are_of_the_field() -> None:
    ref = FieldRef("crew.rank", FieldType.LONG, null_value=0)
    documents: list[dict[str, Any]] = [
        {"crew": [{"rank": None}, {"rank": 3}, {}]},
        {"crew": None},
        {"crew.rank": None},
    ]
    assert [sorted(row) for row in column(documents, ref)] == [[0, 3], [], [0]]


def test_dates_are_read_in_their_formats_and_others_counted() -> None:
    batch, report = batch_of([{"day": "17-12-2022"}, {"day": "2022-12-17"}, {"day": None}], DAY)
    assert batch.columns[DAY].to_pylist() == [1_671_235_200_000_000_000, None, None]
    assert report.uncoercible == {DAY: 1}


NULLED = [
    FieldRef("a", FieldType.KEYWORD, null_value="none"),
    FieldRef("a.b", FieldType.LONG, null_value=-1),
    FieldRef("c.text", FieldType.TEXT, null_value="none"),
    FieldRef("b", FieldType.DATE, ("yyyy-MM-dd", "epoch_second"), null_value=0),
    FieldRef("b", FieldType.DATE, ("yyyy-MM-dd",)),
    FieldRef("a.b.c", FieldType.BOOLEAN),
]


@settings(max_examples=60, deadline=None)
@given(st.lists(DOCUMENTS, max_size=6))
def test_columns_and_the_plain_way_find_the_same(documents: list[dict[str, Any]]) -> None:
    batch, _ = batch_of(documents, *NULLED, *ALL)
    for row, document in enumerate(documents):
        for ref in (*NULLED, *ALL):
            found = field_values(document, ref)
            plain = [each.replace("\ud800", "\ufffd") if isinstance(each, str) else each for each in found]
            assert sorted(map(repr, batch.values(ref, row))) == sorted(map(repr, plain)), ref
