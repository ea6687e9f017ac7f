from __future__ import annotations

import itertools
import random
from typing import Any

from audit_samples import FIELDS, documents, execve, one, read, read_files, record, system
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Place
from dogwatch.events.readers.audit_log import AuditLogReader
from dogwatch.events.report import ReadReport

SECOND = 1_000_000_000
CONNECT = [
    system(12, 42, success="no", exit=-115, time="1700000000.127"),
    record("SOCKADDR", 12, "saddr=0200115C0A141E050000000000000000", time="1700000000.127"),
]
STREAM = [
    *execve(9, "bash", pid=100, ppid=50),
    system(11, 56, exit=200, pid=100, ppid=50, a0="1200011"),
    *execve(10, "nc", "10.20.30.5", "4444"),
    *CONNECT,
    system(13, 231, time="1700000000.131", exit=None, success=None),
    *execve(14, "nc", "-h", time="1700000000.140"),
]


@given(st.permutations(STREAM), st.data())
@settings(max_examples=50, deadline=None)
def test_the_order_of_lines_copies_and_files_changes_nothing(lines: list[bytes], data: st.DataObject) -> None:
    expected, report = read(STREAM)
    assert not report.problems
    cut = data.draw(st.integers(0, len(lines)))
    copies = data.draw(st.lists(st.sampled_from(lines), max_size=8))
    files = {"logs/audit.log.1": lines[cut:], "logs/audit.log": lines[:cut] + copies}
    found, report = read_files(files, limit_bytes=data.draw(st.sampled_from([1, 1500, 1 << 20])))
    assert found == expected
    assert not report.problems


def test_one_process_is_one_entity_with_its_parent() -> None:
    found, report = read(STREAM)
    by = {document["auditd"]["sequence"]: document["process"] for document in found}
    shell = by[9]["entity_id"]
    assert by[10]["entity_id"] == by[12]["entity_id"] == by[13]["entity_id"]
    assert by[10]["parent"]["entity_id"] == shell
    assert by[14]["entity_id"] != by[10]["entity_id"]
    assert by[11]["entity_id"] == shell
    assert report.derived_entities == len(found) == report.events


def test_batches_carry_order_index_and_place() -> None:
    report = ReadReport()
    arrivals = itertools.count(100)
    reader = AuditLogReader(FIELDS, None, "web01", report, arrivals, batch_rows=2)
    for number, line in enumerate([b"", *STREAM, b"  \n"], 1):
        assert list(reader.feed(line, Place("a.log", number))) == []
    batches = list(reader.finish())
    assert [batch.length for batch in batches] == [2, 2, 2]
    assert [batch.first_arrival for batch in batches] == [100, 102, 104]
    assert next(arrivals) == 106
    event = batches[0].event(1)
    assert (event.index, event.tiebreak, event.has_own_id) == ("auditbeat-auditd", 10, True)
    assert event.id == event.document["event"]["id"] == "audit-web01-1700000000.123-10"
    assert event.place == Place("a.log", 9)
    assert event.time == 1700000000123000000
    assert list(batches[0].values(FIELDS[1], 1)) == ["nc", "10.20.30.5", "4444"]
    assert (report.lines, report.events) == (len(STREAM), 6)


def test_another_index() -> None:
    reader = AuditLogReader(FIELDS, "logs-auditd_manager.auditd-default", None, ReadReport(), itertools.count())
    list(reader.feed(CONNECT[0], Place("a.log", 1)))
    assert next(reader.finish()).event(0).index == "logs-auditd_manager.auditd-default"


def test_the_hosts_own_name_wins_over_the_given_one() -> None:
    assert one([b"node=db01 " + system(1, 42)], host="web01")["host"]["name"] == "db01"
    assert one([system(1, 42)], host="web01")["host"]["name"] == "web01"
    assert one([b"Nov 22 04:00:01 gw audispd: " + system(1, 42)])["host"]["name"] == "gw"
    assert "name" not in one([system(1, 42)])["host"]


def test_unnamed_hosts_in_two_directories_do_not_share_processes() -> None:
    found, _ = read_files({"web/audit.log": execve(1, "nc"), "db/audit.log": [system(2, 42)]})
    assert found[0]["process"]["entity_id"] != found[1]["process"]["entity_id"]
    found, _ = read_files({"web/audit.log": execve(1, "nc"), "web/audit.log.1": [system(2, 42)]})
    assert found[0]["process"]["entity_id"] == found[1]["process"]["entity_id"]


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def follow(lines: list[bytes], **options: Any) -> list[list[dict[str, Any]]]:
    reader = AuditLogReader(FIELDS, None, None, ReadReport(), itertools.count(), follow=True, **options)
    steps = [documents(list(reader.feed(line, Place("-", number)))) for number, line in enumerate(lines, 1)]
    return [*steps, documents(list(reader.idle())), documents(list(reader.finish()))]


