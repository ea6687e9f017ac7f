"""An incident of the ledger: how it stands, and the rows that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dogwatch.alerts import tables
from dogwatch.alerts.encoding import decode, encode
from dogwatch.alerts.identity import named
from dogwatch.alerts.model import AlertDocument, Cleared, Incident, Status, Trigger
from dogwatch.alerts.rows import Row, in_parts, rule_columns
from dogwatch.alerts.store import ClearedElsewhere
from dogwatch.base.text import printable
from dogwatch.base.time import SECOND, format_instant

_ROWS = 5_000
"""Rows that are written together."""

_FIRST_FORMAT_DIGITS = 64
"""Digits of a trigger's id in a ledger of format 1; they are fewer today."""

_PREFIX = "fortisiem.incident."
_OWN = ("kibana.alert.workflow_status", f"{_PREFIX}resolution")
"""What people may have changed in a document."""

_CLEARED_AT, _REASON, _COMMENT = (f"{_PREFIX}{name}" for name in ("cleared_at", "cleared_reason", "comment"))


@dataclass(slots=True)
class KeptIncident:
    """An incident of the ledger, as it is being changed.

    Attributes:
        uuid: Its name.
        root: What it is about.
        rule_uuid: The installed rule (instance) that made it.
        attributes: Its attributes.
        first_seen: Time of the earliest contributing event, in nanoseconds.
        last_seen: Time of the newest trigger.
        count: How many triggers it has.
        filed: When it was first filed.
        reading: How much the run saw whose document it has; see ``read``.
        document: That document.
        status: What has become of it.
        cleared: When and why, if it was cleared.
        comment: What the person said who cleared it.
        is_new: Whether the database does not know it.
        changed: Whether the database must be told.
    """

    uuid: str
    root: str
    rule_uuid: str
    attributes: dict[str, str]
    first_seen: int
    last_seen: int
    count: int
    filed: int
    reading: str
    document: AlertDocument
    status: Status = Status.ACTIVE
    cleared: Cleared | None = None
    comment: str | None = None
    is_new: bool = False
    changed: bool = False

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Self:
        """The incident of a whole row."""
        return cls(
            uuid=row.uuid,
            root=row.root,
            rule_uuid=row.rule_uuid,
            attributes=decode(row.attributes),
            first_seen=row.first_seen,
            last_seen=row.last_seen,
            count=row.trigger_count,
            filed=row.filed,
            reading=row.reading,
            document=decode(row.document),
            status=Status(row.status),
            cleared=None if row.cleared_at is None else Cleared(row.cleared_at, row.cleared_reason or ""),
            comment=row.comment,
        )

    @classmethod
    def opened(cls, uuid: str, incident: Incident, trigger: Trigger, now: int) -> Self:
        """An incident that a trigger opens, without the trigger."""
        return cls(
            uuid=uuid,
            root=incident.root,
            rule_uuid=printable(incident.rule_uuid),
            attributes=incident.attributes,
            first_seen=trigger.first_event,
            last_seen=trigger.time,
            count=0,
            filed=now,
            reading="",
            document=incident.document | {"kibana.alert.workflow_status": "open"},
            is_new=True,
        )

    def takes(self, time: int, clearing: ClearedElsewhere | None) -> bool:
        """Whether a fresh trigger at a time belongs to it. If it was over by then it is cleared."""
        if self.status is Status.MANUALLY_CLEARED:
            return False
        if self.status is Status.ACTIVE:
            cleared = clearing.cleared_after(self.attributes, self.last_seen) if clearing is not None else None
            quiet = self._quiet
            if quiet is not None and time - self.last_seen > quiet:
                cleared = Cleared.by_quiet(self.last_seen, quiet)
            if cleared is not None and cleared.time < time:
                self.clear(cleared)
        return self.cleared is None or time <= self.cleared.time

    def add(self, trigger: Trigger) -> None:
        """Count a fresh trigger."""
        self.count += 1
        self.first_seen = min(self.first_seen, trigger.first_event)
        self.last_seen = max(self.last_seen, trigger.time)
        self.changed = True
        quiet = self._quiet
        if quiet is not None and self.cleared is not None and self.cleared.time < self.last_seen + quiet:
            # It came late, and shows that the rule was not quiet for so long.
            self.status, self.cleared = Status.ACTIVE, None

    def read(self, incident: Incident, triggers: dict[str, Trigger], seen: int) -> bool:
        """Take over what a run says of it, if that run saw more; whether it says anything else now.

        The later and fuller reading is the greater one. The kept document is that of the greatest, so that it does
        not depend on the order of filing.

        Args:
            incident: What the run says.
            triggers: Those of the run's triggers that belong to this incident, by key.
            seen: How many such the run saw in all.
        """
        last = max(trigger.last_event for trigger in triggers.values())
        reading = f"{last + 2**63:020d}:{seen:010d}:{named('reading', sorted(triggers))}"
        if reading <= self.reading:
            return False
        before = self._said()
        own = {name: self.document[name] for name in _OWN if name in self.document}
        self.reading, self.document, self.changed = reading, incident.document | own, True
        return self._said() != before

    def clear(self, cleared: Cleared) -> None:
        """Let it have cleared by itself."""
        self.status, self.cleared, self.changed = Status.AUTO_CLEARED, cleared, True

    def clear_by_hand(self, now: int, comment: str | None) -> None:
        """Let a person have cleared it."""
        self.status, self.cleared = Status.MANUALLY_CLEARED, Cleared(now, "A person cleared it.")
        self.comment, self.changed = None if comment is None else printable(comment), True

    def row(self) -> Row:
        """What the database holds of it."""
        document = self._said()
        return rule_columns(document) | {
            "uuid": self.uuid,
            "root": self.root,
            "rule_uuid": self.rule_uuid,
            "attributes": encode(self.attributes).decode(),
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "trigger_count": self.count,
            "filed": self.filed,
            "status": self.status.value,
            "cleared_at": None if self.cleared is None else self.cleared.time,
            "cleared_reason": None if self.cleared is None else self.cleared.reason,
            "comment": self.comment,
            "reading": self.reading,
            "document": encode(document).decode(),
        }

    @property
    def _quiet(self) -> int | None:
        """For how long its rule must not trigger for it to clear, in nanoseconds; ``None`` if it does not so."""
        seconds = self.document.get(f"{_PREFIX}quiet_period")
        return seconds * SECOND if isinstance(seconds, int) else None

    def _said(self) -> AlertDocument:
        """Its document, speaking of all its triggers and of how it stands."""
        document = self.document | {
            "@timestamp": format_instant(self.last_seen),
            "kibana.alert.uuid": self.uuid,
            "kibana.alert.status": "active" if self.cleared is None else "recovered",
            "kibana.alert.original_time": format_instant(self.first_seen),
            f"{_PREFIX}id": self.uuid,
            f"{_PREFIX}root": self.root,
            f"{_PREFIX}status": self.status.value,
            f"{_PREFIX}count": self.count,
            f"{_PREFIX}first_seen": format_instant(self.first_seen),
            f"{_PREFIX}last_seen": format_instant(self.last_seen),
        }
        for name in (_CLEARED_AT, _REASON, _COMMENT):
            document.pop(name, None)
        if self.cleared is not None:
            document |= {_CLEARED_AT: format_instant(self.cleared.time), _REASON: self.cleared.reason}
        if self.comment is not None:
            document[_COMMENT] = self.comment
        return document


