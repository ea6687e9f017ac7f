import gzip
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest

from block_oracle import FIELDS, NOW, Reading, assert_agree, assert_files_agree
from dogwatch.events.blocks.prescan import Found, Prescan
from dogwatch.events.readers import ReadOptions
from dogwatch.events.units import ARRIVAL_BITS
from dogwatch.schema.field import FieldRef, FieldType

GOOD = b'{"@timestamp": "2026-01-01T00:00:00Z", "process": {"name": "nc", "pid": 1, "args": ["nc", "-l"]}}'
RECORD = b"type=USER_LOGIN msg=audit(1700000000.1:1): pid=1 uid=0 auid=0 ses=1 msg='op=login res=success'"

ODD_LINES: dict[str, bytes] = {
    "truncated object": b'{"process": {"name": "a"',
    "plain garbage": b"garbage",
    "two objects": b'{"process": {"name": "a"}}{"process": {"name": "b"}}',
    "trailing junk": b'{"process": {"name": "a"}} junk',
    "invalid UTF-8": b'{"process": {"name": "\xff"}}',
    "invalid UTF-8 in an unused field": b'{"process": {"name": "a"}, "x": "\xff"}',
    "lone surrogate": b'{"process": {"name": "q\\ud800"}}',
    "raw control character": b'{"process": {"name": "a\x01"}}',
    "NaN": b'{"process": {"pid": NaN}}',
    "infinity in an unused field": b'{"process": {"name": "a"}, "x": [1, -Infinity]}',
    "byte-order mark in the midst": b'\xef\xbb\xbf{"process": {"name": "a"}}',
    "missing field": b"{}",
    "null": b'{"process": {"name": null, "args": null}}',
    "null object": b'{"process": null}',
    "extra field": b'{"process": {"name": "a"}, "more": [1, "a", {}]}',
    "int field holds text": b'{"process": {"pid": "123"}}',
    "int field holds another text": b'{"process": {"pid": "abc"}}',
    "int field holds a fraction": b'{"process": {"pid": 12.5}}',
    "int overflow": b'{"process": {"pid": 99999999999999999999}}',
    "text field holds number": b'{"process": {"name": 7}}',
    "text field holds long fraction": b'{"process": {"name": 123456789012345678901.5}}',
    "text field holds small fraction": b'{"process": {"name": 0.00001}}',
    "text field holds boolean": b'{"process": {"name": true}}',
    "text field holds array": b'{"process": {"name": ["a", "b"]}}',
    "text field holds object": b'{"process": {"name": {"a": 1}}}',
    "text field holds its multi-field": b'{"process": {"name": {"text": "a"}}}',
    "text that looks like an array": b'{"process": {"name": "[1]"}}',
    "list field holds a single text": b'{"process": {"args": "nc -l"}}',
    "list holds mixed scalars": b'{"process": {"args": ["nc", 1, 1.0, null, true, ["x"]]}}',
    "list holds an object": b'{"process": {"args": ["nc", {"a": 1}]}}',
    "object field holds text": b'{"process": "nc"}',
    "object field holds array": b'{"process": [{"name": "a"}, {"name": "b"}]}',
    "duplicate key": b'{"process": {"name": "a", "name": "b"}}',
    "duplicate key in a long document": '{"größe": "'.encode()
    + "ß".encode() * 200
    + b'", "labels": 1, "labels": 2}',
    "duplicate object": b'{"process": {"pid": 1}, "process": {"name": "b"}}',
    "duplicate key in an unused field": b'{"process": {"name": "a"}, "x": {"y": 1, "y": 2}}',
    "keys that differ by case": b'{"process": {"name": "a", "NAME": "b"}, "PROCESS": 1}',
    "deep nesting in an unused field": b'{"process": {"name": "a"}, "x": ' + b"[" * 600 + b"]" * 600 + b"}",
    "very deep nesting": b'{"process": {"name": "a"}, "x": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    "number beyond the doubles": b'{"process": {"name": "a"}, "x": 1e400}',
    "number of many digits": b'{"process": {"pid": 1' + b"0" * 400 + b"}}",
    "exponent": b'{"process": {"name": 1E5, "pid": 1e3}}',
    "trailing comma": b'{"process": {"name": "a",}}',
    "comment": b'{"process": {"name": "a"} /* x */}',
    "vertical tab behind": b'{"process": {"name": "a"}}\x0b',
    "carriage return": b'{"process": {"name": "a"}}\r',
    "carriage return between objects": b'{"process": {"name": "a"}}\r{"process": {"name": "b"}}',
    "NUL behind": b'{"process": {"name": "a"}}\0',
    "escaped NUL": b'{"process": {"name": "n\\u0000c"}}',
    "escape in a key": b'{"process": {"n\\u0061me": "a"}}',
    "escaped dot in a key": b'{"process\\u002ename": "a"}',
    "dotted key": b'{"process.name": "a"}',
    "dotted key beside nested": b'{"process.name": "a", "process": {"name": "b"}}',
    "dotted keys inside": b'{"process.parent": {"name": "a"}, "process": {"parent.start": 1700}}',
    "search hit": b'{"_index": "logs-x", "_id": "7", "_source": {"process": {"name": "a"}}}',
    "search hit without source": b'{"_index": "logs-x", "_source": null, "fields": {"process.name": ["a"]}}',
    "id outside": b'{"_id": "7", "process": {"name": "a"}}',
    "search response": b'{"_shards": {}, "hits": {"hits": [{"_id": "1", "_source": {}}, {"_id": "2"}]}}',
    "list of objects": b'[{"process": {"name": "a"}}, {"process": {"name": "b"}}]',
    "event of FortiSIEM's": b"[PH_DEV_MON]:[eventType]=X,[hostName]=web1,[phRecvTime]=1700000000",
    "attributes of FortiSIEM's": b'{"eventType": "X", "hostName": "web1", "phRecvTime": 1700000000}',
    "attributes that are null": b'{"eventType": null, "hostName": "web1", "process": {"name": "a"}}',
    "audit record": RECORD,
    "blank before": b' {"process": {"name": "a"}}',
    "blank": b" \t",
    "blank of another kind": b"\x0b",
    "nothing": b"",
    "number": b"5",
    "own order": b'{"event": {"sequence": 5, "id": "e"}}',
    "own order as text": b'{"event": {"sequence": "5"}}',
    "data stream": b'{"data_stream": {"type": "logs", "dataset": "x", "namespace": "y"}}',
    "data stream with a number": b'{"data_stream": {"type": "logs", "dataset": 1, "namespace": "y"}}',
    "date as number": b'{"@timestamp": 1700000000000, "process": {"parent": {"start": 20231114}}}',
    "date that is a year": b'{"@timestamp": 2023, "process": {"parent": {"start": "2023"}}}',
}


