"""Events that differ only in what differs from one call to the next, normalised once.

On a busy host the same programs are started by the same users over and over: their records differ in the
stamp, the process ids, the call's numeric arguments and result, the argument vector and the title (the cells),
and agree in everything else (the frame). The first event of a frame is normalised as any other; of that
document's fields those that are wanted and do not come from cells hold for every event of the frame.

This is for columns alone: who asks for an event's document has it normalised by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from dogwatch.base.fieldpath import parents
from dogwatch.base.time import MILLISECOND, format_instant
from dogwatch.events.batch import Document
from dogwatch.events.linux_audit.decode import (
    SocketAddress,
    natural,
    plain_arguments,
    process_title,
    socket_address,
)
from dogwatch.events.linux_audit.entity import ProcessFacts
from dogwatch.events.linux_audit.event import EventKey
from dogwatch.events.linux_audit.message import Message
from dogwatch.events.linux_audit.parse import SEPARATOR

_LONGEST = 8 << 10
"""Bytes of an event's lines; a longer one is seldom like another."""
_MOST_FRAMES = 4096
_YEARS = 10_000
"""Fewer milliseconds than this would be read as a year."""

# The kernel's own order and form. Every part ends where the next one cannot begin, so matching takes one step a
# byte. Groups are not possessive, as early releases of Python 3.11 match such ones wrongly.
_SYSTEM = re.compile(
    rb"(arch=[0-9a-f]{1,8}+ syscall=[0-9]{1,7}+(?: per=[0-9a-f]{1,16}+)?(?: success=(?:yes|no))?)"
    rb"(?: exit=(-?+[0-9]{1,19}+))?"
    rb" a0=([0-9a-f]{1,16}+) a1=([0-9a-f]{1,16}+) a2=([0-9a-f]{1,16}+) a3=([0-9a-f]{1,16}+)"
    rb" (items=[0-9]{1,7}+) ppid=([0-9]{1,7}+) pid=([0-9]{1,7}+) "
)

Parts = tuple[object, ...]
"""The frame of an event: what its lines say beside the cells."""


