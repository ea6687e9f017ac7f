from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from detection_samples import (
    MINUTE,
    SECOND,
    START,
    alerts,
    elastic,
    fortisiem,
    found,
    hit,
    process,
    scan_for,
    scheduled_alerts,
    scheduled_for,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.alerts.model import Alert
from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.time import format_instant, parse_instant
from dogwatch.detect.runs import Schedule, schedule_of
from dogwatch.rules.model import ElasticRule, Rule

NC = 'process where process.name == "nc"'
TRIPLE = """sequence by host.id with maxspan={span}
  [process where process.name == "nc"] [process where process.name in ("sh", "nc")]
  [process where process.name == "ls"] until [process where process.name == "stop"]"""
PAIR = 'sequence by host.id [process where process.name == "nc"] [process where process.name == "sh"]'
ABSENCES = [
    f"sequence by host.id with maxspan=2m {stages} "
    for stages in (
        '[process where process.name == "nc"] ![process where process.name == "sh"]',
        '![process where process.name == "sh"] [process where process.name == "nc"]',
        '[process where process.name == "nc"] ![any where process.name == "sh"] [any where process.name == "ls"]',
    )
]
SAMPLE = PAIR.replace("sequence", "sample")


def made_at(alert: Alert) -> int:
    moment = parse_instant(alert.document["@timestamp"])
    assert moment is not None
    return moment


def naive(
    rule: ElasticRule, documents: list[dict[str, Any]], pipes: Sequence[tuple[str, int]]
) -> list[tuple[int, str]]:
    """Each run's new alerts: everything in the run's stretch of time, in a plain scan of its own, cut to size."""
    schedule = schedule_of(rule)
    assert isinstance(schedule, Schedule)

    def when(document: dict[str, Any]) -> int:
        return parse_instant(document["_source"]["@timestamp"]) or 0

    def last_event(alert: Alert) -> tuple[str, int]:
        last = (alert, *alert.building_blocks)[-1]
        return last.document["kibana.alert.original_time"], last.document["event"]["sequence"]

    ordered = sorted(documents, key=when)
    given_already: set[str] = set()
    result = []
    for run in range(40):
        moment = START + (run - 2) * schedule.interval
        window = [each for each in ordered if moment - schedule.look_back <= when(each) <= moment - schedule.lag]
        made = [each for each in found(scan_for([rule]), window) if isinstance(each, Alert)]
        if not rule.query.startswith("sample"):
            made.sort(key=last_event)
        kept = [each.uuid for each in made]
        first = "head" if rule.query.startswith("sample") else "tail"
        for end, count in ((pipes[0][0] if pipes else first, schedule.max_signals), *pipes):
            kept = kept[:count] if end == "head" else kept[-count:]
        result += [(moment, uuid) for uuid in kept if uuid not in given_already]
        given_already |= set(kept)
    return result


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["nc", "sh", "ls", "stop"])), max_size=25),
    st.sampled_from([NC, TRIPLE.format(span="1m"), TRIPLE.format(span="10m"), PAIR, *ABSENCES, SAMPLE]),
    st.sampled_from([("now-90s", "now"), ("now-3m", "now"), ("now-4m", "now-1m"), ("now-40s", "now")]),
    st.integers(1, 4),
    st.sampled_from([(), (("head", 2),), (("tail", 1),), (("tail", 3), ("head", 1))]),
)
def test_agrees_with_a_naive_replay(
    events: list[tuple[int, str]],
    query: str,
    stretch: tuple[str, str],
    max_signals: int,
    pipes: tuple[tuple[str, int], ...],
) -> None:
    if query == SAMPLE:
        pipes = ()
    piped = query + "".join(f" | {end} {count}" for end, count in pipes)
    rule, plain = (
        elastic(text, interval="1m", from_=stretch[0], to=stretch[1], max_signals=max_signals)
        for text in (piped, query)
    )
    assert isinstance(plain, ElasticRule)
    documents = []
    for number, (second, name) in enumerate(events):
        document = process(name, second)
        document["event"]["sequence"] = number
        documents.append(hit(document, f"e{number}"))
    documents += documents[:3]
    played = [(made_at(each), each.uuid) for each in scheduled_alerts(rule, documents)]
    assert sorted(played) == sorted(naive(plain, documents, pipes))
    assert [moment for moment, _ in played] == sorted(moment for moment, _ in played)