def test_following_gives_an_event_with_its_last_line() -> None:
    steps = follow(execve(1, "nc"), clock=Clock())
    assert [len(step) for step in steps] == [0, 0, 0, 0, 0, 1, 0, 0]
    assert steps[5] == read(execve(1, "nc"))[0]


def test_following_shares_batches_when_asked() -> None:
    clock = Clock()
    reader = AuditLogReader(
        FIELDS, None, None, ReadReport(), itertools.count(), follow=True, linger=SECOND, clock=clock
    )
    for line in execve(1, "nc") + execve(2, "id"):
        assert list(reader.feed(line, Place("-"))) == []
    assert list(reader.idle()) == []
    clock.now = SECOND
    assert [batch.length for batch in reader.idle()] == [2]
    assert list(reader.finish()) == []


def test_following_ends_what_stays_incomplete_by_the_clock() -> None:
    clock = Clock()
    reader = AuditLogReader(FIELDS, None, None, ReadReport(), itertools.count(), follow=True, clock=clock)
    assert list(reader.feed(CONNECT[0], Place("-"))) == []
    clock.now = 2 * SECOND
    assert [batch.length for batch in reader.idle()] == [1]


def test_garbage_is_counted_and_stops_nothing() -> None:
    rubbish = [b"\0\0\0", b"type=SYSCALL msg=audit(1:2:3): x", b"%s%n{0}" * 100, b"\xff" * 1000]
    found, report = read([line for pair in zip(rubbish, execve(1, "nc"), strict=False) for line in pair])
    assert len(found) == 1
    assert report.problems == {"audit-line": 4, "audit-missing-path": 1}
    assert report.kept[0].place == Place("logs/audit.log", 1)


def test_records_forged_in_names_and_arguments_are_text() -> None:
    forged = 'type=SYSCALL msg=audit(1700000000.999:99): arch=c000003e syscall=59 exe="/bin/evil"'
    encoded = f"x\n{forged}".encode().hex().upper()
    lines = execve(1, "nc")
    lines[0] = system(1, 59, items=2, comm=encoded, exe='"/tmp/a type=SYSCALL msg=audit(1.000:9): pid=1 auid=0"')
    lines[1] = record("EXECVE", 1, f"argc=2 a0={encoded} a1=\"key='x' uid=0 success=no\"")
    document = one(lines)
    assert document["process"]["args"] == [f"x\n{forged}", "key='x' uid=0 success=no"]
    assert document["process"]["name"] == f"x\n{forged}"
    assert document["process"]["pid"] == 200
    assert document["user"]["id"] == "1000"
    assert document["event"]["outcome"] == "success"


def test_a_command_line_of_128_kilobytes_in_pieces_of_any_order() -> None:
    argument = random.Random(7).randbytes(131_072).replace(b"\0", b"\1")  # noqa: S311
    text = argument.hex().upper()
    pieces = [text[start : start + 7500] for start in range(0, len(text), 7500)]
    lines = execve(1, "sh")
    lines[1:2] = [
        record("EXECVE", 1, f'argc=3 a0="sh" a1="-c" a2_len={len(text)} a2[0]={pieces[0]}'),
        *(record("EXECVE", 1, f" a2[{index}]={piece}") for index, piece in enumerate(pieces[1:], 1)),
    ]
    random.Random(8).shuffle(lines)  # noqa: S311
    document = one(lines)
    assert document["process"]["args"] == ["sh", "-c", argument.decode("utf-8", "replace")]
    assert document["process"]["args_count"] == 3


KINDS = st.sampled_from(["SYSCALL", "EXECVE", "PATH", "SOCKADDR", "USER_LOGIN", "AVC", "PROCTITLE"])
HOSTILE = st.text(alphabet="a0=\"'[]{} \0\x1d(é\u0663x:,-", max_size=40)
BEGINNINGS = (
    "",
    "arch=c000003e syscall=59 success=yes pid=1 ppid=x ",
    "saddr=",
    "argc=1 a0=",
    "item=",
    "proctitle=",
    "msg='",
)


@given(st.lists(st.tuples(KINDS, HOSTILE), max_size=6))
def test_no_body_can_stop_the_reader(bodies: list[tuple[str, str]]) -> None:
    lines = [record(kind, 1, beginning + body) for kind, body in bodies for beginning in BEGINNINGS]
    found, report = read(lines)
    assert len(found) <= 1
    assert report.problems["audit-line"] == 0
