from __future__ import annotations

import pytest
from audit_samples import execve, record, system
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Place
from dogwatch.events.linux_audit import event, join
from dogwatch.events.linux_audit.event import AuditEvent
from dogwatch.events.linux_audit.follow import Follower
from dogwatch.events.linux_audit.join import Joiner
from dogwatch.events.linux_audit.parse import Record, parse_line
from dogwatch.events.report import ReadReport

SECOND = 1_000_000_000
STREAM = [
    *execve(10, "nc", "-l"),
    *[system(11, 42, exit=-115, success="no"), record("SOCKADDR", 11, "saddr=0200115C0A141E050000000000000000"),
      record("PROCTITLE", 11, "proctitle=6E63")],
    record("USER_LOGIN", 12, "pid=1 uid=0 auid=1000 ses=3 msg='op=login id=1000 res=success'"),
    *execve(13, "id", time="1700000000.120"),
    *execve(10, "ls", time="1700000001.000"),
]  # fmt: skip


def parsed(line: bytes) -> Record:
    found = parse_line(line)
    assert isinstance(found, Record)
    return found


def joined(
    lines: list[bytes], report: ReadReport | None = None, limit: int = join.DEFAULT_LIMIT
) -> list[AuditEvent]:
    joiner = Joiner(report or ReadReport(), limit_bytes=limit)
    for line in lines:
        joiner.add(parsed(line))
    return list(joiner.finish())


def bare(events: list[AuditEvent]) -> list[tuple[int, int, tuple[Record, ...]]]:
    return sorted((event.key.time, event.key.serial, event.records) for event in events)


def test_events_come_in_the_order_of_stamp_and_serial() -> None:
    events = joined(STREAM)
    assert [event.key.serial for event in events] == [13, 10, 11, 12, 10]
    assert [event.id for event in events][:2] == ["audit---1700000000.120-13", "audit---1700000000.123-10"]


def test_records_are_in_the_kernels_order() -> None:
    event = joined(execve(1, "nc")[::-1])[0]
    assert [record.type for record in event.records] == ["SYSCALL", "EXECVE", "CWD", "PATH", "PATH", "PROCTITLE"]
    assert event.records[3].body.startswith(b"item=0")


def test_more_than_ten_paths_are_in_order() -> None:
    lines = [system(1, 59), *(record("PATH", 1, f'item={item} name="/{item}"') for item in range(12))]
    bodies = [record.body for record in joined(lines[::-1])[0].records[1:]]
    assert bodies == [b'item=%d name="/%d"' % (item, item) for item in range(12)]


@given(st.permutations(STREAM), st.sampled_from([1, 2000, join.DEFAULT_LIMIT]))
@settings(max_examples=40, deadline=None)
def test_neither_the_order_of_lines_nor_the_memory_matters(lines: list[bytes], limit: int) -> None:
    assert joined(lines, limit=limit) == joined(STREAM)


@given(st.lists(st.sampled_from(STREAM), max_size=30))
@settings(max_examples=40, deadline=None)
def test_repeated_lines_count_once(more: list[bytes]) -> None:
    assert joined(STREAM + more) == joined(STREAM)


def test_of_an_enriched_and_a_raw_copy_the_enriched_one_is_kept() -> None:
    raw = system(1, 42)
    enriched = raw + b'\x1dUID="alice"'
    for lines in ([raw, enriched], [enriched, raw]):
        assert joined(lines)[0].records[0].enrichment == b'UID="alice"'


@given(st.permutations([*STREAM, record("EOE", 10, ""), record("EOE", 13, "").rstrip()]), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_lines_taken_as_they_are_give_what_parsed_ones_give(lines: list[bytes], size: int) -> None:
    plain, parsed_ones = Joiner(ReadReport()), Joiner(ReadReport())
    for number, line in enumerate(lines):
        place = Place(f"logs/audit.log.{number // size}", number % size + 1)
        assert plain.add_line(line, place.file, number % size + 1)
        parsed_ones.add(parsed(line), place)
    assert list(plain.finish()) == list(parsed_ones.finish())


@pytest.mark.parametrize("line", [b"type=CWD msg=audit(1.0:1):", b"x" * 20_000, b"", system(1, 42) + b"\r"])
def test_a_line_that_is_not_plain_is_left_to_the_parser(line: bytes) -> None:
    joiner = Joiner(ReadReport())
    assert not joiner.add_line(line, "a.log", 1)
    assert list(joiner.held()) == []


def test_two_hosts_do_not_mix() -> None:
    lines = [
        b"node=a " + system(1, 42),
        b"node=b " + system(1, 42, pid=7),
        b"node=a " + record("CWD", 1, 'cwd="/"'),
    ]
    events = joined(lines)
    assert [(event.key.host, len(event.records)) for event in events] == [("a", 2), ("b", 1)]


def test_unnamed_hosts_are_kept_apart_by_directory_which_stays_out_of_the_id() -> None:
    joiner = Joiner(ReadReport())
    joiner.add(parsed(system(1, 42)), Place("web/audit.log", 1))
    joiner.add(parsed(record("CWD", 1, 'cwd="/"')), Place("web/audit.log.1", 9))
    joiner.add(parsed(system(1, 42, pid=7)), Place("db/audit.log", 1))
    events = list(joiner.finish())
    assert [(event.key.partition, len(event.records)) for event in events] == [("db", 1), ("web", 2)]
    assert len({event.id for event in events}) == 1
    assert events[1].places == (Place("web/audit.log", 1), Place("web/audit.log.1", 9))


def test_a_file_name_that_is_no_text_does_no_harm() -> None:
    joiner = Joiner(ReadReport(), limit_bytes=1)
    joiner.add(parsed(system(1, 42)), Place("bad\udcff/audit.log", 1))
    assert [event.places for event in joiner.finish()] == [(Place("bad\udcff/audit.log", 1),)]


@pytest.mark.parametrize(
    "line",
    [record("EXECVE", 1, 'argc=1 a0="nc"'), record("SOCKADDR", 1, "saddr=0100"), record("PATH", 1, "item=0"),
     record("PROCTITLE", 1, "proctitle=6E63"), record("EOE", 1, "")],
)  # fmt: skip
def test_what_only_adds_to_a_system_call_is_incomplete_without_it(line: bytes) -> None:
    report = ReadReport()
    assert joined([line], report) == []
    assert report.problems == {"audit-incomplete": 1}


def test_an_event_beyond_any_measure_is_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event, "MAX_EVENT_BYTES", 3000)
    report = ReadReport()
    lines = [system(1, 42), *(record("OBJ_PID", 1, f"opid={number:03}") for number in range(200))]
    events = joined(lines, report)
    assert len(events) == 1
    assert len(events[0].records) < 100
    assert report.problems == {"audit-oversized": 1}
    assert joined(lines[::-1]) == events
    # More than is held of one event is sorted by itself, to the same end.
    monkeypatch.setattr(join, "MAX_EVENT_BYTES", 3000)
    again = ReadReport()
    assert joined([*lines, system(2, 42)], again, limit=2000)[:1] == events
    assert again.problems == report.problems


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_following_gives_the_same_events() -> None:
    report = ReadReport()
    follower = Follower(report, clock=Clock())
    events = [event for line in STREAM for event in follower.add(parsed(line))]
    assert bare(events) == bare(joined(STREAM))
    assert list(follower.finish()) == []
    assert not report.problems


