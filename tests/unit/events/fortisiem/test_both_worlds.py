"""Each world's rules on the other's events: the built-in netcat rules of Elastic and of FortiSIEM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dogwatch
from dogwatch.alerts.model import Alert, Incident

START = 1795341600000
HEADER = "<14>Nov 22 10:00:0{} web1 phAgent[37]: "


def found(path: Path) -> tuple[list[int], list[dict[str, str]]]:
    """The versions of Elastic's rule that alerted, and the incidents' attributes."""
    run = dogwatch.scan(path)
    detections = list(run)
    assert run.diagnostics == ()
    versions = [each.document["kibana.alert.rule.version"] for each in detections if isinstance(each, Alert)]
    return sorted(set(versions)), [dict(each.attributes) for each in detections if isinstance(each, Incident)]


def line(event_type: str, second: int, **attributes: object) -> str:
    given = {"phRecvTime": START + 1000 * second, "hostName": "web1", "user": "root", **attributes}
    return f"[{event_type}]:" + ",".join(f"[{name}]={value}" for name, value in given.items())


PROCESS = {"procName": "/usr/bin/nc", "swParam": "-l -p 99", "procGUID": "g1", "osType": "Linux"}
CONNECTION = {
    "procName": "nc",
    "procGUID": "g1",
    "osType": "Linux",
    "srcIpAddr": "10.0.0.1",
    "destIpAddr": "10.0.0.2",
}
LINES = [line("LINUX_PROCESS_EXEC", 0, **PROCESS), line("LINUX_CONNECT", 1, **CONNECTION)]
SHORT = {"hostName": "web1", "user": "root", "procName": "nc", "swParam": "-l -p 99"}
INCIDENT = {**SHORT, "procName": "/usr/bin/nc"}


def test_all_rules_on_fortisiems_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    path.write_text("\n".join(LINES) + "\n")
    assert found(path) == ([3, 4, 5, 110], [INCIDENT])


def test_all_rules_on_lines_with_a_syslog_header(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    lines = [each.replace("[phRecvTime]", "[otherTime]") for each in LINES]
    path.write_text("\n".join(HEADER.format(second) + each for second, each in enumerate(lines)))
    assert found(path) == ([3, 4, 5, 110], [INCIDENT])


def test_an_order_that_is_none_is_no_sequence(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    path.write_text(line("LINUX_CONNECT", 0, **CONNECTION) + "\n" + line("LINUX_PROCESS_EXEC", 1, **PROCESS))
    assert found(path) == ([3, 4], [INCIDENT])


def test_all_rules_on_fortisiems_exports(tmp_path: Path) -> None:
    events = [
        {"eventType": "LINUX_PROCESS_EXEC", "phRecvTime": START, "hostName": "web1", "user": "root", **PROCESS},
        {"eventType": "LINUX_CONNECT", "phRecvTime": START + 1000, "hostName": "web1", **CONNECTION},
    ]
    for name, content in (("a", json.dumps(events)), ("b", "\n".join(map(json.dumps, events)))):
        (tmp_path / name).write_text(content)
        assert found(tmp_path / name) == ([3, 4, 5, 110], [INCIDENT])
    columns = sorted({key for event in events for key in event})
    rows = [",".join(str(event.get(column, "")) for column in columns) for event in events]
    (tmp_path / "c").write_text("\n".join([",".join(columns), *rows]))
    assert found(tmp_path / "c") == ([3, 4, 5, 110], [INCIDENT])


ENDPOINT = {
    "@timestamp": "2026-11-22T10:00:00Z",
    "event": {"category": ["process"], "type": ["start"], "action": "exec"},
    "host": {"name": "web1", "os": {"type": "linux"}},
    "user": {"name": "root"},
    "process": {"name": "nc", "executable": "/usr/bin/nc", "args": ["nc", "-l", "-p", "99"], "pid": 7},
}
AUDITBEAT = {
    "@timestamp": "2026-11-22T10:00:00Z",
    "event.category": "process",
    "event.type": "start",
    "event.action": "executed",
    "host.name": "web1",
    "user.name": "root",
    "process.name": "nc",
    "process.args": ["nc", "-l", "-p", "99"],
}


@pytest.mark.parametrize("document", [ENDPOINT, AUDITBEAT], ids=["endpoint", "auditbeat"])
def test_fortisiems_rule_on_elastic_events(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(document) + "\n")
    assert found(path)[1] == [SHORT]


def test_a_process_without_parameters_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    path.write_text(line("LINUX_PROCESS_EXEC", 0, procName="nc"))
    assert found(path) == ([], [{"hostName": "web1", "user": "root", "procName": "nc"}])
