from __future__ import annotations

import hashlib
from typing import Any

import pytest
from detection_samples import alerts, elastic, found, hit, process, scan_for

from dogwatch.alerts.model import AlertKind

PAIR = """sequence by host.id with maxspan=1m
  [process where process.name == "nc"]
  [process where process.name == "sh"]"""


def sha256(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def test_two_events_become_two_blocks_and_a_shell() -> None:
    rule = elastic(PAIR)
    documents = [hit(process("nc", 1, user__name="u"), "e1"), hit(process("sh", 2, user__name="v"), "e2")]
    (shell,) = alerts(rule, documents)
    base = sha256("e1", "logs-x", "e2", "logs-x", rule.instance_id)
    blocks = shell.building_blocks
    assert [block.uuid for block in blocks] == [f"{base}0", f"{base}1"]
    assert shell.uuid == sha256("e1", "logs-x", "e2", "logs-x", f"{base}0", f"{base}1", rule.instance_id)
    assert (shell.kind, {block.kind for block in blocks}) == (AlertKind.ALERT, {AlertKind.BUILDING_BLOCK})
    for number, block in enumerate(blocks):
        assert block.document["kibana.alert.group.id"] == shell.uuid
        assert block.document["kibana.alert.group.index"] == number
        assert block.document["kibana.alert.building_block_type"] == "default"
        assert block.document["kibana.alert.depth"] == 1
        assert block.document["kibana.alert.ancestors"] == [
            {"id": f"e{number + 1}", "index": "logs-x", "type": "event", "depth": 0}
        ]
        assert block.document["kibana.alert.severity"] == "medium"
    fields = shell.document
    assert fields["kibana.alert.group.id"] == shell.uuid
    assert "kibana.alert.group.index" not in fields
    assert "kibana.alert.building_block_type" not in fields
    assert fields["kibana.alert.depth"] == 2
    assert fields["kibana.alert.ancestors"] == [
        {"id": "e1", "index": "logs-x", "type": "event", "depth": 0},
        {"id": "e2", "index": "logs-x", "type": "event", "depth": 0},
        {"id": f"{base}0", "index": "", "type": "signal", "depth": 1, "rule": rule.instance_id},
        {"id": f"{base}1", "index": "", "type": "signal", "depth": 1, "rule": rule.instance_id},
    ]
    assert fields["kibana.alert.original_time"] == documents[0]["_source"]["@timestamp"]
    assert fields["@timestamp"] == documents[1]["_source"]["@timestamp"]
    assert fields["host"] == {"name": "h", "id": "h1", "os": {"type": "linux"}}
    assert fields["event"]["kind"] == "signal"
    assert "process" not in fields
    assert "user.name" not in fields


def test_the_shell_over_alerts_is_deeper() -> None:
    lower = elastic('process where process.name in ("nc", "sh")', rule_id="lower")
    first, second = alerts(lower, [hit(process("nc", 1), "e1"), hit(process("sh", 2), "e2")])
    rule = elastic(PAIR.replace("[process", "[any"))
    documents = [hit(each.document, each.uuid, ".alerts") for each in (first, second)]
    (shell,) = alerts(rule, documents, index=None)
    assert [block.document["kibana.alert.depth"] for block in shell.building_blocks] == [2, 2]
    assert shell.document["kibana.alert.depth"] == 3
    parts = ["e1", "logs-x", first.uuid, ".alerts", "e2", "logs-x", second.uuid, ".alerts"]
    base = sha256(*parts, rule.instance_id)
    assert [block.uuid for block in shell.building_blocks] == [f"{base}0", f"{base}1"]
    assert shell.uuid == sha256(*parts, f"{base}0", f"{base}1", rule.instance_id)


def test_a_rule_does_not_feed_on_its_own_blocks() -> None:
    rule = elastic(PAIR.replace("[process", "[any"))
    (shell,) = alerts(rule, [hit(process("nc", 1), "e1"), hit(process("sh", 2), "e2")])
    own = shell.building_blocks[1]
    assert not alerts(rule, [hit(process("nc", 1), "e1"), hit(own.document, own.uuid)])


def test_a_building_block_rule_makes_a_building_block_of_the_shell() -> None:
    (shell,) = alerts(elastic(PAIR, building_block_type="default"), [process("nc", 1), process("sh", 2)])
    assert shell.kind is AlertKind.BUILDING_BLOCK
    assert shell.document["kibana.alert.building_block_type"] == "default"


def test_the_reason_speaks_of_all_events() -> None:
    second = process("sh", 2, user__name="root")
    second["event"]["category"] = ["process", "network"]
    (shell,) = alerts(elastic(PAIR), [process("nc", 1, file__name="f"), second])
    assert shell.document["kibana.alert.reason"] == (
        "process, network event with process sh, file f, by root on h created medium alert Name of rule-1."
    )


def test_events_without_a_time_take_no_part() -> None:
    start = process("nc")
    del start["@timestamp"]
    assert not alerts(elastic(PAIR), [start, process("sh", 2)])


def test_sameness_is_the_keys_and_the_end() -> None:
    rule = elastic(PAIR)
    end = hit(process("sh", 9), "e9")
    (one,) = alerts(rule, [hit(process("nc", 1), "e1"), end])
    (two,) = alerts(rule, [hit(process("nc", 1), "e1"), hit(process("nc", 3), "e3"), end])
    assert one.uuid != two.uuid
    assert one.sameness == two.sameness
    (other,) = alerts(rule, [hit(process("nc", 1), "e1"), hit(process("sh", 9), "e8")])
    assert other.sameness != one.sameness


@pytest.mark.parametrize("value", [900, 5000])
def test_many_or_deeply_nested_values_do_not_stop_it(value: int) -> None:
    deep: Any = "x"
    for _ in range(min(value, 200)):
        deep = {"d": deep}
    many = [str(number) for number in range(value)]
    documents = [process(name, at, x=deep, y=many) for at, name in enumerate(("nc", "sh"))]
    (shell,) = alerts(elastic(PAIR), documents)
    assert shell.document["y"] == many


def test_more_join_keys_than_are_followed_are_counted() -> None:
    many = [str(number) for number in range(1500)]
    documents = [process(name, at, user__name=many) for at, name in enumerate(("nc", "sh"))]
    scan = scan_for([elastic(PAIR.replace("host.id", "user.name"))])
    # Under every key that is followed it is the same two events, and so one alert.
    assert len(found(scan, documents)) == 1
    (note,) = scan.report.notes
    assert note.code == "join-keys-left-out"
    assert "1000 join keys" in note.message
