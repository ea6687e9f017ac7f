"""Events converted to Parquet are the same events, by columns, ids, order and documents: alerts are the same."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.alerts.encoding import encode
from dogwatch.events.batch import Batch, Event
from dogwatch.events.columns import TIMESTAMP
from dogwatch.events.parquet_writer import ParquetEvents
from dogwatch.events.readers import ReadOptions, documents_to_batches, read_batches
from dogwatch.events.readers.parquet import RowGroupReader, row_groups
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAME = FieldRef("process.name", FieldType.KEYWORD)
FIELDS = [
    NAME,
    FieldRef("process.args", FieldType.KEYWORD),
    FieldRef("process.pid", FieldType.LONG),
    FieldRef("process.pid", FieldType.KEYWORD),
    FieldRef("event.category", FieldType.KEYWORD),
    FieldRef("destination.ip", FieldType.IP),
    FieldRef("process.exit_code", FieldType.DOUBLE),
    FieldRef("event.end", FieldType.DATE),
    FieldRef("flag", FieldType.BOOLEAN),
    FieldRef("fortisiem.procName", FieldType.KEYWORD),
    FieldRef("process.name.text", FieldType.TEXT),
]


def converted(batches: Iterable[Batch], path: Path, fields: Iterable[FieldRef], group_rows: int = 50_000) -> Path:
    """Write batches as a Parquet file."""
    with path.open("wb") as file, ParquetEvents(file, fields, group_rows) as writer:
        for batch in batches:
            ids = [batch.source.event_id(row)[0] for row in range(batch.length)]
            writer.add(batch, ids, [encode(batch.source.document(row)) for row in range(batch.length)])
    return path


def read(path: Path, fields: Iterable[FieldRef], most_rows: int = 1000) -> tuple[list[Batch], ReadReport]:
    """The batches of a Parquet file."""
    report = ReadReport()
    reader = RowGroupReader(fields, ReadOptions(), most_rows)
    return [
        batch for group in row_groups(path, str(path), 0, report) for batch in reader.read(group, report)
    ], report


def rows(batches: Iterable[Batch], fields: Iterable[FieldRef]) -> list[dict[str, Any]]:
    """Everything that a scan sees of events but their places."""
    listed = list(fields)
    return [
        {
            **_facts(batch.event(row)),
            "columns": {(str(ref), ref.type): tuple(batch.values(ref, row)) for ref in listed},
        }
        for batch in batches
        for row in range(batch.length)
    ]


def _facts(event: Event) -> dict[str, Any]:
    return {
        "id": (event.id, event.has_own_id),
        "index": event.index,
        "order": event.order[:2],
        "document": json.loads(encode(event.document)),
    }


@pytest.mark.parametrize("recording", sorted(EXAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_a_recording_is_the_same_in_parquet(recording: Path, tmp_path: Path) -> None:
    batches = list(read_batches([recording], {*FIELDS, TIMESTAMP}, ReadOptions(), ReadReport()))
    path = converted(batches, tmp_path / "events.parquet", FIELDS)
    expected = rows(batches, FIELDS)
    found, report = read(path, FIELDS)
    assert expected
    assert rows(found, FIELDS) == expected
    assert (report.events, report.problems, report.uncoercible) == (len(expected), {}, {})
    # Without the columns, by the documents alone.
    bare = converted(batches, tmp_path / "bare.parquet", [])
    assert rows(read(bare, FIELDS)[0], FIELDS) == expected


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["nc", "12", "10.0.0.1", "true", "2026-01-01"])
)
VALUES = LEAVES | st.lists(LEAVES, max_size=3)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "@timestamp": st.sampled_from(["2026-01-01T00:00:00Z", 7, "no time", ["2026-01-02", "2026-01-01"]]),
        "process": st.fixed_dictionaries(
            {}, optional={"name": VALUES, "args": VALUES, "pid": VALUES, "exit_code": VALUES}
        ),
        "process.name": VALUES,
        "event": st.fixed_dictionaries(
            {},
            optional={
                "category": VALUES,
                "end": VALUES,
                "id": st.sampled_from(["one", "two"]),
                "sequence": st.integers(0, 3),
            },
        ),
        "destination.ip": VALUES,
        "flag": VALUES,
        "_index": st.sampled_from(["logs-a-b", ""]),
    },
)


@settings(deadline=None, max_examples=30)
@given(
    documents=st.lists(DOCUMENTS, min_size=1, max_size=12),
    group_rows=st.integers(1, 12),
    batch_rows=st.integers(1, 12),
    most_rows=st.integers(1, 12),
    hot=st.sets(st.sampled_from(FIELDS)),
)
def test_any_documents_are_the_same_in_parquet(
    documents: list[dict[str, Any]],
    group_rows: int,
    batch_rows: int,
    most_rows: int,
    hot: set[FieldRef],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    batches = list(documents_to_batches(documents, {*FIELDS, TIMESTAMP}, batch_rows=batch_rows))
    path = converted(batches, tmp_path_factory.mktemp("any") / "events.parquet", hot, group_rows)
    found, _ = read(path, FIELDS, most_rows)
    assert rows(found, FIELDS) == rows(batches, FIELDS)
    # With the columns that the file has and no others.
    found, _ = read(path, hot, most_rows)
    assert rows(found, hot) == rows(batches, hot)


def test_a_field_that_comes_to_hold_several_values_is_read_from_its_document(tmp_path: Path) -> None:
    documents = [{"process": {"name": "a"}}] * 5 + [{"process": {"name": ["b", "c"]}}]
    batches = list(documents_to_batches(documents, {NAME, TIMESTAMP}))
    path = converted(batches, tmp_path / "e.parquet", [NAME], group_rows=2)
    table = pq.read_table(path)
    assert table.schema.field("process.name").type == pa.utf8()
    assert table["process.name"].to_pylist() == ["a"] * 5 + [None]
    assert table["_partial"].to_pylist() == [False] * 5 + [True]
    found, _ = read(path, [NAME])
    assert [tuple(batch.values(NAME, row)) for batch in found for row in range(batch.length)] == [("a",)] * 5 + [
        ("b", "c")
    ]


def test_documents_are_not_looked_at_where_columns_hold_what_is_asked(tmp_path: Path) -> None:
    batches = list(documents_to_batches([{"process": {"name": "a"}}], {NAME, TIMESTAMP}))
    path = converted(batches, tmp_path / "e.parquet", [NAME])
    table = pq.read_table(path)
    column = table.schema.names.index("_source")
    other = table.set_column(column, "_source", pa.array(['{"process":{"name":"other"}}']))
    pq.write_table(other.replace_schema_metadata(table.schema.metadata), path)
    assert [tuple(batch.values(NAME, 0)) for batch in read(path, [NAME])[0]] == [("a",)]
    # Who says nothing of the columns has documents alone.
    pq.write_table(other.replace_schema_metadata(None), path)
    assert [tuple(batch.values(NAME, 0)) for batch in read(path, [NAME])[0]] == [("other",)]


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"version":"1","columns":[{"name":"process.name"}]}', b"\xff"]
)
def test_metadata_that_are_not_ours_are_no_error(tmp_path: Path, text: bytes) -> None:
    table = pa.table({"_source": ['{"process":{"name":"x"}}'], "process.name": ["y"]})
    path = tmp_path / "e.parquet"
    pq.write_table(table.replace_schema_metadata({b"dogwatch": text}), path)
    assert [tuple(batch.values(NAME, 0)) for batch in read(path, [NAME])[0]] == [("x",)]


def test_a_column_of_another_type_than_told_is_not_trusted(tmp_path: Path) -> None:
    batches = list(documents_to_batches([{"process": {"name": "a"}}], {NAME, TIMESTAMP}))
    path = converted(batches, tmp_path / "e.parquet", [NAME])
    table = pq.read_table(path)
    column = table.schema.names.index("process.name")
    pq.write_table(table.set_column(column, "process.name", pa.array([7])), path)
    assert [tuple(batch.values(NAME, 0)) for batch in read(path, [NAME])[0]] == [("a",)]


def test_row_groups_have_the_rows_asked_for(tmp_path: Path) -> None:
    batches = list(documents_to_batches([{"n": number} for number in range(25)], {TIMESTAMP}, batch_rows=7))
    path = converted(batches, tmp_path / "e.parquet", [], group_rows=10)
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [10, 10, 5]


def test_no_events_are_a_file_too() -> None:
    target = io.BytesIO()
    with ParquetEvents(target, [NAME]):
        pass
    table = pq.read_table(io.BytesIO(target.getvalue()))
    assert table.num_rows == 0
    assert table.schema.names[:2] == ["@timestamp", "process.name"]
