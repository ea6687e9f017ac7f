"""A stream that falls silent: what waits for earlier events is judged when the time of day allows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dogwatch.alerts.model import Incident
from dogwatch.base.time import SECOND, format_instant
from dogwatch.detect.compiled import compile_rules
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.scan import Scan
from dogwatch.events.batch import Batch
from dogwatch.events.readers import documents_to_batches
from dogwatch.rules.ruleset import load_rules
from dogwatch.schema.schema import Schema

START = 1_770_000_000 * SECOND
RULES = Path(__file__).resolve().parents[3] / "docs" / "fortisiem" / "examples" / "fortisiem"
GUESSED, STAYS_DOWN = "brute_force_success", "service_stays_down"
FAILED, SUCCEEDED = "Generic_Unix_Failed_SSH_Login", "Generic_Unix_Successful_SSH_Login"
DOWN, UP = "PH_DEV_MON_PROC_STOP", "PH_DEV_MON_PROC_START"
OTHER = "Something_Else"
TOLERANCE = 10

Told = tuple[str, float]
"""The type of an event, and its time in seconds after the start."""


def followed(rule: str, *steps: list[Told] | float, now: float = 0) -> tuple[list[int], Scan]:
    """How many times an incident was given after each step, and at the end of the stream.

    A step is a batch of events, or a number of seconds in which nothing comes. The time of day stands still but
    for those; it begins ``now`` seconds after the start.
    """
    present = START + round(now * SECOND)
    given = [0] * (len(steps) + 1)
    place = 0
    compiled = compile_rules(load_rules([RULES / f"{rule}.xml"]), Schema.ecs())
    scan = Scan(compiled.rules, ScanOptions(follow=True, tolerance=TOLERANCE * SECOND, present=lambda: present))

    def batches() -> Iterator[Batch]:
        nonlocal present, place
        fields = scan.matching.fields
        for step in steps:
            if isinstance(step, list):
                yield from documents_to_batches([_document(*told) for told in step], fields)
            else:
                present += round(step * SECOND)
                yield _empty(fields)
            place += 1

    for each in scan.run(batches()):
        assert isinstance(each, Incident)
        given[place] += 1
    return given, scan


def _empty(fields: Any) -> Batch:
    (batch,) = documents_to_batches([_document(OTHER, 0)], fields)
    columns = {ref: column.slice(0, 0) for ref, column in batch.columns.items()}
    return Batch(0, columns, batch.time[:0], batch.tiebreak[:0], 0, batch.index.slice(0, 0), batch.source)


def _document(kind: str, at: float) -> dict[str, Any]:
    time = format_instant(START + round(at * SECOND))
    where = {"srcIpAddr": "192.0.2.1", "hostName": "alpha", "user": "eve", "procName": "sshd"}
    return {"@timestamp": time, "fortisiem": {"eventType": kind, "phRecvTime": time, **where}}


BREAK_IN = [*((FAILED, float(at)) for at in range(5)), (SUCCEEDED, 6.0)]


def test_what_waits_is_judged_after_as_long_a_silence_as_the_tolerance() -> None:
    given, _ = followed(GUESSED, BREAK_IN, 9, 0.9, 0.2, 5, now=100)
    assert given == [0, 0, 0, 1, 0, 0]


def test_any_event_begins_the_wait_anew() -> None:
    given, _ = followed(GUESSED, BREAK_IN, 9, [(OTHER, 7.0)], 9, 1.0, now=100)
    assert given == [0, 0, 0, 0, 1, 0]


def test_events_that_come_in_time_are_put_in_order_before() -> None:
    given, scan = followed(GUESSED, BREAK_IN[1:], 9, BREAK_IN[:1], 10, now=100)
    assert given == [0, 0, 0, 1, 0]
    assert not scan.report.notes


def test_what_comes_after_the_judgement_and_is_earlier_is_counted() -> None:
    given, scan = followed(GUESSED, BREAK_IN[1:], 10, BREAK_IN[:1], 10, now=100)
    assert given == [0] * 5
    assert [note.code for note in scan.report.notes] == ["event-too-late"]


def test_silence_moves_no_clock_of_what_must_not_follow() -> None:
    given, _ = followed(STAYS_DOWN, [(DOWN, 0.0)], 10, 10_000, [(UP, 299.0)], 10_000, now=0)
    assert given == [0] * 6


def test_what_did_not_follow_is_certain_without_waiting_for_a_further_event() -> None:
    given, _ = followed(STAYS_DOWN, [(DOWN, 0.0)], [(OTHER, 300.0)], 9, 1, now=400)
    assert given == [0, 0, 0, 1, 0]


def test_an_event_stamped_in_the_future_waits_until_its_time_comes() -> None:
    ahead = [(kind, at + 60) for kind, at in BREAK_IN]
    given, scan = followed(GUESSED, ahead, 10, 55, 1, BREAK_IN, 10, now=0)
    assert given == [0, 0, 0, 1, 0, 0, 0]
    assert [note.code for note in scan.report.notes] == ["event-too-late"]


def test_a_stamp_far_in_the_future_does_not_make_others_late() -> None:
    given, scan = followed(GUESSED, [(SUCCEEDED, 1e8)], 3600, BREAK_IN, 10, now=0)
    assert given == [0, 0, 0, 1, 0]
    assert not scan.report.notes


def test_a_clock_that_is_set_back_begins_the_wait_anew() -> None:
    given, _ = followed(GUESSED, BREAK_IN, -50, 9, 1, now=100)
    assert given == [0, 0, 0, 1, 0]
