"""Sequences with a missing event: what makes alerts, when, and what an alert says while its window is open."""

from __future__ import annotations

from typing import Any

import pytest
from detection_samples import (
    MINUTE,
    SECOND,
    START,
    alerts,
    batches,
    elastic,
    found,
    process,
    scan_for,
    scheduled_alerts,
    scheduled_for,
)

from dogwatch.alerts.model import OPEN_UNTIL, Alert
from dogwatch.base.diagnostic import Severity
from dogwatch.base.time import format_instant
from dogwatch.detect.options import OpenWindows, ScanOptions

NC, SH = '[process where process.name == "nc"]', '[process where process.name == "sh"]'
ALONE = f"sequence by host.id with maxspan=1m {NC} !{SH}"
BETWEEN = f'sequence by host.id with maxspan=1m {NC} !{SH} [process where process.name == "ls"]'
FIRST = f"sequence by host.id with maxspan=1m !{SH} {NC}"


def window_end(second: float) -> str:
    return format_instant(START + round(second * SECOND) + MINUTE)


def test_only_events_that_occurred_become_building_blocks() -> None:
    (shell,) = alerts(elastic(BETWEEN), [process("nc", 1), process("ls", 2)])
    names = [block.document["process"]["name"] for block in shell.building_blocks]
    assert names == ["nc", "ls"]
    assert [block.document["kibana.alert.group.index"] for block in shell.building_blocks] == [0, 1]
    assert len(shell.document["kibana.alert.ancestors"]) == 4
    assert OPEN_UNTIL not in shell.document
    assert not alerts(elastic(BETWEEN), [process("nc", 1), process("sh", 1.5), process("ls", 2)])


def test_one_event_may_be_all_that_occurred() -> None:
    (shell,) = alerts(elastic(FIRST), [process("nc", 90)])
    (block,) = shell.building_blocks
    assert block.document["process"] == shell.document["process"] == {"name": "nc"}
    assert not alerts(elastic(FIRST), [process("sh", 60), process("nc", 90)])
    assert alerts(elastic(FIRST), [process("sh", 20), process("nc", 90)])


def test_an_open_window_is_marked() -> None:
    (shell,) = alerts(elastic(ALONE), [process("nc", 1), process("ls", 30)])
    assert shell.document[OPEN_UNTIL] == window_end(1)
    assert shell.document["@timestamp"] == process("nc", 1)["@timestamp"]
    assert all(OPEN_UNTIL not in block.document for block in shell.building_blocks)


def test_any_later_event_closes_the_window() -> None:
    for last in (process("ls", 61.5), process("sh", 61.5, host={"id": "h2"}), process("sh", 61.5)):
        (shell,) = alerts(elastic(ALONE), [process("nc", 1), last])
        assert OPEN_UNTIL not in shell.document
    assert not alerts(elastic(ALONE), [process("nc", 1), process("sh", 61)])


def test_the_window_is_open_where_the_stretch_asked_for_ends() -> None:
    documents = [process("nc", 1), process("sh", 50), process("ls", 90)]
    assert not alerts(elastic(ALONE), documents)
    (shell,) = alerts(elastic(ALONE), documents, end=START + 40 * SECOND)
    assert shell.document[OPEN_UNTIL] == window_end(1)


@pytest.mark.parametrize("follow", [False, True])
def test_open_windows_can_be_left_out(follow: bool) -> None:
    documents = [process("nc", 1), process("nc", 100), process("ls", 120)]
    for open_windows, expected in ((OpenWindows.REPORT, 2), (OpenWindows.OMIT, 1)):
        scan = scan_for([elastic(ALONE)], ScanOptions(follow=follow, open_windows=open_windows))
        given_alerts = [each for each in found(scan, documents) if isinstance(each, Alert)]
        assert [OPEN_UNTIL in each.document for each in given_alerts] == [False, True][:expected]
        (note,) = scan.report.notes
        assert (note.code, note.severity) == ("open-window", Severity.NOTICE)
        assert "for 1 of its matches" in note.message


def test_what_is_certain_is_not_noted() -> None:
    scan = scan_for([elastic(ALONE), elastic(BETWEEN, rule_id="between")])
    assert len(found(scan, [process("nc", 1), process("ls", 2), process("x", 100)])) == 2
    assert not scan.report.notes


class TestFollowing:
    def given_after(self, documents: list[dict[str, Any]], present: int) -> list[int]:
        """For each alert, how many events had been read when it was given."""
        scan = scan_for([elastic(ALONE)], ScanOptions(follow=True, present=lambda: present))
        read = []

        def counted() -> Any:
            for batch in batches(documents, scan, 1, "logs-x"):
                read.append(batch)
                yield batch

        return [len(read) for _ in scan.run(counted())]

    def test_the_clock_of_the_data_decides(self) -> None:
        documents = [process(name, second) for name, second in (("nc", 1), ("ls", 30), ("ls", 70), ("ls", 80))]
        assert self.given_after(documents, START + 10 * MINUTE) == [3]

    def test_a_stamp_from_the_future_does_not(self) -> None:
        documents = [process("nc", 1), process("ls", 86400), process("sh", 30)]
        assert self.given_after(documents, START + 40 * SECOND) == []
        assert self.given_after(documents[:2], START + 40 * SECOND) == [2]


class TestOnSchedule:
    def test_a_run_judges_by_what_is_there(self) -> None:
        rule = elastic(ALONE, interval="1m", from_="now-5m")
        documents = [process("nc", 30), process("sh", 70)]
        (shell,) = scheduled_alerts(rule, documents)
        assert shell.document["@timestamp"] == format_instant(START + MINUTE)
        assert shell.document[OPEN_UNTIL] == window_end(30)

    def test_or_waits_until_it_is_certain(self) -> None:
        rule = elastic(ALONE, interval="1m", from_="now-5m")
        omit = OpenWindows.OMIT
        assert not scheduled_alerts(rule, [process("nc", 30), process("sh", 70)], open_windows=omit)
        (shell,) = scheduled_alerts(rule, [process("nc", 30)], open_windows=omit)
        assert shell.document["@timestamp"] == format_instant(START + 2 * MINUTE)
        assert OPEN_UNTIL not in shell.document

    def test_what_has_gone_out_of_sight_refutes_nothing(self) -> None:
        query = FIRST.replace("1m", "10m")
        rule = elastic(query, interval="1m", from_="now-3m")
        (shell,) = scheduled_alerts(rule, [process("sh", 10), process("nc", 70)])
        assert shell.document["@timestamp"] == format_instant(START + 4 * MINUTE)
        assert not alerts(elastic(query), [process("sh", 10), process("nc", 70)])

    def test_open_windows_are_noted(self) -> None:
        scan = scheduled_for([elastic(ALONE, interval="1m", from_="now-5m")])
        assert len(found(scan, [process("nc", 30)])) == 1
        (note,) = scan.report.notes
        assert note.code == "open-window"
        assert "a run's stretch of time ended within" in note.message
