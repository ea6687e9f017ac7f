"""Inputs that hold more than one form of events, and text in one form that looks like another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.time import parse_instant
from dogwatch.events.batch import Event
from dogwatch.events.readers import ReadOptions, documents_to_batches, read_batches
from dogwatch.events.readers.sniff import Format, sniff
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

NOW = parse_instant("2026-11-22T12:00:00Z") or 0
TEN = parse_instant("2026-11-22T10:00:00Z") or 0
NAME = FieldRef("process.name", FieldType.KEYWORD)
OURS = {"eventType": "LINUX_PROCESS_EXEC", "phRecvTime": 1795341600000, "hostName": "h1", "procName": "nc"}
ECS: dict[str, Any] = {
    "@timestamp": "2026-11-22T10:00:00Z",
    "event": {"category": ["process"], "type": ["start"]},
    "process": {"name": "nc"},
    "message": "[X]:[procName]=evil,[user]=root",
}
LINE = "<14>Nov 22 10:00:00 web1 phAgent[3]: [LINUX_PROCESS_EXEC]:[procName]=nc"
RECORDS = (
    "type=SYSCALL msg=audit(1795341600.000:7): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 items=0"
    ' ppid=1 pid=2 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm="nc"'
    ' exe="/usr/bin/nc" key=(null)\n'
    'type=EXECVE msg=audit(1795341600.000:7): argc=2 a0="nc" a1="[X]:[procName]=evil,[user]=root"'
)
Read = Callable[..., tuple[list[Event], ReadReport]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reader(*lines: str, kind: str | None = None) -> tuple[list[Event], ReadReport]:
        path = tmp_path / "events"
        path.write_text("\n".join(lines))
        report = ReadReport()
        batches = list(read_batches([path], [NAME], ReadOptions(format=kind, clock=lambda: NOW), report))
        return [batch.event(row) for batch in batches for row in range(batch.length)], report

    return reader


def same(events: list[Event], number: int) -> bool:
    """Whether there are so many events of nc, all of the same time."""
    return [(event.document["process"]["name"], event.time) for event in events] == [("nc", TEN)] * number


@pytest.mark.parametrize(
    "lines",
    [
        (json.dumps(OURS), json.dumps(ECS), LINE),
        (json.dumps(ECS), json.dumps(OURS), LINE),
        (LINE, json.dumps(ECS), json.dumps([OURS])),
        (json.dumps(ECS), json.dumps({"_id": "1", "_source": OURS}), json.dumps({"fortisiem": OURS})),
        ('{"index": {}}', json.dumps(OURS), '{"create": {}}', json.dumps(ECS), json.dumps({"events": [OURS]})),
        (json.dumps([ECS, OURS, {"attributes": OURS}]),),
        (json.dumps([OURS, ECS, ECS], indent=1),),
        (LINE, RECORDS, json.dumps(ECS)),
        (RECORDS, LINE, json.dumps(OURS)),
        (json.dumps(ECS), RECORDS, LINE),
    ],
)
@pytest.mark.parametrize("kind", [None, "fortisiem"])
def test_each_line_is_read_as_what_it_is(read: Read, lines: tuple[str, ...], kind: str | None) -> None:
    events, report = read(*lines, kind=kind)
    assert report.problems == {}
    assert same(events, 3)


def test_documents_in_memory_are_told_apart_too() -> None:
    (batch,) = documents_to_batches([OURS, ECS, {"_source": OURS}], [NAME])
    assert same([batch.event(row) for row in range(batch.length)], 3)


def test_an_elastic_document_stays_as_it_is(read: Read) -> None:
    other = {**ECS, "eventType": "X", "phRecvTime": 1, "hostName": "evil"}
    events, _ = read(LINE, json.dumps(ECS), json.dumps(other))
    assert [event.document for event in events[1:]] == [ECS, other]


@pytest.mark.parametrize(
    "document",
    [
        {"eventType": "AwsApiCall", "eventSource": "iam", "awsRegion": "x", "userIdentity": {"type": "Root"}},
        {"@timestamp": "2026-11-22T10:00:00Z", "eventType": "login", "user": "bob"},
        {"attributes": {"http.method": "GET", "user": "x"}, "resource": {}},
        {"events": [{"name": "x"}]},
        {"user": "bob", "action": "x"},
    ],
)
def test_what_is_not_fortisiems_stays_as_it_is(read: Read, document: dict[str, Any]) -> None:
    (event,), _ = read(json.dumps(document))
    assert event.document == document


def test_the_products_interface_for_programs(read: Read) -> None:
    given = {
        "id": 7,
        "eventType": "X",
        "receiveTime": 1795341600000,
        "rawMessage": "r",
        "attributes": {"User": "u"},
    }
    (event,), _ = read(json.dumps(given))
    assert (event.time, event.document["user"], event.document["event"]["original"]) == (TEN, {"name": "u"}, "r")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<14>[X]:[a]=1", Format.FORTISIEM),
        ("phMonitor[3]: [X]:[a]=1", Format.FORTISIEM),
        ('<14>1 2026-11-22T10:00:00Z h app 3 ID [ex@1 a="b" c="x\\]y"] [X]:[a]=1', Format.FORTISIEM),
        ("Sun Nov 22 10:00:00 UTC 2026 h app: [X][a]=1", Format.FORTISIEM),
        ("Nov 22 10:00:00 h app: user=x [X]:[a]=1", None),
        ("word word [X]:[a]=1", None),
        ("[Sun Nov 22 10:00:00 2026] [error] failed", None),
        ("[notice] started", None),
    ],
)
def test_only_a_header_may_stand_before_an_event(line: str, expected: Format | None) -> None:
    assert sniff([line.encode()], complete=True) is expected


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_of_tables(read: Read, separator: str) -> None:
    rows = (
        ["eventType", "procName", "swParam"],
        ["X", "nc", '"a,b;c\td"'],
        ["X", "nc", '-e "odd'],
        ["X", "nc", "z", ""],
    )
    events, report = read(*(separator.join(row) for row in rows))
    assert [event.document["fortisiem"]["swParam"] for event in events] == ["a,b;c\td", '-e "odd', "z"]
    assert report.problems == {}


def test_blank_lines_in_a_cell_are_of_it_and_repeated_headers_are_no_events(read: Read) -> None:
    header = "eventType,rawEventMsg"
    events, report = read(header, 'X,"a', "", "", 'b"', header, ",", "Y,c")
    assert [event.document["fortisiem"]["rawEventMsg"] for event in events] == ["a\n\n\nb", "c"]
    assert [event.place.line for event in events if event.place] == [2, 8]
    assert report.problems == {}


def test_a_table_of_raw_messages_alone_and_one_without_attributes(read: Read) -> None:
    (event,), _ = read("Raw Event Log", f'"{LINE}"')
    assert (event.document["process"]["name"], event.time) == ("nc", TEN)
    _, report = read("a,b", "1,2", kind="csv")
    assert report.problems == {"csv-header": 1}
