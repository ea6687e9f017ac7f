"""What reading left out: every skipped line, value, record and file is counted and the first ones are kept."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from itertools import groupby

from dogwatch.base.diagnostic import Diagnostic
from dogwatch.schema.field import FieldRef

KEPT_PER_CODE = 5
"""Diagnostics kept of each code and file; the rest are only counted."""


@dataclass(slots=True)
class ReadReport:
    """The account of a read, filled while it goes on.

    Attributes:
        bytes: Bytes read from the inputs, before decompression.
        lines: Lines read, blank ones not counted.
        events: Events that came out.
        files: Inputs of which anything could be read.
        problems: Count of diagnostics by code.
        kept: The first diagnostics of each code and file.
        lost: Whether something whole was left out: a file, or the rest of a truncated one.
        uncoercible: Values that did not fit their field's type and count as missing, by field.
        without_index: Events whose data stream is unknown.
        without_time: Events without ``@timestamp``.
        derived_entities: Events whose ``process.entity_id`` was derived from other fields.
    """

    bytes: int = 0
    lines: int = 0
    events: int = 0
    files: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    kept: list[Diagnostic] = field(default_factory=list)
    lost: bool = False
    uncoercible: Counter[FieldRef] = field(default_factory=Counter)
    without_index: int = 0
    without_time: int = 0
    derived_entities: int = 0
    _kept_by: Counter[tuple[str, str]] = field(default_factory=Counter, repr=False)

    def merge(self, other: ReadReport) -> None:
        """Add the account of what was read next, as if it had been read into this one."""
        self.bytes += other.bytes
        self.lines += other.lines
        self.events += other.events
        self.files += other.files
        self.problems.update(other.problems)
        self.lost = self.lost or other.lost
        self.uncoercible.update(other.uncoercible)
        self.without_index += other.without_index
        self.without_time += other.without_time
        self.derived_entities += other.derived_entities
        for diagnostic in other.kept:
            self._keep(diagnostic)

    def drained(self) -> ReadReport:
        """The account so far, after which this one begins anew; ``merge`` puts such stretches together again."""
        taken, new = replace(self), ReadReport()
        for each in fields(self):
            setattr(self, each.name, getattr(new, each.name))
        return taken

    def arrange(self) -> None:
        """Put what was kept of each stretch of one file in the order of its lines, what has no line last."""
        arranged: list[Diagnostic] = []
        for _, stretch in groupby(self.kept, key=lambda each: each.place.file if each.place else None):
            arranged += sorted(stretch, key=_line)
        self.kept[:] = arranged

    def add(self, diagnostic: Diagnostic, *, lost: bool = False) -> None:
        """Count a problem and keep it if it is among the first of its kind in its file.

        Args:
            diagnostic: What happened.
            lost: Whether it cost a whole file or the rest of one.
        """
        self.problems[diagnostic.code] += 1
        self.lost = self.lost or lost
        self._keep(diagnostic)

    def _keep(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.place.file if diagnostic.place else "")
        self._kept_by[key] += 1
        if self._kept_by[key] <= KEPT_PER_CODE:
            self.kept.append(diagnostic)


def _line(diagnostic: Diagnostic) -> float:
    place = diagnostic.place
    return math.inf if place is None or place.line is None else place.line
