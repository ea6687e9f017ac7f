"""Joined events handed to another process: what reads them there needs nothing of what was before them.

Only who a process is depends on all earlier events. So whoever joins the records says that of each event too,
by a glance at its SYSCALL record (``Glance``), and the long work on the rest can be done anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from dogwatch.events.linux_audit.decode import natural
from dogwatch.events.linux_audit.entity import ProcessFacts, ProcessIdentity
from dogwatch.events.linux_audit.event import AUXILIARY, AuditEvent, EventKey
from dogwatch.events.linux_audit.handed import AuditShare
from dogwatch.events.linux_audit.join import HeldEvent
from dogwatch.events.linux_audit.message import read_message
from dogwatch.events.linux_audit.normalise import process_facts
from dogwatch.events.linux_audit.parse import Record, parse_line
from dogwatch.events.report import ReadReport
from dogwatch.events.units import BlockBuffer

SHARE_ROWS = 2048
"""Events of a share, at most: few enough that no process has long to wait for the last one."""

_MOST_CALLERS = 4096

# Possessive as in ``frame``. What an auxiliary record says counts only where the SYSCALL record is silent.
_USUAL = re.compile(
    rb"(?:node=[^ \n]{1,255}+ )?type=SYSCALL msg=audit\([0-9.:]{1,40}+\): "
    rb"(arch=[0-9a-f]{1,8}+ syscall=[0-9]{1,7}+(?: per=[0-9a-f]{1,16}+)? success=(?:yes|no))"
    rb" exit=(-?+[0-9]{1,19}+)"
    rb" a0=([0-9a-f]{1,16}+) a1=[0-9a-f]{1,16}+ a2=[0-9a-f]{1,16}+ a3=[0-9a-f]{1,16}+"
    rb" items=[0-9]{1,7}+ ppid=([0-9]{1,7}+) pid=([0-9]{1,7}+) (.*+)"
    rb"(?:\n(?:node=[^ \n]{1,255}+ )?type=(?:%s) .*+)*" % "|".join(sorted(AUXILIARY)).encode()
)
_OWN = (b"pid=", b"exit=", b"a0=")


class Shared(NamedTuple):
    """A joined event and who its process is.

    Attributes:
        key: What its records have in common.
        packed: Its records, as ``HeldEvent`` has them.
        identity: What the entity tracker says; ``None`` if the event names no process.
    """

    key: EventKey
    packed: tuple[bytes, ...]
    identity: ProcessIdentity | None


class _Content(msgspec.Struct, array_like=True):
    files: list[bytes]
    events: list[Shared]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Content)


def written(buffer: BlockBuffer, events: list[Shared], files: Sequence[str]) -> int:
    """Put events into a buffer; how many bytes they take.

    Args:
        buffer: The buffer.
        events: At least one event.
        files: The names of the files that they mention by number.
    """
    names = [name.encode("utf-8", "surrogatepass") for name in files]
    return buffer.write([_encoder.encode(_Content(names, events))])


def shared(share: AuditShare) -> Iterator[tuple[HeldEvent, ProcessIdentity | None]]:
    """The events of a share, each with who its process is."""
    with share.buffer.view(share.size) as view:
        content = _decoder.decode(view[:])
    files = [name.decode("utf-8", "surrogatepass") for name in content.files]
    for key, packed, identity in content.events:
        yield HeldEvent(key, packed, files), identity


class Told:
    """In place of an entity tracker: says what it was told.

    Attributes:
        identity: Who the process of the next event is.
    """

    identity: ProcessIdentity | None = None

    def follow(self, key: EventKey, facts: ProcessFacts) -> ProcessIdentity:
        """The identity of the process behind an event."""
        if self.identity is None:
            raise TypeError(f"nobody said who process {facts.pid} of event {key.id} is")
        return self.identity


class Glance:
    """Sees what an event says about its process, mostly without reading all of it."""

    def __init__(self) -> None:
        self._callers: dict[tuple[bytes, bytes], ProcessFacts | None] = {}

    def facts(self, held: HeldEvent) -> ProcessFacts | bool:
        """What ``normalise.process_facts`` finds; else whether it is an event at all."""
        text = held.text
        found = None if text is None else _USUAL.fullmatch(text)
        if found is None:
            return _facts(held)
        call, result, first, parent, pid, rest = found.groups()
        caller = (call, rest)
        known = self._callers.get(caller)
        if known is None:
            if caller not in self._callers:
                known = self._learn(caller, found[0])
            if known is None:
                return _facts(held)
        _, _, login, session, name, success, _, _ = known
        return ProcessFacts(
            int(pid), int(parent), login, session, name, success, natural(result.decode()), int(first, 16)
        )

    def _learn(self, caller: tuple[bytes, bytes], text: bytes) -> ProcessFacts | None:
        """Remember what the SYSCALL record alone says, if nothing else can say otherwise."""
        if len(self._callers) >= _MOST_CALLERS:
            self._callers.clear()
        known = None
        record = parse_line(text.partition(b"\n")[0])
        if isinstance(record, Record) and not any(name in caller[1] for name in _OWN):
            message = read_message(AuditEvent(EventKey(0, 0, "", ""), (record,), (None,)))
            facts = process_facts(message)
            says_all = facts is not None and facts.login is not None and facts.session is not None
            known = facts if says_all and message.values.get("syscall") != "socketcall" else None
        self._callers[caller] = known
        return known


def _facts(held: HeldEvent) -> ProcessFacts | bool:
    # What it lacks is counted by whoever reads it.
    event = held.event(ReadReport())
    if event is None:
        return False
    facts = process_facts(read_message(event))
    return True if facts is None else facts
