from __future__ import annotations

import hashlib

import pytest
from detection_samples import SECOND, START, fortisiem, found, hit, incidents, process, scan_for

from dogwatch.alerts.model import Incident
from dogwatch.base.time import format_instant
from dogwatch.detect.compiled import compile_rules
from dogwatch.detect.incident import IncidentDetector
from dogwatch.engine.aggregate import AggregateHit
from dogwatch.events.batch import NO_TIEBREAK, Event
from dogwatch.logic.pattern import AggregatePattern
from dogwatch.rules.model import FortisiemRule
from dogwatch.schema.schema import Schema

EXEC = 'eventType = "LINUX_PROCESS_EXEC" AND procName = "nc"'


def nc(second: float = 0, **extra: object) -> dict[str, object]:
    return process("nc", second, **{"process__args": ["nc", "-l"], "user__name": "root", **extra})


def test_one_incident_for_a_rule_and_its_attributes() -> None:
    rule = fortisiem(EXEC)
    (incident,) = incidents(rule, [hit(nc(5), "e1"), hit(nc(1), "e0"), hit(process("ls"), "e2"), hit(nc(9), "e3")])
    pieces = [rule.instance_id, "hostName=h", "swParam=-l", "user=root"]
    text = "incident" + "".join(f"{len(piece)}:{piece}" for piece in pieces)
    assert incident.uuid == hashlib.sha256(text.encode()).hexdigest()
    assert incident.attributes == {"hostName": "h", "user": "root", "swParam": "-l"}
    assert [trigger.event_ids for trigger in incident.triggers] == [("e0",), ("e1",), ("e3",)]
    fields = incident.document
    assert fields["fortisiem.incident.id"] == fields["kibana.alert.uuid"] == incident.uuid
    assert fields["fortisiem.incident.count"] == 3
    assert fields["fortisiem.incident.first_seen"] == format_instant(START + SECOND)
    assert fields["fortisiem.incident.last_seen"] == format_instant(START + 9 * SECOND)
    assert fields["@timestamp"] == fields["fortisiem.incident.last_seen"]
    assert fields["fortisiem.incident.title"] == "A title"
    assert fields["fortisiem.incident.event_type"] == "PH_RULE_T_1"
    assert fields["fortisiem.incident.source"] == ""
    assert fields["fortisiem.incident.target"] == "hostName:h, user:root"
    assert fields["fortisiem.incident.detail"] == "swParam:-l"
    assert fields["kibana.alert.ancestors"] == [{"id": "e0", "index": "logs-x", "type": "event", "depth": 0}]
    assert fields["kibana.alert.depth"] == 1
    assert fields["kibana.alert.reason"] == "A title by root on h: A rule, severity 5."


@pytest.mark.parametrize(("severity", "word"), [(0, "low"), (4, "low"), (5, "medium"), (8, "medium"), (9, "high")])
def test_severity_and_risk(severity: int, word: str) -> None:
    (incident,) = incidents(fortisiem(EXEC, severity=severity), [nc()])
    assert incident.severity == word
    assert incident.document["kibana.alert.risk_score"] == severity * 10
    assert incident.document["fortisiem.incident.severity"] == severity
    assert incident.document["fortisiem.incident.severity_category"] == word.upper()


def test_a_missing_attribute_is_left_out_of_the_incident() -> None:
    bare, other = incidents(fortisiem(EXEC), [nc(1, process__args=["nc"]), nc(2)])
    assert bare.attributes == {"hostName": "h", "user": "root"}
    assert bare.uuid != other.uuid
    assert "swParam" not in bare.document["fortisiem.incident.attributes"]


def test_an_attribute_whose_text_is_null_is_another_incident() -> None:
    both = incidents(fortisiem(EXEC), [nc(1, process__args=["nc"]), nc(2, process__args=["nc", "null"])])
    assert len({each.uuid for each in both}) == 2


def test_an_event_type_is_kept_apart_from_the_incidents_own() -> None:
    rule = fortisiem(EXEC, group_by="eventType", mapping="eventType = P.eventType")
    (incident,) = incidents(rule, [nc()])
    assert incident.attributes == {"compEventType": "LINUX_PROCESS_EXEC"}


