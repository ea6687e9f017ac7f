"""FortiSIEM rules of one subpattern: groups that met their constraint become incidents.

An incident is one per rule and set of mapped attributes. Each time its group meets the constraint it is
triggered again: its count rises and the time it was last seen moves on.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from dogwatch.alerts.identity import named
from dogwatch.alerts.model import Incident, Trigger
from dogwatch.base.time import format_instant
from dogwatch.detect.document import PRODUCER, ancestors_of, depth_of, rule_fields
from dogwatch.engine.aggregate import AggregateHit
from dogwatch.logic.pattern import AggregatePattern
from dogwatch.rules.model import AttributeMapping, FortisiemRule
from dogwatch.schema.derived import FORTISIEM_PREFIX

_SOURCES = ("srcIpAddr", "srcName", "srcUser")
_TARGETS = ("destIpAddr", "destName", "hostIpAddr", "hostName", "user", "targetUser")


class IncidentDetector:
    """Gathers a rule's triggers into incidents.

    Args:
        rule: A FortiSIEM rule with one subpattern.
        pattern: Its lowered form.
    """

    def __init__(self, rule: FortisiemRule, pattern: AggregatePattern) -> None:
        self.rule = rule
        self._rule_fields = rule_fields(rule)
        self._position = {
            field.ref.path.removeprefix(FORTISIEM_PREFIX): number for number, field in enumerate(pattern.group_by)
        }
        self._triggers: dict[str, dict[str, Trigger]] = {}
        self._attributes: dict[str, dict[str, str]] = {}
        self._ancestors: dict[str, list[dict[str, Any]]] = {}

    def trigger(self, hit: AggregateHit) -> str:
        """Take in one trigger and return its incident's uuid. A trigger seen before changes nothing."""
        attributes = self._mapped(hit)
        uuid = named("incident", [self.rule.instance_id, *(f"{k}={v}" for k, v in sorted(attributes.items()))])
        group = ["null" if value is None else str(value) for value in hit.group]
        trigger = Trigger(
            id=named("trigger", [*group, hit.events[0].id]),
            time=hit.time,
            first_event=hit.first_time,
            last_event=hit.time,
            event_ids=tuple(event.id for event in hit.events),
        )
        self._triggers.setdefault(uuid, {}).setdefault(trigger.id, trigger)
        self._attributes[uuid] = attributes
        self._ancestors.setdefault(uuid, ancestors_of(hit.events[0]))
        return uuid

    def incident(self, uuid: str) -> Incident:
        """The incident as it stands."""
        triggers = tuple(sorted(self._triggers[uuid].values(), key=lambda each: (each.time, each.id)))
        attributes = self._attributes[uuid]
        return Incident(
            uuid, self.rule.instance_id, attributes, triggers, self._document(uuid, attributes, triggers)
        )

    def incidents(self) -> list[Incident]:
        """Every incident so far, by the time that it was first seen."""
        found = [self.incident(uuid) for uuid in self._triggers]
        return sorted(found, key=lambda each: (each.triggers[0].first_event, each.uuid))

    def _mapped(self, hit: AggregateHit) -> dict[str, str]:
        attributes = {}
        for mapping in self.rule.incident.mapping:
            value = self._value(mapping, hit)
            if value is not None:
                # An event type in an incident would hide the incident's own.
                name = "compEventType" if mapping.attribute == "eventType" else mapping.attribute
                attributes[name] = _text(value)
        return attributes

    def _value(self, mapping: AttributeMapping, hit: AggregateHit) -> object | None:
        position = self._position.get(mapping.source)
        if position is not None:
            return hit.group[position]
        wanted = mapping.source.replace(" ", "").upper()
        for aggregate, value in hit.aggregates.items():
            field = aggregate.field
            inner = "*" if field is None else field.ref.path.removeprefix(FORTISIEM_PREFIX)
            function, _, distinct = aggregate.function.value.partition(" ")
            if f"{function}({distinct}{inner})".upper() == wanted:
                return value
        # The number of events is known whatever the constraint is about.
        return hit.count if wanted == "COUNT(*)" else None

    def _document(self, uuid: str, attributes: dict[str, str], triggers: tuple[Trigger, ...]) -> dict[str, Any]:
        rule = self.rule
        first = min(trigger.first_event for trigger in triggers)
        last = max(trigger.last_event for trigger in triggers)
        title = rule.incident_title or rule.name
        where = attributes.get("hostName") or attributes.get("hostIpAddr")
        who = attributes.get("user")
        ancestors = self._ancestors[uuid]
        reason = f"{title}" + (f" by {who}" if who else "") + (f" on {where}" if where else "")
        return {
            **self._rule_fields,
            "@timestamp": format_instant(last),
            "kibana.alert.uuid": uuid,
            "kibana.alert.status": "active",
            "kibana.alert.workflow_status": "open",
            "kibana.alert.depth": depth_of(ancestors),
            "kibana.alert.ancestors": ancestors,
            "kibana.alert.original_time": format_instant(first),
            "kibana.alert.reason": f"{reason}: {rule.name}, severity {rule.incident.severity}.",
            "event.kind": "signal",
            "event.provider": PRODUCER,
            "fortisiem.incident.id": uuid,
            "fortisiem.incident.event_type": rule.incident.event_type,
            "fortisiem.incident.title": title,
            "fortisiem.incident.severity": rule.incident.severity,
            "fortisiem.incident.severity_category": rule.severity.word.upper(),
            "fortisiem.incident.category": rule.category,
            "fortisiem.incident.impacts": list(rule.impacts),
            "fortisiem.incident.status": "active",
            "fortisiem.incident.count": len(triggers),
            "fortisiem.incident.first_seen": format_instant(first),
            "fortisiem.incident.last_seen": format_instant(last),
            "fortisiem.incident.source": _pairs(attributes, _SOURCES),
            "fortisiem.incident.target": _pairs(attributes, _TARGETS),
            "fortisiem.incident.detail": _pairs(
                attributes, [name for name in attributes if name not in (*_SOURCES, *_TARGETS)]
            ),
            "fortisiem.incident.attributes": attributes,
        }


def _pairs(attributes: dict[str, str], names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"{name}:{attributes[name]}" for name in names if name in attributes)


def _text(value: object) -> str:
    """A value as incidents compare it: addresses canonical, numbers decimal, the rest as it stands."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
