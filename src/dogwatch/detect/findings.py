"""What one stretch of the input gave: data only, so that any process can find it and hand it on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from dogwatch.base.diagnostic import Diagnostic
from dogwatch.detect.facts import Facts
from dogwatch.detect.presence import Presence
from dogwatch.engine.profile import PlanProfile
from dogwatch.engine.spool import Order
from dogwatch.engine.state import EventRow, decode, encode
from dogwatch.events.batch import Event
from dogwatch.events.report import ReadReport
from dogwatch.events.units import Stray
from dogwatch.schema.field import FieldRef

FRAME_BYTES = 4 << 20
"""Bytes of findings after which a message ends and another begins."""


class Account(msgspec.Struct, array_like=True):
    """What was seen besides what was found; accounts are settled in the order of the input.

    Attributes:
        offered: Numbers of the sets of rules (those with the same index patterns) that were offered an event.
        outside: Events outside the stretch of time asked for.
        newest: The latest time within the stretch by each clock that somebody waits for, or ``NO_TIME``.
        presence: Which fields had values, as far as it was not told before.
        keys_left_out: Join keys beyond the limit.
        plan: What the plan cost, if that was asked for.
        stages: The stages, as bits, that events satisfied of sequences and samples, by the rule's number, as far
            as it was not told before.
    """

    offered: list[int] = []
    outside: int = 0
    newest: list[int] = []
    presence: Presence = []
    keys_left_out: int = 0
    plan: PlanProfile | None = None
    stages: dict[int, int] = {}


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that satisfied rules about single events.

    Attributes:
        event: The event.
        facts: What alerts tell of it.
        rules: The rules' numbers, ascending.
    """

    event: Event
    facts: Facts
    rules: list[int]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a unit or a batch.

    Attributes:
        account: What was seen.
        hits: Events that satisfied rules about single events, in the order of rows.
        passed: The rows that stateful rules need, as ``engine.spool.stored`` gives them.
        report: What reading it left out, if it was not read by whoever takes the findings.
        strays: Lines that somebody else must read.
    """

    account: Account
    hits: list[Hit] = field(default_factory=list)
    passed: list[tuple[Order, bytes]] = field(default_factory=list)
    report: ReadReport = field(default_factory=ReadReport)
    strays: list[Stray] = field(default_factory=list)


class _Hit(msgspec.Struct, array_like=True):
    event: EventRow
    facts: Facts
    rules: list[int]

    @classmethod
    def of(cls, hit: Hit) -> _Hit:
        return cls(EventRow.of(hit.event), hit.facts, hit.rules)

    def hit(self) -> Hit:
        return Hit(self.event.event(), self.facts, self.rules)


class _Report(msgspec.Struct, array_like=True):
    bytes: int
    lines: int
    events: int
    files: int
    problems: dict[str, int]
    kept: list[Diagnostic]
    lost: bool
    uncoercible: list[tuple[FieldRef, int]]
    without_index: int
    without_time: int
    derived_entities: int


class _Rest(msgspec.Struct, array_like=True):
    account: Account
    report: _Report
    strays: list[Stray]


class _Frame(msgspec.Struct, array_like=True):
    hits: list[bytes]
    passed: list[tuple[Order, bytes]]
    rest: bytes | None = None


def framed(findings: Findings) -> Iterator[bytes]:
    """The findings as messages of bounded size, the last of which ``is_last``."""
    frame, size = _Frame([], []), 0
    for hit in findings.hits:
        frame.hits.append(encode(_Hit.of(hit)))
        size += len(frame.hits[-1])
        if size >= FRAME_BYTES:
            yield msgspec.msgpack.encode(frame)
            frame, size = _Frame([], []), 0
    for order, payload in findings.passed:
        frame.passed.append((order, payload))
        size += len(payload)
        if size >= FRAME_BYTES:
            yield msgspec.msgpack.encode(frame)
            frame, size = _Frame([], []), 0
    frame.rest = encode(_Rest(findings.account, _stored_report(findings.report), findings.strays))
    yield msgspec.msgpack.encode(frame)


def assembled(frames: Iterable[bytes]) -> Findings:
    """The findings that ``framed`` took apart.

    Raises:
        ValueError: The messages are none, or not all.
        DogwatchError: They hold something else (``state-format``).
    """
    hits: list[Hit] = []
    passed: list[tuple[Order, bytes]] = []
    rest: _Rest | None = None
    for message in frames:
        frame = msgspec.msgpack.decode(message, type=_Frame)
        hits += (decode(data, _Hit).hit() for data in frame.hits)
        passed += frame.passed
        if frame.rest is not None:
            rest = decode(frame.rest, _Rest)
    if rest is None:
        raise ValueError("the last of the messages is missing")
    return Findings(rest.account, hits, passed, _report(rest.report), rest.strays)


def _stored_report(report: ReadReport) -> _Report:
    return _Report(
        report.bytes,
        report.lines,
        report.events,
        report.files,
        dict(report.problems),
        report.kept,
        report.lost,
        list(report.uncoercible.items()),
        report.without_index,
        report.without_time,
        report.derived_entities,
    )


def _report(stored: _Report) -> ReadReport:
    return ReadReport(
        bytes=stored.bytes,
        lines=stored.lines,
        events=stored.events,
        files=stored.files,
        problems=Counter(stored.problems),
        kept=stored.kept,
        lost=stored.lost,
        uncoercible=Counter(dict(stored.uncoercible)),
        without_index=stored.without_index,
        without_time=stored.without_time,
        derived_entities=stored.derived_entities,
    )
