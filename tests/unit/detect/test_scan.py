from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from detection_samples import (
    MINUTE,
    SECOND,
    START,
    alerts,
    batches,
    elastic,
    fortisiem,
    found,
    hit,
    process,
    scan_for,
    scheduled_for,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.alerts.model import Alert, Incident
from dogwatch.detect.compiled import compile_rules
from dogwatch.detect.naming import EventNames
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.scan import Scan
from dogwatch.events.batch import NO_TIEBREAK, Event
from dogwatch.rules.model import ElasticRule, Rule
from dogwatch.schema.schema import Schema

NC = 'process where process.name == "nc"'
PAIR = f'sequence by host.id with maxspan=10s [{NC}] [process where process.name == "sh"]'
RULES = [
    elastic(NC, rule_id="single"),
    elastic(PAIR, rule_id="pair"),
    elastic('sequence by user.name [any where process.name == "nc"] with runs=3', rule_id="runs"),
    elastic("process.name : (nc or sh)", rule_id="kql", language="kuery"),
    fortisiem('eventType = "LINUX_PROCESS_EXEC"', group_by="hostName,user", aggregate="COUNT(*) >= 2", window=5),
    elastic(f'{PAIR} ![process where process.name == "ls"]', rule_id="alone"),
    elastic(f'sequence by host.id with maxspan=3s ![any where process.name == "sh"] [{NC}]', rule_id="first"),
]
CLOSED = [
    *RULES,
    elastic(f'sample by user.name [{NC}] [any where process.name == "sh"] [any where true]', rule_id="sample"),
    elastic(f"{NC} | tail 3 | head 2", rule_id="piped"),
    elastic(f"{PAIR} | head 1", rule_id="piped-pair"),
]
"""What depends on where the events end, too."""
SCHEDULED = [
    elastic(rule.query, rule_id=rule.rule_id, language=rule.language, interval="3s", from_="now-7s", max_signals=2)
    for rule in CLOSED
    if isinstance(rule, ElasticRule)
]


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents whose (time, event.sequence) is distinct, some with an id of their own."""
    places = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), max_size=25, unique=True))
    documents = []
    for number, (second, sequence) in enumerate(places):
        document = process(draw(st.sampled_from(["nc", "sh", "ls"])), second)
        document["event"]["sequence"] = sequence
        document["user"] = {"name": draw(st.sampled_from(["a", "b", ["a", "b"]]))}
        documents.append(hit(document, f"e{number}") if draw(st.booleans()) else document)
    return documents


def summary(detections: list[Alert | Incident]) -> Counter[object]:
    """What was found, whatever the order in which it was."""
    return Counter(
        (each.uuid, each.sameness, tuple(block.uuid for block in each.building_blocks), repr(each.document))
        if isinstance(each, Alert)
        else (each.uuid, each.triggers, repr(each.document))
        for each in detections
    )


def scanned(
    documents: list[dict[str, Any]], rows: int = 8192, spool_bytes: int = 1 << 20, rules: Sequence[Rule] = CLOSED
) -> Counter[object]:
    return summary(found(scan_for(rules, ScanOptions(spool_bytes=spool_bytes)), documents, rows=rows))


@settings(max_examples=60, deadline=None)
@given(streams(), st.randoms(use_true_random=False), st.integers(1, 30), st.sampled_from([1, 1 << 20]))
def test_order_splits_and_spooling_change_nothing(
    documents: list[dict[str, Any]], random: Any, rows: int, spool_bytes: int
) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert scanned(documents) == scanned(shuffled, rows, spool_bytes)


@settings(max_examples=40, deadline=None)
@given(streams(), st.randoms(use_true_random=False), st.integers(1, 30))
def test_reading_events_twice_changes_nothing(documents: list[dict[str, Any]], random: Any, rows: int) -> None:
    named = [each if "_id" in each else hit(each, f"n{number}") for number, each in enumerate(documents)]
    twice = [*named, *random.sample(named, random.randint(0, len(named)))]
    random.shuffle(twice)
    assert scanned(twice, rows) == scanned(named)


@settings(max_examples=40, deadline=None)
@given(streams(), st.randoms(use_true_random=False), st.integers(1, 30), st.sampled_from([1, 1 << 20]))
def test_order_splits_and_spooling_change_nothing_on_schedule(
    documents: list[dict[str, Any]], random: Any, rows: int, spool_bytes: int
) -> None:
    rules = [*SCHEDULED, *CLOSED[4:5]]
    shuffled = random.sample(documents, len(documents))
    first = found(scheduled_for(rules), documents)
    second = found(scheduled_for(rules, ScanOptions(spool_bytes=spool_bytes)), shuffled, rows=rows)
    assert summary(first) == summary(second)
    own_ids = [each for each in documents if "_id" in each]
    once, twice = found(scheduled_for(rules), own_ids), found(scheduled_for(rules), [*own_ids, *own_ids])
    assert summary(once) == summary(twice)


@settings(max_examples=60, deadline=None)
@given(streams(), st.integers(1, 30))
def test_following_events_in_order_finds_the_same(documents: list[dict[str, Any]], rows: int) -> None:
    def place(each: dict[str, Any]) -> tuple[str, int]:
        document = each.get("_source", each)
        return document["@timestamp"], document["event"]["sequence"]

    ordered = sorted(documents, key=place)
    followed = found(scan_for(RULES, ScanOptions(follow=True)), ordered, rows=rows)
    last: dict[str, Alert | Incident] = {}
    for each in followed:
        before = last.get(each.uuid)
        if isinstance(each, Incident) and isinstance(before, Incident):
            # An incident of a stream is given with what is new of it.
            each = replace(each, triggers=(*before.triggers, *each.triggers))
        last[each.uuid] = each
    assert summary(list(last.values())) == scanned(documents, rules=RULES)


@settings(max_examples=40, deadline=None)
@given(streams(), st.integers(0, len(CLOSED) - 1))
def test_the_rules_beside_a_rule_change_nothing(documents: list[dict[str, Any]], number: int) -> None:
    documents = [*documents, *documents]
    alone = found(scan_for([CLOSED[number]]), documents)
    beside = found(scan_for(CLOSED), documents)
    together = [each for each in beside if each.rule_uuid == CLOSED[number].instance_id]
    assert summary(alone) == summary(together)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=12), st.randoms(use_true_random=False), st.integers(1, 5))
def test_like_lines_without_an_id_are_named_apart(seconds: list[int], random: Any, rows: int) -> None:
    documents = [process("nc", second) for second in seconds]
    given_once = found(scan_for([RULES[0]]), documents)
    assert len({each.uuid for each in given_once}) == len(documents)
    random.shuffle(documents)
    assert summary(found(scan_for([RULES[0]]), documents, rows=rows)) == summary(given_once)


def test_many_like_lines_are_named_quickly() -> None:
    names = EventNames()
    ids = {
        names.named(Event("line-1", None, 0, NO_TIEBREAK, arrival, {}, None, has_own_id=False)).id
        for arrival in range(100_000)
    }
    assert len(ids) == 100_000
    assert {"line-1", "line-1-2", "line-1-100000"} <= ids
    again = names.named(Event("line-1", None, 0, NO_TIEBREAK, 6, {}, None, has_own_id=False))
    assert again.id == "line-1-7"
    elsewhere = names.named(Event("line-1", "logs-b", 0, NO_TIEBREAK, 7, {}, None, has_own_id=False))
    assert elsewhere.id == "line-1"


def test_ends_of_the_stretch_are_inclusive() -> None:
    documents = [process("nc", second) for second in range(5)]
    scan = scan_for([RULES[0]], ScanOptions(start=START + SECOND, end=START + 3 * SECOND))
    given_times = [each.document["@timestamp"] for each in found(scan, documents)]
    assert given_times == [documents[number]["@timestamp"] for number in (1, 2, 3)]
    assert scan.report.outside == 2
    assert not alerts(elastic(PAIR), [process("nc", 0), process("sh", 5)], start=START + SECOND)


def test_a_followed_sequence_completes_at_once() -> None:
    scan = scan_for([elastic(PAIR)], ScanOptions(follow=True))
    given_batches = iter(batches([process("nc", 1), process("sh", 2), process("ls", 3)], scan, 1, "logs-x"))
    read = []

    def counted() -> Any:
        for batch in given_batches:
            read.append(batch)
            yield batch

    assert next(scan.run(counted())).document["kibana.alert.depth"] == 2
    assert len(read) == 2


def test_a_closed_scan_sorts_first() -> None:
    documents = [process("sh", 2), process("nc", 1)]
    assert len(alerts(elastic(PAIR), documents)) == 1
    assert not alerts(elastic(PAIR), [process("sh", 0), process("nc", 1)])


def test_maxspan_is_kept() -> None:
    assert len(alerts(elastic(PAIR), [process("nc"), process("sh", 10)])) == 1
    assert not alerts(elastic(PAIR), [process("nc"), process("sh", 10 + MINUTE / SECOND)])


def test_another_clock_orders_the_events_and_the_stretch_stays_that_of_the_timestamp() -> None:
    rule = elastic(PAIR.replace("10s", "1m"), timestamp_field="event.created")
    documents = [process("nc", 50), process("sh", 10)]
    for document, other in zip(documents, documents[::-1], strict=True):
        document["event"]["created"] = other["@timestamp"]
    assert not alerts(elastic(PAIR.replace("10s", "1m")), documents)
    for follow in (False, True):
        (alert,) = alerts(rule, documents, follow=follow)
        assert [block.document["process"]["name"] for block in alert.building_blocks] == ["nc", "sh"]
        # Made when the clock says that it was complete, about what bears the earliest timestamp.
        assert alert.document["@timestamp"] == documents[0]["@timestamp"]
        assert alert.document["kibana.alert.original_time"] == documents[1]["@timestamp"]
    assert not alerts(rule, documents, end=START + 20 * SECOND)


def test_a_tiebreaker_orders_events_of_one_time() -> None:
    documents = [process("sh", 1, process__pid=9), process("nc", 1, process__pid=5)]
    assert not alerts(elastic(PAIR), documents)
    assert len(alerts(elastic(PAIR, tiebreaker_field="process.pid"), documents)) == 1


def test_no_rules_and_no_events() -> None:
    assert not found(scan_for([]), [process("nc")])
    assert not found(scan_for(RULES), [])


def test_rules_that_cannot_run_cost_only_themselves() -> None:
    disabled = elastic(NC, rule_id="off", enabled=False)
    threshold = elastic("process.name : nc", rule_id="threshold", language="kuery", type="threshold")
    broken = elastic("process where ", rule_id="broken")
    compiled = compile_rules([disabled, threshold, broken, RULES[0]], Schema.ecs())
    assert [each.rule.rule_id for each in compiled.rules] == ["single"]
    assert {rule.rule_id: problems[0].code for rule, problems in compiled.left_out} == {
        "off": "rule-disabled",
        "threshold": "rule-unsupported",
        "broken": "eql-syntax",
    }
    assert len(found(Scan(compiled.rules, ScanOptions()), [process("nc")])) == 1


def test_a_disabled_rule_runs_if_it_is_chosen_alone() -> None:
    disabled = elastic(NC, rule_id="off", enabled=False)
    assert [each.rule for each in compile_rules([disabled], Schema.ecs()).rules] == [disabled]
    assert [each.rule for each in compile_rules([disabled, RULES[0]], Schema.ecs()).rules] == [RULES[0]]


def test_one_sequence_under_two_values_of_its_key_is_one_alert() -> None:
    documents = [process("nc", second) for second in range(3)]
    for number, document in enumerate(documents):
        document["event"]["sequence"] = number
        document["user"] = {"name": ["a", "b"]}
    for options in (ScanOptions(), ScanOptions(follow=True)):
        alerts = [each for each in found(scan_for(RULES[2:3], options), documents) if isinstance(each, Alert)]
        assert len({each.uuid for each in alerts}) == len(alerts) == 1