@pytest.mark.parametrize("line", ODD_LINES.values(), ids=ODD_LINES.keys())
def test_an_odd_line_between_good_ones(line: bytes) -> None:
    reading = assert_agree(b"\n".join([GOOD, *[GOOD] * 4, b" ", line, *[GOOD] * 3]))
    # A list may hold actions.
    assert reading.natively == (not line.startswith(b"[{"))


HIT = b'{"_index": ".ds-logs-x-y-2026.01.01-000001", "_id": "%d", "_score": 1, "_source": ' + GOOD + b"}"
HITS = [
    *ODD_LINES.values(),
    *(b'{"_index": "logs-q", "_id": "7", "_source": ' + line + b"}" for line in ODD_LINES.values()),
    b'{"_index": 5, "_source": {"process": {"name": "a"}}}',
    b'{"_index": "", "_source": {"data_stream": {"type": "logs", "dataset": "x", "namespace": "y"}}}',
    b'{"_id": 7, "_source": {"event": {"id": "e"}}}',
    b'{"_source": {"_source": {"process": {"name": "inner"}}}, "_source": {"process": {"pid": 1}}}',
    b'{"_shards": {}, "hits": {"hits": []}, "_source": {"process": {"name": "a"}}}',
]


def test_search_hits_are_read_natively_with_whatever_is_among_them() -> None:
    lines = [HIT % number for number in range(900)] + HITS
    random.Random(3).shuffle(lines)  # noqa: S311 - any order will do
    reading = assert_agree(b"\n".join([HIT % 1, *(line for line in lines if not line.startswith(b"["))]))
    assert reading.natively == 1
    assert reading.rows[0]["event's index"] == "'logs-x-y'"
    assert reading.rows[0]["event's id"] == "'1'"


