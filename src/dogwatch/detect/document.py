"""Alert documents: the event's own fields, what the rule says, and where the alert came from.

Field names are those of Kibana's alert schema, version 8: flat ``kibana.alert.*`` keys beside the event's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dogwatch.base.time import format_instant
from dogwatch.events.batch import Document, Event
from dogwatch.events.document import PathTree
from dogwatch.rules.attack import Threat
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import FieldType

PRODUCER = "dogwatch"

_DEEPEST = 2**31
"""No depth that a document claims may exceed what Elasticsearch keeps as an integer."""

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

_REASON_FIELDS = (
    "event.category",
    "process.name",
    "process.parent.name",
    "file.name",
    "source.ip",
    "source.port",
    "destination.ip",
    "destination.port",
    "user.name",
    "host.name",
)
_REASON_TREE = PathTree(_REASON_FIELDS)

_TIMESTAMP_TREE = PathTree(("@timestamp",))
_ALERT_TREE = PathTree(
    ("kibana.alert.uuid", "kibana.alert.rule.uuid", "kibana.alert.depth", "kibana.alert.ancestors")
)


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


def event_source(event: Event) -> dict[str, str]:
    """An event as the first link of an alert's ancestry."""
    return {"id": event.id, "index": event.index or "", "type": "event"}


def ancestors_of(event: Event) -> list[dict[str, Any]]:
    """An event's own ancestors (if it is itself an alert), then the event."""
    uuids, rules, depths, ancestors = _ALERT_TREE.extract(event.document)
    own: dict[str, Any] = dict(event_source(event))
    if uuids:
        own |= {"type": "signal", "rule": rules[0] if rules else None}
    own["depth"] = _depth(depths[0]) if depths else 0
    return [*(ancestor for each in ancestors if (ancestor := _inherited(each)) is not None), own]


def depth_of(ancestors: Sequence[Mapping[str, Any]]) -> int:
    """The depth of an alert with these ancestors: one more than the deepest."""
    return max((int(each["depth"]) for each in ancestors), default=-1) + 1


def made_by(rule: Rule, event: Event) -> bool:
    """Whether the event or one of its ancestors is an alert of this very rule: it must not feed on itself."""
    _, rules, _, ancestors = _ALERT_TREE.extract(event.document)
    makers = [*rules, *(each.get("rule") for each in ancestors if isinstance(each, Mapping))]
    return rule.instance_id in makers


def as_signal(document: Document) -> Document:
    """The event's fields as an alert carries them: ``event.kind`` says ``signal``, the original is kept."""
    event = document.get("event")
    fields = {key: value for key, value in document.items() if key.partition(".")[0] != "kibana"}
    if isinstance(event, dict):
        fields["event"] = {**event, "kind": "signal"}
        for name in _ORIGINAL_EVENT:
            if name in event:
                fields[f"kibana.alert.original_event.{name}"] = event[name]
    if not isinstance(event, dict) or "event.kind" in document:
        fields["event.kind"] = "signal"
    for name in _ORIGINAL_EVENT:
        if f"event.{name}" in document:
            fields[f"kibana.alert.original_event.{name}"] = document[f"event.{name}"]
    return fields


def alert_fields(
    *, uuid: str, ancestors: list[dict[str, Any]], now: int, documents: Sequence[Document], reason: str
) -> dict[str, Any]:
    """The fields that are an alert's own, apart from the rule's and the event's.

    ``documents`` are the events' own, in whatever order; the earliest gives ``kibana.alert.original_time``.
    """
    fields: dict[str, Any] = {
        "@timestamp": format_instant(now),
        "kibana.alert.uuid": uuid,
        "kibana.alert.status": "active",
        "kibana.alert.workflow_status": "open",
        "kibana.alert.depth": depth_of(ancestors),
        "kibana.alert.ancestors": ancestors,
        "kibana.alert.reason": reason,
        "kibana.space_ids": ["default"],
    }
    times = [time for document in documents if (time := timestamp_of(document)) is not None]
    if times:
        fields["kibana.alert.original_time"] = format_instant(min(times))
    return fields


def timestamp_of(document: Document) -> int | None:
    """A document's ``@timestamp`` in nanoseconds, whatever field orders the events of its rule."""
    times, _ = coerce_all(_TIMESTAMP_TREE.extract(document)[0], FieldType.DATE)
    return next((time for time in times if isinstance(time, int)), None)


def reason(rule: Rule, *documents: Document) -> str:
    """One sentence that says what happened, by whom, where, and which rule saw it.

    Of several documents the last that has a field speaks for it; the categories of all are named.
    Event text is put in as it stands; whoever shows the sentence makes it safe.
    """
    found = dict.fromkeys(_REASON_FIELDS, "")
    categories: dict[str, None] = {}
    for document in documents:
        for path, values in zip(_REASON_FIELDS, _REASON_TREE.extract(document), strict=True):
            texts = [_text(value) for value in values if not isinstance(value, Mapping)]
            if path == "event.category":
                categories |= dict.fromkeys(texts)
            elif texts:
                found[path] = ", ".join(texts)
    found["event.category"] = ", ".join(categories)
    details = [
        f"{word} {found[path]}"
        for path, word in (
            ("process.name", "process"),
            ("process.parent.name", "parent process"),
            ("file.name", "file"),
        )
        if found[path]
    ]
    for side in ("source", "destination"):
        if found[f"{side}.ip"]:
            port = found[f"{side}.port"]
            details.append(f"{side} {found[f'{side}.ip']}{':' if port else ''}{port}")
    sentence = f"{found['event.category']} event" if found["event.category"] else "event"
    if details:
        sentence += f" with {', '.join(details)},"
    if found["user.name"]:
        sentence += f" by {found['user.name']}"
    if found["host.name"]:
        sentence += f" on {found['host.name']}"
    return f"{sentence} created {rule.severity.word} alert {rule.name}."


def _inherited(ancestor: object) -> dict[str, Any] | None:
    """An ancestor as an alert document states it, in the form that ours have; ``None`` if it names nothing."""
    if not isinstance(ancestor, Mapping) or not isinstance(ancestor.get("id"), str):
        return None
    index = ancestor.get("index")
    return {
        **ancestor,
        "index": index if isinstance(index, str) else "",
        "depth": _depth(ancestor.get("depth")),
    }


def _depth(value: object) -> int:
    return value if type(value) is int and 0 <= value < _DEEPEST else 0


def _text(value: Any) -> str:  # noqa: ANN401 - a JSON scalar of any kind
    return str(value).lower() if isinstance(value, bool) else str(value)


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