class Cells(NamedTuple):
    """What is the event's own.

    Attributes:
        result: What the call returned, as written; ``None`` if the record does not say.
        numbers: The call's first four arguments, as written.
        parent: The parent's process id.
        pid: The process id.
        arguments: The argument vector, if there is an EXECVE record.
        title: The title's token, if there is a PROCTITLE record.
        text: All lines.
    """

    result: bytes | None
    numbers: tuple[bytes, bytes, bytes, bytes]
    parent: int
    pid: int
    arguments: tuple[str, ...] | None
    title: bytes | None
    text: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What all events of a frame have in common.

    Attributes:
        fields: Wanted fields by their dotted names.
        login: The login uid, as the entity tracker wants it.
        session: The session, likewise.
        call: The system call.
        success: Whether it succeeded.
    """

    fields: Document
    login: str | None
    session: str | None
    call: str | None
    success: bool

    def facts(self, cells: Cells) -> ProcessFacts:
        """What an event of the frame says about its process (as ``normalise.process_facts`` would)."""
        result = cells.result
        return ProcessFacts(
            cells.pid,
            cells.parent,
            self.login,
            self.session,
            self.call,
            self.success,
            None if result is None else natural(result.decode()),
            int(cells.numbers[0], 16),
        )


_Getter = Callable[[Cells, EventKey], object]

_GETTERS: Mapping[str, _Getter] = {
    "auditd.data.a0": lambda cells, _: cells.numbers[0].decode(),
    "auditd.data.a1": lambda cells, _: cells.numbers[1].decode(),
    "auditd.data.a2": lambda cells, _: cells.numbers[2].decode(),
    "auditd.data.a3": lambda cells, _: cells.numbers[3].decode(),
    "auditd.data.argc": lambda cells, _: None if cells.arguments is None else str(len(cells.arguments)),
    "auditd.data.exit": lambda cells, _: None if cells.result is None else cells.result.decode(),
    "auditd.sequence": lambda _, key: key.serial,
    "event.id": lambda _, key: key.id,
    "event.original": lambda cells, _: _original(cells.text),
    "process.args": lambda cells, _: None if cells.arguments is None else list(cells.arguments),
    "process.args_count": lambda cells, _: None if cells.arguments is None else len(cells.arguments),
    "process.parent.pid": lambda cells, _: cells.parent,
    "process.pid": lambda cells, _: cells.pid,
    "process.title": lambda cells, _: (
        None if cells.title is None else process_title(cells.title.decode("utf-8", "replace"))
    ),
}
"""Field -> its value from cells, ``None`` where the event has none."""

_TRACKED = ("dogwatch.entity.derived", "process.entity_id", "process.parent.entity_id")
_TIME = "@timestamp"

CELLS = frozenset({*_GETTERS, *_TRACKED, _TIME})
"""The fields that come from cells, the time, or the entity tracker."""


class Frames:
    """Remembers frames for the fields that somebody wants.

    Args:
        wanted: The dotted names of the fields that columns are made of.
        as_text: Whether the time is wanted as the text that documents have.
    """

    def __init__(self, wanted: Collection[str], *, as_text: bool) -> None:
        self._wanted = frozenset(wanted)
        self._objects = frozenset(parent for path in wanted for parent in parents(path))
        self._as_text = as_text
        self._getters = [(path, get) for path, get in _GETTERS.items() if path in self._wanted]
        self._frames: dict[Parts, Frame | None] = {}
        self._unfit = any(_above(path, self._wanted) for path in CELLS)

    def find(self, parts: Parts) -> Frame | None:
        """The frame, if it is known and fit for use."""
        return self._frames.get(parts)

    def learn(self, parts: Parts, cells: Cells, key: EventKey, message: Message, document: Document) -> None:
        """Remember a frame by the first event that has it.

        Args:
            parts: The frame.
            cells: That event's cells.
            key: Its key.
            message: Its records.
            document: Its document, without the names that the entity tracker gives.
        """
        if parts in self._frames:
            return
        if len(self._frames) >= _MOST_FRAMES:
            self._frames.clear()
        self._frames[parts] = None if self._unfit else self._frame(cells, key, message, document)

    def own(self, cells: Cells, key: EventKey) -> Document:
        """The wanted fields that an event does not have from its frame, but for those of the entity tracker."""
        time = key.time
        millis, rest = divmod(time, MILLISECOND)
        fields: Document = {_TIME: format_instant(time) if rest or millis < _YEARS or self._as_text else millis}
        for path, get in self._getters:
            value = get(cells, key)
            if value is not None:
                fields[path] = value
        return fields

    def _frame(self, cells: Cells, key: EventKey, message: Message, document: Document) -> Frame | None:
        if message.special or message.problems or message.values.get("syscall") == "socketcall":
            return None
        fields: Document = {}
        for path, value in _leaves(document, ""):
            if path in fields or (path in self._wanted and isinstance(value, dict) and value):
                return None
            if path in self._wanted or (path in self._objects and not isinstance(value, dict)):
                fields[path] = value
        values = message.values
        own = self.own(cells, key)
        # What cells give must be what the document says, in whatever way it came to say it.
        if any(own[path] != fields.get(path) for path in own if path != _TIME):
            return None
        return Frame(
            {path: value for path, value in fields.items() if path not in own},
            values.get("auid"),
            values.get("ses"),
            message.call,
            values.get("success") == "yes",
        )


def split_frame(text: bytes, host: str) -> tuple[Parts, Cells] | None:
    """An event's lines as frame and cells; ``None`` if they are not of the usual kind.

    Args:
        text: The lines, plain ones of one event.
        host: The event's host.
    """
    if len(text) > _LONGEST:
        return None
    start = text.index(b"type=")
    stamp = text[text.index(b" msg=audit(", start) : text.index(b"): ", start) + 3]
    head, *pieces = text.split(stamp)
    # A stamp that somebody wrote inside a line would shift everything.
    if len(pieces) != text.count(b"\n") + 1 or head[start:] != b"type=SYSCALL":
        return None
    system = _SYSTEM.match(pieces[0])
    if system is None:
        return None
    call, result, a0, a1, a2, a3, items, parent, pid = system.groups()
    if result is not None and result.startswith(b"-"):
        # An error has a name; there are few.
        call, result = call + result, None
    pieces[-1] += b"\n"
    before = pieces[0]
    parts: list[object] = [host, call, result is None, items, before[system.end() :]]
    arguments: tuple[str, ...] | None = None
    title: bytes | None = None
    address: SocketAddress | None = None
    for piece in pieces[1:]:
        if before.endswith(b"type=EXECVE"):
            body, _, following = piece.rpartition(b"\n")
            if arguments is not None or SEPARATOR in body:
                return None
            arguments = plain_arguments(body.decode("utf-8", "replace"))
            if arguments is None:
                return None
            parts.append(following)
        elif before.endswith(b"type=PROCTITLE"):
            body, _, following = piece.rpartition(b"\n")
            if title is not None or not body.startswith(b"proctitle=") or SEPARATOR in body:
                return None
            title = body[10:]
            parts.append(following)
        elif before.endswith(b"type=SOCKADDR"):
            token = piece[6:].partition(b"\n")[0].partition(SEPARATOR)[0]
            if address is not None or not piece.startswith(b"saddr=") or not token.isalnum():
                return None
            # The kernel logs what lies behind a short address too.
            address = socket_address(token.decode())
            if address is None:
                return None
            parts += (address, piece[6 + len(token) :])
        elif before.endswith(b"type=SYSCALL"):
            return None
        else:
            parts.append(piece)
        before = piece
    cells = Cells(result, (a0, a1, a2, a3), int(parent), int(pid), arguments, title, text)
    return tuple(parts), cells


def _original(text: bytes) -> str:
    if b"type=EOE" in text:
        lines = text.split(b"\n")
        text = b"\n".join([line for line in lines if not line.partition(b" msg=")[0].endswith(b"type=EOE")])
    return text.decode("utf-8", "replace")


def _leaves(value: Document, path: str) -> Iterator[tuple[str, Any]]:
    """Every field below, the objects among them before what they hold."""
    for name, inner in value.items():
        yield path + name, inner
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{path}{name}.")


def _above(path: str, wanted: Collection[str]) -> bool:
    """Whether something wanted is an object that holds the field."""
    return any(parent in wanted for parent in parents(path))
