"""Keeping watch lists: each value of a list once, from the earliest time that it was added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dogwatch.alerts import tables
from dogwatch.alerts.encoding import decode, encode
from dogwatch.alerts.identity import named
from dogwatch.alerts.model import WatchEntry
from dogwatch.alerts.rows import Row
from dogwatch.base.text import printable

_TOGETHER = 400
"""Entries of one question and of one write."""


def file_entries(connection: Connection, entries: Iterable[WatchEntry]) -> int:
    """Keep entries within the connection's transaction; the number of values that were not there."""
    table = tables.watch_entries
    earliest: dict[str, WatchEntry] = {}
    for entry in entries:
        key = _key(entry.list, entry.value)
        known = earliest.get(key)
        if known is None or entry.added < known.added:
            earliest[key] = entry
    new = 0
    keys = list(earliest)
    for start in range(0, len(keys), _TOGETHER):
        some = keys[start : start + _TOGETHER]
        stored = sa.select(table.c.key, table.c.added).where(table.c.key.in_(some))
        added = {row.key: row.added for row in connection.execute(stored)}
        earlier = [key for key in some if key in added and earliest[key].added < added[key]]
        for key in earlier:
            connection.execute(sa.update(table).where(table.c.key == key).values(_row(key, earliest[key])))
        rows = [_row(key, earliest[key]) for key in some if key not in added]
        if rows:
            connection.execute(sa.insert(table), rows)
        new += len(rows)
    return new


def stored_entries(connection: Connection, name: str | None = None) -> Iterator[WatchEntry]:
    """The entries of one list, or of all, by list and time."""
    table = tables.watch_entries
    statement = sa.select(table).order_by(table.c.list, table.c.added, table.c.key)
    if name is not None:
        statement = statement.where(table.c.list == printable(name))
    for row in connection.execute(statement):
        said = decode(row.document)
        yield WatchEntry(said["list"], said["value"], row.added, said["rule_uuid"])


def remove_entries(connection: Connection, name: str, values: Iterable[str]) -> int:
    """Take values off a list; the number of those that were on it."""
    table = tables.watch_entries
    keys = list(dict.fromkeys(_key(name, value) for value in values))
    removed = 0
    for start in range(0, len(keys), _TOGETHER):
        among = table.c.key.in_(keys[start : start + _TOGETHER])
        removed += connection.execute(sa.delete(table).where(among)).rowcount
    return removed


def _key(name: str, value: str) -> str:
    # Lists compare values without regard to letter case.
    return named("watch", (name, value.lower()))


def _row(key: str, entry: WatchEntry) -> Row:
    said = {"list": entry.list, "value": entry.value, "rule_uuid": entry.rule_uuid}
    return {
        "key": key,
        "list": printable(entry.list),
        "added": entry.added,
        "document": encode(said).decode(),
    }