def test_runs_fall_on_the_interval() -> None:
    rule = elastic(NC, interval="5m", from_="now-9m")
    documents = [process("nc", second) for second in (0, 1, 299, 300, 301)]
    moments = [(made_at(each) - START) // MINUTE for each in scheduled_alerts(rule, documents)]
    assert moments == [0, 5, 5, 5, 10]
    assert [each.document["kibana.alert.original_time"] for each in scheduled_alerts(rule, documents)] == [
        each["@timestamp"] for each in documents
    ]


def test_overlapping_runs_give_one_alert() -> None:
    rule = elastic(PAIR, interval="1m", from_="now-30m")
    documents = [process("nc", 1), process("sh", 2), *(process("nc", 60 * minute) for minute in range(1, 9))]
    assert len(scheduled_alerts(rule, documents)) == 1


def test_the_alerts_are_those_of_a_plain_scan() -> None:
    rule = elastic(PAIR, interval="5m", from_="now-9m")
    documents = [process("nc", 1), process("nc", 1), process("sh", 2)]
    assert [each.uuid for each in scheduled_alerts(rule, documents)] == [
        each.uuid for each in alerts(rule, documents)
    ]


def test_a_sequence_that_began_before_the_look_back_is_missed() -> None:
    rule = elastic(PAIR, interval="5m", from_="now-9m")
    documents = [process("nc", 0), process("sh", 20 * 60)]
    assert not scheduled_alerts(rule, documents)
    assert len(alerts(rule, documents)) == 1


def test_events_between_the_windows_are_missed() -> None:
    rule = elastic(NC, interval="5m", from_="now-1m")
    assert [made_at(each) - START for each in scheduled_alerts(rule, [process("nc", 60), process("nc", 250)])] == [
        5 * MINUTE
    ]


def test_a_stretch_that_ends_before_now_delays_alerts() -> None:
    rule = elastic(NC, interval="5m", from_="now-15m", to="now-5m")
    assert [made_at(each) - START for each in scheduled_alerts(rule, [process("nc", 0), process("nc", 1)])] == [
        5 * MINUTE,
        10 * MINUTE,
    ]


def test_max_signals_keeps_the_newest_and_says_what_was_cut() -> None:
    rule = elastic(NC, interval="5m", from_="now-9m", max_signals=3)
    documents = [process("nc", second) for second in range(101, 111)] + [process("nc", 400)]
    scan = scheduled_for([rule])
    given_alerts = [each for each in found(scan, documents) if isinstance(each, Alert)]
    assert [each.document["kibana.alert.original_time"] for each in given_alerts] == [
        each["@timestamp"] for each in documents[7:]
    ]
    (note,) = scan.report.notes
    assert (note.code, note.severity) == ("max-signals", Severity.WARNING)
    assert "2 of 3 runs" in note.message
    assert "7 older ones were cut" in note.message
    assert format_instant(START + 5 * MINUTE) in note.message
    assert scan.report.detections == {rule.instance_id: 4}


def test_a_run_of_a_kql_rule_pages_from_the_oldest_on_past_what_is_known() -> None:
    rule = elastic("process.name : nc", language="kuery", interval="5m", from_="now-9m", max_signals=2)
    documents = [hit(process("nc", second), f"e{second}") for second in (10, 20, 30, 70, 310)]
    scan = scheduled_for([rule])
    made = [each for each in found(scan, documents) if isinstance(each, Alert)]
    kept = [(made_at(each) - START, each.document["kibana.alert.ancestors"][0]["id"]) for each in made]
    first, second = 5 * MINUTE, 10 * MINUTE
    assert kept == [(first, "e10"), (first, "e20"), (second, "e70"), (second, "e310")]
    (note,) = scan.report.notes
    assert note.code == "max-signals"
    assert "1 of 2 runs" in note.message
    assert "; 1 newer ones were cut" in note.message


def test_a_run_of_samples_keeps_the_first_keys() -> None:
    rule = elastic(SAMPLE.replace("host.id", "user.name"), max_signals=1)
    documents = [
        process(name, second, user__name=user) for second, user in enumerate("ba", 1) for name in ("nc", "sh")
    ]
    scan = scheduled_for([rule])
    (shell,) = [each for each in found(scan, documents) if isinstance(each, Alert)]
    assert shell.document["user.name"] == "a"
    assert "1 further ones were cut" in scan.report.notes[0].message


def test_an_alert_that_was_cut_is_given_when_it_has_room() -> None:
    # The newest sequence leaves the stretch with its start; the older one is then the newest.
    query = """sequence by user.name [process where process.name == "nc"] [process where process.name == "sh"]"""
    rule = elastic(query, interval="1m", from_="now-3m", max_signals=1)
    documents = [
        process("nc", 1, user__name="early"),
        process("nc", 100, user__name="late"),
        process("sh", 110, user__name="late"),
        process("sh", 115, user__name="early"),
    ]
    scan = scheduled_for([rule])
    given_alerts = [each for each in found(scan, documents) if isinstance(each, Alert)]
    assert [each.document["user.name"] for each in given_alerts] == ["early", "late"]
    assert [made_at(each) - START for each in given_alerts] == [2 * MINUTE, 4 * MINUTE]
    assert not scan.report.notes


def test_exactly_max_signals_is_not_cut() -> None:
    rule = elastic(NC, max_signals=3)
    scan = scheduled_for([rule])
    assert len(found(scan, [process("nc", second) for second in range(1, 4)])) == 3
    assert not scan.report.notes


def test_a_repeat_of_an_event_is_one_alert() -> None:
    assert len(scheduled_alerts(elastic(NC), [hit(process("nc", 1), "e"), hit(process("nc", 1), "e")])) == 1
    assert len(scheduled_alerts(elastic(NC), [process("nc", 1), process("nc", 1)])) == 2


def test_a_run_selects_by_the_timestamp_whatever_field_orders_the_events() -> None:
    rule = elastic(PAIR, interval="5m", from_="now-9m", timestamp_field="event.created")
    early, late = format_instant(START - 86400 * SECOND), format_instant(START - 86399 * SECOND)
    documents = [process("sh", 1, event__created=late), process("nc", 2, event__created=early)]
    (shell,) = scheduled_alerts(rule, documents)
    assert made_at(shell) == START + 5 * MINUTE
    assert [block.document["process"]["name"] for block in shell.building_blocks] == ["nc", "sh"]
    # An hour lies between them where the run looks, however near they are otherwise.
    documents[0]["@timestamp"] = format_instant(START + 60 * MINUTE)
    assert not scheduled_alerts(rule, documents)
    assert alerts(rule, documents)


@pytest.mark.parametrize("created", [None, "no date", []])
def test_an_event_without_the_field_that_orders_it_is_in_no_sequence_of_a_run(created: object) -> None:
    rule = elastic(PAIR, timestamp_field="event.created")
    documents = [process("nc", 1, event__created=created), process("sh", 2, event__created=format_instant(START))]
    assert not scheduled_alerts(rule, documents)
    single = elastic(NC, timestamp_field="event.created")
    assert len(scheduled_alerts(single, documents)) == 1


def test_the_tiebreaker_goes_with_the_field_of_time() -> None:
    rule = elastic(PAIR, timestamp_field="event.created", tiebreaker_field="process.pid")
    same = format_instant(START)
    documents = [process("sh", 1, event__created=same), process("nc", 2, event__created=same)]
    for document, pid in zip(documents, (2, 1), strict=True):
        document["process"]["pid"] = pid
    assert len(scheduled_alerts(rule, documents)) == 1
    documents[0]["process"]["pid"] = 0
    assert not scheduled_alerts(rule, documents)


def test_long_silences_are_skipped() -> None:
    year = 365 * 86400
    rule = elastic(NC, interval="1s", from_="now-9m")
    began = time.perf_counter()
    assert len(scheduled_alerts(rule, [process("nc", year * number) for number in range(5)])) == 5
    assert time.perf_counter() - began < 1


def test_events_without_a_time_are_not_seen() -> None:
    document = process("nc")
    del document["@timestamp"]
    assert not scheduled_alerts(elastic(NC), [document])


@pytest.mark.parametrize(
    "extra",
    [
        {"from_": "now", "to": "now"},
        {"from_": "now-5m", "to": "now-9m"},
        {"from_": "now-1h/h"},
        {"from_": "2024-01-01"},
        {"to": "2024-01-01T00:00:00Z"},
    ],
)
def test_a_rule_without_a_schedule_is_left_out(extra: dict[str, str]) -> None:
    bad, good = elastic(NC, rule_id="bad", **extra), elastic(NC, rule_id="good")
    assert isinstance(schedule_of(_elastic(bad)), Diagnostic)
    scan = scheduled_for([bad, good])
    assert [each.rule_uuid for each in found(scan, [process("nc")])] == [good.instance_id]
    (note,) = scan.report.notes
    assert (note.code, note.severity) == ("rule-schedule", Severity.ERROR)
    assert "bad@1" in note.message


def test_a_stretch_into_the_future_ends_now() -> None:
    assert schedule_of(_elastic(elastic(NC, from_="now-1m", to="now+1h"))) == Schedule(5 * MINUTE, MINUTE, 0, 100)


def test_incidents_and_alerts_of_many_rules_come_in_order() -> None:
    rules = [
        elastic(NC, rule_id="a", interval="10m", from_="now-20m"),
        elastic(NC, rule_id="b", interval="5m"),
        fortisiem('eventType = "LINUX_PROCESS_EXEC"', aggregate="COUNT(*) >= 2"),
    ]
    scan = scheduled_for(rules)
    detections = found(scan, [process("nc", 301), process("nc", 2)])
    assert [each.rule_uuid for each in detections] == [rules[number].instance_id for number in (0, 1, 1, 0, 2)]
    # Runs every ten minutes fall on 5, 15, .. after START.
    assert [made_at(each) - START for each in detections if isinstance(each, Alert)] == [
        5 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
    ]
    assert scan.report.detections == {rules[0].instance_id: 2, rules[1].instance_id: 2, rules[2].instance_id: 1}


def _elastic(rule: Rule) -> ElasticRule:
    assert isinstance(rule, ElasticRule)
    return rule
