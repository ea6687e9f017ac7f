import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from document_strategies import DOCUMENTS
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.events.batch import NO_TIEBREAK, Batch, Event
from dogwatch.events.readers import ReadOptions, documents_to_batches, expand_paths, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

NAME = FieldRef("process.name", FieldType.KEYWORD)
PID = FieldRef("process.pid", FieldType.LONG)
ARGS = FieldRef("process.args", FieldType.KEYWORD)
FIELDS = [NAME, PID, ARGS]
GOOD = b'{"process": {"name": "nc", "pid": 1, "args": ["nc", "-l"]}}'
RECORD = b"type=USER_LOGIN msg=audit(1700000000.%d:%d): pid=1 uid=0 auid=0 ses=1 msg='op=login res=success'\n"


def read(
    *paths: Path | str, options: ReadOptions | None = None, fields: list[FieldRef] = FIELDS
) -> tuple[list[Batch], ReadReport]:
    report = ReadReport()
    return list(read_batches(paths, fields, options or ReadOptions(), report)), report


def events(batches: list[Batch]) -> list[Event]:
    return [batch.event(row) for batch in batches for row in range(batch.length)]


def values(batches: list[Batch], ref: FieldRef) -> list[list[Any]]:
    return [list(batch.values(ref, row)) for batch in batches for row in range(batch.length)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.ndjson"


ODD_VALUES: dict[str, tuple[bytes, FieldRef, list[object], int]] = {
    "missing field": (b"{}", NAME, [], 0),
    "null": (b'{"process": {"name": null}}', NAME, [], 0),
    "extra field": (b'{"process": {"name": "nc"}, "more": [1, "a", {}]}', NAME, ["nc"], 0),
    "int field holds 123 as text": (b'{"process": {"pid": "123"}}', PID, [123], 0),
    "int field holds abc": (b'{"process": {"pid": "abc"}}', PID, [], 1),
    "int field holds 12.5": (b'{"process": {"pid": 12.5}}', PID, [12], 0),
    "int overflow": (b'{"process": {"pid": 99999999999999999999}}', PID, [], 1),
    "text field holds number": (b'{"process": {"name": 7}}', NAME, ["7"], 0),
    "text field holds boolean": (b'{"process": {"name": true}}', NAME, ["true"], 0),
    "text field holds array": (b'{"process": {"name": ["a", "b"]}}', NAME, ["a", "b"], 0),
    "text field holds object": (b'{"process": {"name": {"a": 1}}}', NAME, [], 1),
    "list field holds a single text": (b'{"process": {"args": "nc -l"}}', ARGS, ["nc -l"], 0),
    "list holds mixed scalars": (b'{"process": {"args": ["nc", 1, 1.0, null]}}', ARGS, ["nc", "1", "1.0"], 0),
    "list holds an object": (b'{"process": {"args": ["nc", {"a": 1}]}}', ARGS, ["nc"], 1),
    "object field holds text": (b'{"process": "nc"}', NAME, [], 0),
    "object field holds array": (b'{"process": [{"name": "a"}, {"name": "b"}]}', NAME, ["a", "b"], 0),
    "duplicate key": (b'{"process": {"name": "a", "name": "b"}}', NAME, ["b"], 0),
    "deep nesting in an unused field": (
        b'{"process": {"name": "nc"}, "x": ' + b"[" * 600 + b"]" * 600 + b"}",
        NAME,
        ["nc"],
        0,
    ),
    "20 MB line": (b'{"process": {"name": "nc"}, "x": "' + b"y" * (20 << 20) + b'"}', NAME, ["nc"], 0),
    "CRLF": (b'{"process": {"name": "nc"}}\r', NAME, ["nc"], 0),
    "dotted key beside nested": (b'{"process.name": "a", "process": {"name": "b"}}', NAME, ["a", "b"], 0),
    "escaped NUL": (b'{"process": {"name": "n\\u0000c"}}', NAME, ["n\0c"], 0),
}


@pytest.mark.parametrize(("line", "ref", "expected", "lost"), ODD_VALUES.values(), ids=ODD_VALUES.keys())
def test_an_odd_value_between_good_lines(
    log: Path, line: bytes, ref: FieldRef, expected: list[object], lost: int
) -> None:
    log.write_bytes(b"\xef\xbb\xbf" + GOOD + b"\n \n" + line + b"\n" + GOOD)
    batches, report = read(log)
    good = values(batches, ref)[0]
    assert values(batches, ref) == [good, expected, good]
    assert good
    assert report.uncoercible.total() == lost
    assert (report.lines, report.events, report.files, report.lost) == (3, 3, 1, False)
    assert not report.problems


def test_ids_places_and_order(log: Path) -> None:
    lines = [
        b'{"_index": "logs-x", "_id": "own", "_source": {"event": {"id": "other", "sequence": 5}}}',
        b'{"event": {"id": "e1", "sequence": 99999999999999999999}}',
        b'{"event.id": "e2", "event.sequence": "6"}',
        b'{"event": {"id": 7}}',
    ]
    log.write_bytes(b"\n".join(lines))
    found = events(read(log)[0])
    hashed = "line-" + hashlib.blake2b(lines[3], digest_size=16).hexdigest()
    assert [event.id for event in found] == ["own", "e1", "e2", hashed]
    assert [event.has_own_id for event in found] == [True, True, True, False]
    assert [event.tiebreak for event in found] == [5, NO_TIEBREAK, NO_TIEBREAK, NO_TIEBREAK]
    assert [event.arrival for event in found] == [0, 1, 2, 3]
    assert [str(event.place) for event in found] == [f"{log}:{n}" for n in (1, 2, 3, 4)]
    assert [event.index for event in found] == ["logs-x", None, None, None]
    assert found[0].document == {"event": {"id": "other", "sequence": 5}}


def test_an_index_that_the_user_names_wins(log: Path) -> None:
    log.write_bytes(b'{"_index": "logs-x", "_id": "1", "_source": {}}\n{}\n')
    batches, report = read(log, options=ReadOptions(index="mine"))
    assert [event.index for event in events(batches)] == ["mine", "mine"]
    assert report.without_index == 0


def test_arrays_printed_documents_and_search_responses(tmp_path: Path) -> None:
    one = {"process": {"name": "nc", "pid": 1, "args": ["nc"]}, "note": "x"}
    hits = {"took": 1, "_shards": {}, "hits": {"hits": [{"_index": "i", "_id": "7", "_source": one}]}}
    for number, text in enumerate(
        [
            json.dumps([one, one]),
            json.dumps([one, one], indent=2),
            json.dumps(one, indent=2),
            json.dumps(hits, indent=1),
        ]
    ):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        found = events(read(path)[0])
        assert [event.document for event in found] == [one] * (2 if number < 2 else 1)
    assert (found[0].id, found[0].index) == ("7", "i")


def test_rows_nested_deeply_give_their_document_from_any_stack_depth(log: Path) -> None:
    log.write_bytes(b'{"x": ' + b"[" * 700 + b"]" * 700 + b"}")
    (batch,) = read(log)[0]

    def further_down(levels: int) -> object:
        return further_down(levels - 1) if levels else batch.event(0).id

    assert str(further_down(400)).startswith("line-")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_size_of_batches_changes_nothing(log: Path, size: int) -> None:
    lines = [b'{"process": {"name": "p%d", "args": %s}}' % (n, [b'"a"', b'["a", "b"]'][n % 2]) for n in range(7)]
    log.write_bytes(b"\n".join(lines))
    whole, _ = read(log)
    parts, report = read(log, options=ReadOptions(batch_rows=size))
    assert max(batch.length for batch in parts) <= size
    assert [batch.first_arrival for batch in parts] == list(range(0, 7, size))
    assert events(parts) == events(whole)
    assert all(values(parts, ref) == values(whole, ref) for ref in FIELDS)
    assert report.events == 7


@settings(max_examples=40, deadline=None)
@given(st.lists(DOCUMENTS, max_size=6), st.integers(1, 4))
def test_documents_in_memory(documents: list[dict[str, Any]], size: int) -> None:
    fields = [FieldRef("a.b", FieldType.KEYWORD), FieldRef("b", FieldType.LONG)]
    whole = list(documents_to_batches(documents, fields))
    parts = list(documents_to_batches(documents, fields, batch_rows=size))
    assert [repr(event) for event in events(parts)] == [repr(event) for event in events(whole)]
    assert all(event.document is document for event, document in zip(events(whole), documents, strict=True))
    assert all(values(parts, ref) == values(whole, ref) for ref in fields)


def test_documents_that_are_none() -> None:
    report = ReadReport()
    (batch,) = documents_to_batches([{"a": 1}, 3, None], [], report, index="mine")
    assert batch.length == 1
    assert batch.event(0).index == "mine"
    assert report.problems == {"json-line": 2}


def test_files_folders_and_patterns(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    names = ["b.ndjson", "a.ndjson", "sub/c.ndjson", ".hidden/x.ndjson", ".y.ndjson"]
    for name in names:
        (tmp_path / name).write_bytes(GOOD)
    (tmp_path / "z-link.ndjson").symlink_to(tmp_path / "a.ndjson")
    inside = [tmp_path / name for name in ("a.ndjson", "b.ndjson", "sub/c.ndjson")]
    assert expand_paths([tmp_path]) == inside
    assert expand_paths([tmp_path / "b.ndjson", str(tmp_path), "-", "-"]) == [inside[1], inside[0], inside[2], "-"]
    assert expand_paths([str(tmp_path / "*.ndjson")]) == inside[:2]
    assert expand_paths([str(tmp_path / "**" / "c.ndjson")]) == inside[2:]
    assert expand_paths([tmp_path / "none-*"]) == [tmp_path / "none-*"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "open.ndjson").write_bytes(GOOD)
    (tmp_path / "shut").mkdir(mode=0)
    batches, report = read(tmp_path)
    assert len(events(batches)) == 1
    assert report.problems == {"not-permitted": 1}


def test_a_file_whose_name_is_a_pattern(tmp_path: Path) -> None:
    path = tmp_path / "a[1].ndjson"
    path.write_bytes(GOOD)
    assert expand_paths([path]) == [path]


def test_one_bad_input_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x7fELF\0\0\0")
    (tmp_path / "b.txt").write_bytes(b"hello\nworld\n")
    (tmp_path / "c.ndjson").write_bytes(GOOD)
    batches, report = read(tmp_path, tmp_path / "absent")
    assert [event.document for event in events(batches)] == [json.loads(GOOD)]
    assert report.problems == {"binary-input": 1, "unknown-format": 1, "no-such-file": 1}
    assert (report.files, report.lost) == (1, True)


def test_nothing_could_be_read(tmp_path: Path) -> None:
    batches, report = read(tmp_path / "absent")
    assert batches == []
    assert report.files == 0


def test_an_unknown_format_is_the_callers_mistake(log: Path) -> None:
    with pytest.raises(ValueError, match="xml"):
        read(log, options=ReadOptions(format="xml"))


def test_a_named_format_is_not_doubted(log: Path) -> None:
    log.write_bytes(b"[1]\n" + GOOD)
    batches, report = read(log, options=ReadOptions(format="ndjson"))
    assert len(events(batches)) == 1
    assert report.problems == {"json-line": 1}


def test_audit_logs_are_one_stream_beside_ndjson(tmp_path: Path) -> None:
    (tmp_path / "audit.log.1").write_bytes(RECORD % (100, 1) + RECORD % (300, 3))
    (tmp_path / "audit.log.2").write_bytes(RECORD % (200, 2))
    (tmp_path / "events.ndjson").write_bytes(GOOD + b"\n" + GOOD)
    batches, report = read(tmp_path)
    found = events(batches)
    assert [event.arrival for event in found] == [0, 1, 2, 3, 4]
    assert [event.tiebreak for event in found[2:]] == [1, 2, 3]
    assert (report.files, report.lines, report.events) == (3, 5, 5)


def test_a_pipe_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        batches: Iterator[Batch] = read_batches(["-"], FIELDS, ReadOptions(), ReadReport())
        os.write(writing, GOOD + b"\n" + GOOD[:10])
        first = next(batches)
        assert first.length == 1
        assert str(first.event(0).place) == "<stdin>:1"
        os.write(writing, GOOD[10:] + b"\n")
        os.close(writing)
        (second,) = batches
        assert (second.length, second.first_arrival) == (1, 1)


def test_progress_is_told(log: Path) -> None:
    log.write_bytes(GOOD * 1)
    told: list[int] = []
    list(read_batches([log], FIELDS, ReadOptions(), ReadReport(), told.append))
    assert sum(told) == len(GOOD)
