"""Pipes of rules: ``| head`` and ``| tail`` over what a run found."""

from __future__ import annotations

from typing import Any

import pytest
from detection_samples import alerts, elastic, found, hit, process, scan_for, scheduled_for
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.alerts.model import Alert
from dogwatch.base.diagnostic import Severity
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.pipe import Pipe
from dogwatch.logic.pattern import End, Limit

NC = 'process where process.name == "nc"'
PAIR = f'sequence by user.name [{NC}] [process where process.name == "sh"]'

LIMITS = st.lists(st.builds(Limit, st.sampled_from(End), st.integers(0, 6)), min_size=1, max_size=3)


@given(LIMITS, st.lists(st.integers(0, 5)))
def test_it_keeps_what_the_limits_leave_of_the_ordered_results(limits: list[Limit], places: list[int]) -> None:
    pipe: Pipe[tuple[int, int]] = Pipe(tuple(limits))
    results = [(place, number) for number, place in enumerate(places)]
    for place, number in results:
        pipe.add((place,), (place, number))
    left = sorted(results)
    for limit in limits:
        left = left[: limit.count] if limit.end is End.HEAD else left[max(0, len(left) - limit.count) :]
    assert pipe.kept() == left
    assert pipe.seen == len(results)


def at(documents: list[Any], given_alerts: list[Alert]) -> list[int]:
    """Which of the documents, by number, gave alerts, in the order of the alerts."""
    times = [each.get("_source", each)["@timestamp"] for each in documents]
    return [times.index(each.document["@timestamp"]) for each in given_alerts]


@pytest.mark.parametrize(
    ("pipe", "expected"),
    [
        ("| head 2", [1, 0]),
        ("| tail 2", [3, 2]),
        ("| head 3 | tail 2", [0, 3]),
        ("| tail 3 | head 1", [0]),
        ("| tail 99", [1, 0, 3, 2]),
        ("| head 0", []),
    ],
)
@pytest.mark.parametrize("rows", [1, 8192])
def test_events_are_kept_by_their_place_in_time(pipe: str, expected: list[int], rows: int) -> None:
    documents = [process("nc", second) for second in (3, 1, 7, 5)] + [process("ls", 9)]
    scan = scan_for([elastic(f"{NC} {pipe}")], ScanOptions())
    given_alerts = [each for each in found(scan, documents, rows=rows) if isinstance(each, Alert)]
    assert at(documents, given_alerts) == expected
    cut = [note for note in scan.report.notes if note.code == "pipe-applied"]
    assert len(cut) == (len(expected) < 4)
    if cut:
        assert cut[0].severity is Severity.NOTICE
        assert f"kept {len(expected)} of 4 results of the whole scan" in cut[0].message


def test_an_event_that_was_read_twice_is_one_result() -> None:
    first, second = hit(process("nc", 1), "e1"), hit(process("nc", 2), "e2")
    assert at([first, second], alerts(elastic(f"{NC} | head 2"), [first, first, second])) == [0, 1]


def test_one_id_in_two_data_streams_is_two_results_as_it_is_two_alerts() -> None:
    documents = [hit(process("nc", 1), "e1", index) for index in ("logs-x", "logs-y", "logs-x")]
    assert len(alerts(elastic(NC), documents, index=None)) == 2
    assert len(alerts(elastic(f"{NC} | tail 5"), documents, index=None)) == 2
    assert len(alerts(elastic(f"{NC} | tail 1"), documents, index=None)) == 1


def test_sequences_are_kept_by_their_last_event() -> None:
    documents = [process("nc", 1, user__name="a"), process("nc", 2, user__name="b")]
    documents += [process("sh", 3, user__name="b"), process("sh", 4, user__name="a")]
    assert at(documents, alerts(elastic(f"{PAIR} | tail 1"), documents)) == [3]
    assert at(documents, alerts(elastic(f"{PAIR} | head 1"), documents)) == [2]


def test_a_sequence_that_is_certain_later_keeps_its_place() -> None:
    query = f'sequence by user.name with maxspan=10m [{NC}] ![process where process.name == "sh"] | head 1'
    documents = [process("nc", 1, user__name="a"), process("nc", 2, user__name="b"), process("ls", 3000)]
    assert at(documents, alerts(elastic(query), documents)) == [0]
    assert at(documents, alerts(elastic(query), documents[::-1])) == [0]


def test_the_rules_beside_it_keep_theirs() -> None:
    rules = [elastic(f"{NC} | tail 1", rule_id="piped"), elastic(NC, rule_id="plain")]
    documents = [process("nc", second) for second in range(3)]
    given_alerts = [each for each in found(scan_for(rules), documents) if isinstance(each, Alert)]
    assert [each.document["kibana.alert.rule.rule_id"] for each in given_alerts] == ["plain"] * 3 + ["piped"]


def test_a_stream_without_an_end_has_no_last_result() -> None:
    rules = [elastic(f"{NC} | tail 1", rule_id="one"), elastic(f"{PAIR} | head 1", rule_id="two")]
    scan = scan_for(rules, ScanOptions(follow=True))
    (note,) = scan.report.notes
    assert (note.code, note.severity) == ("pipe-not-applied", Severity.NOTICE)
    assert "one@1, two@1" in note.message
    assert len(found(scan, [process("nc", second) for second in range(3)])) == 3
    assert scan.report.notes == [note]


class TestOnSchedule:
    def made(self, query: str, documents: list[Any], **extra: Any) -> list[tuple[int, int]]:
        """Which document's alert was made by which run, in minutes."""
        self.scan = scheduled_for([elastic(query, interval="5m", from_="now-5m", **extra)])
        given_alerts = [each for each in found(self.scan, documents) if isinstance(each, Alert)]
        times = [each["@timestamp"] for each in documents]
        moments = [each.document["@timestamp"] for each in given_alerts]
        return [
            (times.index(each.document["kibana.alert.original_time"]), sorted(set(moments)).index(moment))
            for each, moment in zip(given_alerts, moments, strict=True)
        ]

    def test_each_run_has_its_own_last_result(self) -> None:
        documents = [process("nc", second) for second in (1, 2, 3, 301, 302)]
        assert self.made(f"{NC} | tail 1", documents) == [(2, 0), (4, 1)]
        (note,) = self.scan.report.notes
        assert note.code == "pipe-applied"
        assert "kept 2 of 5 results of 2 runs" in note.message

    def test_the_size_goes_before_the_pipe_and_keeps_its_end(self) -> None:
        documents = [process("nc", second) for second in range(1, 7)]
        assert self.made(f"{NC} | tail 2 | head 1", documents, max_signals=3) == [(4, 0)]
        assert {note.code for note in self.scan.report.notes} == {"max-signals", "pipe-applied"}
        # The oldest are kept, as the pipe begins at the head.
        assert self.made(f"{NC} | head 5", documents, max_signals=2) == [(0, 0), (1, 0)]
        (note,) = self.scan.report.notes
        assert "4 newer ones were cut" in note.message

    def test_the_next_result_is_first_when_the_first_has_gone_out_of_sight(self) -> None:
        documents = [process("nc", second) for second in (10, 200)]
        scan = scheduled_for([elastic(f"{NC} | head 1", interval="1m", from_="now-4m")])
        given_alerts = [each for each in found(scan, documents) if isinstance(each, Alert)]
        assert [each.document["kibana.alert.original_time"] for each in given_alerts] == [
            each["@timestamp"] for each in documents
        ]
        first, second = (each.document["@timestamp"] for each in given_alerts)
        assert (first[14:16], second[14:16]) == ("16", "20")
