"""One event's records read together: every field once, decoded, and what the numbers stand for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from dogwatch.events.batch import Document
from dogwatch.events.linux_audit.decode import (
    UNTRUSTED,
    Arguments,
    SocketAddress,
    arguments,
    exit_text,
    inner_fields,
    literal,
    names,
    natural,
    process_title,
    socket_address,
    split_fields,
    untrusted,
)
from dogwatch.events.linux_audit.event import AUXILIARY, AuditEvent
from dogwatch.events.linux_audit.file import Path, path_item
from dogwatch.events.linux_audit.tables import ARCHITECTURES, SOCKET_CALLS, syscalls

_NOTHING = ("", "?", "(null)")
_QUOTES = ('"', "'")
_KEY_SEPARATOR = "\x01"
_REMEMBERED = 2048
"""Most paths of most events are the dynamic linker's and a few programs'."""


@dataclass(frozen=True, slots=True)
class Message:
    """What an event's records say together.

    Attributes:
        type: The record type that the event is named for: the first that is neither SYSCALL nor auxiliary,
            else SYSCALL.
        has_syscall: Whether there is a SYSCALL record.
        values: The fields' decoded texts; of a repeated one the value of the more telling record.
        names: User and group names that auditd resolved, by field in capitals.
        call: The system call, with ``socketcall`` resolved to the call that it stands for.
        raw_comm: The process's name as it stands in the record, without quotes.
        arguments: The argument vector of an ``execve``, if recorded.
        title: The process title, which may be cut or stale.
        address: The socket address, if recorded.
        peer: The IP address in ``addr=``, if that is one.
        paths: The PATH records by item.
        tags: The keys of the audit rules that matched.
        problems: Codes of what is missing: ``audit-missing-execve``, ``audit-missing-path``,
            ``audit-missing-argument``.
    """

    type: str
    has_syscall: bool
    values: Mapping[str, str]
    names: Mapping[str, str]
    call: str | None
    raw_comm: str | None
    arguments: Arguments | None
    title: str | None
    address: SocketAddress | None
    peer: str | None
    paths: tuple[Path, ...]
    tags: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def special(self) -> bool:
        """Whether the event is named for something else than its system call."""
        return self.type != "SYSCALL"


def read_message(event: AuditEvent) -> Message:
    """The event's records, decoded together."""
    system: dict[str, str] = {}
    own: dict[str, str] = {}
    more: dict[str, str] = {}
    resolved: dict[str, str] = {}
    kind = ""
    has_syscall = False
    execve: list[str] = []
    paths: list[Path] = []
    title: str | None = None
    address: SocketAddress | None = None
    for record in event.records:
        if record.type == "PATH":
            paths.append(_path(record.body, record.enrichment))
            continue
        body = record.body.decode("utf-8", "replace")
        match record.type:
            case "EXECVE":
                execve.append(body)
                continue
            case "PROCTITLE":
                title = process_title(body[10:]) if body.startswith("proctitle=") else None
                continue
            case "SOCKADDR":
                address = socket_address(split_fields(body).get("saddr", "")) or address
                continue
            case "SYSCALL":
                has_syscall = True
                system = split_fields(body)
                if not record.enrichment and "UID" in system:
                    resolved = {**_stray_names(system), **resolved}
            case name if name in AUXILIARY:
                for field, token in split_fields(body).items():
                    more.setdefault(field, token)
            case name:
                kind = kind or name
                for field, token in _own_fields(name, body).items():
                    own.setdefault(field, token)
        if record.enrichment:
            resolved = {**names(record.enrichment), **resolved}
    # What the record that the event is named for says counts first, but for a missing value.
    tokens = {name: token for name, token in own.items() if token not in _NOTHING}
    for fields in (system, more):
        for name, token in fields.items():
            if name not in tokens:
                tokens[name] = token
    return _message(
        kind or "SYSCALL",
        tokens,
        has_syscall=has_syscall,
        resolved=resolved,
        arguments=arguments(execve) if execve else None,
        title=title,
        address=address,
        paths=tuple(sorted(paths, key=path_item)),
    )


def socket_fields(address: SocketAddress) -> Document:
    """``auditd.data.socket``, all values as text."""
    fields: Document = {"family": address.family}
    if address.address is not None:
        fields["addr"] = address.address
    if address.port is not None:
        fields["port"] = str(address.port)
    if address.path is not None:
        fields["path"] = address.path
    return fields


