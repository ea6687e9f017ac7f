import pytest

from dogwatch.base.diagnostic import Place
from dogwatch.events.readers.ndjson import JsonLineError, NdjsonReader, decode_object, source_of
from dogwatch.events.report import ReadReport


def read(*lines: bytes) -> tuple[list[object], ReadReport]:
    report = ReadReport()
    reader = NdjsonReader("x", report)
    return [found[0] for n, line in enumerate(lines, 1) for found in reader.documents(line, n)], report


BAD_LINES = {
    "truncated object": b'{"process": {"name": "n',
    "plain garbage": b"Segmentation fault",
    "two objects": b'{"a": 1} {"a": 2}',
    "trailing junk": b'{"a": 1} junk',
    "invalid UTF-8": b'{"a": "\xff"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone low surrogate": b'{"a": "\\udc00 and more text"}',
    "raw control character": b'{"a": "\x01"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "number beyond doubles": b'{"a": 1e999}',
    "deep nesting": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep and truncated": b'{"a":' * 100_000,
    "a list": b"[1]",
    "a text": b'"a"',
    "a number": b"3",
    "null": b"null",
    "true": b"true",
    "NUL bytes": b"\0\0\0\0",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_between_good_ones_costs_only_itself(line: bytes) -> None:
    documents, report = read(b'{"n": 1}', line, b'{"n": 2}')
    assert documents == [{"n": 1}, {"n": 2}]
    assert report.problems == {"json-line": 1}
    assert report.lines == 3
    assert not report.lost
    place = report.kept[0].place
    assert place is not None
    assert (place.file, place.line) == ("x", 2)


@pytest.mark.parametrize(
    ("line", "column"), [(b'{"a": NaN}', 7), (b'{"a": "\xff"}', 8), (b'{"a": 1} junk', 10), (b'{"a": "b', None)]
)
def test_the_column_is_told_where_it_is_known(line: bytes, column: int | None) -> None:
    with pytest.raises(JsonLineError) as caught:
        decode_object(line)
    assert caught.value.column == column


@pytest.mark.parametrize(("line", "word"), [(b'{"a": NaN}', "NaN"), (b'{"a": "\\ud800"}', "escape")])
def test_hints(line: bytes, word: str) -> None:
    with pytest.raises(JsonLineError) as caught:
        decode_object(line)
    assert word in (caught.value.hint or "")


def test_the_last_of_equal_keys_counts() -> None:
    assert decode_object(b'{"a": 1, "b": 0, "a": 2}') == {"a": 2, "b": 0}
    assert decode_object(b'{"a": {"b": 1}, "a": {"c": 2}}') == {"a": {"c": 2}}


def test_search_hits() -> None:
    hit = b'{"_index": "logs-x", "_id": "1", "_source": {"a": 1}}'
    report = ReadReport()
    ((document, naming, raw),) = NdjsonReader("x", report).documents(hit, 1)
    assert document == {"a": 1}
    assert (naming["_index"], naming["_id"]) == ("logs-x", "1")
    assert raw is not None
    assert source_of(raw) == document


def test_hits_that_hold_only_fields() -> None:
    documents, _ = read(b'{"_index": "x", "_id": "1", "fields": {"process.name": ["nc"]}}')
    assert documents == [{"process.name": ["nc"]}]


def test_a_search_response() -> None:
    documents, report = read(
        b'{"took": 1, "_shards": {}, "hits": {"total": {}, "hits": ['
        b'{"_index": "x", "_id": "1", "_source": {"n": 1}}, 3, {"_index": "x", "_id": "2", "_source": {"n": 2}}]}}'
    )
    assert documents == [{"n": 1}, {"n": 2}]
    assert not report.problems


def test_a_bulk_body() -> None:
    report = ReadReport()
    reader = NdjsonReader("x", report)
    lines = [
        b'{"index": {"_index": "logs-a", "_id": "1"}}',
        b'{"n": 1}',
        b'{"create": {}}',
        b'{"n": 2}',
        b'{"update": {"_id": "1"}}',
        b'{"doc": {"n": 3}}',
        b'{"delete": {"_id": "1"}}',
        b'{"index": {"_index": "logs-b"}}',
        b"broken",
        b'{"n": 4}',
    ]
    found = [item for n, line in enumerate(lines, 1) for item in reader.documents(line, n)]
    assert [document for document, _, _ in found] == [{"n": 1}, {"n": 2}, {"n": 4}]
    assert [naming.get("_index") for _, naming, _ in found] == ["logs-a", None, None]
    assert report.problems == {"bulk-action": 2, "json-line": 1}


@pytest.mark.parametrize("line", [b'{"index": {"name": "x"}}', b'{"index": "x"}', b'{"create": {}, "n": 1}'])
def test_documents_that_only_look_like_actions(line: bytes) -> None:
    documents, report = read(line)
    assert documents == [decode_object(line)]
    assert not report.problems


def test_a_whole_json_text() -> None:
    report = ReadReport()
    reader = NdjsonReader("x", report)
    found = list(reader.whole(b'[\n {"n": 1},\n 7,\n {"_source": {"n": 2}}\n]'))
    assert [document for document, _, _ in found] == [{"n": 1}, {"n": 2}]
    assert report.problems == {"json-line": 1}
    assert [document for document, _, _ in reader.whole(b'{\n "n":\n 3}')] == [{"n": 3}]
    assert not report.lost


@pytest.mark.parametrize("text", [b'[{"n": 1}, {"n"', b"[\xff]", b"[" * 100_000])
def test_a_json_text_that_is_none_is_lost_whole(text: bytes) -> None:
    report = ReadReport()
    assert list(NdjsonReader("x", report).whole(text)) == []
    assert report.problems == {"json-text": 1}
    assert report.kept[0].place == Place("x")
    assert report.lost
