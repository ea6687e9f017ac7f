"""What a row or a headline says of an alert: a few texts drawn from its document, as they are in the event.

Nothing here is made safe to show; that is done where it is shown, in the manner of the medium.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dogwatch.alerts.model import OPEN_UNTIL, AlertDocument

_HOST = ("host.name", "host.hostname", "agent.name", "observer.name", "host.ip")
_USER = ("user.name", "user.effective.name", "user.id")
_COMMAND = ("process.command_line", "process.args", "process.executable", "process.title")
_TARGET = (
    "destination.domain",
    "destination.ip",
    "destination.address",
    "destination.path",
    "dns.question.name",
)
_HOST_ATTRIBUTES = ("hostName", "hostIpAddr", "reptDevName", "srcName", "srcIpAddr")
_USER_ATTRIBUTES = ("user", "targetUser")
_PROCESS_ATTRIBUTES = ("procName", "swProcName", "command")


@dataclass(frozen=True, slots=True)
class Summary:
    """An alert or incident in a row; empty texts for what it does not say.

    Attributes:
        time: ``@timestamp``.
        severity: The severity word.
        risk_score: 0-100.
        rule_id: The rule's id.
        version: The rule's version.
        rule: The rule's name.
        reason: Kibana's sentence.
        host: Where it happened.
        user: Who did it.
        process: The process's name.
        happened: The command line, and what was contacted or written; of a sequence, its steps, and until when an
            event could have refuted it if the data ended before.
        uuid: The alert's id.
    """

    time: str
    severity: str
    risk_score: str
    rule_id: str
    version: str
    rule: str
    reason: str
    host: str
    user: str
    process: str
    happened: str
    uuid: str


def summarise(document: AlertDocument, building_blocks: Sequence[AlertDocument] = ()) -> Summary:
    """Summarise a document; what a shell does not say itself comes from its building blocks."""
    events = (document, *building_blocks)
    attributes = incident_attributes(document)
    steps = [happened(block) for block in building_blocks] or [happened(document)]
    reason = text(document, "kibana.alert.reason")
    open_until = text(document, OPEN_UNTIL)
    return Summary(
        time=text(document, "@timestamp"),
        severity=text(document, "kibana.alert.severity"),
        risk_score=text(document, "kibana.alert.risk_score"),
        rule_id=text(document, "kibana.alert.rule.rule_id"),
        version=text(document, "kibana.alert.rule.version"),
        rule=text(document, "kibana.alert.rule.name"),
        reason=reason,
        host=_first_said(events, _HOST) or _first_named(attributes, _HOST_ATTRIBUTES),
        user=_first_said(events, _USER) or _first_named(attributes, _USER_ATTRIBUTES),
        process=_first_said(events, ("process.name",)) or _first_named(attributes, _PROCESS_ATTRIBUTES),
        happened=(f"(open until {open_until}) " if open_until else "")
        + ("; ".join(dict.fromkeys(step for step in steps if step)) or reason),
        uuid=text(document, "kibana.alert.uuid"),
    )


def happened(document: AlertDocument) -> str:
    """What one event did: its process and command line, and what it contacted or wrote.

    A process's start is its command line; a network event says what was done, as its command line is the
    start's.
    """
    name, command = text(document, "process.name"), command_line(document)
    categories = texts(document, "event.category")
    if "network" in categories:
        action = text(document, "event.action", "event.type")
        target = destination(document) or _own_address(document)
        return " ".join(part for part in (name, action, target) if part)
    first_word = command.partition(" ")[0].rpartition("/")[2]
    parts = [command if first_word == name or not name else f"{name}: {command}" if command else name]
    target = destination(document) or ("" if "process" in categories else text(document, "file.path"))
    if target:
        parts.append(f"→ {target}")
    return " ".join(part for part in parts if part)


def command_line(document: AlertDocument) -> str:
    """The process's command line, else its arguments or executable."""
    for path in _COMMAND:
        found = texts(document, path)
        if found:
            return " ".join(found)
    return ""


def destination(document: AlertDocument) -> str:
    """Whom the event contacted: a name or address and the port, or the path of a local socket."""
    target = next((found for path in _TARGET if (found := text(document, path))), "")
    return _with_port(target, text(document, "destination.port"))


def _own_address(document: AlertDocument) -> str:
    """The address that a socket was bound to, which Auditbeat gives no ECS field."""
    where = text(document, "auditd.data.socket.addr", "auditd.data.socket.path")
    return _with_port(where, text(document, "auditd.data.socket.port"))


def _with_port(target: str, port: str) -> str:
    if not (target and port):
        return target
    return f"[{target}]:{port}" if ":" in target else f"{target}:{port}"


def incident_attributes(document: AlertDocument) -> dict[str, str]:
    """An incident's attributes; empty for an alert."""
    attributes = document.get("fortisiem.incident.attributes")
    if not isinstance(attributes, Mapping):
        return {}
    return {str(name): ", ".join(leaves(value)) for name, value in attributes.items()}


def text(document: AlertDocument, *paths: str) -> str:
    """The values under the first of the paths that has any, joined by commas."""
    return next((", ".join(found) for path in paths if (found := texts(document, path))), "")


def texts(document: AlertDocument, path: str) -> list[str]:
    """The values under a dotted path as texts, whether its objects are nested or its keys are dotted."""
    return list(_values(document, path))


def leaves(value: object) -> Iterator[str]:
    """The scalars of a value, a list or lists within lists, as texts; objects are passed over."""
    for item in _items(value):
        match item:
            case None | Mapping():
                continue
            case bool():
                yield "true" if item else "false"
            case _:
                yield str(item)


def _values(value: object, path: str) -> Iterator[str]:
    for item in _items(value):
        if not isinstance(item, Mapping):
            continue
        if path in item:
            yield from leaves(item[path])
            continue
        dot = path.find(".")
        while dot >= 0:
            yield from _values(item.get(path[:dot]), path[dot + 1 :])
            dot = path.find(".", dot + 1)


def _items(value: object) -> Iterator[object]:
    # An event's lists may be nested as deep as its sender liked: no recursion.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list | tuple):
            waiting.extend(reversed(item))
        else:
            yield item


def _first_said(documents: Sequence[AlertDocument], paths: Sequence[str]) -> str:
    return next((found for document in documents if (found := text(document, *paths))), "")


def _first_named(attributes: Mapping[str, str], names: Sequence[str]) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")
