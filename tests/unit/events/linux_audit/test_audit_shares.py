"""Events of audit logs handed out in shares: whoever reads which, they are those of one reader."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import fields as attributes
from pathlib import Path
from typing import Any

import pytest
from audit_samples import FIELDS
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.events.batch import Batch
from dogwatch.events.linux_audit import share as share_module
from dogwatch.events.linux_audit.entity import ProcessFacts
from dogwatch.events.linux_audit.handed import AuditShare
from dogwatch.events.linux_audit.join import HeldEvent, Joiner
from dogwatch.events.linux_audit.message import read_message
from dogwatch.events.linux_audit.normalise import process_facts
from dogwatch.events.linux_audit.parse import parse_line, plain_run
from dogwatch.events.linux_audit.share import Glance
from dogwatch.events.readers import audit_log as reader_module
from dogwatch.events.readers.audit_log import AuditLogReader, ShareReader
from dogwatch.events.report import ReadReport
from dogwatch.events.units import BlockBuffer
from dogwatch.schema.field import FieldRef, FieldType

RECORDING = Path(__file__).resolve().parents[4] / "examples" / "openbsd_listener_tcp.a.log"
WANTED = [
    *FIELDS,
    FieldRef("@timestamp", FieldType.DATE),
    FieldRef("event.original", FieldType.KEYWORD),
    FieldRef("process.entity_id", FieldType.KEYWORD),
    FieldRef("process.parent.entity_id", FieldType.KEYWORD),
    FieldRef("auditd.data.exit", FieldType.LONG),
]
CHANGES = [
    (b" pid=", b" pid=7 pid="),
    (b" pid=", b" pid=x"),
    (b" ppid=", b" ppid=0"),
    (b" auid=", b" auid=? auid="),
    (b" ses=", b" sss="),
    (b" success=yes", b""),
    (b" exit=0", b" exit=-13"),
    (b" exit=0", b" exit=200"),
    (b"syscall=59", b"syscall=56"),
    (b"syscall=59", b"syscall=231"),
    (b"arch=c000003e syscall=59", b"arch=40000003 syscall=102"),
    (b"): ", b"):"),
    (b"): ", b"):  "),
    (b"\x1d", b""),
    (b"\x1d", b" pid=9\x1d"),
    (b"type=", b"node=web01 type="),
    (b"type=", b"<13>Nov 22 04:00:01 gw audispd: type="),
    (b"type=CWD", b"type=SYSCALL"),
    (b"type=PROCTITLE", b"type=BPRM_FCAPS"),
    (b"type=PROCTITLE", b"type=USER_CMD"),
    (b"type=PATH", b"type=NEWER_THAN_THIS"),
    (b"cwd=", b"auid=5 pid=6 cwd="),
    (b" a1=", b" a[1]="),
    (b"name=", b"name=\xff"),
]


@st.composite
def logs(draw: st.DrawFn) -> list[bytes]:
    """Lines of a recording: some changed, left out, repeated, moved, or replaced by others."""
    recorded = RECORDING.read_bytes().split(b"\n")
    begin = draw(st.integers(0, max(0, len(recorded) - 40)))
    drawn: list[bytes] = []
    for line in recorded[begin : begin + draw(st.integers(1, 60))]:
        match draw(st.integers(0, 19)):
            case 0:
                drawn.append(line.replace(*draw(st.sampled_from(CHANGES)), 1))
            case 1:
                drawn += [line, draw(st.sampled_from([line, b"", b"garbage", b"type=EOE", line + b"\r"]))]
            case 2:
                drawn.insert(draw(st.integers(0, len(drawn))), line)
            case 3:
                drawn.append(line[: draw(st.integers(0, len(line)))])
            case 4:
                continue
            case _:
                drawn.append(line)
    if draw(st.integers(0, 4)) == 0:
        change = draw(st.sampled_from(CHANGES))
        drawn = [line.replace(*change, 1) for line in drawn]
    return drawn


def told(report: ReadReport) -> dict[str, Any]:
    return {each.name: getattr(report, each.name) for each in attributes(report) if each.name[0] != "_"}


def rows(batches: Iterable[Batch]) -> list[Any]:
    """Every event with its values, by arrival."""
    listed = []
    for batch in batches:
        # A column has lists only if a row of its batch has several values.
        columns = [[_listed(each) for each in batch.columns[ref].to_pylist()] for ref in WANTED]
        for row in range(batch.length):
            event = batch.event(row)
            listed.append((event.arrival, event.time, event, [column[row] for column in columns]))
    return sorted(listed, key=lambda each: each[0])


def _listed(value: object) -> object:
    return value if value is None or isinstance(value, list) else [value]


def line_by_line(reader: AuditLogReader, file: str, data: bytes) -> None:
    for number, line in enumerate(data.split(b"\n"), 1):
        assert not list(reader.feed(line.removesuffix(b"\r"), Place(file, number)))


def in_runs(reader: AuditLogReader, file: str, data: bytes) -> None:
    for number, line in reader.untaken(data, file, 1):
        assert not list(reader.feed_line(line, file, number))


@given(st.lists(logs(), min_size=1, max_size=2), st.data())
@settings(max_examples=40, deadline=None)
def test_shares_are_what_one_reader_reads(files: list[list[bytes]], data: st.DataObject) -> None:
    whole = ReadReport()
    reader = AuditLogReader(WANTED, None, None, whole, itertools.count())
    for number, lines in enumerate(files):
        line_by_line(reader, f"{number % 2}/audit.log", b"".join(line + b"\n" for line in lines))
    expected = rows(reader.finish())
    parent = ReadReport()
    limit = data.draw(st.sampled_from([2000, 1 << 20]))
    most = data.draw(st.integers(1, 9))
    reader = AuditLogReader(WANTED, None, None, parent, itertools.count(), batch_rows=most, limit_bytes=limit)
    for number, lines in enumerate(files):
        in_runs(reader, f"{number % 2}/audit.log", b"".join(line + b"\n" for line in lines))
    shares = [each for each in reader.shares(BlockBuffer) if isinstance(each, AuditShare)]
    readers = [ShareReader(WANTED, None) for _ in range(data.draw(st.integers(1, 3)))]
    reports = [ReadReport() for _ in shares]
    found: list[Batch] = []
    for place in data.draw(st.permutations(range(len(shares)))):
        batches = list(data.draw(st.sampled_from(readers)).read(shares[place], reports[place]))
        assert sum(batch.length for batch in batches) == shares[place].rows <= most
        found += batches
    for report in reports:
        parent.merge(report)
    for share in shares:
        share.buffer.close()
    assert rows(found) == expected
    assert told(parent) == told(whole)


@given(logs())
@settings(max_examples=80, deadline=None)
def test_a_glance_sees_what_the_whole_event_says(lines: list[bytes]) -> None:
    joiner = Joiner(ReadReport())
    for number, line in enumerate(lines, 1):
        if not joiner.add_line(line, "a.log", number) and not isinstance(record := parse_line(line), Diagnostic):
            joiner.add(record, Place("a.log", number))
    glance = Glance()
    for held in joiner.held():
        assert isinstance(held, HeldEvent)
        event = held.event(ReadReport())
        facts = None if event is None else process_facts(read_message(event))
        seen = glance.facts(held)
        assert (seen if isinstance(seen, ProcessFacts) else None) == facts
        assert (seen is not False) == (event is not None)


def test_most_events_need_no_more_than_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    joiner = Joiner(ReadReport())
    for number, line in enumerate(RECORDING.read_bytes().splitlines(), 1):
        joiner.add_line(line, "a.log", number)
    glance = Glance()
    held = [each for each in joiner.held() if isinstance(each, HeldEvent)]
    expected = [glance.facts(each) for each in held]
    read: list[object] = []
    monkeypatch.setattr(share_module, "read_message", read.append)
    monkeypatch.setattr(share_module, "process_facts", lambda _: None)
    again = [glance.facts(each) for each in held]
    assert len(read) < len(held) / 2
    assert sum(left == right for left, right in zip(again, expected, strict=True)) >= len(held) - len(read)


def test_an_event_too_large_to_be_handed_out_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dogwatch.events.linux_audit.join.MAX_EVENT_BYTES", 3000)
    data = RECORDING.read_bytes()
    copies = b"".join(line + b"\n" for line in data.splitlines()[:6] for _ in range(9))
    reader = AuditLogReader(WANTED, None, None, ReadReport(), itertools.count())
    in_runs(reader, "a.log", data + copies)
    expected = rows(reader.finish())
    reader = AuditLogReader(WANTED, None, None, ReadReport(), itertools.count())
    in_runs(reader, "a.log", data + copies)
    shares = ShareReader(WANTED, None)
    given_out = list(reader.shares(BlockBuffer))
    assert any(isinstance(each, Batch) for each in given_out)
    batches = ([each] if isinstance(each, Batch) else list(shares.read(each, ReadReport())) for each in given_out)
    assert rows(itertools.chain.from_iterable(batches)) == expected


def test_shares_have_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_SHARE_BYTES", 1500)
    reader = AuditLogReader(WANTED, None, None, ReadReport(), itertools.count())
    data = RECORDING.read_bytes()
    in_runs(reader, "a.log", data)
    sizes = [each.size for each in reader.shares(BlockBuffer) if isinstance(each, AuditShare)]
    assert len(sizes) > 3
    assert max(sizes) < 1500 + 2 * max(map(len, data.split(b"type=SYSCALL")))


@pytest.mark.parametrize(
    "line",
    [
        b"type=SYSCALL msg=audit(1700000000.123:99999999999): a=1",
        b"type=SYSCALL msg=audit(1700000000.123:4294967296): a=1",
        b"type=SYSCALL msg=audit(9999999999.123:1): a=1",
        b"type=SYSCALL msg=audit(1700000000.1234:1): a=1",
        b"type=SYSCALL msg=audit(1700000000.123:1):a=1",
        b"type=SYSCALL msg=audit(1700000000.123:1): a=1\r",
        b"type=USER msg=audit(1700000000.123:1): [PH_DEV_MON_X]:[eventSeverity]=PHL_INFO",
        b"type=1300 msg=audit(1700000000.123:1): a=1",
        b"type=SYSCALL msg=audit(1700000000.123:1): " + b"a" * (16 << 10),
        b" type=SYSCALL msg=audit(1700000000.123:1): a=1",
    ],
)
def test_an_unusual_line_is_left_to_others(line: bytes) -> None:
    assert plain_run(line + b"\n", 0) is None


def test_a_run_ends_with_its_stamp() -> None:
    stamp, other = b" msg=audit(1700000000.123:7): ", b" msg=audit(1700000000.123:8): "
    data = b"type=SYSCALL" + stamp + b"a\ntype=EOE" + stamp + b"\ntype=EOE" + other + b"\n"
    run = plain_run(data, 0)
    assert run is not None
    assert run.text.count(b"\n") == 1
    assert (run.time, run.serial) == (1_700_000_000_123_000_000, 7)
    following = plain_run(data, len(run.text) + 1)
    assert following is not None
    assert following.serial == 8
