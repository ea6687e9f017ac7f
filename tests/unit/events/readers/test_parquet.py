"""Parquet files as batches: the same columns as of the same documents in JSON, and what becomes of odd files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch
from dogwatch.events.parquet_values import documents_of
from dogwatch.events.readers import ReadOptions, documents_to_batches
from dogwatch.events.readers.parquet import RowGroupReader, is_parquet, row_groups
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

NAME = FieldRef("process.name", FieldType.KEYWORD)
PID = FieldRef("process.pid", FieldType.LONG)
MOMENT = datetime(2026, 11, 22, 2, 0, 1, 500_000, UTC)
NANOS = 1_795_312_801_500_000_000


def read(
    path: Path, fields: Sequence[FieldRef], *, most_rows: int = 1000, **options: Any
) -> tuple[list[Batch], ReadReport]:
    """All batches of a file, and the account."""
    report = ReadReport()
    reader = RowGroupReader(fields, ReadOptions(**options), most_rows)
    groups = list(row_groups(path, str(path), 3, report))
    return [batch for group in groups for batch in reader.read(group, report)], report


def write(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    """A Parquet file of some columns."""
    pq.write_table(pa.table(columns), path, **options)
    return path


def values(batch: Batch, ref: FieldRef) -> list[tuple[Any, ...]]:
    """The values of each row."""
    return [tuple(batch.values(ref, row)) for row in range(batch.length)]


def indices(batch: Batch) -> list[Any]:
    """The data stream of each row."""
    names: Any = batch.index
    return list(names.to_pylist())


def one_column(path: Path, array: pa.Array[Any], kind: FieldType) -> tuple[list[tuple[Any, ...]], int]:
    """What a column is under a type, and how many values were lost."""
    ref = FieldRef("x", kind)
    (batch,), report = read(write(path / "one.parquet", {"x": array}), [ref])
    return values(batch, ref), report.uncoercible[ref]


class TestColumns:
    def test_nested_and_dotted_columns_are_the_same_field(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "e.parquet",
            {
                "process": pa.array([{"name": "a", "pid": 1}, None, {"name": None, "pid": 2}]),
                "process.name": ["x", None, "z"],
            },
        )
        (batch,), report = read(path, [NAME, PID])
        assert values(batch, NAME) == [("a", "x"), (), ("z",)]
        assert values(batch, PID) == [(1,), (), (2,)]
        assert (report.events, report.lines, report.files, report.without_time) == (3, 3, 1, 3)

    def test_lists_lists_of_structs_and_maps(self, tmp_path: Path) -> None:
        tags = FieldRef("tags", FieldType.KEYWORD)
        label = FieldRef("labels.team", FieldType.KEYWORD)
        inner = FieldRef("files.hash.md5", FieldType.KEYWORD)
        path = write(
            tmp_path / "e.parquet",
            {
                "tags": [["a", None, "b"], [], None, ["c"]],
                "labels": pa.array([[("team", "red"), ("other", "x")], [], None, [("team", None)]], LABELS),
                "files": [[{"hash": {"md5": "1"}}, {"hash": None}, {"hash": {"md5": "2"}}], [], None, [None]],
            },
        )
        (batch,), _ = read(path, [tags, label, inner])
        assert values(batch, tags) == [("a", "b"), (), (), ("c",)]
        assert values(batch, label) == [("red",), (), (), ()]
        assert values(batch, inner) == [("1", "2"), (), (), ()]

    @pytest.mark.parametrize(
        ("array", "kind", "expected", "lost"),
        [
            (pa.array([1, None, 3], pa.int8()), FieldType.LONG, [(1,), (), (3,)], 0),
            (pa.array([1, 2**63], pa.uint64()), FieldType.LONG, [(1,), ()], 1),
            (pa.array([7, 8]), FieldType.KEYWORD, [("7",), ("8",)], 0),
            (pa.array([7, 8], pa.int32()), FieldType.DOUBLE, [(7.0,), (8.0,)], 0),
            (pa.array([1.5, float("nan"), float("inf")]), FieldType.DOUBLE, [(1.5,), (), ()], 2),
            (pa.array([1.9, float("nan")]), FieldType.LONG, [(1,), ()], 1),
            (pa.array([True, False]), FieldType.BOOLEAN, [(True,), (False,)], 0),
            (pa.array([True, False]), FieldType.KEYWORD, [("true",), ("false",)], 0),
            (pa.array([True]), FieldType.LONG, [()], 1),
            (pa.array(["true", "no", ""]), FieldType.BOOLEAN, [(True,), (), (False,)], 1),
            (pa.array(["12", "x", ""]), FieldType.LONG, [(12,), (), ()], 1),
            (pa.array(["::ffff:1.2.3.4", "1.2.3.4", "?"]), FieldType.IP, [("1.2.3.4",), ("1.2.3.4",), ()], 1),
            (pa.array(["a", "b", "a"]).dictionary_encode(), FieldType.KEYWORD, [("a",), ("b",), ("a",)], 0),
            (pa.array([b"text", b"\xff", None]), FieldType.KEYWORD, [("text",), (), ()], 1),
            (pa.array([Decimal("1.50"), Decimal("2.00")]), FieldType.DOUBLE, [(1.5,), (2.0,)], 0),
            (pa.array([Decimal(7)]), FieldType.KEYWORD, [("7",)], 0),
            (pa.array([timedelta(seconds=1)], pa.duration("ms")), FieldType.LONG, [(1_000_000_000,)], 0),
            (pa.array([date(2026, 11, 22)]), FieldType.KEYWORD, [("2026-11-22",)], 0),
            (pa.array([{"b": 1, "a": [None, "x"]}]), FieldType.OBJECT, [('{"a":[null,"x"],"b":1}',)], 0),
            (pa.array([{"b": 1}]), FieldType.KEYWORD, [()], 1),
            (pa.nulls(2), FieldType.KEYWORD, [(), ()], 0),
        ],
    )
    def test_types(
        self, tmp_path: Path, array: pa.Array[Any], kind: FieldType, expected: list[tuple[Any, ...]], lost: int
    ) -> None:
        assert one_column(tmp_path, array, kind) == (expected, lost)

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    @pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris"])
    def test_timestamps_are_dates_and_shown_in_utc(self, tmp_path: Path, unit: str, zone: str | None) -> None:
        numbers = pa.array([NANOS // {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[unit], None], pa.int64())
        moments = numbers.cast(pa.timestamp(unit, zone))
        shown = "2026-11-22T02:00:01.000Z" if unit == "s" else "2026-11-22T02:00:01.500Z"
        expected = NANOS // 10**9 * 10**9 if unit == "s" else NANOS
        assert one_column(tmp_path, moments, FieldType.DATE) == ([(expected,), ()], 0)
        assert one_column(tmp_path, moments, FieldType.KEYWORD) == ([(shown,), ()], 0)
        (batch,), report = read(write(tmp_path / "t.parquet", {"@timestamp": moments}), [])
        assert (batch.time.tolist(), report.without_time) == ([expected, NO_TIME], 1)
        assert [batch.source.document(row) for row in (0, 1)] == [{"@timestamp": shown}, {}]

    def test_a_timestamp_beyond_nanoseconds_is_lost_and_no_error(self, tmp_path: Path) -> None:
        moments = pa.array([10**14, -(10**17), 0], pa.timestamp("ms"))
        assert one_column(tmp_path, moments, FieldType.DATE) == ([(), (), (0,)], 2)
        assert one_column(tmp_path, moments, FieldType.KEYWORD)[1] == 1

    def test_text_that_is_no_utf8_is_lost_in_texts_too(self, tmp_path: Path) -> None:
        broken = pa.array([b"ok", b"\xff\xfe", b"ok"]).cast(pa.binary()).view(pa.utf8())
        assert one_column(tmp_path, broken, FieldType.KEYWORD) == ([("ok",), (), ("ok",)], 1)

    def test_a_multi_field_reads_its_parent_unless_it_is_a_column_itself(self, tmp_path: Path) -> None:
        text = FieldRef("process.name.text", FieldType.KEYWORD)
        (batch,), _ = read(write(tmp_path / "a.parquet", {"process.name": ["a", "b"]}), [text])
        assert values(batch, text) == [("a",), ("b",)]
        own = {"process.name": ["a", "b"], "process.name.text": [None, "c"]}
        (batch,), _ = read(write(tmp_path / "b.parquet", own), [text])
        assert values(batch, text) == [("a",), ("c",)]

    def test_a_derived_field_is_worked_out(self, tmp_path: Path) -> None:
        attribute = FieldRef("fortisiem.user", FieldType.KEYWORD)
        path = write(tmp_path / "e.parquet", {"user": pa.array([{"name": "alice"}, None, {"name": "bob"}])})
        (batch,), _ = read(path, [attribute])
        expected = next(
            documents_to_batches([{"user": {"name": "alice"}}, {}, {"user": {"name": "bob"}}], [attribute])
        )
        assert values(batch, attribute) == values(expected, attribute) == [("alice",), (), ("bob",)]

    def test_columns_that_no_field_needs_are_not_looked_at(self, tmp_path: Path) -> None:
        path = write(tmp_path / "e.parquet", {"process.name": ["a"] * 500, "bulk": ["y" * 50] * 500})
        whole = path.read_bytes()
        metadata = pq.read_metadata(path).row_group(0).column(1)
        start = metadata.dictionary_page_offset or metadata.data_page_offset
        path.write_bytes(whole[:start] + b"\xff" * 20 + whole[start + 20 :])
        (batch,), report = read(path, [NAME])
        assert (batch.length, report.lost) == (500, False)
        assert batch.source.document(499) == {"process.name": "a"}
        assert report.problems == {"parquet-damaged": 1}


LABELS = pa.map_(pa.utf8(), pa.utf8())


class TestEvents:
    def test_ids_order_and_data_streams(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "e.parquet",
            {
                "_id": ["one", None, None],
                "_index": [".ds-logs-x-default-2024.01.01-000001", None, None],
                "event": [
                    {"id": "e1", "sequence": 5},
                    {"id": "e2", "sequence": None},
                    {"id": None, "sequence": 9},
                ],
                "data_stream": [None, {"type": "logs", "dataset": "y", "namespace": "n"}, None],
            },
        )
        (batch,), report = read(path, [])
        events = [batch.event(row) for row in range(3)]
        assert [(event.id, event.has_own_id) for event in events[:2]] == [("one", True), ("e2", True)]
        assert (events[2].id[:5], events[2].has_own_id) == ("line-", False)
        assert [event.index for event in events] == ["logs-x-default", "logs-y-n", None]
        assert [event.tiebreak for event in events] == [5, NO_TIEBREAK, 9]
        assert [event.place for event in events] == [Place(str(path), row) for row in (1, 2, 3)]
        assert [event.arrival for event in events] == [(3 << 40) + row for row in range(3)]
        assert report.without_index == 1

    def test_the_users_index_goes_before_all(self, tmp_path: Path) -> None:
        (batch,), _ = read(write(tmp_path / "e.parquet", {"_index": ["a", None]}), [], index="mine")
        assert indices(batch) == ["mine", "mine"]

    def test_rows_keep_their_documents_over_batches_and_groups(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "e.parquet", {"process.pid": list(range(50)), "more": list("ab" * 25)}, row_group_size=20
        )
        batches, report = read(path, [PID], most_rows=7)
        assert [batch.length for batch in batches] == [7, 7, 6, 7, 7, 6, 7, 3]
        assert [pid for batch in batches for (pid,) in values(batch, PID)] == list(range(50))
        arrivals = [batch.first_arrival + row for batch in batches for row in range(batch.length)]
        assert arrivals == sorted(set(arrivals))
        # Asked for in any order.
        for batch in reversed(batches):
            for row in reversed(range(batch.length)):
                place = batch.source.place(row)
                assert place is not None
                assert place.line is not None
                number = place.line - 1
                assert batch.source.document(row) == {"process.pid": number, "more": "ab"[number % 2]}
        assert report.events == 50

    def test_documents_hold_all_columns_as_json_would(self) -> None:
        batch = pa.RecordBatch.from_pylist(
            [
                {
                    "a": {"b": [1, None], "c": None, "raw": b"\xff"},
                    "t": MOMENT,
                    "d": Decimal("1.5"),
                    "bytes": b"text",
                    "list": [b"\xff", b"ok"],
                },
            ]
        )
        assert documents_of(batch) == [
            {"a": {"b": [1, None]}, "t": "2026-11-22T02:00:01.500Z", "d": 1.5, "bytes": "text", "list": ["ok"]}
        ]

    def test_a_struct_of_whole_documents(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "e.parquet",
            {"_source": [{"process": {"name": "a"}}, None], "_id": ["1", "2"], "process.name": ["not", "these"]},
        )
        (batch,), _ = read(path, [NAME])
        assert values(batch, NAME) == [("a",), ()]
        assert [batch.source.document(row) for row in (0, 1)] == [{"process": {"name": "a"}}, {}]
        assert batch.source.event_id(1) == ("2", True)


class TestRawDocuments:
    def test_a_column_of_json_texts_is_the_whole_event(self, tmp_path: Path) -> None:
        texts = ['{"process":{"name":"a"},"event":{"id":"x"}}', "{", None, '{"process.name":["b","c"]}', "[]"]
        path = write(
            tmp_path / "e.parquet",
            {"_source": texts, "_index": ["logs-a-b"] * 5, "process.name": ["no", "no", "no", "no", "no"]},
        )
        (batch,), report = read(path, [NAME])
        assert values(batch, NAME) == [("a",), ("b", "c")]
        assert batch.source.document(1) == {"process.name": ["b", "c"]}
        assert batch.source.event_id(0) == ("x", True)
        assert batch.source.place(1) == Place(str(path), 4)
        assert indices(batch) == ["logs-a-b", "logs-a-b"]
        assert (report.problems, report.events, report.lines) == ({"json-line": 3}, 2, 5)
        assert [each.place for each in report.kept] == [Place(str(path), row) for row in (2, 3, 5)]


PATHS = ["a", "a.c", "a.e", "b", "b.c", "b.c.e", "d", "d.text"]
LAYOUTS = ["a", "b.c", "b", "d", "d.text", "@timestamp"]
SCALARS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (
        pa.utf8(),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(["12", "true"]),
    ),
    "long": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "small": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "double": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "flag": (pa.bool_(), st.booleans()),
}
TYPES = [FieldType.KEYWORD, FieldType.LONG, FieldType.DOUBLE, FieldType.BOOLEAN, FieldType.DATE, FieldType.IP]


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.Table, list[dict[str, Any]]]:
    """A table, and its rows as documents."""
    length = draw(st.integers(1, 8))
    arrays: dict[str, pa.Array[Any]] = {}
    documents: list[dict[str, Any]] = [{} for _ in range(length)]
    layouts = draw(st.lists(st.sampled_from(LAYOUTS), unique=True, min_size=1))
    for name in layouts:
        shape = draw(st.sampled_from(["one", "list", "struct", "structs"]))
        kind, scalars = SCALARS[draw(st.sampled_from(sorted(SCALARS)))]
        one = st.none() | scalars
        leaf = st.lists(one, max_size=3) if shape == "list" else one
        kind = pa.list_(kind) if shape == "list" else kind
        if shape in ("struct", "structs"):
            kind = pa.struct([pa.field("c", kind), pa.field("e", pa.list_(kind))])
            leaf = st.none() | st.fixed_dictionaries({"c": one, "e": st.none() | st.lists(one, max_size=2)})
        if shape == "structs":
            kind, leaf = pa.list_(kind), st.none() | st.lists(leaf, max_size=3)
        rows = draw(st.lists(leaf, min_size=length, max_size=length))
        arrays[name] = pa.array(rows, kind)
        for document, value in zip(documents, rows, strict=True):
            document[name] = value
    return pa.table(arrays), documents


class TestAgainstJson:
    @settings(deadline=None, max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(drawn=columns(), types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=3), most=st.integers(1, 9))
    def test_a_file_gives_the_columns_of_its_documents(
        self,
        tmp_path: Path,
        drawn: tuple[pa.Table, list[dict[str, Any]]],
        types: list[FieldType],
        most: int,
    ) -> None:
        table, documents = drawn
        path = tmp_path / "drawn.parquet"
        pq.write_table(table, path, row_group_size=5)
        fields = [
            FieldRef(name, kind)
            for kind in types
            for name in ("a", "a.c", "a.e", "b", "b.c", "b.c.e", "d", "d.text")
        ]
        batches, report = read(path, fields, most_rows=most)
        expected = ReadReport()
        (whole,) = documents_to_batches(json.loads(json.dumps(documents)), fields, expected)
        for ref in fields:
            assert [sorted(each, key=repr) for batch in batches for each in values(batch, ref)] == [
                sorted(each, key=repr) for each in values(whole, ref)
            ], ref
        assert [time for batch in batches for time in batch.time.tolist()] == whole.time.tolist()
        assert report.uncoercible == expected.uncoercible
        assert report.without_time == expected.without_time

    def test_derived_columns_are_typed_as_a_batch_promises(self, tmp_path: Path) -> None:
        path = write(tmp_path / "e.parquet", {"x": ["a", None]})
        fields = [FieldRef("x", FieldType.KEYWORD), FieldRef("gone", FieldType.KEYWORD), PID]
        (batch,), _ = read(path, fields)
        kinds = {str(ref): column.type for ref, column in batch.columns.items()}
        text = pa.dictionary(pa.int32(), pa.utf8())
        assert kinds == {"x": text, "gone": text, "process.pid": pa.int64()}
        assert np.array_equal(batch.tiebreak, [NO_TIEBREAK] * 2)


class TestOddFiles:
    def test_telling_parquet_from_logs(self, tmp_path: Path) -> None:
        path = write(tmp_path / "e.parquet", {"a": [1]})
        whole = path.read_bytes()
        assert is_parquet(path)
        for name, content, expected in [
            ("cut", whole[:-10], True),
            ("log", b"PAR1 sshd[7]: Accepted password\n", False),
            ("json", b'{"a":1}\n', False),
            ("empty", b"", False),
            ("short", b"PA", False),
        ]:
            other = tmp_path / name
            other.write_bytes(content)
            assert is_parquet(other) is expected, name
        assert not is_parquet(tmp_path / "missing")
        assert not is_parquet(tmp_path)

    @pytest.mark.parametrize("keep", [8, 50, -10, -1])
    def test_a_file_that_was_cut_off(self, tmp_path: Path, keep: int) -> None:
        path = write(tmp_path / "e.parquet", {"a": list(range(100))})
        path.write_bytes(path.read_bytes()[:keep])
        batches, report = read(path, [NAME])
        assert (batches, report.files, report.lost, len(report.kept)) == ([], 0, True, 1)
        assert report.kept[0].code == "parquet-damaged"
        assert "cut off" in report.kept[0].message
        assert report.kept[0].hint

    def test_a_damaged_footer(self, tmp_path: Path) -> None:
        path = write(tmp_path / "e.parquet", {"a": list(range(100))})
        whole = path.read_bytes()
        path.write_bytes(whole[:-60] + b"\xff" * 50 + whole[-10:])
        batches, report = read(path, [NAME])
        assert (batches, report.files, [each.code for each in report.kept]) == ([], 0, ["parquet-damaged"])

    def test_a_damaged_row_group_costs_only_itself(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "e.parquet",
            {"process.name": [f"name {number}" for number in range(300)]},
            row_group_size=100,
            use_dictionary=False,
            compression="none",
        )
        whole = path.read_bytes()
        offset = pq.read_metadata(path).row_group(1).column(0).data_page_offset
        path.write_bytes(whole[:offset] + b"\xff" * 40 + whole[offset + 40 :])
        batches, report = read(path, [NAME])
        assert [value for batch in batches for (value,) in values(batch, NAME)] == [
            f"name {number}" for number in (*range(100), *range(200, 300))
        ]
        assert (report.lost, report.files) == (True, 1)
        assert [(each.code, each.place) for each in report.kept] == [("parquet-damaged", Place(str(path), 101))]

    def test_files_without_rows_or_columns(self, tmp_path: Path) -> None:
        empty = write(tmp_path / "rows.parquet", {"a": pa.array([], pa.int64())})
        batches, report = read(empty, [NAME])
        assert (batches, report.files, report.lost, list(report.problems)) == ([], 1, False, ["empty-input"])
        pq.write_table(pa.table({}), tmp_path / "columns.parquet")
        batches, report = read(tmp_path / "columns.parquet", [NAME])
        assert (batches, report.files, list(report.problems)) == ([], 1, ["empty-input"])

    def test_a_file_without_any_wanted_column_still_has_its_rows(self, tmp_path: Path) -> None:
        batches, report = read(write(tmp_path / "e.parquet", {"other": [1, 2, 3]}), [NAME], most_rows=2)
        assert [values(batch, NAME) for batch in batches] == [[(), ()], [()]]
        assert report.events == 3
        assert batches[1].source.document(0) == {"other": 3}

    def test_an_encrypted_file(self, tmp_path: Path) -> None:
        path = tmp_path / "e.parquet"
        write(path, {"a": [1]})
        whole = path.read_bytes()
        path.write_bytes(b"PARE" + whole[4:-4] + b"PARE")
        assert is_parquet(path)
        _, report = read(path, [NAME])
        assert [each.code for each in report.kept] == ["parquet-encrypted"]

    def test_a_missing_file(self, tmp_path: Path) -> None:
        _, report = read(tmp_path / "gone.parquet", [NAME])
        assert ([each.code for each in report.kept], report.lost) == (["no-such-file"], True)

    @settings(deadline=None, max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_bytes_that_were_changed_never_raise(self, tmp_path: Path, data: st.DataObject) -> None:
        path = write(
            tmp_path / "fuzz.parquet",
            {
                "process": [{"name": f"n{number % 7}", "args": ["x"] * (number % 3)} for number in range(60)],
                "process.pid": list(range(60)),
                "@timestamp": pa.array([NANOS + number for number in range(60)], pa.timestamp("ns")),
            },
            row_group_size=30,
            compression=data.draw(st.sampled_from(["none", "zstd", "snappy"])),
        )
        whole = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(whole)
        batches, report = read(path, [NAME, PID], most_rows=11)
        assert report.events == sum(batch.length for batch in batches) <= 60 or report.files
        for batch in batches:
            batch.event(0)
