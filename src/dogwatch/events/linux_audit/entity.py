"""Which events belong to one process: a derived ``process.entity_id``.

Audit records name processes by pid alone, and pids are used again. Here a process is what an unbroken run of
events of one pid, login uid, session and parent speaks of. The tracker is fed in canonical order, so the ids
do not depend on the order in which lines were read.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.events.linux_audit.event import EventKey
from dogwatch.events.report import ReadReport

DEFAULT_PROCESSES = 200_000
"""Processes remembered at once, over all hosts."""

_INIT = 1
_CLONE_THREAD = 0x10000
_FORKS = frozenset({"fork", "vfork", "clone", "clone3"})

_Slot = tuple[str, str, int]
"""Host, partition, pid."""


class ProcessFacts(NamedTuple):
    """What one event says about the process that caused it.

    Attributes:
        pid: Its process id.
        parent: Its parent's, if the event says.
        login: Its login uid (``auid=``), as written, if the event says.
        session: Its session (``ses=``), as written, if the event says.
        call: The system call, if it was one.
        success: Whether the call succeeded.
        result: What the call returned, if that is a natural number.
        flags: The call's first argument, if it is a hexadecimal number.
    """

    pid: int
    parent: int | None
    login: str | None
    session: str | None
    call: str | None = None
    success: bool = False
    result: int | None = None
    flags: int = 0


class ProcessIdentity(NamedTuple):
    """The derived names of a process and its parent.

    Attributes:
        entity: ``process.entity_id``.
        parent: ``process.parent.entity_id``, if the parent was seen.
    """

    entity: str
    parent: str | None


@dataclass(slots=True)
class _Process:
    entity: str
    started: int
    login: str | None
    session: str | None
    parent: int | None
    parent_entity: str | None


@dataclass(frozen=True, slots=True)
class _Birth:
    """A fork that was seen, whose child has not spoken yet."""

    entity: str
    started: int
    parent: int
    parent_entity: str


class EntityTracker:
    """Names the process behind each event.

    Args:
        report: Counts processes forgotten because there were too many (``audit-entity-evicted``).
        limit: Processes remembered at once.
    """

    def __init__(self, report: ReadReport, *, limit: int = DEFAULT_PROCESSES) -> None:
        self._report = report
        self._limit = limit
        self._processes: OrderedDict[_Slot, _Process] = OrderedDict()
        self._births: OrderedDict[_Slot, _Birth] = OrderedDict()

    def follow(self, key: EventKey, facts: ProcessFacts) -> ProcessIdentity:
        """The identity of the process behind an event, given events in canonical order."""
        slot = (key.host, key.partition, facts.pid)
        process = self._process(slot, key, facts)
        if process.parent_entity is None:
            process.parent_entity = self._entity_of(key, process.parent)
        parent = process.parent_entity
        if facts.parent is not None and facts.parent != process.parent:
            parent = self._entity_of(key, facts.parent)
        if facts.call in _FORKS and facts.success and facts.result:
            self._fork(key, facts, process)
        elif facts.call == "exit_group":
            del self._processes[slot]
        return ProcessIdentity(process.entity, parent)

    def _process(self, slot: _Slot, key: EventKey, facts: ProcessFacts) -> _Process:
        process = self._processes.get(slot)
        birth = self._births.pop(slot, None)
        if birth is not None and facts.parent in (birth.parent, _INIT, None):
            process = _Process(
                birth.entity, birth.started, facts.login, facts.session, birth.parent, birth.parent_entity
            )
        elif process is None or not _same(process, facts):
            process = _Process(_name(key, facts.pid), key.time, facts.login, facts.session, facts.parent, None)
        else:
            # Not every record says everything: a denial of the security module names the pid alone.
            process.parent = facts.parent if process.parent is None else process.parent
            process.login = process.login or facts.login
            process.session = process.session or facts.session
        self._processes[slot] = process
        self._processes.move_to_end(slot)
        self._evict(self._processes)
        return process

    def _fork(self, key: EventKey, facts: ProcessFacts, process: _Process) -> None:
        if facts.result is None or (facts.call == "clone" and facts.flags & _CLONE_THREAD):
            return
        slot = (key.host, key.partition, facts.result)
        child = self._processes.get(slot)
        # A fork is stamped when it was entered but numbered when it was left: the child may have spoken before.
        if child is not None and child.started >= key.time and child.parent == facts.pid:
            child.parent_entity = child.parent_entity or process.entity
            return
        self._births[slot] = _Birth(_name(key, facts.result), key.time, facts.pid, process.entity)
        self._births.move_to_end(slot)
        self._evict(self._births)

    def _entity_of(self, key: EventKey, pid: int | None) -> str | None:
        if pid is None:
            return None
        slot = (key.host, key.partition, pid)
        process = self._processes.get(slot)
        if process is not None:
            return process.entity
        birth = self._births.get(slot)
        return birth.entity if birth is not None else None

    def _evict(self, table: OrderedDict[_Slot, _Process] | OrderedDict[_Slot, _Birth]) -> None:
        if len(table) > self._limit:
            table.popitem(last=False)
            self._report.add(
                Diagnostic(
                    "audit-entity-evicted",
                    f"more than {self._limit} processes at once: the one unheard of for longest was forgotten",
                    Severity.NOTICE,
                    hint="a process that is heard of again gets a new process.entity_id",
                )
            )


def _same(process: _Process, facts: ProcessFacts) -> bool:
    """Whether an event can speak of the process that had its pid last."""
    return (
        _agree(process.login, facts.login)
        and _agree(process.session, facts.session)
        # An orphan's parent becomes init.
        and (_agree(process.parent, facts.parent) or facts.parent == _INIT)
    )


def _agree(known: str | int | None, said: str | int | None) -> bool:
    return known is None or said is None or known == said


def _name(key: EventKey, pid: int) -> str:
    first = f"{key.host}\0{pid}\0{key.time}\0{key.serial}"
    return hashlib.blake2b(first.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
