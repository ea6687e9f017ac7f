"""An incident as a document, and as an event that other rules may match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dogwatch.alerts.identity import named
from dogwatch.alerts.model import Cleared, Status, Trigger
from dogwatch.base.message import shortened
from dogwatch.base.time import SECOND, format_instant
from dogwatch.detect.document import PRODUCER, depth_of, rule_fields
from dogwatch.events.batch import Document
from dogwatch.events.fortisiem import to_ecs
from dogwatch.rules.fortisiem_model import QuietClear
from dogwatch.rules.model import FortisiemRule
from dogwatch.schema.fortisiem import FORTISIEM_PREFIX

SOURCES = ("srcIpAddr", "srcName", "srcUser")
TARGETS = ("destIpAddr", "destName", "hostIpAddr", "hostName", "user", "targetUser")

_LONGEST_IN_TITLE = 200
"""Characters of an attribute's value in a title: whoever typed it may have typed megabytes."""

_PLACEHOLDER = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

_INCIDENTS = 1
"""``phEventCategory`` of incidents."""

_ACTIVE = 0
"""``incidentStatus`` of one that has not been cleared."""

_ID_DIGITS = 15
"""Hexadecimal digits of an incident's name that fit FortiSIEM's 64-bit ids, in which databases keep a sign."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an incident stands.

    Attributes:
        uuid: Its name.
        attributes: Its attributes.
        count: How often it was triggered.
        first_seen: Time of the earliest contributing event, nanoseconds since 1970 UTC.
        last_seen: Time of the newest trigger.
        cleared: Set if its clear condition came to hold.
    """

    uuid: str
    attributes: Mapping[str, str]
    count: int
    first_seen: int
    last_seen: int
    cleared: Cleared | None = None


