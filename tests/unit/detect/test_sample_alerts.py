"""Samples make alerts as sequences do: building blocks for their events, and one shell over them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from detection_samples import MINUTE, START, alerts, elastic, found, hit, process, scan_for, scheduled_alerts

from dogwatch.alerts.model import Alert, AlertKind
from dogwatch.base.time import format_instant
from dogwatch.detect.options import ScanOptions

SAMPLE = """sample by host.id
  [process where process.name == "nc"]
  [process where process.name == "sh"]"""


def named(kind: str, parts: list[str]) -> str:
    text = kind + "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("follow", [False, True])
def test_the_order_of_events_plays_no_part(follow: bool) -> None:
    rule = elastic(SAMPLE)
    documents = [hit(process("sh", 1, user__name="first"), "e1"), hit(process("nc", 9, user__name="last"), "e2")]
    (shell,) = alerts(rule, documents, follow=follow)
    assert shell.kind is AlertKind.ALERT
    names = [block.document["process"]["name"] for block in shell.building_blocks]
    assert names == ["nc", "sh"]
    assert [block.document["kibana.alert.group.index"] for block in shell.building_blocks] == [0, 1]
    assert [block.kind for block in shell.building_blocks] == [AlertKind.BUILDING_BLOCK] * 2
    # Made at its latest event, about what began with its earliest.
    assert shell.document["@timestamp"] == documents[1]["_source"]["@timestamp"]
    assert shell.document["kibana.alert.original_time"] == documents[0]["_source"]["@timestamp"]
    assert shell.document["kibana.alert.reason"].startswith("process event with process nc, by last on h created")
    assert [block.document["kibana.alert.original_time"] for block in shell.building_blocks] == [
        documents[1]["_source"]["@timestamp"],
        documents[0]["_source"]["@timestamp"],
    ]
    assert shell.sameness == named("sample", [rule.instance_id, "str:h1", "logs-x", "e2", "logs-x", "e1"])


def test_a_key_gives_one_sample_over_the_whole_stretch() -> None:
    documents = [process(name, second) for second, name in enumerate(["nc", "sh", "nc", "sh"])]
    documents += [process(name, 50, host={"id": "h2"}) for name in ("sh", "nc")]
    given_alerts = alerts(elastic(SAMPLE), documents)
    assert [each.document["host"]["id"] for each in given_alerts] == ["h1", "h2"]
    assert given_alerts[0].document["@timestamp"] == documents[1]["@timestamp"]


def test_a_followed_sample_completes_at_once() -> None:
    scan = scan_for([elastic(SAMPLE)], ScanOptions(follow=True))
    documents = [process("nc", 1), process("nc", 2), process("sh", 3), process("sh", 4)]
    (shell,) = found(scan, documents, rows=1)
    assert isinstance(shell, Alert)
    assert shell.document["@timestamp"] == documents[2]["@timestamp"]


def test_one_event_is_not_two() -> None:
    both = elastic('sample by host.id [process where process.name == "nc"] [process where process.pid == 1]')
    assert not alerts(both, [process("nc", 1, process__pid=1)])
    assert len(alerts(both, [process("nc", 1, process__pid=1), process("nc", 2)])) == 1


def test_events_without_a_time_take_part() -> None:
    documents = [process("nc"), process("sh", 2)]
    del documents[0]["@timestamp"]
    (shell,) = alerts(elastic(SAMPLE), documents)
    assert shell.document["@timestamp"] == documents[1]["@timestamp"]
    assert shell.document["kibana.alert.original_time"] == documents[1]["@timestamp"]
    del documents[1]["@timestamp"]
    (timeless,) = alerts(elastic(SAMPLE), documents, now=START + MINUTE)
    assert timeless.document["@timestamp"] == format_instant(START + MINUTE)
    assert "kibana.alert.original_time" not in timeless.document
    # A run asks for a stretch of time.
    assert not scheduled_alerts(elastic(SAMPLE), documents)


def test_the_same_events_under_two_values_of_the_key_are_one_alert() -> None:
    documents = [process(name, second, user__name=["a", "b"]) for second, name in enumerate(("nc", "sh"))]
    assert len(alerts(elastic(SAMPLE.replace("host.id", "user.name")), documents)) == 1


def test_a_rule_does_not_feed_on_its_own_alerts() -> None:
    rule = elastic(SAMPLE.replace("[process where", "[any where"))
    (shell,) = alerts(rule, [hit(process("nc", 1), "e1"), hit(process("sh", 2), "e2")])
    own = shell.building_blocks[0]
    assert not alerts(rule, [hit(own.document, own.uuid), hit(process("sh", 2), "e2")])


def test_each_run_samples_what_it_sees() -> None:
    rule = elastic(SAMPLE, interval="5m", from_="now-6m")
    documents: list[Any] = [process("nc", 10), process("nc", 290), process("sh", 295)]
    given_alerts = scheduled_alerts(rule, documents)
    # The next run no more sees the first; what it samples then is another alert, as in Kibana.
    assert [each.document["kibana.alert.original_time"] for each in given_alerts] == [
        documents[0]["@timestamp"],
        documents[1]["@timestamp"],
    ]
    assert [each.document["@timestamp"] for each in given_alerts] == [
        format_instant(START + 5 * MINUTE),
        format_instant(START + 10 * MINUTE),
    ]


@pytest.mark.parametrize("follow", [False, True])
def test_a_whole_and_a_decimal_key_name_one_sample_in_whatever_order_they_come(follow: bool) -> None:
    query = """[process where process.name == "nc"] by process.pid
      [any where process.name == "sh"] by event.risk_score"""
    documents = [
        hit(process("nc", 1, process__pid=5), "e1"),
        hit(process("sh", 2, event__risk_score=5.0), "e2"),
        hit(process("nc", 3, process__pid=6), "e3"),
        hit(process("sh", 4, event__risk_score=6.5), "e4"),
    ]
    for kind in ("sample", "sequence"):
        rule = elastic(f"{kind} {query}")
        first, second = (
            [(each.uuid, each.sameness) for each in alerts(rule, given_now, follow=follow)]
            for given_now in (documents, documents[::-1])
        )
        assert first == second
        assert len(first) == 1
