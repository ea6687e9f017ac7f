"""FortiSIEM's events from files: lines, JSON and CSV, good and bad."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.time import format_instant, parse_instant
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.events.readers import ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

NOW = parse_instant("2026-11-22T12:00:00Z") or 0
TEN = parse_instant("2026-11-22T10:00:00Z") or 0
NAME = FieldRef("process.name", FieldType.KEYWORD)
Read = Callable[..., tuple[list[Event], ReadReport]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reader(content: bytes | str, kind: str | None = None) -> tuple[list[Event], ReadReport]:
        path = tmp_path / "events"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        report = ReadReport()
        options = ReadOptions(format=kind, batch_rows=3, clock=lambda: NOW)
        batches = list(read_batches([path], [NAME], options, report))
        return [batch.event(row) for batch in batches for row in range(batch.length)], report

    return reader


def attributes(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = event.document["fortisiem"]
    return found


def test_a_line_becomes_a_document(read: Read) -> None:
    line = (
        "<14>Nov 22 10:00:00 web1 phAgent[3740]: [LINUX_PROCESS_EXEC]:[eventSeverity]=PHL_INFO,[hostName]=db1,"
        "[procName]=/usr/bin/nc,[swParam]=-l -p 99,[user]=,[deviceTime]=Sun Nov 22 09:59:59 UTC 2026,[eventId]=77"
    )
    (event,), report = read(line)
    assert report.problems == {}
    assert event.document == {
        "@timestamp": "2026-11-22T10:00:00.000Z",
        "event": {
            "category": ["process"],
            "type": ["start"],
            "action": "exec",
            "created": "2026-11-22T09:59:59.000Z",
            "severity": 1,
            "id": "77",
            "original": line,
        },
        "host": {"name": "db1", "os": {"type": "linux"}},
        "observer": {"name": "web1"},
        "process": {
            "name": "nc",
            "executable": "/usr/bin/nc",
            "args": ["/usr/bin/nc", "-l", "-p", "99"],
            "args_count": 4,
            "command_line": "/usr/bin/nc -l -p 99",
        },
        "fortisiem": {
            "eventType": "LINUX_PROCESS_EXEC",
            "eventSeverity": 1,
            "hostName": "db1",
            "reptDevName": "web1",
            "procName": "/usr/bin/nc",
            "swParam": "-l -p 99",
            "deviceTime": "2026-11-22T09:59:59.000Z",
            "eventId": "77",
        },
    }
    assert (event.id, event.has_own_id, event.time) == ("77", True, TEN)


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("Nov 22 09:00:00 web1 [X]:[phRecvTime]=1795341600000,[deviceTime]=1", TEN),
        ("Nov 22 10:00:00 web1 [X]:[deviceTime]=1795341500000", TEN),
        ("[X]:[deviceTime]=1795341600", TEN),
        ("[X]:[phRecvTime]=soon,[deviceTime]=1795341600", TEN),
    ],
)
def test_the_time_is_that_of_receipt(read: Read, line: str, time: int) -> None:
    (event,), report = read(line)
    assert (event.time, report.problems) == (time, {})


def test_an_unreadable_time_is_told(read: Read) -> None:
    (event, other), report = read("[X]:[phRecvTime]=soon\n[X]:[a]=1")
    assert (event.time, other.time, report.without_time) == (NO_TIME, NO_TIME, 2)
    assert report.problems == {"fortisiem-time": 1}
    assert "soon" in report.kept[0].message
    assert attributes(event)["phRecvTime"] == "soon"


def test_repeated_keys_are_many_values_and_empty_ones_none(read: Read) -> None:
    (event,), _ = read("[X]:[user]=a,[user]=b,[user]=c,[hostName]=")
    assert attributes(event) == {"eventType": "X", "user": ["a", "b", "c"]}
    assert event.document["user"] == {"name": ["a", "b", "c"]}


def test_bad_lines_cost_themselves_alone(read: Read) -> None:
    content = b"[X]:[procName]=a\ngarbage\n[X]:[procName]=\xff\0\xed\xa0\x80\n{broken\n[{]\n[X]:[procName]=b\n"
    events, report = read(content)
    assert [event.document["process"]["name"] for event in events] == ["a", "\ufffd\0\ufffd\ufffd\ufffd", "b"]
    assert report.problems == {"fortisiem-line": 1, "json-line": 2}
    assert [kept.place.line for kept in report.kept if kept.place] == [2, 4, 5]
    assert (report.lines, report.events) == (6, 3)


def test_the_same_line_has_the_same_id_and_a_document_reads_the_same_again(read: Read) -> None:
    events, _ = read("Nov 22 10:00:00 h [X]:[a]=1\nNov 22 10:00:00 h [X]:[a]=1\nNov 22 10:00:00 h [X]:[a]=2")
    assert events[0].id == events[1].id != events[2].id
    assert not events[0].has_own_id
    assert {format_instant(event.time) for event in events} == {event.document["@timestamp"] for event in events}


def test_a_long_line_is_read_in_time_that_grows_with_it(read: Read) -> None:
    parts = ('[X]:[a]="', ',[a]="', ',[a]="\\"', ",", "[", "]:", "]:   ", "] ", ",[", '\\"')
    for part in parts:
        text = part.encode() * (500_000 // len(part))
        events, _ = read(b"[X]:[procName]=nc,[b]=" + text, "fortisiem")
        assert len(events) == 1
        # What stands so far behind the beginning is no event's type.
        _, report = read(b"x " + text + b"[X]:[procName]=nc", "fortisiem")
        assert report.problems == ({} if "[X]" in part else {"fortisiem-line": 1})


def test_compressed_lines(read: Read) -> None:
    events, _ = read(gzip.compress(b"[X]:[procName]=nc\n" * 10))
    assert len(events) == 10


EVENTS = [
    {"eventType": "X", "phRecvTime": 1795341600000, "procName": "nc", "user": None, "hostName": ""},
    {"Event Type": "X", "Event Receive Time": "Sun Nov 22 10:00:00 UTC 2026", "Process Name": "nc"},
    {"attributes": {"eventType": "X", "phRecvTime": 1795341600, "procName": "nc"}},
]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(map(json.dumps, EVENTS)),
        json.dumps(EVENTS),
        json.dumps(EVENTS, indent=2),
        json.dumps({"total": 3, "events": EVENTS}),
        json.dumps({"events": EVENTS}, indent=1),
    ],
)
@pytest.mark.parametrize("kind", [None, "fortisiem"])
def test_json_in_all_its_shapes(read: Read, content: str, kind: str | None) -> None:
    events, report = read(content, kind)
    assert report.problems == {}
    expected = {"eventType": "X", "phRecvTime": "2026-11-22T10:00:00.000Z", "procName": "nc"}
    assert [attributes(event) for event in events] == [expected] * 3
    assert [event.time for event in events] == [TEN] * 3
    assert {event.document["process"]["name"] for event in events} == {"nc"}


def test_one_bad_object_costs_itself(read: Read) -> None:
    events, report = read('[{"eventType": "X", "user": "a"}, 5, {"eventType": "Y", "user": "b"}]')
    assert [attributes(event)["user"] for event in events] == ["a", "b"]
    assert report.problems == {"json-line": 1}
    events, report = read('{"eventType": "X", "user": "a"}\n{"events": 5, "eventType": "X"}\n{"events": [')
    assert [attributes(event).get("user") for event in events] == ["a", None]
    assert report.problems == {"json-line": 1}


def test_a_raw_event_fills_what_the_columns_do_not_say(read: Read) -> None:
    raw = "Nov 22 10:00:00 web1 [LINUX_PROCESS_EXEC]:[procName]=nc,[user]=inner"
    (event,), _ = read(json.dumps({"user": "outer", "rawEventMsg": raw, "reptDevName": "r"}))
    assert attributes(event) == {
        "user": "outer",
        "rawEventMsg": raw,
        "reptDevName": "r",
        "procName": "nc",
        "eventType": "LINUX_PROCESS_EXEC",
    }
    assert event.time == TEN
    assert event.document["event"]["original"] == raw


TABLE = """\
"Event Receive Time","Event Type","Host Name","Raw Event Log",procName,My Column
2026-11-22 10:00:00,X,web1,"one, ""two""
three",nc,9
2026-11-22 10:00:00,X,web2,,nc,
"""


def test_a_table(read: Read) -> None:
    events, report = read(TABLE)
    assert report.problems == {}
    assert [attributes(event)["hostName"] for event in events] == ["web1", "web2"]
    assert attributes(events[0])["rawEventMsg"] == 'one, "two"\nthree'
    assert attributes(events[0])["My Column"] == "9"
    assert "rawEventMsg" not in attributes(events[1])
    assert [event.time for event in events] == [TEN, TEN]
    assert [event.place.line for event in events if event.place] == [2, 4]


def test_bad_rows_cost_themselves_alone(read: Read) -> None:
    content = 'eventType,user\nX,a\nX\nX,b,c\n"X"y,z\nX,d\nX,"open\nX,e\nX,f\n'
    events, report = read(content)
    assert [attributes(event)["user"] for event in events] == ["a", "d", "e", "f"]
    assert report.problems == {"csv-row": 4}
    assert [kept.place.line for kept in report.kept if kept.place] == [3, 4, 5, 7]


def test_two_formats_after_each_other_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("[X]:[procName]=a\n")
    (tmp_path / "b").write_text('{"process": {"name": "b"}}\n')
    (tmp_path / "c").write_text("eventType,procName\nX,c\n")
    batches = list(read_batches([tmp_path], [NAME], ReadOptions(), ReadReport()))
    assert [batch.event(row).document["process"]["name"] for batch in batches for row in range(batch.length)] == [
        "a",
        "b",
        "c",
    ]
    assert [batch.event(row).arrival for batch in batches for row in range(batch.length)] == [0, 1, 2]


def test_a_pipe_of_lines_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    clock = iter(range(NOW, NOW + 10**18, 10**15))
    with os.fdopen(reading, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        options = ReadOptions(clock=lambda: next(clock))
        batches = read_batches(["-"], [NAME], options, ReadReport())
        os.write(writing, b"Nov 22 10:00:00 h [X]:[procName]=a\n")
        assert next(batches).event(0).document["process"]["name"] == "a"
        # The time of reading goes on, and with it the years that times without one can have.
        for _ in range(60):
            next(clock)
        os.write(writing, b"Nov 22 10:00:00 h [X]:[procName]=b\n")
        later = next(batches)
        os.close(writing)
        assert later.event(0).document["@timestamp"] == format_instant(int(later.time[0]))
        assert later.event(0).time > TEN
        assert list(batches) == []


def test_an_id_of_zero_is_none(read: Read) -> None:
    events, _ = read("[X]:[eventId]=0,[a]=1\n[X]:[phEventId]=0,[a]=2\n[X]:[phEventId]=8,[eventId]=9")
    assert [event.has_own_id for event in events] == [False, False, True]
    assert events[2].id == "8"
