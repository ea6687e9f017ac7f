"""Audit events as documents of the Elastic Common Schema, worded as Auditbeat's auditd module words them.

``normalise.yaml`` holds the words. Where this differs from Auditbeat on purpose:

- a failed ``execve`` is ``info``, not ``start``: nothing was started;
- ``process.name`` is decoded (``auditbeat_comm`` keeps the hexadecimal form);
- long arguments are joined instead of being given up, so nobody hides by a long command line;
- ``process.args_count``, ``event.id``, ``event.original`` and ``host.os.type`` are added;
- a record type without an entry has its name in lower case with hyphens as its action, and no category.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import yaml

from dogwatch.base.time import format_instant
from dogwatch.events.batch import Document
from dogwatch.events.linux_audit.account import account_fields
from dogwatch.events.linux_audit.decode import is_unset, natural, security_context
from dogwatch.events.linux_audit.entity import ProcessFacts
from dogwatch.events.linux_audit.event import AuditEvent
from dogwatch.events.linux_audit.file import chosen_path, file_fields, path_fields
from dogwatch.events.linux_audit.message import Message, socket_fields

_OUTCOMES = {
    "yes": "success",
    "1": "success",
    "success": "success",
    "no": "failure",
    "0": "failure",
    "fail": "failure",
    "failed": "failure",
}
_RESULTS = {"success": "success", "failure": "fail", "unknown": "unknown"}
_PLAIN = ("kind", "object", "path", "user", "source", "address")
_LISTED = ("category", "type", "primary", "secondary", "how", "actor", "agent")
_EXECS = ("execve", "execveat")
_INTERPRETERS = ("/usr/bin/python", "/usr/bin/sh", "/usr/bin/bash", "/usr/bin/perl")
_CONSUMED = frozenset(
    {
        "auid", "comm", "cwd", "egid", "euid", "exe", "fsgid", "fsuid", "gid", "items", "key", "msg",
        "new-auid", "old-auid", "pid", "ppid", "res", "ses", "sgid", "subj", "success", "suid", "uid",
    }
)  # fmt: skip
"""Fields that have a place of their own and so are not repeated under ``auditd.data``."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One entry of ``normalise.yaml``: what a system call or a record type stands for."""

    action: str | None
    category: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    kind: str = "event"
    object: str | None = None
    path: int | None = None
    primary: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    how: tuple[str, ...] = ("exe", "comm")
    actor: tuple[str, ...] = ("auid",)
    agent: tuple[str, ...] = ("uid",)
    user: Mapping[str, Sequence[str]] | None = None
    source: str | None = None
    address: str | None = None


def normalise(event: AuditEvent, message: Message, *, auditbeat_comm: bool = False) -> Document:
    """The event's document: nested, values as Auditbeat gives them.

    Args:
        event: The event.
        message: Its decoded records (``read_message``).
        auditbeat_comm: Leave an encoded ``process.name`` in hexadecimal, as Auditbeat does.
    """
    meaning = _meaning(message)
    values = message.values
    outcome = _outcome(message)
    audit: Document = {
        "sequence": event.key.serial,
        "message_type": message.type.lower(),
        "result": _RESULTS[outcome],
        "summary": _summary(message, meaning),
        "data": _data(message, meaning),
    }
    session = values.get("ses")
    if session is not None and not is_unset(session):
        audit["session"] = session
    if message.paths:
        audit["paths"] = [path_fields(path) for path in message.paths]
    about: Document = {"kind": meaning.kind, "module": "auditd", "outcome": outcome, "id": event.id}
    if meaning.action:
        about["action"] = meaning.action
    if meaning.category:
        about["category"] = list(meaning.category)
    if meaning.type:
        about["type"] = list(meaning.type)
    about["original"] = b"\n".join([record.original for record in event.records]).decode("utf-8", "replace")
    document: Document = {
        "@timestamp": format_instant(event.key.time),
        "event": about,
        "service": {"type": "auditd"},
        "host": {"os": {"type": "linux"}},
        "auditd": audit,
    }
    if event.key.host:
        document["host"]["name"] = event.key.host
    process = _process(message, auditbeat_comm=auditbeat_comm)
    if process:
        document["process"] = process
    accounts = account_fields(values, message.names, meaning.user)
    if context := values.get("subj"):
        accounts.setdefault("user", {})["selinux"] = security_context(context)
    document.update(accounts)
    if meaning.object in ("file", "filesystem") and message.paths:
        document["file"] = file_fields(chosen_path(message.paths, meaning.path))
    document.update(_network(message, meaning))
    if message.tags:
        document["tags"] = list(message.tags)
    return document


def process_facts(message: Message) -> ProcessFacts | None:
    """What the event says about its process, for the entity tracker; ``None`` if it names none."""
    values = message.values
    pid = natural(values.get("pid", ""))
    if pid is None:
        return None
    return ProcessFacts(
        pid=pid,
        parent=natural(values.get("ppid", "")),
        login=values.get("auid"),
        session=values.get("ses"),
        call=message.call,
        success=values.get("success") == "yes",
        result=natural(values.get("exit", "")),
        flags=_number(values.get("a0", "")),
    )


def _outcome(message: Message) -> str:
    fields = ("res", "success") if message.special else ("success", "res")
    return _OUTCOMES.get(_first(message.values, fields) or "", "unknown")


