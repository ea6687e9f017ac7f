"""Alert documents: the event's own fields, what the rule says, and where the alert came from.

Field names are those of Kibana's alert schema, version 8: flat ``kibana.alert.*`` keys beside the event's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dogwatch.base.time import format_instant
from dogwatch.detect.facts import Facts
from dogwatch.events.batch import Document
from dogwatch.rules.attack import Threat
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule

PRODUCER = "dogwatch"

_ORIGINAL_EVENT = (
    "action",
    "category",
    "dataset",
    "id",
    "kind",
    "module",
    "outcome",
    "provider",
    "sequence",
    "type",
)

_ORIGINAL_FIELDS = tuple(
    (name, f"event.{name}", f"kibana.alert.original_event.{name}") for name in _ORIGINAL_EVENT
)
"""Each with its name in a flat document, and its name in an alert."""


def rule_fields(rule: Rule) -> dict[str, Any]:
    """What every alert of a rule says about the rule: ``kibana.alert.rule.*``, severity and risk score."""
    fields: dict[str, Any] = {
        "kibana.alert.rule.uuid": rule.instance_id,
        "kibana.alert.rule.rule_id": rule.rule_id,
        "kibana.alert.rule.version": rule.version,
        "kibana.alert.rule.name": rule.name,
        "kibana.alert.rule.description": rule.description,
        "kibana.alert.rule.producer": PRODUCER,
        "kibana.alert.rule.author": list(rule.authors),
        "kibana.alert.rule.license": rule.license,
        "kibana.alert.rule.tags": list(rule.tags),
        "kibana.alert.rule.references": list(rule.references),
        "kibana.alert.rule.false_positives": list(rule.false_positives),
        "kibana.alert.rule.threat": [_threat(entry) for entry in rule.threat],
        "kibana.alert.rule.note": _guide(rule),
        "kibana.alert.rule.setup": rule.setup,
        "kibana.alert.severity": rule.severity.word,
    }
    match rule:
        case ElasticRule():
            fields |= {
                "kibana.alert.rule.type": rule.type,
                "kibana.alert.rule.interval": rule.interval,
                "kibana.alert.rule.from": rule.from_,
                "kibana.alert.rule.to": rule.to,
                "kibana.alert.rule.max_signals": rule.max_signals,
                "kibana.alert.risk_score": rule.risk_score,
            }
        case FortisiemRule():
            fields |= {
                "kibana.alert.rule.type": "fortisiem",
                "kibana.alert.risk_score": rule.incident.severity * 10,
            }
    return fields


def _guide(rule: Rule) -> str:
    """The investigation guide with the response steps, which Kibana keeps in one text."""
    if not rule.response.strip():
        return rule.note
    return f"{rule.note.rstrip()}\n\n## Response\n\n{rule.response.strip()}\n".lstrip()


def depth_of(ancestors: Sequence[Mapping[str, Any]]) -> int:
    """The depth of an alert with these ancestors: one more than the deepest."""
    return max((int(each["depth"]) for each in ancestors), default=-1) + 1


def as_signal(document: Document) -> Document:
    """The event's fields as an alert carries them: ``event.kind`` says ``signal``, the original is kept."""
    event = document.get("event")
    fields = {
        key: value
        for key, value in document.items()
        if not key.startswith("kibana") or key.partition(".")[0] != "kibana"
    }
    if isinstance(event, dict):
        fields["event"] = {**event, "kind": "signal"}
        for name, _, original in _ORIGINAL_FIELDS:
            if name in event:
                fields[original] = event[name]
    if not isinstance(event, dict) or "event.kind" in document:
        fields["event.kind"] = "signal"
    for _, name, original in _ORIGINAL_FIELDS:
        if name in document:
            fields[original] = document[name]
    return fields


def alert_fields(
    *, uuid: str, ancestors: list[dict[str, Any]], now: int, facts: Sequence[Facts], reason: str
) -> dict[str, Any]:
    """The fields that are an alert's own, apart from the rule's and the event's.

    ``facts`` are those of the events, in whatever order; the earliest gives ``kibana.alert.original_time``.
    """
    made = format_instant(now)
    fields: dict[str, Any] = {
        "@timestamp": made,
        "kibana.alert.uuid": uuid,
        "kibana.alert.status": "active",
        "kibana.alert.workflow_status": "open",
        "kibana.alert.depth": depth_of(ancestors),
        "kibana.alert.ancestors": ancestors,
        "kibana.alert.reason": reason,
        "kibana.space_ids": ["default"],
    }
    times = [each.time for each in facts if each.time is not None]
    if times:
        earliest = min(times)
        fields["kibana.alert.original_time"] = made if earliest == now else format_instant(earliest)
    return fields


def _threat(entry: Threat) -> dict[str, Any]:
    return {
        "framework": entry.framework,
        "tactic": {"id": entry.tactic.id, "name": entry.tactic.name, "reference": entry.tactic.reference},
        "technique": [
            {
                "id": technique.id,
                "name": technique.name,
                "reference": technique.reference,
                "subtechnique": [
                    {"id": child.id, "name": child.name, "reference": child.reference}
                    for child in technique.subtechniques
                ],
            }
            for technique in entry.techniques
        ],
    }
