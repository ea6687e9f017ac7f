"""Events that are read by their frame give the columns that their documents would give."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from audit_samples import execve, record, system
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import Batch
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.linux_audit.frame import CELLS, split_frame
from dogwatch.events.readers.audit_log import AuditLogReader
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

FIELDS = [
    *(FieldRef(path, FieldType.KEYWORD) for path in sorted(CELLS - {"@timestamp"})),
    *(
        FieldRef(path, FieldType.KEYWORD)
        for path in (
            "auditd.data.syscall", "auditd.data.socket.port", "auditd.data.tty", "auditd.paths.name",
            "auditd.result", "auditd.session", "auditd.summary.how", "destination.ip", "event.action",
            "event.outcome", "event.type", "file.path", "host.name", "process.executable", "process.name",
            "process.working_directory", "tags", "user.id", "user.name",
        )
    ),
    FieldRef("fortisiem.procName", FieldType.KEYWORD),
    FieldRef("process.pid", FieldType.LONG),
]  # fmt: skip
WIRED = "saddr=0200115C0A141E050000000000000000"
LOCAL = "saddr=01002F72756E2F7300"


def read(lines: Sequence[bytes], fields: Sequence[FieldRef], **options: Any) -> tuple[list[Batch], ReadReport]:
    report = ReadReport()
    reader = AuditLogReader(fields, None, "web01", report, itertools.count(), **options)
    for number, line in enumerate(lines, 1):
        assert list(reader.feed(line, Place("logs/audit.log", number))) == []
    return list(reader.finish()), report


def check(lines: Sequence[bytes], fields: Sequence[FieldRef] = FIELDS, **options: Any) -> None:
    """Columns and counts are those of the documents, which are normalised one by one."""
    batches, report = read(lines, fields, **options)
    counted = ReadReport()
    for batch in batches:
        rows = [batch.event(row) for row in range(batch.length)]
        expected = make_batch(
            [Row(row.document, row.id, True, row.index, row.place, row.tiebreak) for row in rows],
            fields,
            batch.first_arrival,
            counted,
        )
        assert dict(batch.columns) == dict(expected.columns)
        assert [*batch.columns] == [*expected.columns]
        assert batch.time.tolist() == expected.time.tolist()
        assert batch.tiebreak.tolist() == expected.tiebreak.tolist()
        assert batch.index == expected.index
    assert report.uncoercible == counted.uncoercible
    assert (report.without_time, report.without_index) == (counted.without_time, counted.without_index)


def test_every_kind_of_cell_comes_from_its_own_event() -> None:
    lines = [
        *execve(1, "nc", "-l", pid=10, ppid=9, a0="1f"),
        *execve(2, "nc", "a b", pid=11, ppid=8, a0="2f", time="1700000001.456"),
        *execve(3, "nc", "-l", pid=10, ppid=9, exit=7),
    ]
    batches, _ = read(lines, FIELDS)
    (batch,) = batches
    cells = {ref.path: [batch.values(ref, row) for row in range(3)] for ref in FIELDS if ref.path in CELLS}
    assert cells["process.args"] == [["nc", "-l"], ["nc", "-l"], ["nc", "a b"]]
    assert cells["auditd.data.a0"] == [("1f",), ("3",), ("2f",)]
    assert cells["auditd.data.exit"] == [("0",), ("7",), ("0",)]
    assert cells["process.title"] == [("nc -l",), ("nc -l",), ("nc a b",)]
    assert cells["event.id"][2] == ("audit-web01-1700000001.456-2",)
    check(lines)


@pytest.mark.parametrize(
    "line",
    [
        b"a0=6 " + system(2, 59, items=0).partition(b"): ")[2],
        system(2, 59, items=0).partition(b"): ")[2].replace(b" pid=200", b' x="1 pid=200'),
        system(2, 59, items=0).partition(b"): ")[2] + b" a1=77 argc=5 exit=4",
        system(2, 59, items=0).partition(b"): ")[2] + b' a1=" msg=audit(1700000000.123:2): b"',
        system(2, 102, items=0, arch="40000003", a0="3").partition(b"): ")[2],
        system(2, 102, items=0, arch="40000003", a0="2").partition(b"): ")[2],
        system(2, 59, items=0, pid="x7").partition(b"): ")[2],
        system(2, 59, items=0, exit=-2, success="no").partition(b"): ")[2],
        system(2, 231, items=0, exit=None, success=None).partition(b"): ")[2],
    ],
)
def test_unusual_records_between_usual_ones_change_nothing(line: bytes) -> None:
    usual = [system(serial, 59, items=0, pid=serial, a0=f"{serial:x}") for serial in (1, 4, 5)]
    odd = [b"type=SYSCALL msg=audit(1700000000.123:%d): " % serial + line for serial in (2, 3)]
    odd[1] = odd[1].replace(b":2)", b":3)").replace(b" pid=200", b" pid=201").replace(b" a0=3", b" a0=5")
    check([*usual[:1], *odd, *usual[1:]])


TAILS = ["", " a0=1", ' key="\x1d"', "'", " {", '\x1dUID="bob" AUID="eve"', "  "]
HEADS = [
    "type=CWD",
    "type=PATH",
    "type=SOCKADDR",
    "type=AVC",
    "type=EOE",
    "type=EXECVE",
    "type=PROCTITLE",
    "type=1300",
]
BODIES = [
    'cwd="/"',
    'item=0 name="/x" nametype=NORMAL',
    'argc=1 a0="x"',
    "argc=2 a0=6E63",
    WIRED,
    LOCAL + "AB",
    "saddr=x",
    "",
]


@st.composite
def events(draw: st.DrawFn) -> list[bytes]:
    """The records of one event with something odd here and there."""
    serial = draw(st.integers(1, 12))
    own: dict[str, Any] = {
        "pid": draw(st.sampled_from([200, 201, 77777777, "x"])),
        "a0": draw(st.sampled_from(["0", "1200011", "ffffffffffffffff", '"q"'])),
        "exit": draw(st.sampled_from([0, 201, -2, None, "?"])),
    }
    call = draw(st.sampled_from([59, 42, 56, 231]))
    if call == 59:
        arguments = draw(st.lists(st.sampled_from(["nc", "-e", "a b", 'q"', "pid=5", "\u00e9", ""]), max_size=3))
        lines = execve(serial, *arguments, **own)
    else:
        lines = [
            system(serial, call, **own),
            record("SOCKADDR", serial, draw(st.sampled_from([WIRED, LOCAL, LOCAL + "77"]))),
        ]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["tail", "drop", "repeat", "extra", "move"])):
            case "tail":
                lines[place] += draw(st.sampled_from(TAILS)).encode()
            case "drop":
                lines.pop(place)
                if not lines:
                    return lines
            case "repeat":
                lines.append(lines[place])
            case "extra":
                head, body = draw(st.sampled_from(HEADS)), draw(st.sampled_from(BODIES))
                lines.insert(place, f"{head} msg=audit(1700000000.123:{serial}): {body}".encode())
            case _:
                lines.append(lines.pop(place))
    return lines


@given(st.lists(events(), max_size=12), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_any_events_give_the_columns_of_their_documents(found: list[list[bytes]], rows: int) -> None:
    check([line for lines in found for line in lines], batch_rows=rows)


@given(st.lists(events(), max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_lines_apart_give_what_lines_together_give(found: list[list[bytes]], data: st.DataObject) -> None:
    lines = [line for each in found for line in each]
    together, report = read(sorted(lines), FIELDS)
    apart, other = read(
        data.draw(st.permutations(lines)), FIELDS, limit_bytes=data.draw(st.sampled_from([1, 1 << 20]))
    )
    assert [dict(batch.columns) for batch in apart] == [dict(batch.columns) for batch in together]
    assert documents(apart) == documents(together)
    assert other.problems == report.problems


def documents(batches: list[Batch]) -> list[dict[str, Any]]:
    return [batch.source.document(row) for batch in batches for row in range(batch.length)]


def test_values_lost_in_a_shared_column_are_counted_for_every_event() -> None:
    lines = [line for serial in range(5) for line in execve(serial, "nc")]
    check(lines, [FieldRef("process.name", FieldType.LONG), *FIELDS], batch_rows=2)


@pytest.mark.parametrize(
    "path", ["process", "process.parent", "auditd", "auditd.data", "user", "auditd.summary.actor"]
)
def test_objects_are_columns_too(path: str) -> None:
    lines = [line for serial in range(3) for line in execve(serial, "nc", pid=serial + 5)]
    check(lines, [FieldRef(path, FieldType.OBJECT), *FIELDS])


def test_the_time_may_be_wanted_as_text() -> None:
    check([*execve(1, "nc"), *execve(2, "nc")], [FieldRef("@timestamp", FieldType.KEYWORD)])


@pytest.mark.parametrize("time", ["0000000000.000", "0000000005.000", "0000000012.000", "1700000000.123456"])
def test_times_are_exact(time: str) -> None:
    check([*execve(1, "nc", time=time), *execve(2, "nc", time=time)])


def test_two_hosts_share_no_frame() -> None:
    lines = [b"node=%s " % host + line for host in (b"a", b"b") for line in execve(1, "nc")]
    batches, _ = read(lines, FIELDS)
    assert batches[0].columns[FieldRef("host.name", FieldType.KEYWORD)].to_pylist() == ["a", "b"]
    check(lines)


def test_what_lies_behind_a_short_address_is_no_part_of_the_frame() -> None:
    texts = [
        b"\n".join([system(1, 42), record("SOCKADDR", 1, LOCAL + rest)]) for rest in ("0102", "0304")
    ]  # fmt: skip
    splits = [split_frame(text, "") for text in texts]
    assert all(split is not None for split in splits)
    assert splits[0][0] == splits[1][0]  # type: ignore[index]