def test_search_hits_and_then_documents_and_both_at_once() -> None:
    hits = [HIT % number for number in range(200)]
    reading = assert_agree(b"\n".join([*hits, *[GOOD] * 200, *hits]), block_bytes=8000)
    assert reading.natively > 4
    both = b"\n".join(line for pair in zip(hits, [GOOD] * 200, strict=True) for line in pair)
    assert not assert_agree(both).natively


def test_a_row_that_the_decoder_refuses_after_all_is_a_bad_line() -> None:
    lines = [GOOD] * 20
    lines[7] = b'{"process": {"name": 1e999}}'
    with patch("dogwatch.events.blocks.learned.Prescan.scan", _blind):
        reading = assert_agree(b"\n".join(lines), FIELDS[:1])
    assert reading.natively == 1
    assert reading.report.problems == {"json-line": 1}


@pytest.mark.parametrize("text", [b"1" * 300_000, b",]" * 150_000, b"\x0b" * 300_000])
def test_a_text_that_is_suspect_all_over(text: bytes) -> None:
    lines = [GOOD, b'{"x": "' + text + b'"}', *[GOOD] * 9]
    assert not assert_agree(b"\n".join(lines), FIELDS[:3]).natively


def test_search_hits_with_dotted_keys_that_come_late() -> None:
    late = b'{"_index": "logs-q", "_source": {"process.parent": {"name": "a"}, "event.category": ["x", "y"]}}'
    reading = assert_agree(b"\n".join([HIT % number for number in range(900)] + [late] * 900), block_bytes=30_000)
    assert reading.natively > 4
    assert reading.rows[-1]["process.parent.name"] == ["'a'"]


def _blind(_prescan: Prescan, data: bytes) -> Found:
    """What a prescan would find that suspected nothing."""
    return Found({key for key in ("process", "name") if f'"{key}"'.encode() in data})


@pytest.mark.parametrize("digits", [210, 250, 299, 320])
def test_many_digits_with_a_small_exponent_are_beyond_the_doubles(digits: int) -> None:
    number = b"9" * digits + b"e99"
    for line in (b'{"process": {"name": "a"}, "x": ' + number + b"}", b'{"process": {"name": ' + number + b"}}"):
        reading = assert_agree(b"\n".join([*[GOOD] * 8, line]))
        assert reading.report.problems == {"json-line": 1}


@pytest.mark.parametrize("line", [b'{"index": {"_index": "logs-q"}}', b'{"update": {}}', b'[{"create": {}}]'])
def test_actions_decide_about_the_next_line(line: bytes) -> None:
    for size in (1, 300, 1 << 20):
        assert_agree(b"\n".join([GOOD, GOOD, line, GOOD, line, line, GOOD, line]), block_bytes=size)


def test_a_body_of_actions_alone() -> None:
    assert_agree(GOOD + b"\n" + b'{"delete": {"_id": "1"}}\n' * 50 + b'{"index": {}}\n' * 7, block_bytes=100)