def stored_incidents(connection: Connection, roots: Iterable[str]) -> Iterator[KeptIncident]:
    """All incidents of some roots."""
    table = tables.incidents
    for some in in_parts(sorted(roots)):
        yield from map(KeptIncident.of, connection.execute(sa.select(table).where(table.c.root.in_(some))))


def stored_incident(connection: Connection, uuid: str) -> KeptIncident:
    """One incident, which must be there."""
    return KeptIncident.of(
        connection.execute(sa.select(tables.incidents).where(tables.incidents.c.uuid == uuid)).one()
    )


def write_incidents(connection: Connection, kept: Iterable[KeptIncident]) -> None:
    """Bring the rows of those incidents up to date that have changed."""
    table = tables.incidents
    new: list[Row] = []
    for each in kept:
        if each.is_new:
            new.append(each.row())
        elif each.changed:
            connection.execute(sa.update(table).where(table.c.uuid == each.uuid).values(each.row()))
    if new:
        connection.execute(sa.insert(table), new)


def stored_holders(connection: Connection, root: str, keys: Sequence[str]) -> dict[str, str]:
    """Which incidents of a root hold some triggers, by the triggers' keys."""
    table = tables.triggers
    columns = sa.select(table.c.key, table.c.incident).where(table.c.root == root)
    return {
        row.key: row.incident
        for some in in_parts(keys)
        for row in connection.execute(columns.where(table.c.key.in_(some)))
    }


def renamed_holders(connection: Connection, root: str, triggers: Mapping[str, Trigger]) -> dict[str, str]:
    """Let triggers that a ledger of format 1 named otherwise take their names of today, by which they are known.

    Such a trigger is the same as one of its root of the same times. Each gives its place to one only, so that as
    many are counted as there were.

    Args:
        connection: In a writing transaction.
        root: What the triggers are about.
        triggers: Those that are not known, by key.

    Returns:
        The incidents of those that have been found, by the triggers' keys.
    """
    table = tables.triggers
    # That format knew one incident of a root, which has the root's name.
    columns = sa.select(table).where(table.c.incident == root).order_by(table.c.key)
    before: dict[tuple[int, int, int], list[sa.Row[Any]]] = {}
    for some in in_parts(sorted({each.time for each in triggers.values()})):
        for row in connection.execute(columns.where(table.c.time.in_(some))):
            if len(decode(row.document)["id"]) == _FIRST_FORMAT_DIGITS:
                before.setdefault((row.time, row.first_event, row.last_event), []).append(row)
    found: dict[str, str] = {}
    for key, trigger in sorted(triggers.items()):
        alike = before.get((trigger.time, trigger.first_event, trigger.last_event))
        if not alike:
            continue
        row = alike.pop()
        ids = trigger.event_ids or tuple(decode(row.document)["event_ids"])
        named_anew = trigger_row(root, key, row.incident, replace(trigger, event_ids=ids))
        connection.execute(sa.update(table).where(table.c.root == root, table.c.key == row.key).values(named_anew))
        found[key] = row.incident
    return found


def write_triggers(connection: Connection, rows: Sequence[Row]) -> None:
    """Add triggers, as ``trigger_row`` makes them."""
    for some in in_parts(rows, _ROWS):
        connection.execute(sa.insert(tables.triggers), some)


def trigger_row(root: str, key: str, incident: str, trigger: Trigger) -> Row:
    """A trigger's row: its root, its key there, and the incident that it belongs to."""
    return {
        "root": root,
        "key": key,
        "incident": incident,
        "time": trigger.time,
        "first_event": trigger.first_event,
        "last_event": trigger.last_event,
        "document": encode(trigger_document(trigger)).decode(),
    }


def trigger_document(trigger: Trigger) -> AlertDocument:
    """A trigger as it is shown with its incident."""
    return {
        "id": trigger.id,
        "time": format_instant(trigger.time),
        "first_event": format_instant(trigger.first_event),
        "last_event": format_instant(trigger.last_event),
        "event_ids": list(trigger.event_ids),
    }
