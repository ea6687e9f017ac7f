"""Detections to file, as a scan would make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dogwatch.alerts.identity import building_block_uuids, event_alert_uuid, named, shell_alert_uuid
from dogwatch.alerts.model import Alert, AlertKind, Incident, Trigger
from dogwatch.base.time import SECOND, format_instant

NOON = 1_795_348_800 * SECOND
RULE = "5b0c9a4e-rule"

Fields = Mapping[str, Any]
_NONE: Fields = {}


def _document(uuid: str, at: int, more: Fields) -> dict[str, Any]:
    return {
        "@timestamp": format_instant(at),
        "process": {"name": "nc", "args": ["nc", "-l", "4444"]},
        "kibana.alert.uuid": uuid,
        "kibana.alert.rule.uuid": RULE,
        "kibana.alert.rule.rule_id": "Rule-ID-1",
        "kibana.alert.rule.version": 7,
        "kibana.alert.rule.name": "Netcat Listener",
        "kibana.alert.severity": "high",
        "kibana.alert.risk_score": 73,
        "kibana.alert.reason": "process event",
        "kibana.alert.workflow_status": "open",
    } | dict(more)


def event_alert(event: str, at: int = NOON, more: Fields = _NONE, *, rule_uuid: str = RULE) -> Alert:
    """An alert made of one event."""
    uuid = event_alert_uuid(event, "auditbeat", rule_uuid)
    return Alert(AlertKind.ALERT, uuid, rule_uuid, f"event:{event}", _document(uuid, at, more))


def sequence_alert(events: list[str], at: int = NOON, more: Fields = _NONE) -> Alert:
    """The shell over a sequence that one host finished with the last of the events."""
    uuids = building_block_uuids([[(event, "auditbeat")] for event in events], RULE)
    blocks = tuple(
        Alert(
            AlertKind.BUILDING_BLOCK,
            uuid,
            RULE,
            f"block:{event}",
            _document(uuid, at, {"event": {"id": event}, "kibana.alert.building_block_type": "default"}),
        )
        for uuid, event in zip(uuids, events, strict=True)
    )
    uuid = shell_alert_uuid([(event, "auditbeat") for event in events], RULE)
    return Alert(AlertKind.ALERT, uuid, RULE, f"sequence:host-1:{events[-1]}", _document(uuid, at, more), blocks)


def incident(host: str, *triggers: tuple[str, int, int], more: Fields = _NONE) -> Incident:
    """An incident of one host; each trigger has an id and the seconds of its first and last event."""
    uuid = named("incident", (RULE, host))
    made = tuple(
        Trigger(name, NOON + last * SECOND, NOON + first * SECOND, NOON + last * SECOND, (f"e-{name}",))
        for name, first, last in triggers
    )
    first_seen = min(trigger.first_event for trigger in made)
    last_seen = max(trigger.last_event for trigger in made)
    document = _document(
        uuid,
        last_seen,
        {
            "kibana.alert.status": "active",
            "kibana.alert.original_time": format_instant(first_seen),
            "fortisiem.incident.id": uuid,
            "fortisiem.incident.root": uuid,
            "fortisiem.incident.title": "Netcat on " + host,
            "fortisiem.incident.status": "active",
            "fortisiem.incident.count": len(made),
            "fortisiem.incident.first_seen": format_instant(first_seen),
            "fortisiem.incident.last_seen": format_instant(last_seen),
            "fortisiem.incident.attributes": {"hostName": host},
        },
    )
    return Incident(uuid, uuid, RULE, {"hostName": host}, made, document | dict(more))
