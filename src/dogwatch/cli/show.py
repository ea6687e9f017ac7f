"""One alert or incident as a full page on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.model import AlertDocument
from dogwatch.base.text import printable
from dogwatch.cli.cells import SEVERITY_STYLES, fitted, safe, short_times
from dogwatch.cli.guide import plain_guide
from dogwatch.cli.summary import command_line, destination, incident_attributes, leaves, summarise, text, texts

_EVENTS = 5
"""Contributing events on a page; the document has more."""

_LONGEST = 4000
"""Cells of one value on a page; the whole of it is in the document."""


class Neutral:
    """A renderable whose text cannot command the terminal, however it came to be.

    Markdown decodes character references, so that text which was harmless before rendering may not be after.
    """

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The content's segments, made printable; line ends stay."""
        for segment in console.render(self._content, options):
            if not segment.control:
                shown = "\n".join(printable(line) for line in segment.text.split("\n"))
                yield Segment(shown, segment.style)


def show_alert(document: AlertDocument, building_blocks: Sequence[AlertDocument] = ()) -> RenderableType:
    """The page of an alert: what fired, why, the events in order, and what its rule advises."""
    row = summarise(document, building_blocks)
    facts = (
        ("rule", _rule_line(document)),
        ("severity", _severity_line(document)),
        ("status", _named(document, "kibana.alert.workflow_status")),
        ("time", safe(row.time)),
        ("event time", _named(document, "kibana.alert.original_time")),
        ("host", _value(row.host)),
        ("user", _value(row.user)),
        ("reason", _value(row.reason)),
    )
    return _page(
        _headline(row.rule or row.uuid, row.severity),
        _facts(facts),
        *_section("Events", _timeline(building_blocks or (document,))),
        *_rule_sections(document),
        *_section("Ids", _facts(_ids(document))),
    )


def show_incident(document: AlertDocument) -> RenderableType:
    """The page of an incident: what it counts, its attributes and newest triggers, and its rule's advice."""
    prefix = "fortisiem.incident."
    severity = text(document, "kibana.alert.severity")
    title = text(document, f"{prefix}title", "kibana.alert.rule.name")
    category = " / ".join(texts(document, f"{prefix}category") + texts(document, f"{prefix}sub_category"))
    facts = (
        ("rule", _rule_line(document)),
        ("severity", _severity_line(document)),
        ("status", _value(_status(document))),
        ("comment", _named(document, f"{prefix}comment")),
        ("first seen", _named(document, f"{prefix}first_seen")),
        ("last seen", _named(document, f"{prefix}last_seen")),
        ("count", _named(document, f"{prefix}count")),
        ("category", _value(category)),
        ("event type", _named(document, f"{prefix}event_type")),
        ("source", _value(_plain(document.get(f"{prefix}source")))),
        ("target", _value(_plain(document.get(f"{prefix}target")))),
        ("detail", _value(_plain(document.get(f"{prefix}detail")))),
    )
    attributes = [(name, _value(value)) for name, value in incident_attributes(document).items()]
    remediation = text(document, f"{prefix}remediation")
    return _page(
        _headline(title, severity),
        _facts(facts),
        *_section("Attributes", _facts(attributes)),
        *_section("Newest triggers", _triggers(document)),
        *_section("Newest events", *_triggered_events(document)),
        *_section("Remediation", _prose(remediation) if remediation else None),
        *_rule_sections(document),
        *_section("Ids", _facts(_ids(document))),
    )


def _page(*parts: RenderableType | None) -> RenderableType:
    return Neutral(Group(*(part for part in parts if part is not None)))


def _headline(title: str, severity: str) -> RenderableType:
    style = SEVERITY_STYLES.get(severity, "")
    return Group(Rule(style=style), fitted(title, _LONGEST, "bold"), Rule(style=style))


def _section(title: str, *content: RenderableType | None) -> Iterator[RenderableType]:
    """A titled part of the page; nothing when it would be empty."""
    present = [part for part in content if part is not None]
    if present:
        yield Text(f"\n{title}", style="bold underline")
        yield from (Padding(part, (0, 0, 0, 2)) for part in present)


def _facts(facts: Iterable[tuple[str, Text]]) -> RenderableType | None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", overflow="fold", max_width=24)
    grid.add_column(overflow="fold")
    for name, value in facts:
        if value.plain:
            grid.add_row(safe(name), value)
    return grid if grid.row_count else None


def _rule_line(document: AlertDocument) -> Text:
    name = text(document, "kibana.alert.rule.name")
    version, kind = text(document, "kibana.alert.rule.version"), text(document, "kibana.alert.rule.type")
    return _value(" ".join(part for part in (name, version and f"v{version}", kind and f"({kind})") if part))


def _severity_line(document: AlertDocument) -> Text:
    word, risk = text(document, "kibana.alert.severity"), text(document, "kibana.alert.risk_score")
    line = safe(word, SEVERITY_STYLES.get(word, ""))
    return line.append(Text(printable(f", risk score {risk}"))) if risk else line


