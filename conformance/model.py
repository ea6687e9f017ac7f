"""What a suite says: cases, the data that they run on, and how each went."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dogwatch.events.batch import Document
from dogwatch.schema.schema import Schema

DEFAULT_SIZE = 50
"""Results that a case asks for if it does not say."""


class SuiteError(Exception):
    """A file of a suite cannot be used; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a search reads the events of a suite.

    Attributes:
        id: The field that expected ids name.
        category: The field that an event query's category is compared with.
        timestamp: The field that gives an event its time.
        tiebreaker: The field that orders events of one time, if there is one.
        size: Results that a case asks for if it does not say; ``None`` is all.
    """

    id: str = "id"
    category: str = "event.category"
    timestamp: str = "@timestamp"
    tiebreaker: str | None = None
    size: int | None = DEFAULT_SIZE


DEFAULT_READING = Reading()
"""Events read as in the Elastic Common Schema."""


@dataclass(frozen=True, slots=True)
class Data:
    """Events, the types of their fields, and how they are read."""

    documents: tuple[Document, ...]
    schema: Schema
    reading: Reading = DEFAULT_READING


@dataclass(frozen=True, slots=True)
class Case:
    """One query and its answer.

    Attributes:
        name: Its name, or its number in the file.
        query: The query.
        answers: Every right list of ids, over all results in order; ``-1`` is the place of an absent event.
            Empty if the query must be refused.
        join_keys: The keys of all results in order, ``None`` if the suite does not say.
        size: Results asked for; ``None`` is the suite's.
        max_samples_per_key: Samples that a key may give.
        skip: Why it is not run, if it is not.
        fails: Why upstream holds it to fail, if it does; passing is then an error.
    """

    name: str
    query: str
    answers: tuple[tuple[str, ...], ...]
    join_keys: tuple[Any, ...] | None = None
    size: int | None = None
    max_samples_per_key: int = 1
    skip: str | None = None
    fails: str | None = None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of one file, each with its data."""

    path: Path
    cases: tuple[tuple[Case, Data], ...]


class Status(enum.Enum):
    """How a case went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An answer that was not the expected one."""

    evaluator: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case went: with its mismatches if it failed, with the reason if it was skipped."""

    case: Case
    status: Status
    mismatches: tuple[Mismatch, ...] = ()
    reason: str | None = None


@dataclass(slots=True)
class FileOutcome:
    """How the cases of one file went."""

    path: Path
    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, status: Status) -> int:
        """How many cases went so."""
        return sum(outcome.status is status for outcome in self.outcomes)


Table = Mapping[str, Any]
"""A table of a TOML file."""