@pytest.mark.parametrize(
    ("aggregate", "source", "value"),
    [
        ("COUNT(*) >= 2", "COUNT(*)", "2"),
        ("COUNT(*) >= 2", "count( * )", "2"),
        ("COUNT(DISTINCT swParam) >= 2", "COUNT(DISTINCT swParam)", "2"),
        ("COUNT(DISTINCT swParam) >= 2", "COUNT(*)", "2"),
        ("SUM(sentBytes) > 10", "SUM(sentBytes)", "14"),
        ("AVG(sentBytes) > 6 AND COUNT(*) >= 2", "AVG(sentBytes)", "7"),
    ],
)
def test_an_aggregate_can_be_mapped(aggregate: str, source: str, value: str) -> None:
    rule = fortisiem(EXEC, group_by="hostName", aggregate=aggregate, mapping=f"n = P.{source}")
    sent = {"fortisiem__sentBytes": 7}
    documents = [nc(1, process__args=["nc", "a"], **sent), nc(2, process__args=["nc", "b"], **sent)]
    (incident,) = incidents(rule, documents)
    assert incident.attributes == {"n": value}


def test_addresses_are_canonical() -> None:
    rule = fortisiem(EXEC, group_by="srcIpAddr", mapping="srcIpAddr = P.srcIpAddr")
    documents = [nc(at, fortisiem__srcIpAddr=each) for at, each in enumerate(["2001:DB8::1", "2001:db8:0::1"])]
    found = incidents(rule, documents)
    assert {each.attributes["srcIpAddr"] for each in found} == {"2001:db8::1"}
    assert [len(each.triggers) for each in found] == [2]
    assert found[0].document["fortisiem.incident.source"] == "srcIpAddr:2001:db8::1"


def test_a_repeated_event_counts_once() -> None:
    rule = fortisiem(EXEC, aggregate="COUNT(*) >= 2")
    assert not incidents(rule, [hit(nc(1), "e1"), hit(nc(1), "e1")])
    (incident,) = incidents(rule, [hit(nc(1), "e1"), hit(nc(1), "e1"), hit(nc(2), "e2")])
    assert incident.triggers[0].event_ids == ("e1", "e2")
    once = fortisiem(EXEC)
    (repeated,) = incidents(once, [hit(nc(1), "e1"), hit(nc(2), "e2"), hit(nc(1), "e1")])
    assert repeated.document["fortisiem.incident.count"] == 2


def test_lines_without_an_id_that_look_alike_are_all_counted() -> None:
    (incident,) = incidents(fortisiem(EXEC), [nc(1), nc(1), nc(1)])
    assert incident.document["fortisiem.incident.count"] == 3
    assert len({trigger.id for trigger in incident.triggers}) == 3


def test_a_trigger_that_comes_again_changes_nothing() -> None:
    rule = fortisiem(EXEC)
    assert isinstance(rule, FortisiemRule)
    (compiled,) = compile_rules([rule], Schema.ecs()).rules
    assert isinstance(compiled.pattern, AggregatePattern)
    event = Event("e1", "logs-x", START, NO_TIEBREAK, 0, nc(), None, has_own_id=True)
    hits = [AggregateHit(("h", "root", "-l"), START, START, "e1", 1, (event,), {}, {}) for _ in range(3)]
    detector = IncidentDetector(rule, compiled.pattern)
    raised = [detector.trigger(each) for each in hits]
    assert [each is not None and each.new for each in raised] == [True, False, False]
    (incident,) = detector.incidents()
    assert len(incident.triggers) == 1


def test_following_gives_the_incident_at_each_trigger() -> None:
    found = incidents(fortisiem(EXEC), [nc(1), nc(2), nc(3)], follow=True)
    assert [each.document["fortisiem.incident.count"] for each in found] == [1, 2, 3]
    assert len({each.uuid for each in found}) == 1


def test_a_long_window_names_each_trigger_apart() -> None:
    rule = fortisiem(EXEC, group_by="hostName", aggregate="COUNT(*) >= 200", mapping="hostName = P.hostName")
    (incident,) = incidents(rule, [hit(nc(at / 10), f"e{at}") for at in range(400)])
    first, second = incident.triggers
    assert (first.event_ids[0], first.event_ids[-1]) == ("e0", "e199")
    assert (second.event_ids[0], second.event_ids[-1]) == ("e200", "e399")
    assert (first.first_event, first.time) == (START, START + 19_900_000_000)


def test_incidents_come_by_first_seen_and_are_counted() -> None:
    rule = fortisiem(EXEC)
    scan = scan_for([rule])
    given = found(scan, [nc(9, user__name="b"), nc(1, user__name="a"), nc(10, user__name="a")])
    assert all(isinstance(each, Incident) for each in given)
    assert [each.document["fortisiem.incident.attributes"]["user"] for each in given] == ["a", "b"]
    assert scan.report.detections == {rule.instance_id: 2}


def test_hostile_attribute_values_are_kept_as_text() -> None:
    user = "a=b, hostName:x{0}\n\x1b[31m"
    (incident,) = incidents(fortisiem(EXEC), [nc(user__name=user)])
    assert incident.attributes["user"] == user
