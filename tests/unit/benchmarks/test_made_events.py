from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dogwatch.events.readers import ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from benchmarks.generate.audit import LINES_OF_EVENT, audit_events, write_audit_log  # noqa: E402 - not installed
from benchmarks.generate.stream import event_lines, write_events, write_repeated  # noqa: E402

COUNT = 4000

Document = dict[str, Any]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return [json.loads(line) for line in event_lines(COUNT, suspicious=0.01)]


def test_the_seed_and_nothing_else_decides() -> None:
    first = list(event_lines(300, 7))
    assert first == list(event_lines(300, 7)) == list(event_lines(500, 7))[:300]
    assert first != list(event_lines(300, 8))


def test_events_are_in_order_of_time_and_have_ids_of_their_own(documents: list[Document]) -> None:
    times = [each["@timestamp"] for each in documents]
    assert times == sorted(times)
    assert len({each["event"]["id"] for each in documents}) == COUNT


def test_hosts_are_skewed_and_of_both_systems(documents: list[Document]) -> None:
    hosts = Counter(each["host"]["name"] for each in documents)
    assert hosts.most_common(1)[0][1] > 20 * min(hosts.values())
    systems = Counter(each["host"]["os"]["type"] for each in documents)
    assert min(systems["linux"], systems["windows"]) > COUNT / 5


def test_every_event_names_its_data_stream_and_has_lists_where_ecs_has(documents: list[Document]) -> None:
    datasets: Counter[str] = Counter()
    for each in documents:
        assert each["data_stream"]["type"] == "logs"
        assert isinstance(each["event"]["category"], list)
        assert isinstance(each["event"]["type"], list)
        assert isinstance(each["host"]["ip"], list)
        datasets[each["data_stream"]["dataset"]] += 1
    assert {"endpoint.events.process", "auditd_manager.auditd", "windows.sysmon_operational"} <= set(datasets)
    assert {"system.auth", "system.security", "endpoint.events.registry"} <= set(datasets)


def test_parents_are_processes_that_have_started(documents: list[Document]) -> None:
    started = {"init", "services", "userinit", "console"}
    known = 0
    for each in documents:
        process = each["process"]
        if "parent" in process:
            known += process["parent"]["entity_id"] in started
        started.add(process["entity_id"])
    starts = sum("parent" in each["process"] for each in documents)
    assert known == starts


def test_some_command_lines_repeat_and_some_do_not(documents: list[Document]) -> None:
    lines = Counter(each["process"]["command_line"] for each in documents if "command_line" in each["process"])
    once = sum(count == 1 for count in lines.values())
    assert 0.05 < once / lines.total() < 0.5
    assert lines.most_common(1)[0][1] > 20


def test_without_suspicion_no_event_is_odd() -> None:
    text = "\n".join(event_lines(2000, suspicious=0.0))
    assert "203.0.113." not in text
    assert "203.0.113." in "\n".join(event_lines(2000, suspicious=0.05))


def test_a_file_is_read_without_a_complaint(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    assert write_events(path, 1500, suspicious=0.02) == path.stat().st_size
    refs = [
        FieldRef("process.pid", FieldType.LONG),
        FieldRef("file.size", FieldType.LONG),
        FieldRef("destination.ip", FieldType.IP),
        FieldRef("event.created", FieldType.DATE),
        FieldRef("process.args", FieldType.KEYWORD),
    ]
    report = ReadReport()
    rows = sum(batch.length for batch in read_batches([path], refs, ReadOptions(), report))
    assert rows == report.events == 1500
    assert not report.problems
    assert not report.uncoercible


def test_a_repeated_stream_has_other_ids_and_later_days(tmp_path: Path) -> None:
    chunk, whole = tmp_path / "chunk.ndjson", tmp_path / "whole.ndjson"
    write_events(chunk, 200)
    assert write_repeated(whole, chunk, 40) == whole.stat().st_size
    made = [json.loads(line) for line in whole.read_text("utf-8").splitlines()]
    assert len({each["event"]["id"] for each in made}) == 200 * 40
    days = [each["@timestamp"][:10] for each in made]
    assert days == sorted(days)
    assert len(set(days)) == 40


def test_an_audit_log_holds_whole_events(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    write_audit_log(path, 300)
    assert list(audit_events(5)) == list(audit_events(9))[:5]
    refs = [FieldRef("process.args", FieldType.KEYWORD), FieldRef("user.name", FieldType.KEYWORD)]
    report = ReadReport()
    batches = list(read_batches([path], refs, ReadOptions(), report))
    assert sum(batch.length for batch in batches) == report.events == 300
    assert report.lines == 300 * LINES_OF_EVENT
    assert not report.problems
    assert all(batch.columns[ref].null_count == 0 for batch in batches for ref in batch.columns)