def _timeline(events: Sequence[AlertDocument]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    title, times = short_times(
        [text(event, "kibana.alert.original_time", "@timestamp") for event in events], digits=3
    )
    names = (title, "action", "process", "arguments", "user", "destination")
    cells = [
        (
            time,
            text(event, "event.action", "event.type", "event.category"),
            text(event, "process.name", "process.executable"),
            command_line(event),
            text(event, "user.name", "user.id"),
            destination(event) or text(event, "file.path"),
        )
        for event, time in zip(events, times, strict=True)
    ]
    used = [number for number in range(len(names)) if any(row[number] for row in cells)]
    for number in used:
        table.add_column(names[number], overflow="fold", ratio=3 if names[number] == "arguments" else None)
    for row in cells:
        table.add_row(*(fitted(row[number], _LONGEST // 8) for number in used))
    return table


def _triggers(document: AlertDocument) -> RenderableType | None:
    triggers = document.get("fortisiem.incident.triggers")
    if not isinstance(triggers, list) or not triggers:
        return None
    names = ("time", "first_event", "last_event")
    moments = [text(trigger, name) for trigger in triggers for name in names]
    title, short = short_times(moments, digits=3)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in (title, "first event", "last event"):
        table.add_column(name)
    table.add_column("events", overflow="fold")
    for number, trigger in enumerate(triggers):
        ids = ", ".join(texts(trigger, "event_ids"))
        own = short[number * len(names) : (number + 1) * len(names)]
        table.add_row(*map(safe, own), fitted(ids, _LONGEST // 8))
    return table


def _triggered_events(document: AlertDocument) -> Iterator[RenderableType | None]:
    """The displayed attributes of contributing events, a group of lines each."""
    events = list(_objects(document.get("fortisiem.incident.triggered_events")))
    for number, event in enumerate(events[:_EVENTS]):
        if number:
            yield Text("")
        values = ((str(name), fitted(", ".join(leaves(value)), _LONGEST // 8)) for name, value in event.items())
        yield _facts(values)
    if len(events) > _EVENTS:
        yield Text(f"\n{len(events) - _EVENTS} more; --format ndjson prints all.")


def _status(document: AlertDocument) -> str:
    """How an incident stands, and since when and why if it was cleared."""
    prefix = "fortisiem.incident."
    status, since = text(document, f"{prefix}status"), text(document, f"{prefix}cleared_at")
    reason = text(document, f"{prefix}cleared_reason")
    return " ".join(part for part in (status, since and f"at {since}.", reason) if part)


def _rule_sections(document: AlertDocument) -> Iterator[RenderableType]:
    rule = "kibana.alert.rule."
    description = text(document, f"{rule}description")
    yield from _section("About the rule", _prose(description) if description else None)
    yield from _section("ATT&CK", _bullets(_techniques(document.get(f"{rule}threat"))))
    note = document.get(f"{rule}note")
    if isinstance(note, str) and note.strip():
        # Without hyperlinks, so that a link's address is on the page and not behind its words.
        yield from _section("Investigation guide", Markdown(plain_guide(note), hyperlinks=False))
    yield from _section("False positives", _bullets(texts(document, f"{rule}false_positives")))
    yield from _section("References", _bullets(texts(document, f"{rule}references")))


def _ids(document: AlertDocument) -> Iterator[tuple[str, Text]]:
    yield "alert", _named(document, "kibana.alert.uuid")
    yield "incident", _named(document, "fortisiem.incident.id")
    yield "sequence", _named(document, "kibana.alert.group.id")
    yield "rule id", _named(document, "kibana.alert.rule.rule_id")
    yield "rule uuid", _named(document, "kibana.alert.rule.uuid")
    ancestors = document.get("kibana.alert.ancestors")
    if isinstance(ancestors, list):
        for ancestor in ancestors:
            index = text(ancestor, "index")
            yield "from", _value(text(ancestor, "id") + (f" in {index}" if index else ""))


def _techniques(threat: object) -> Iterator[str]:
    """Tactics with their techniques and subtechniques, a line each: ``TA0011 Command and Control: T1095 ...``."""
    for entry in _objects(threat):
        tactic = _id_and_name(entry.get("tactic"))
        techniques = list(_objects(entry.get("technique")))
        if not techniques:
            yield tactic
        for technique in techniques:
            below = [_id_and_name(each) for each in _objects(technique.get("subtechnique"))]
            line = f"{tactic}: {_id_and_name(technique)}"
            yield f"{line} ({', '.join(below)})" if below else line


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, Mapping))


def _id_and_name(value: object) -> str:
    return f"{value.get('id', '')} {value.get('name', '')}".strip() if isinstance(value, Mapping) else ""


def _bullets(lines: Iterable[str]) -> RenderableType | None:
    grid = Table.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(Text("•"), _prose(line))
    return grid if grid.row_count else None


def _prose(words: str) -> Text:
    """A rule's own words, which may run over several lines."""
    return Text("\n").join(safe(line) for line in words.strip().split("\n"))


def _plain(value: object) -> str:
    """An incident's source, target or detail as one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={', '.join(leaves(item))}" for name, item in value.items())
    return ", ".join(leaves(value))


def _named(document: AlertDocument, path: str) -> Text:
    return _value(text(document, path))


def _value(value: str) -> Text:
    return fitted(value, _LONGEST)