def _message(
    kind: str,
    tokens: Mapping[str, str],
    *,
    has_syscall: bool,
    resolved: Mapping[str, str],
    arguments: Arguments | None,
    title: str | None,
    address: SocketAddress | None,
    paths: tuple[Path, ...],
) -> Message:
    values = _decoded(tokens)
    tags = tuple(tag.removeprefix("key=") for tag in values.get("key", "").split(_KEY_SEPARATOR) if tag)
    call = _resolve(values)
    if arguments is not None:
        values["argc"] = str(len(arguments.values))
    problems: list[str] = []
    if has_syscall:
        if call in ("execve", "execveat") and values.get("success") == "yes" and arguments is None:
            problems.append("audit-missing-execve")
        if arguments is not None and not arguments.complete:
            problems.append("audit-missing-argument")
        items = natural(values.get("items", ""))
        if items is not None and items != len(paths):
            problems.append("audit-missing-path")
    comm = tokens.get("comm")
    return Message(
        type=kind,
        has_syscall=has_syscall,
        values=values,
        names=resolved,
        call=call,
        raw_comm=None if comm is None else literal(comm),
        arguments=arguments,
        title=title,
        address=address,
        peer=_ip(values.get("addr", "")),
        paths=paths,
        tags=tags,
        problems=tuple(problems),
    )


def _resolve(values: dict[str, str]) -> str | None:
    """Put names for the numbers of architecture, system call and result; returns the call itself."""
    architecture = None
    if "arch" in values:
        machine = values["arch"]
        if len(machine) <= 8 and not machine.strip("0123456789abcdefABCDEF"):
            architecture = ARCHITECTURES.get(int(machine, 16))
        values["arch"] = architecture or machine
    call = None
    if "syscall" in values:
        number = natural(values["syscall"])
        call = syscalls(architecture).get(number) if architecture and number is not None else None
        values["syscall"] = call or values["syscall"]
    if "exit" in values:
        values["exit"] = exit_text(values["exit"])
    if call == "socketcall":
        first = values.get("a0", "")
        number = int(first, 16) if first and len(first) <= 2 and not first.strip("0123456789abcdef") else 0
        call = SOCKET_CALLS.get(number, call)
    return call


def _own_fields(kind: str, body: str) -> dict[str, str]:
    """The fields of a record that is neither SYSCALL nor auxiliary."""
    match kind:
        case "LOGIN":
            # Kernels before 3.14 wrote: old auid=4294967295 new auid=0 old ses=4294967295 new ses=1165
            for old, new in (("old auid=", "old-auid="), ("new auid=", "auid="), ("old ses=", "old-ses=")):
                body = body.replace(old, new)
            fields = split_fields(body.replace("new ses=", "ses="))
        case "AVC" | "USER_AVC":
            fields = split_fields(body)
            fields |= _decision(body)
        case _:
            fields = split_fields(body)
    if "msg" in fields:
        # What the kernel wrote before msg= counts; a program could claim another pid.
        fields = {**inner_fields(fields.pop("msg")), **fields}
    return fields


def _stray_names(fields: dict[str, str]) -> dict[str, str]:
    """Takes out the names that auditd added, from a line whose separator some copying lost."""
    if "ARCH=" in fields.get("key", ""):
        fields["key"] = fields["key"].partition("ARCH=")[0]
    stray = [name for name in fields if name.isupper()]
    return {name: literal(fields.pop(name)) for name in stray}


def _decision(body: str) -> dict[str, str]:
    """SELinux's ``avc: denied { read write } for`` as fields."""
    _, found, rest = body.partition("avc:")
    before, brace, after = rest.partition("{")
    permissions, closed, _ = after.partition("}")
    if not (found and brace and closed):
        return {}
    return {"seresult": before.strip(), "seperms": permissions.strip().replace(" ", ",")}


@lru_cache(maxsize=_REMEMBERED)
def _path(body: bytes, enrichment: bytes) -> Path:
    fields = _decoded(split_fields(body.decode("utf-8", "replace")))
    if enrichment:
        fields |= names(enrichment)
    return fields


def _decoded(tokens: Mapping[str, str]) -> dict[str, str]:
    """The fields' texts, without those that hold nothing."""
    values: dict[str, str] = {}
    for name, token in tokens.items():
        value: str | None = token
        if name in UNTRUSTED:
            value = untrusted(token)
        elif token[:1] in _QUOTES:
            value = literal(token)
        if value and value != "?" and token not in _NOTHING:
            values[name] = value
    return values


def _ip(text: str) -> str | None:
    if len(text) > 45 or (":" not in text and "." not in text):
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