class IncidentWriter:
    """Writes the incidents of one rule."""

    def __init__(self, rule: FortisiemRule) -> None:
        self.rule = rule
        self._rule_fields = rule_fields(rule)
        self._title = rule.incident_title or rule.name
        self._category = rule.severity.word.upper()

    def document(
        self,
        standing: Standing,
        root: str,
        ancestors: list[dict[str, Any]],
        triggered_events: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any]:
        """The document that is shown and kept.

        Args:
            standing: How the incident stands.
            root: What it is about.
            ancestors: Of its first trigger's first event.
            triggered_events: The newest contributing events' attributes, the newest first.
        """
        rule, prefix = self.rule, "fortisiem.incident."
        attributes = dict(standing.attributes)
        title = titled(self._title, attributes)
        where = attributes.get("hostName") or attributes.get("hostIpAddr")
        who = attributes.get("user")
        reason = title
        # A title with placeholders may have said so already.
        reason += f" by {who}" if who and who not in title else ""
        reason += f" on {where}" if where and where not in title else ""
        cleared = standing.cleared
        status = Status.ACTIVE if cleared is None else Status.AUTO_CLEARED
        fields: dict[str, Any] = {
            **self._rule_fields,
            "@timestamp": format_instant(standing.last_seen),
            "kibana.alert.uuid": standing.uuid,
            "kibana.alert.status": "active" if cleared is None else "recovered",
            "kibana.alert.workflow_status": "open",
            "kibana.alert.depth": depth_of(ancestors),
            "kibana.alert.ancestors": ancestors,
            "kibana.alert.original_time": format_instant(standing.first_seen),
            "kibana.alert.reason": f"{reason}: {rule.name}, severity {rule.incident.severity}.",
            "event.kind": "signal",
            "event.provider": PRODUCER,
            f"{prefix}id": standing.uuid,
            f"{prefix}root": root,
            f"{prefix}event_type": rule.incident.event_type,
            f"{prefix}title": title,
            f"{prefix}severity": rule.incident.severity,
            f"{prefix}severity_category": self._category,
            f"{prefix}category": rule.category,
            f"{prefix}sub_category": rule.sub_function,
            f"{prefix}techniques": list(rule.techniques),
            f"{prefix}impacts": list(rule.impacts),
            f"{prefix}remediation": rule.remediation,
            f"{prefix}status": status.value,
            f"{prefix}resolution": "open",
            f"{prefix}count": standing.count,
            f"{prefix}first_seen": format_instant(standing.first_seen),
            f"{prefix}last_seen": format_instant(standing.last_seen),
            **_sides(attributes, f"{prefix}source", f"{prefix}target", f"{prefix}detail"),
            f"{prefix}attributes": attributes,
            f"{prefix}triggered_events": list(triggered_events),
        }
        if rule.notification_frequency is not None:
            fields[f"{prefix}notification_frequency"] = rule.notification_frequency
        if rule.clear_condition is not None and isinstance(rule.clear_condition.when, QuietClear):
            fields[f"{prefix}quiet_period"] = rule.clear_condition.when.quiet
        if cleared is not None:
            fields[f"{prefix}cleared_at"] = format_instant(cleared.time)
            fields[f"{prefix}cleared_reason"] = cleared.reason
        return fields

    def event(self, standing: Standing, trigger: Trigger) -> Document:
        """The incident, at one of its triggers, as an event of its own."""
        rule, time = self.rule, format_instant(trigger.time)
        attributes = dict(standing.attributes)
        said = {
            **attributes,
            "eventType": rule.incident.event_type,
            "eventName": rule.name,
            "phEventCategory": _INCIDENTS,
            "eventSeverity": rule.incident.severity,
            "eventSeverityCat": self._category,
            "phIncidentCategory": ",".join(rule.impacts),
            "incidentId": int(standing.uuid[:_ID_DIGITS], 16),
            "incidentTitle": titled(self._title, attributes),
            "incidentStatus": _ACTIVE,
            "count": standing.count,
            "incidentFirstSeen": format_instant(standing.first_seen),
            "incidentLastSeen": format_instant(standing.last_seen),
            **_sides(attributes, "incidentSrc", "incidentTarget", "incidentDetail"),
            "phRecvTime": time,
        }
        known = {name: value for name, value in said.items() if value != ""}
        fields = to_ecs(known)
        name = named("incident-event", [standing.uuid, trigger.id])
        return {
            **fields,
            "@timestamp": time,
            "event": {**fields.get("event", {}), "kind": "alert", "id": name},
            FORTISIEM_PREFIX.removesuffix("."): known,
        }


def titled(title: str, attributes: Mapping[str, str]) -> str:
    """A title with its placeholders filled in; one that no attribute fits stays as it is written.

    A value's first ``_LONGEST_IN_TITLE`` characters are shown.

    Examples:
        >>> titled("$user on ${hostName}: $what", {"user": "root", "hostName": "$user"})
        'root on $user: $what'
    """
    # The title is the rule's own; values are put in by a function, and are never part of a template.

    def value(found: re.Match[str]) -> str:
        said = attributes.get(found[1] or found[2])
        return found[0] if said is None else shortened(said, _LONGEST_IN_TITLE)

    return _PLACEHOLDER.sub(value, title)


def quiet_of(rule: FortisiemRule) -> int | None:
    """How long a rule must not trigger for its incidents to clear, in nanoseconds; ``None`` if they do not so."""
    when = rule.clear_condition.when if rule.clear_condition is not None else None
    return when.quiet * SECOND if isinstance(when, QuietClear) else None


def _sides(attributes: Mapping[str, str], source: str, target: str, detail: str) -> dict[str, str]:
    return {
        source: _pairs(attributes, SOURCES),
        target: _pairs(attributes, TARGETS),
        detail: _pairs(attributes, [name for name in attributes if name not in (*SOURCES, *TARGETS)]),
    }


def _pairs(attributes: Mapping[str, str], names: Iterable[str]) -> str:
    return ", ".join(f"{name}:{attributes[name]}" for name in names if name in attributes)
