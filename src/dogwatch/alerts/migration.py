"""Bringing a ledger of an earlier format up to ours, where it stands."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dogwatch.alerts import tables
from dogwatch.alerts.model import Status


def tables_of(version: int) -> set[str]:
    """The names of the tables that a ledger of a format has."""
    ours = {table.name for table in tables.metadata.tables.values()}
    return ours if version >= 2 else ours - {tables.watch_entries.name}


def migrate(connection: Connection, version: int) -> None:
    """Change the tables of an earlier format into ours, within the connection's transaction.

    Args:
        connection: In a writing transaction: the ledger is of our format afterwards, or as it was.
        version: The ledger's format.
    """
    if version < 2:
        _from_first(connection)
    connection.execute(
        sa.update(tables.meta).where(tables.meta.c.name == "format").values(value=str(tables.FORMAT))
    )


def _from_first(connection: Connection) -> None:
    """Incidents were never cleared, so that each was the only one of its root, and had the root's name."""
    for column in ("root TEXT NOT NULL DEFAULT ''", "cleared_at BIGINT", "cleared_reason TEXT", "comment TEXT"):
        connection.execute(sa.text(f"ALTER TABLE incidents ADD COLUMN {column}"))
    incidents, triggers = tables.incidents, tables.triggers
    connection.execute(sa.update(incidents).values(root=incidents.c.uuid, status=Status.ACTIVE.value))
    for index in incidents.indexes:
        index.create(connection, checkfirst=True)
    # A primary key cannot be changed where it stands.
    connection.execute(sa.text("DROP INDEX incident_triggers_by_time"))
    connection.execute(sa.text("ALTER TABLE incident_triggers RENAME TO incident_triggers_1"))
    triggers.create(connection)
    names = [column.name for column in triggers.columns if column.name != "root"]
    before = sa.table("incident_triggers_1", *(sa.column(name) for name in names))
    kept = sa.select(before.c.incident, *before.c)
    connection.execute(sa.insert(triggers).from_select(["root", *names], kept))
    connection.execute(sa.text("DROP TABLE incident_triggers_1"))
    tables.watch_entries.create(connection)
