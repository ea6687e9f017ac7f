"""What alerts tell of the events that they were made of, whichever rule made them.

All of it is found in one walk through each document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dogwatch.base.time import format_instant
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.events.document import Found, PathTree
from dogwatch.rules.model import Rule
from dogwatch.schema.coerce import coerce
from dogwatch.schema.field import FieldType

_DEEPEST = 2**31
"""No depth that a document claims may exceed what Elasticsearch keeps as an integer."""

_TOLD = (
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
_ALERT = ("kibana.alert.uuid", "kibana.alert.rule.uuid", "kibana.alert.depth", "kibana.alert.ancestors")
_TREE = PathTree(("@timestamp", *_ALERT, "event.category", *_TOLD))


class Facts(msgspec.Struct):
    """What alerts tell of one event.

    Attributes:
        time: Its document's ``@timestamp`` in nanoseconds since 1970 UTC, whatever field orders the events of its
            rule; ``None`` without one.
        is_alert: Whether it is itself an alert.
        depth: How deep an alert it is; 0 for an event of its own.
        makers: What its document gives as the rule that made it, if it is an alert.
        ancestors: Its own ancestors, in the form that ours have.
        inherited_makers: What its document gives as the rules that made those.
        categories: Its categories as text, each once.
        told: The other fields that a reason tells, as text, by name; those without a value are absent.
    """

    time: int | None = None
    is_alert: bool = False
    depth: int = 0
    makers: list[Any] = []
    ancestors: list[dict[str, Any]] = []
    inherited_makers: list[Any] = []
    categories: dict[str, None] = {}
    told: dict[str, str] = {}

    def made_by(self, rule: Rule) -> bool:
        """Whether the event or one of its ancestors is an alert of this very rule: it must not feed on itself."""
        return rule.instance_id in self.makers or rule.instance_id in self.inherited_makers

    def descent(self, event: Event) -> list[dict[str, Any]]:
        """The event's own ancestors (if it is itself an alert), then the event, under its final id."""
        own: dict[str, Any] = dict(event_source(event))
        if self.is_alert:
            own |= {"type": "signal", "rule": self.makers[0] if self.makers else None}
        own["depth"] = self.depth
        return [*self.ancestors, own]


def event_source(event: Event) -> dict[str, str]:
    """An event as the first link of an alert's ancestry."""
    return {"id": event.id, "index": event.index or "", "type": "event"}


def facts_of(events: Sequence[Event]) -> list[Facts]:
    """What alerts tell of each of some events."""
    found = _TREE.empty()
    for row, event in enumerate(events):
        _TREE.extract_into(found, row, event.document)
    facts = [Facts() for _ in events]
    times, uuids, rules, depths, ancestors, categories, *told = found
    _note_times(facts, events, times)
    _note_alerts(facts, uuids, rules, depths, ancestors)
    for row, value in zip(categories.rows, categories.values, strict=True):
        if not isinstance(value, Mapping):
            facts[row].categories[_text(value)] = None
    for name, column in zip(_TOLD, told, strict=True):
        for row, value in zip(column.rows, column.values, strict=True):
            if not isinstance(value, Mapping):
                texts = facts[row].told
                texts[name] = f"{texts[name]}, {_text(value)}" if name in texts else _text(value)
    return facts


def reason(rule: Rule, *facts: Facts) -> str:
    """One sentence that says what happened, by whom, where, and which rule saw it.

    Of several events the last that has a field speaks for it; the categories of all are named.
    Event text is put in as it stands; whoever shows the sentence makes it safe.
    """
    if len(facts) == 1:
        categories, told = facts[0].categories, facts[0].told
    else:
        categories, told = {}, {}
        for each in facts:
            categories |= each.categories
            told |= each.told
    kinds = ", ".join(categories)
    details = [
        f"{word} {text}"
        for name, word in (
            ("process.name", "process"),
            ("process.parent.name", "parent process"),
            ("file.name", "file"),
        )
        if (text := told.get(name))
    ]
    for side in ("source", "destination"):
        if address := told.get(f"{side}.ip"):
            port = told.get(f"{side}.port")
            details.append(f"{side} {address}:{port}" if port else f"{side} {address}")
    sentence = f"{kinds} event" if kinds else "event"
    if details:
        sentence += f" with {', '.join(details)},"
    if user := told.get("user.name"):
        sentence += f" by {user}"
    if host := told.get("host.name"):
        sentence += f" on {host}"
    return f"{sentence} created {rule.severity.word} alert {rule.name}."


def _note_times(facts: Sequence[Facts], events: Sequence[Event], times: Found) -> None:
    for row, value in zip(times.rows, times.values, strict=True):
        if facts[row].time is None:
            facts[row].time = _time(value, events[row].time)


def _time(value: object, likely: int) -> int | None:
    """The instant that a value names; the likely one is tried first, as reading a text takes longer."""
    if likely != NO_TIME and value == format_instant(likely):
        return likely
    time = coerce(value, FieldType.DATE)
    return time if isinstance(time, int) else None


def _note_alerts(facts: Sequence[Facts], uuids: Found, rules: Found, depths: Found, ancestors: Found) -> None:
    for row in uuids.rows:
        facts[row].is_alert = True
    for row, rule in zip(rules.rows, rules.values, strict=True):
        facts[row].makers.append(rule)
    first_depths = dict(zip(reversed(depths.rows), reversed(depths.values), strict=True))
    for row, depth in first_depths.items():
        facts[row].depth = _depth(depth)
    for row, ancestor in zip(ancestors.rows, ancestors.values, strict=True):
        if isinstance(ancestor, Mapping):
            facts[row].inherited_makers.append(ancestor.get("rule"))
        if (inherited := _inherited(ancestor)) is not None:
            facts[row].ancestors.append(inherited)


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
    if type(value) is str:
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
