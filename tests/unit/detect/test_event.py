from __future__ import annotations

import hashlib
from typing import Any

import pytest
from detection_samples import START, alerts, elastic, found, hit, process, scan_for

from dogwatch.alerts.model import AlertKind
from dogwatch.base.time import format_instant
from dogwatch.detect.options import ScanOptions

NC = 'process where process.name == "nc"'


def sha256(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def test_the_alert_of_an_event() -> None:
    rule = elastic(NC, tags=["T"], building_block_type="default")
    plain = elastic(NC, tags=["T"])
    document = process("nc", 5, event__id="ignored")
    (alert,) = alerts(plain, [hit(document, "e1", "logs-a"), hit(process("ls"), "e2")], index=None)
    assert alert.kind is AlertKind.ALERT
    assert alert.uuid == sha256("logs-a", "e1", "undefined", f"default:{plain.instance_id}")
    fields = alert.document
    assert fields["kibana.alert.uuid"] == alert.uuid
    assert fields["kibana.alert.rule.uuid"] == alert.rule_uuid == plain.instance_id
    assert fields["kibana.alert.rule.rule_id"] == "rule-1"
    assert fields["kibana.alert.ancestors"] == [{"id": "e1", "index": "logs-a", "type": "event", "depth": 0}]
    assert fields["kibana.alert.depth"] == 1
    assert fields["kibana.alert.original_time"] == document["@timestamp"]
    assert fields["@timestamp"] == document["@timestamp"]
    assert fields["event"]["kind"] == "signal"
    assert fields["kibana.alert.original_event.kind"] == "event"
    assert fields["process"] == {"name": "nc"}
    assert (fields["kibana.alert.severity"], fields["kibana.alert.risk_score"]) == ("medium", 47)
    assert "kibana.alert.building_block_type" not in fields
    assert document["event"]["kind"] == "event"

    (block,) = alerts(rule, [document])
    assert block.kind is AlertKind.BUILDING_BLOCK
    assert block.document["kibana.alert.building_block_type"] == "default"


def test_a_repeat_of_an_event_with_an_id_is_one_alert() -> None:
    documents = [hit(process("nc"), "e1"), hit(process("nc"), "e1"), hit(process("nc"), "e2")]
    scan = scan_for([elastic(NC)])
    assert len(found(scan, documents, rows=1)) == 2
    assert sum(scan.report.detections.values()) == 2


def test_the_same_id_in_two_data_streams_is_two_events() -> None:
    documents = [hit(process("nc"), "e1", "logs-a"), hit(process("nc"), "e1", "logs-b")]
    assert len(alerts(elastic(NC), documents, index=None)) == 2


def test_alerts_over_alerts_know_their_ancestors() -> None:
    first = elastic(NC, rule_id="first")
    (alert,) = alerts(first, [hit(process("nc"), "e1")])
    second = elastic('any where process.name == "nc"', rule_id="second")
    (above,) = alerts(second, [hit(alert.document, alert.uuid, ".alerts-x")], index=None)
    assert above.document["kibana.alert.ancestors"] == [
        {"id": "e1", "index": "logs-x", "type": "event", "depth": 0},
        {"id": alert.uuid, "index": ".alerts-x", "type": "signal", "depth": 1, "rule": first.instance_id},
    ]
    assert above.document["kibana.alert.depth"] == 2
    assert above.uuid == sha256(".alerts-x", alert.uuid, "undefined", f"default:{second.instance_id}")

    third = elastic('any where process.name == "nc"', rule_id="third")
    (top,) = alerts(third, [hit(above.document, above.uuid)])
    assert top.document["kibana.alert.depth"] == 3
    # Neither its own alerts nor what was made of them.
    assert not alerts(second, [hit(above.document, above.uuid)])
    assert not alerts(first, [hit(above.document, above.uuid)])


def test_the_loop_guard_sees_nested_alert_fields() -> None:
    rule = elastic(NC)
    nested = {"alert": {"uuid": "a", "depth": 1, "rule": {"uuid": rule.instance_id}}}
    assert not alerts(rule, [process("nc", kibana=nested)])
    by_ancestor = {"alert": {"uuid": "a", "ancestors": [{"id": "e", "rule": rule.instance_id}]}}
    assert not alerts(rule, [process("nc", kibana=by_ancestor)])
    other = {"alert": {"uuid": "a", "depth": 4, "rule": {"uuid": "other"}}}
    (alert,) = alerts(rule, [process("nc", kibana=other)])
    assert alert.document["kibana.alert.depth"] == 5
    assert "kibana" not in alert.document


@pytest.mark.parametrize(
    "ancestors",
    [
        "text",
        [1, None, "x", [], {}],
        [{"id": 5, "index": "i", "depth": 0}],
        [{"id": "e", "index": None, "depth": "deep"}],
        [{"id": "e", "index": ["i"], "depth": None}],
        [{"id": "e", "depth": 2**70}],
    ],
)
def test_hostile_ancestors_harm_nothing(ancestors: Any) -> None:
    extra = {"kibana.alert.ancestors": ancestors, "kibana.alert.uuid": "u", "kibana.alert.depth": "x"}
    document = {**process("nc"), **extra}
    (alert,) = alerts(elastic(NC), [document])
    assert alert.document["kibana.alert.depth"] == 1
    for each in alert.document["kibana.alert.ancestors"]:
        assert isinstance(each["id"], str)
        assert isinstance(each["index"], str)
        assert 0 <= each["depth"] < 2**31
    pair = elastic(f'sequence [{NC}] [process where process.name == "sh"]')
    (shell,) = alerts(pair, [document, {**process("sh", 1), **extra}])
    assert shell.document["kibana.alert.depth"] == 2


def test_an_event_without_a_time() -> None:
    document = process("nc")
    del document["@timestamp"]
    (alert,) = alerts(elastic(NC), [document], now=START)
    assert alert.document["@timestamp"] == format_instant(START)
    assert "kibana.alert.original_time" not in alert.document
    scan = scan_for([elastic(NC)], ScanOptions(start=0))
    assert not found(scan, [document])
    assert scan.report.outside == 1


def test_the_reason_says_what_happened() -> None:
    document = process(
        "nc",
        process__parent__name="bash",
        user__name="root",
        source__ip="10.0.0.1",
        destination={"ip": "10.0.0.2", "port": 4444},
    )
    (alert,) = alerts(elastic(NC), [document])
    assert alert.document["kibana.alert.reason"] == (
        "process event with process nc, parent process bash, source 10.0.0.1, destination 10.0.0.2:4444, "
        "by root on h created medium alert Name of rule-1."
    )


def test_the_reason_takes_event_text_as_it_stands() -> None:
    name = "{0}%s\x1b[31m\n<b>=cmd()"
    rule = elastic("process where process.pid == 1")
    (alert,) = alerts(rule, [process(name, process__pid=1, user__name=["a", {"b": 1}, None, True, 2])])
    assert f"process {name}," in alert.document["kibana.alert.reason"]
    assert "by a, true, 2 on h" in alert.document["kibana.alert.reason"]
    (bare,) = alerts(elastic("any where true"), [{"x": 1}])
    assert bare.document["kibana.alert.reason"] == "event created medium alert Name of rule-1."


def test_dotted_event_fields_become_a_signal_too() -> None:
    document = {"event.kind": "event", "event.category": "process", "event.action": "exec", "process.name": "nc"}
    (alert,) = alerts(elastic(NC), [document])
    assert alert.document["event.kind"] == "signal"
    assert alert.document["kibana.alert.original_event.kind"] == "event"
    assert alert.document["kibana.alert.original_event.action"] == "exec"
    (mixed,) = alerts(elastic(NC), [process("nc", event__kind="event")])
    assert mixed.document["event"]["kind"] == mixed.document["event.kind"] == "signal"


def test_kql_rules_alert_too() -> None:
    rule = elastic("process.name : nc", language="kuery")
    assert len(alerts(rule, [process("nc"), process("ls")])) == 1
