"""The page of one alert or incident."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import RenderableType

from dogwatch.cli.formats.table import screen
from dogwatch.cli.guide import plain_guide
from dogwatch.cli.show import show_alert, show_incident

HOSTILE = ["\x1b[2J\x1b]8;;http://evil.example\x07", "\u202eevil", "[red]x[/red]", "\ud800\x00", "日本☂️" * 500]
GUIDE = """## Triage

- See [the wiki](http://wiki.example/netcat) and &#x202e;this&#27;[2J
- Run `ps aux`
"""


def _alert(**more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-22T12:00:01.000Z",
        "event": {"action": "exec"},
        "host": {"name": "web-01"},
        "user": {"name": "alice"},
        "process": {"name": "nc", "args": ["nc", "-l", "4444"]},
        "kibana.alert.uuid": "ab12",
        "kibana.alert.workflow_status": "open",
        "kibana.alert.original_time": "2026-11-22T12:00:00.123Z",
        "kibana.alert.ancestors": [{"id": "event-1", "index": "auditbeat", "type": "event", "depth": 0}],
        "kibana.alert.severity": "high",
        "kibana.alert.risk_score": 73,
        "kibana.alert.reason": "process event with process nc",
        "kibana.alert.rule.uuid": "rule-uuid",
        "kibana.alert.rule.rule_id": "netcat",
        "kibana.alert.rule.version": 7,
        "kibana.alert.rule.type": "eql",
        "kibana.alert.rule.name": "Netcat Listener",
        "kibana.alert.rule.description": "Finds netcat.\nIt is often abused.",
        "kibana.alert.rule.note": GUIDE,
        "kibana.alert.rule.false_positives": ["Administrators [sometimes]"],
        "kibana.alert.rule.references": ["https://example.org/netcat"],
        "kibana.alert.rule.threat": [
            {
                "framework": "MITRE ATT&CK",
                "tactic": {"id": "TA0002", "name": "Execution"},
                "technique": [
                    {
                        "id": "T1059",
                        "name": "Command and Scripting Interpreter",
                        "subtechnique": [{"id": "T1059.004", "name": "Unix Shell"}],
                    }
                ],
            },
            {"tactic": {"id": "TA0011", "name": "Command and Control"}},
        ],
    } | more


def _incident(**more: Any) -> dict[str, Any]:
    return _alert() | {
        "fortisiem.incident.id": "cd34",
        "fortisiem.incident.title": "Netcat on web-01",
        "fortisiem.incident.status": "active",
        "fortisiem.incident.count": 12,
        "fortisiem.incident.first_seen": "2026-11-22T12:00:00.000Z",
        "fortisiem.incident.last_seen": "2026-11-22T13:00:00.000Z",
        "fortisiem.incident.source": {"hostName": "web-01"},
        "fortisiem.incident.target": ["10.0.0.5", None],
        "fortisiem.incident.attributes": {"hostName": "web-01", "procName": "nc"},
        "fortisiem.incident.triggers": [
            {"id": "t", "time": "2026-11-22T13:00:00.000Z", "event_ids": ["e1", "e2"]}
        ],
        "fortisiem.incident.triggered_events": [{"procName": "nc", "rawEventMsg": "x" * 5000}],
        "fortisiem.incident.remediation": "Block it.",
        **more,
    }


def _page(renderable: RenderableType, width: int = 100) -> str:
    stream = io.StringIO()
    screen(stream, width).print(renderable)
    return stream.getvalue()


def _positions(page: str, *expected: str) -> list[int]:
    for each in expected:
        assert each in page, each
    return [page.index(each) for each in expected]


def test_an_alerts_page_has_everything_in_order() -> None:
    page = _page(show_alert(_alert()))
    positions = _positions(
        page,
        "Netcat Listener",
        "v7 (eql)",
        "high, risk score 73",
        "process event with process nc",
        "Events",
        "arguments",
        "nc -l 4444",
        "It is often abused.",
        "TA0002 Execution: T1059 Command and Scripting Interpreter (T1059.004 Unix Shell)",
        "TA0011 Command and Control",
        "Investigation guide",
        "• See the wiki (http://wiki.example/netcat)",
        "Administrators [sometimes]",
        "https://example.org/netcat",
        "event-1 in auditbeat",
    )
    assert positions == sorted(positions)


def test_the_events_of_a_sequence_are_a_timeline() -> None:
    blocks = [
        _alert(process={"name": name}, destination={"ip": "10.0.0.5", "port": port})
        for name, port in (("bash", 80), ("nc", 4444))
    ]
    page = _page(show_alert(_alert(process={}), blocks))
    positions = _positions(page, "bash", "10.0.0.5:80", "10.0.0.5:4444")
    assert positions == sorted(positions)


def test_what_a_document_does_not_say_has_no_heading() -> None:
    page = _page(show_alert({"kibana.alert.severity": "low", "kibana.alert.rule.name": "Bare"}))
    assert "Bare" in page
    for absent in ("Investigation guide", "ATT&CK", "References", "False positives", "reason", "None"):
        assert absent not in page


def test_an_incidents_page() -> None:
    page = _page(show_incident(_incident()))
    positions = _positions(
        page,
        "Netcat on web-01",
        "active",
        "12",
        "first seen  2026-11-22T12:00:00.000Z",
        "hostName=web-01",
        "10.0.0.5",
        "Attributes",
        "procName",
        "Newest triggers",
        "e1, e2",
        "Newest events",
        "x" * 50,
        "Remediation",
        "Block it.",
        "Investigation guide",
        "cd34",
    )
    assert positions[5:] == sorted(positions[5:])
    assert "comment" not in page


def test_a_cleared_incidents_page_says_when_why_and_by_whom() -> None:
    cleared = {
        "status": "manually-cleared",
        "cleared_at": "2026-11-22T14:00:00.000Z",
        "cleared_reason": "A person cleared it.",
        "comment": "it was a test",
    }
    page = _page(
        show_incident(_incident(**{f"fortisiem.incident.{name}": text for name, text in cleared.items()}))
    )
    assert "manually-cleared at 2026-11-22T14:00:00.000Z. A person cleared it." in page
    assert "it was a test" in page


def test_a_page_shows_the_newest_few_events() -> None:
    events = [{"procName": f"process-{number}"} for number in range(20)]
    page = _page(show_incident(_incident(**{"fortisiem.incident.triggered_events": events})))
    assert "process-4" in page
    assert "process-5" not in page
    assert "15 more; --format ndjson prints all." in page


def test_a_guide_cannot_command_the_terminal() -> None:
    page = _page(show_alert(_alert()))
    assert "\\u202ethis" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_anywhere_is_only_text(hostile: str, width: int) -> None:
    words = {
        f"kibana.alert.rule.{name}": hostile for name in ("name", "description", "note", "version", "rule_id")
    }
    document = _incident(
        **words,
        **{
            "@timestamp": hostile,
            "host": {"name": hostile},
            "user": {"name": hostile},
            "process": {"name": hostile, "args": [hostile, hostile]},
            "event": {"action": hostile},
            "kibana.alert.original_time": hostile,
            "kibana.alert.reason": hostile,
            "kibana.alert.severity": hostile,
            "kibana.alert.rule.references": [hostile],
            "kibana.alert.rule.false_positives": [hostile],
            "kibana.alert.rule.threat": [{"tactic": {"name": hostile}}, hostile],
            "kibana.alert.ancestors": [{"id": hostile, "index": hostile}, hostile],
            "fortisiem.incident.title": hostile,
            "fortisiem.incident.attributes": {hostile: hostile},
            "fortisiem.incident.source": {hostile: [hostile]},
            "fortisiem.incident.triggers": [{"time": hostile, "event_ids": [hostile]}, hostile],
            "fortisiem.incident.triggered_events": [{hostile: [hostile, 1]}, hostile],
            **{
                f"fortisiem.incident.{name}": hostile
                for name in ("status", "cleared_at", "cleared_reason", "comment", "remediation", "sub_category")
            },
        },
    )
    for page in (_page(show_alert(document, [document]), width), _page(show_incident(document), width)):
        assert {char for char in page if not char.isprintable()} == {"\n"}
        assert max(map(cell_len, page.splitlines())) <= width


def test_markup_on_a_page_is_printed_as_it_is() -> None:
    page = _page(show_alert(_alert(user={"name": "[red]x[/red]"}, process={"name": "[/]"})))
    assert "[red]x[/red]" in page
    assert "[/]" in page


@pytest.mark.parametrize(
    ("note", "plain"),
    [
        ("no buttons", "no buttons"),
        ('!{osquery{"label":"L","query":"SELECT 1\\nFROM t"}} end', "L: `SELECT 1 FROM t` end"),
        ('!{osquery{"label":"L","query":"a `b` c"}}', "L: ``a `b` c``"),
        ('- !{investigate{"label":"Same {host}","providers":[[{"a":"}}"}]]}}.', "- Same {host}."),
        ("!{osquery{broken}} !{", "!{osquery{broken}} !{"),
        ('!{osquery{"label":"L"}', '!{osquery{"label":"L"}'),
        ("!{osquery" + '{"a":' * 100_000, "!{osquery" + '{"a":' * 100_000),
        ('!{insight{"label":"L"}}', '!{insight{"label":"L"}}'),
    ],
)
def test_kibanas_buttons_are_written_out(note: str, plain: str) -> None:
    assert plain_guide(note) == plain