@given(st.permutations(STREAM))
@settings(max_examples=40, deadline=None)
def test_following_any_order_gives_the_same_events_at_last(lines: list[bytes]) -> None:
    # PROCTITLE ends an event only when all that was announced is there, and nobody announces CWD and SOCKADDR.
    lines = [line for line in lines if b"PROCTITLE" not in line]
    expected = [line for line in STREAM if b"PROCTITLE" not in line]
    follower = Follower(ReadReport(), clock=Clock())
    events = [event for line in lines for event in follower.add(parsed(line))]
    assert bare(events + list(follower.finish())) == bare(joined(expected))


def test_an_event_is_complete_on_its_end_record() -> None:
    follower = Follower(ReadReport(), clock=Clock())
    assert list(follower.add(parsed(system(1, 42, items=3)))) == []
    assert len(list(follower.add(parsed(record("EOE", 1, ""))))) == 1


def test_the_title_does_not_complete_an_event_that_lacks_what_it_announced() -> None:
    lines = execve(1, "nc", "-l")
    title, rest = lines[-1], lines[:-1]
    for missing in rest:
        if b"CWD" in missing:
            continue
        follower = Follower(ReadReport(), clock=Clock())
        present = [line for line in rest if line != missing]
        assert [event for line in [*present, title] for event in follower.add(parsed(line))] == []


def test_an_end_record_after_the_title_is_no_event_and_a_later_record_is_counted() -> None:
    report = ReadReport()
    follower = Follower(report, clock=Clock())
    events = [event for line in execve(1, "nc") for event in follower.add(parsed(line))]
    assert len(events) == 1
    assert list(follower.add(parsed(record("EOE", 1, "")))) == []
    assert not report.problems
    assert list(follower.add(parsed(record("OBJ_PID", 1, "opid=1")))) == []
    assert report.problems == {"audit-late": 1}
    assert list(follower.finish()) == []


def test_the_clock_on_the_wall_ends_an_event() -> None:
    clock = Clock()
    follower = Follower(ReadReport(), clock=clock)
    assert list(follower.add(parsed(system(1, 42)))) == []
    clock.now = 2 * SECOND - 1
    assert list(follower.expire()) == []
    clock.now += 1
    assert len(list(follower.expire())) == 1


def test_the_stamps_of_later_events_end_an_event() -> None:
    follower = Follower(ReadReport(), clock=Clock())
    assert list(follower.add(parsed(system(1, 42, time="1700000000.000")))) == []
    assert list(follower.add(parsed(system(2, 42, time="1700000001.999")))) == []
    assert [event.key.serial for event in follower.add(parsed(system(3, 42, time="1700000002.000")))] == [1]


def test_an_accept_that_waited_an_hour_is_not_timed_out_by_its_own_stamp() -> None:
    follower = Follower(ReadReport(), clock=Clock())
    assert list(follower.add(parsed(system(1, 42, time="1700003600.000")))) == []
    assert list(follower.add(parsed(system(2, 288, time="1700000000.000")))) == []
    late = record("SOCKADDR", 2, "saddr=0200115C0A141E050000000000000000", time="1700000000.000")
    assert list(follower.add(parsed(late))) == []
    assert [len(event.records) for event in follower.finish()] == [2, 1]


def test_the_memory_for_hosts_is_bounded() -> None:
    follower = Follower(ReadReport(), clock=Clock(), limit=5)
    for number in range(100):
        list(follower.add(parsed(b"node=h%d " % number + system(1, 42))))
    assert len(follower._newest) <= 7


def test_too_many_open_events_are_given_up_and_counted() -> None:
    report = ReadReport()
    follower = Follower(report, clock=Clock(), limit=3)
    events = [event for serial in range(5) for event in follower.add(parsed(system(serial, 42)))]
    assert [event.key.serial for event in events] == [0, 1]
    assert report.problems == {"audit-evicted": 2}