def _meaning(message: Message) -> Meaning:
    """What the event stands for: its own record type's entry, joined with that of the system call it came from."""
    table = _table()
    call = _call_meaning(message, table)
    own = table.get(message.type)
    if own is None and call is not None and (call.action or not message.special):
        return call
    if own is None:
        own = Meaning(message.type.lower().replace("_", "-"))
    if call is None:
        return own
    return replace(
        own,
        category=tuple(dict.fromkeys(own.category + call.category)),
        type=tuple(dict.fromkeys(own.type + call.type)),
        object=own.object or call.object,
        address=call.address,
    )


def _call_meaning(message: Message, table: Mapping[str, Meaning]) -> Meaning | None:
    if not message.has_syscall:
        return None
    meaning = table.get(message.call or "", table[""])
    if message.call in _EXECS and message.values.get("success") != "yes":
        # A program that could not be started is no start.
        return replace(meaning, type=("info",))
    return meaning


def _summary(message: Message, meaning: Meaning) -> Document:
    values = message.values
    actor: Document = {}
    if primary := _person(message, meaning.actor):
        actor["primary"] = primary
    if secondary := _person(message, meaning.agent):
        actor["secondary"] = secondary
    summary: Document = {"actor": actor}
    how = _first(values, meaning.how)
    if how is not None:
        # An interpreter says little: the script's name, which the kernel keeps in comm, says more.
        if how == values.get("exe") and how.startswith(_INTERPRETERS):
            how = values.get("comm", how)
        summary["how"] = how
    thing: Document = {}
    if meaning.object:
        thing["type"] = meaning.object
    primary, secondary_value = _first(values, meaning.primary), _first(values, meaning.secondary)
    match meaning.object:
        case "socket":
            socket = message.address
            if socket is not None:
                primary = socket.address or socket.path
                secondary_value = None if socket.port is None else str(socket.port)
        case "file" | "filesystem" if message.paths and primary is None:
            thing["type"] = "file"
            primary = chosen_path(message.paths, meaning.path).get("name")
        case _:
            pass
    if primary is not None:
        thing["primary"] = primary
    if secondary_value is not None:
        thing["secondary"] = secondary_value
    if thing:
        summary["object"] = thing
    return summary


def _data(message: Message, meaning: Meaning) -> Document:
    used = meaning.source if meaning.source and message.peer else None
    data: Document = {
        name: value for name, value in message.values.items() if name not in _CONSUMED and name != used
    }
    if message.address is not None:
        data["socket"] = socket_fields(message.address)
    return data


def _process(message: Message, *, auditbeat_comm: bool) -> Document:
    values = message.values
    process: Document = {}
    pid, parent = natural(values.get("pid", "")), natural(values.get("ppid", ""))
    if pid is not None:
        process["pid"] = pid
    if parent is not None:
        process["parent"] = {"pid": parent}
    if "comm" in values:
        process["name"] = message.raw_comm if auditbeat_comm else values["comm"]
    if "exe" in values:
        process["executable"] = values["exe"]
    if "cwd" in values:
        process["working_directory"] = values["cwd"]
    if message.arguments is not None:
        process["args"] = list(message.arguments.values)
        process["args_count"] = len(message.arguments.values)
    if message.title is not None:
        process["title"] = message.title
    return process


def _network(message: Message, meaning: Meaning) -> Document:
    if meaning.source is not None:
        if message.peer is None:
            return {}
        return {"source": {"ip": message.peer}, "network": {"direction": "ingress"}}
    if meaning.address is None:
        return {}
    fields: Document = {"network": {"direction": "egress" if meaning.address == "destination" else "ingress"}}
    socket = message.address
    if socket is not None:
        end: Document = {}
        if socket.address is not None:
            end["ip"] = socket.address
        if socket.port is not None:
            end["port"] = socket.port
        if socket.path is not None:
            end["path"] = socket.path
        if end:
            fields[meaning.address] = end
    return fields


def _person(message: Message, fields: Sequence[str]) -> str | None:
    for field in fields:
        value = message.values.get(field)
        if value is None:
            continue
        if is_unset(value):
            return "unset"
        return message.names.get(field.upper()) or ("root" if value == "0" and field.endswith("uid") else value)
    return None


def _first(values: Mapping[str, str], fields: Sequence[str]) -> str | None:
    return next((values[field] for field in fields if field in values), None)


def _number(text: str) -> int:
    if 0 < len(text) <= 16:
        try:
            return int(text, 16)
        except ValueError:
            return 0
    return 0


@cache
def _table() -> Mapping[str, Meaning]:
    """System call or record type -> what it stands for; under the empty name, any other system call."""
    text = (resources.files(__package__) / "normalise.yaml").read_text(encoding="utf-8")
    content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    table = {"": _entry(content["defaults"])}
    for entry in content["syscalls"]:
        table |= dict.fromkeys(entry["calls"], _entry(entry))
    for entry in content["records"]:
        table |= dict.fromkeys(entry["types"], _entry(entry))
    return table


def _entry(entry: Mapping[str, Any]) -> Meaning:
    plain: dict[str, Any] = {name: entry[name] for name in _PLAIN if name in entry}
    listed: dict[str, Any] = {name: _several(entry[name]) for name in _LISTED if name in entry}
    return Meaning(entry.get("action"), **plain, **listed)


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
