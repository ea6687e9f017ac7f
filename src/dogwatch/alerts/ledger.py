"""The ledger: alerts and incidents kept once each, in SQLite or any database that SQLAlchemy reaches."""

from __future__ import annotations

import string
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from dogwatch.alerts import tables
from dogwatch.alerts.database import open_database, reading, writing
from dogwatch.alerts.encoding import decode
from dogwatch.alerts.filing import file_detections
from dogwatch.alerts.incident_filing import clear_by_hand
from dogwatch.alerts.model import SEVERITIES, AlertDocument, AlertKind, Detection, Status, WatchEntry
from dogwatch.alerts.store import CLEARED, AlertQuery, ClearedElsewhere, Filed
from dogwatch.alerts.watch_filing import file_entries, remove_entries, stored_entries
from dogwatch.base.diagnostic import Diagnostic, DogwatchError

_NEWEST_TRIGGERS = 20
"""Triggers shown with an incident."""

_CANDIDATES = 5
"""Ids named when a beginning fits several."""


class Ledger:
    """An ``AlertStore`` in a database. Use as a context manager, or close it.

    Reads may come from any thread and process; one process writes at a time.
    """

    def __init__(self, engine: Engine, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._clock = clock

    @classmethod
    def open(
        cls,
        url_or_path: str | Path,
        *,
        create: bool = True,
        busy_seconds: float = 5.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> Self:
        """Open a ledger.

        Args:
            url_or_path: The path of an SQLite file, or an SQLAlchemy URL.
            create: Whether to make one where there is none.
            busy_seconds: How long to wait for another process that writes.
            clock: Gives the time of filing, in nanoseconds.

        Raises:
            DogwatchError: If it cannot be opened or made, is something else, or is of a later format.
        """
        return cls(open_database(url_or_path, create=create, busy_seconds=busy_seconds), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def file(
        self,
        detections: Iterable[Detection],
        entries: Iterable[WatchEntry] = (),
        clearings: Iterable[ClearedElsewhere] = (),
        *,
        sweep: bool = True,
    ) -> Filed:
        """Keep detections and entries of watch lists, in one transaction: all or none. A repeat makes no copy.

        The write lock is held while they are read: hand over what is ready.

        Args:
            detections: Alerts and incidents.
            entries: What rules added to watch lists.
            clearings: One for each rule whose incidents clear by themselves.
            sweep: Whether these clear all active incidents that they can, which looks at each, or only those that
                the detections are about.

        Raises:
            DogwatchError: If the database refuses; then nothing of this call was kept.
        """
        with writing(self._engine) as connection:
            filed = file_detections(connection, detections, self._clock(), clearings, sweep=sweep)
            file_entries(connection, entries)
            return filed

    def clear(self, uuids: Sequence[str], comment: str | None = None) -> list[str]:
        """Clear incidents as a person asked; what triggers them from now on opens new ones.

        Args:
            uuids: Names of incidents, or unambiguous beginnings of them.
            comment: What the person says about it.

        Returns:
            The whole names of those that had been cleared before; they stay as they were.

        Raises:
            DogwatchError: If one is not there (``unknown-incident``) or fits several; then none is cleared.
        """
        with writing(self._engine) as connection:
            whole = [_incident_uuid(connection, each) for each in uuids]
            return clear_by_hand(connection, whole, comment, self._clock())

    def watch_entries(self, name: str | None = None) -> list[WatchEntry]:
        """The entries of one watch list, or of all, by list and time."""
        with reading(self._engine) as connection:
            return list(stored_entries(connection, name))

    def remove_watched(self, name: str, values: Iterable[str]) -> int:
        """Take values off a watch list; the number of those that were on it."""
        with writing(self._engine) as connection:
            return remove_entries(connection, name, values)

    def alerts(self, query: AlertQuery) -> Sequence[AlertDocument]:
        """Alert documents, newest first; those without a readable time come last."""
        table = tables.alerts
        conditions = _conditions(table, table.c.time, query)
        if not query.building_blocks:
            conditions.append(table.c.kind == AlertKind.ALERT.value)
        return self._documents(
            sa.select(table.c.document)
            .where(*conditions)
            .order_by(table.c.time.desc().nulls_last(), table.c.key)
            .limit(query.size)
        )

    def incidents(self, query: AlertQuery) -> Sequence[AlertDocument]:
        """Incident documents with their counts over all runs, last seen first."""
        table = tables.incidents
        return self._documents(
            sa.select(table.c.document)
            .where(*_conditions(table, table.c.last_seen, query))
            .order_by(table.c.last_seen.desc(), table.c.uuid)
            .limit(query.size)
        )

    def alert(self, uuid_prefix: str) -> AlertDocument | None:
        """One alert or building block by its uuid or an unambiguous beginning of it, else ``None``.

        Raises:
            DogwatchError: If the beginning fits several or is not hexadecimal.
        """
        table = tables.alerts
        with reading(self._engine) as connection:
            uuid = _only_uuid(connection, table, uuid_prefix)
            if uuid is None:
                return None
            # Should two alerts share a uuid, the first filed is the one that a link to it meant.
            first = sa.select(table.c.document).where(table.c.uuid == uuid).order_by(table.c.filed, table.c.key)
            return decode(connection.scalars(first.limit(1)).one())

    def building_blocks(self, uuid: str) -> Sequence[AlertDocument]:
        """The building blocks of a shell alert, in order; empty if it has none or is unknown."""
        block, shell = tables.alerts.alias("block"), tables.alerts.alias("shell")
        first = (
            sa.select(shell.c.key)
            .where(shell.c.uuid == uuid, shell.c.shell.is_(None))
            .order_by(shell.c.filed, shell.c.key)
            .limit(1)
            .scalar_subquery()
        )
        return self._documents(
            sa.select(block.c.document).where(block.c.shell == first).order_by(block.c.position)
        )

    def incident(self, uuid_prefix: str) -> AlertDocument | None:
        """One incident by its uuid or an unambiguous beginning of it, else ``None``.

        ``fortisiem.incident.triggers`` of the document lists its newest triggers, the newest first.

        Raises:
            DogwatchError: If the beginning fits several or is not hexadecimal.
        """
        table, trigger = tables.incidents, tables.triggers
        with reading(self._engine) as connection:
            uuid = _only_uuid(connection, table, uuid_prefix)
            if uuid is None:
                return None
            found = connection.scalars(sa.select(table.c.document).where(table.c.uuid == uuid)).one()
            newest = connection.scalars(
                sa.select(trigger.c.document)
                .where(trigger.c.incident == uuid)
                .order_by(trigger.c.time.desc(), trigger.c.key)
                .limit(_NEWEST_TRIGGERS)
            )
            return decode(found) | {"fortisiem.incident.triggers": [decode(text) for text in newest]}

    def _documents(self, statement: sa.Select[str]) -> list[AlertDocument]:
        with reading(self._engine) as connection:
            return [decode(text) for text in connection.scalars(statement)]


def _conditions(table: sa.Table, moment: sa.Column[int], query: AlertQuery) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if query.rule is not None:
        folded = query.rule.lower()
        conditions.append(
            sa.or_(
                sa.func.lower(table.c.rule_id) == folded,
                table.c.rule_name_folded.contains(folded, autoescape=True),
            )
        )
    if query.min_severity is not None:
        if query.min_severity not in SEVERITIES:
            raise DogwatchError(
                Diagnostic(
                    "unknown-severity",
                    f"there is no severity `{query.min_severity}`",
                    hint=f"severities are {', '.join(SEVERITIES)}",
                )
            )
        conditions.append(table.c.severity.in_(SEVERITIES[SEVERITIES.index(query.min_severity) :]))
    if query.status == CLEARED:
        conditions.append(table.c.status.in_((Status.AUTO_CLEARED.value, Status.MANUALLY_CLEARED.value)))
    elif query.status is not None:
        conditions.append(table.c.status == query.status)
    if query.since is not None:
        conditions.append(moment >= query.since)
    if query.until is not None:
        conditions.append(moment <= query.until)
    return conditions


def _incident_uuid(connection: Connection, prefix: str) -> str:
    uuid = _only_uuid(connection, tables.incidents, prefix)
    if uuid is None:
        raise DogwatchError(
            Diagnostic(
                "unknown-incident",
                f"no incident has an id that begins with {prefix}",
                hint="see `dogwatch incidents list`",
            )
        )
    return uuid


def _only_uuid(connection: Connection, table: sa.Table, prefix: str) -> str | None:
    start = prefix.lower()
    if not start or not set(start) <= set(string.hexdigits):
        raise DogwatchError(
            Diagnostic(
                "malformed-id",
                f"`{prefix}` is not an id or the beginning of one",
                hint="ids are hexadecimal: the digits 0-9 and the letters a-f",
            )
        )
    # A range rather than LIKE: it uses the index in every database. `g` follows every hexadecimal digit.
    uuid = table.c.uuid
    within = sa.select(uuid).distinct().where(uuid >= start, uuid < start + "g").order_by(uuid)
    found = connection.scalars(within.limit(_CANDIDATES + 1)).all()
    if start in found:
        return start
    if len(found) > 1:
        shown = ", ".join(str(each) for each in found[:_CANDIDATES])
        more = ", ..." if len(found) > _CANDIDATES else ""
        raise DogwatchError(
            Diagnostic(
                "ambiguous-id",
                f"`{prefix}` is the beginning of several ids: {shown}{more}",
                hint="give more of it",
            )
        )
    return found[0] if found else None
