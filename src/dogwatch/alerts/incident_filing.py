"""Filing incidents: which of a root's incidents each trigger belongs to, and what has been cleared.

Runs see stretches of the data, which may overlap. What is kept is what one run over all of them would have found,
if they are filed in the order of time; to file anything again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dogwatch.alerts import tables
from dogwatch.alerts.encoding import decode
from dogwatch.alerts.identity import named
from dogwatch.alerts.kept_incident import (
    KeptIncident,
    renamed_holders,
    stored_holders,
    stored_incident,
    stored_incidents,
    trigger_row,
    write_incidents,
    write_triggers,
)
from dogwatch.alerts.model import Incident, Status, Trigger
from dogwatch.alerts.rows import Row
from dogwatch.alerts.store import ClearedElsewhere, Filed
from dogwatch.base.text import printable

Clearings = Mapping[str, ClearedElsewhere]
"""By rule, what a run's data tell of the incidents that earlier runs left active."""


@dataclass(slots=True)
class _Root:
    """What the ledger knows of one root.

    Attributes:
        incidents: Its incidents by time, those included that are about to be written.
        holders: By the key of a trigger, the incident that holds it; of the triggers that were asked about.
        stored: Whether the database had any of it before.
    """

    incidents: list[KeptIncident] = field(default_factory=list)
    holders: dict[str, str] = field(default_factory=dict)
    stored: bool = False

    def holder(self, triggers: Mapping[str, Trigger]) -> KeptIncident | None:
        """The incident that holds the newest of those triggers that are known."""
        known = [key for key in triggers if key in self.holders]
        if not known:
            return None
        uuid = self.holders[max(known, key=lambda key: (triggers[key].time, key))]
        return next(each for each in self.incidents if each.uuid == uuid)


def file_incidents(connection: Connection, incidents: Sequence[Incident], clearings: Clearings, now: int) -> Filed:
    """Keep incidents within the connection's transaction.

    Args:
        connection: In a writing transaction.
        incidents: A few hundred.
        clearings: What cleared incidents of earlier runs.
        now: What is noted as the time of filing, in nanoseconds.
    """
    roots = _roots(connection, incidents)
    new = updated = 0
    added: list[Row] = []
    for incident in incidents:
        root = roots[incident.root]
        triggers = {named("trigger", (each.id,)): each for each in incident.triggers}
        if root.stored:
            unasked = [key for key in triggers if key not in root.holders]
            root.holders |= stored_holders(connection, incident.root, unasked)
            unknown = {key: triggers[key] for key in unasked if key not in root.holders}
            root.holders |= renamed_holders(connection, incident.root, unknown)
        before = len(root.incidents)
        fresh = _place(root, incident, triggers, clearings.get(incident.rule_uuid), now)
        added += [trigger_row(incident.root, key, root.holders[key], triggers[key]) for key in fresh]
        changed = _read(root, incident, triggers)
        if len(root.incidents) > before:
            new += 1
        elif fresh or changed:
            updated += 1
    write_incidents(connection, (each for root in roots.values() for each in root.incidents))
    write_triggers(connection, added)
    return Filed(new=new, updated=updated, known=len(incidents) - new - updated)


def clear_stored(connection: Connection, clearings: Clearings) -> None:
    """Clear active incidents, also of roots that this run did not see, as far as its data tell."""
    table = tables.incidents
    columns = sa.select(table.c.uuid, table.c.attributes, table.c.last_seen)
    for rule_uuid, clearing in clearings.items():
        active = columns.where(table.c.rule_uuid == printable(rule_uuid), table.c.status == Status.ACTIVE.value)
        over = [
            (row.uuid, cleared)
            for row in connection.execute(active)
            if (cleared := clearing.cleared_after(decode(row.attributes), row.last_seen)) is not None
        ]
        for uuid, cleared in over:
            kept = stored_incident(connection, uuid)
            kept.clear(cleared)
            write_incidents(connection, [kept])


def clear_by_hand(connection: Connection, uuids: Iterable[str], comment: str | None, now: int) -> list[str]:
    """Clear incidents as a person asked.

    Args:
        connection: In a writing transaction.
        uuids: Whole names of incidents that are there.
        comment: What the person says about it.
        now: When, in nanoseconds.

    Returns:
        The names of those that had been cleared already, by hand or by themselves; they stay as they were.
    """
    already: list[str] = []
    for uuid in dict.fromkeys(uuids):
        kept = stored_incident(connection, uuid)
        if kept.status is Status.ACTIVE:
            kept.clear_by_hand(now, comment)
            write_incidents(connection, [kept])
        else:
            already.append(uuid)
    return already


def _roots(connection: Connection, incidents: Iterable[Incident]) -> dict[str, _Root]:
    roots = {incident.root: _Root() for incident in incidents}
    for kept in stored_incidents(connection, roots):
        roots[kept.root].incidents.append(kept)
        roots[kept.root].stored = True
    for root in roots.values():
        root.incidents.sort(key=lambda kept: (kept.first_seen, kept.last_seen, kept.uuid))
    return roots


def _place(
    root: _Root,
    incident: Incident,
    triggers: Mapping[str, Trigger],
    clearing: ClearedElsewhere | None,
    now: int,
) -> list[str]:
    """Give each fresh trigger its incident; the keys of those that were fresh."""
    holder = root.holder(triggers)
    fresh = [key for key in triggers if key not in root.holders]
    for key in sorted(fresh, key=lambda key: (triggers[key].time, key)):
        trigger = triggers[key]
        candidates = root.incidents if holder is None else [holder, *root.incidents]
        kept = next((each for each in candidates if each.takes(trigger.time, clearing)), None)
        if kept is None:
            uuid = named("incident", (incident.root, trigger.id)) if root.incidents else incident.root
            kept = KeptIncident.opened(uuid, incident, trigger, now)
            root.incidents.append(kept)
        kept.add(trigger)
        root.holders[key] = kept.uuid
        holder = kept
    return fresh


def _read(root: _Root, incident: Incident, triggers: Mapping[str, Trigger]) -> bool:
    """Take over what the run says of those incidents that hold its triggers; whether anything changed."""
    held: dict[str, dict[str, Trigger]] = {}
    for key, trigger in triggers.items():
        held.setdefault(root.holders[key], {})[key] = trigger
    changed = False
    for kept in root.incidents:
        if kept.uuid not in held:
            continue
        # What a run counts is the incident's own, unless the ledger divides it among several.
        seen = incident.count if len(held) == 1 else len(held[kept.uuid])
        changed = kept.read(incident, held[kept.uuid], seen) or changed
        cleared = incident.cleared
        if cleared is not None and kept.status is Status.ACTIVE and kept.last_seen <= cleared.time:
            kept.clear(cleared)
            changed = True
    return changed