def test_all_odd_lines_in_one_file() -> None:
    lines = [GOOD] * 600 + list(ODD_LINES.values())
    random.Random(7).shuffle(lines)  # noqa: S311 - any order will do
    for size in (5000, 1 << 20):
        assert_agree(b"\xef\xbb\xbf" + b"\r\n".join([GOOD, *lines]), block_bytes=size)


def test_a_poisoned_file() -> None:
    kinds = [b'{"process":', b"garbage", b'{"process": {"name": "\xff"}}', b"  "]
    kinds += [b'{"process": [1]}', b'{"process": {"pid": "x"}}', b'{"process": {"name": ["a"]}}']
    lines = [GOOD] * 2000
    for place in range(0, 2000, 100):
        lines[place + 50] = kinds[place // 100 % len(kinds)]
    reading = assert_agree(b"\n".join(lines))
    assert reading.natively == 1
    assert reading.report.problems["json-line"] == 9


@pytest.mark.parametrize("kind", ["truncated object", "duplicate key", "object field holds text", "invalid UTF-8"])
def test_odd_lines_far_from_the_beginning(kind: str) -> None:
    lines = [b'{"process": {"name": "p%d"}}' % n for n in range(4500)]
    for place in (3000, 3001, 4499):
        lines[place] = ODD_LINES[kind]
    assert assert_agree(b"\n".join(lines), FIELDS[:3]).natively == 1


def test_what_is_a_list_of_objects_in_many_events() -> None:
    events: list[dict[str, Any]] = [
        {"process": {"name": "nc", "code_signature": [{"trusted": True}, {"trusted": n % 2 == 0}]}, "n": n}
        for n in range(100)
    ]
    lines = [json.dumps(event).encode() for event in events]
    for odd in (b'{"process": {"code_signature": {"trusted": false}}}', b"{", b'{"process": {"name": 1}}'):
        reading = assert_agree(b"\n".join([GOOD, *lines, odd, *lines]), block_bytes=4000)
        assert reading.natively > 2


def test_fields_that_are_lists_only_later() -> None:
    early, late = b'{"event": {"category": "process"}}\n', b'{"event": {"category": ["process", "file"]}}\n'
    assert assert_agree(early * 500 + late * 500, block_bytes=5000).natively == 9


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": lambda data: bytes(pa.Codec("zstd").compress(data, asbytes=True)),
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
@pytest.mark.parametrize("share", [1.0, 0.7])
def test_compressed_files_whole_and_cut_off(tmp_path: Path, pack: Callable[[bytes], bytes], share: float) -> None:
    noise = random.Random(5)  # noqa: S311 - any text will do
    text = b"".join(b'{"process": {"name": "%x", "pid": %d}}\n' % (noise.getrandbits(999), n) for n in range(1500))
    data = pack(text)
    path = tmp_path / "events"
    path.write_bytes(data[: int(len(data) * share)])
    reading = assert_files_agree(path, block_bytes=20_000)
    assert reading.natively > 1
    assert reading.report.lost == (share < 1 and pack is not bytes)


def test_long_lines(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(
        b"\n".join([GOOD, b'{"process": {"name": "' + b"y" * (20 << 20) + b'"}}', GOOD, b"x" * 70_000_000])
    )
    reading = assert_files_agree(path, FIELDS[:3], block_bytes=1 << 20)
    assert reading.natively
    assert reading.report.problems == {"line-too-long": 1}


def test_folders_of_all_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"\n".join([GOOD] * 50 + [RECORD]))
    (tmp_path / "b.log").write_bytes(RECORD.replace(b":1)", b":2)") + b"\n")
    (tmp_path / "c.json").write_bytes(b"[" + GOOD + b"]")
    (tmp_path / "d.ndjson").write_bytes(b"\n".join([GOOD] * 50))
    (tmp_path / "e.empty").write_bytes(b"")
    (tmp_path / "f.txt").write_bytes(b"nothing known\n")
    reading = assert_files_agree(tmp_path, block_bytes=1000)
    assert reading.natively == 9
    assert [row["event's index"] for row in reading.rows[-2:]] == ["'auditbeat-auditd'"] * 2


HOSTILE = [
    "'",
    '"',
    "\\",
    "a'); DROP TABLE x; --",
    "a\0b",
    "\n",
    "\ud800",
    "x" * 5000,
    "$1",
    "%s",
    "{a}",
    "\u017f",
    "ß",
]


def test_fields_with_hostile_names() -> None:
    fields = [FieldRef(name, FieldType.KEYWORD) for name in HOSTILE]
    fields += [FieldRef(f"o.{name}", FieldType.KEYWORD) for name in HOSTILE]
    fields += [FieldRef(".".join("abcdefgh" * 5), FieldType.KEYWORD)]
    plain = {name: f"value {place}" for place, name in enumerate(HOSTILE) if name != "\ud800"}
    lines = [json.dumps({**plain, "o": plain}, ensure_ascii=escaped).encode() for escaped in (True, False)]
    quiet = {
        name: value for name, value in plain.items() if name.isprintable() and '"' not in name and "\\" not in name
    }
    lines += [json.dumps({**quiet, "o": quiet}, ensure_ascii=False).encode()] * 20
    lines += [json.dumps({".".join("abcdefgh" * 5): 1}).encode()]
    assert assert_agree(b"\n".join(lines), fields).natively == 1


def test_thousands_of_fields() -> None:
    fields = [FieldRef(f"a{n}.b{n % 7}.c", FieldType.KEYWORD) for n in range(1500)]
    lines = [json.dumps({f"a{n}": {f"b{n % 7}": {"c": n}} for n in range(k, k + 5)}).encode() for k in range(40)]
    assert assert_agree(b"\n".join(lines), fields).natively == 1


def test_a_path_too_deep_and_names_of_one_letter_case() -> None:
    deep = FieldRef(".".join(["a"] * 90), FieldType.KEYWORD)
    assert not assert_agree(b"\n".join([GOOD] * 9), [*FIELDS, deep]).natively
    both = [FieldRef("process.name", FieldType.KEYWORD), FieldRef("process.NAME", FieldType.KEYWORD)]
    assert assert_agree(b"\n".join([GOOD] * 9), both).natively
    lines = [GOOD] * 9 + [b'{"process": {"name": "a", "NAME": "b"}}']
    assert not assert_agree(b"\n".join(lines), both).natively


def test_nulls_that_are_values_are_read_line_by_line() -> None:
    field = FieldRef("process.name", FieldType.KEYWORD, null_value="none")
    reading = assert_agree(b"\n".join([GOOD, b'{"process": {"name": null}}']), [field])
    assert not reading.natively
    assert [row["process.name"] for row in reading.rows] == [["'nc'"], ["'none'"]]


def test_arrivals_leave_room_between_units(tmp_path: Path) -> None:
    for name, count in (("a", 8), ("b", 3)):
        (tmp_path / name).write_bytes(b"\n".join([GOOD] * count))
    options = ReadOptions(native_bytes=0, block_bytes=6 * len(GOOD), clock=lambda: NOW)
    unit = 1 << ARRIVAL_BITS
    assert Reading(tmp_path, FIELDS, options).arrivals == [
        *range(5),
        *range(unit, unit + 3),
        *range(2 * unit, 2 * unit + 3),
    ]


def test_little_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\n".join([GOOD] * 40))
    (tmp_path / "b").write_bytes(b"\n".join([GOOD] * 500))
    natively = [
        Reading(tmp_path, FIELDS, ReadOptions(native_bytes=size, block_bytes=4000, clock=lambda: NOW)).natively
        for size in (60_000, 4000, 3900, 1)
    ]
    # Inputs of too few bytes, blocks that are too small, all but the first blocks, and all of them.
    assert natively == [0, 0, 8, 14]
