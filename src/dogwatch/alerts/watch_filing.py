"""Keeping watch lists: each value of a list once, with the times at which it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dogwatch.alerts import tables
from dogwatch.alerts.encoding import decode, encode
from dogwatch.alerts.identity import named
from dogwatch.alerts.model import WatchEntry
from dogwatch.alerts.rows import Row, in_parts
from dogwatch.base.stretches import with_stretch
from dogwatch.base.text import printable


def file_entries(connection: Connection, entries: Iterable[WatchEntry]) -> int:
    """Keep entries within the connection's transaction; the number of values that were not there.

    Of a value that is added while it is there, the earlier addition is kept, and the later end.
    """
    table = tables.watch_entries
    by_key: dict[str, list[WatchEntry]] = {}
    for entry in entries:
        by_key.setdefault(_key(entry.list, entry.value), []).append(entry)
    new = 0
    for some in in_parts(list(by_key)):
        stored = {row.key: row for row in connection.execute(sa.select(table).where(table.c.key.in_(some)))}
        rows: list[Row] = []
        for key in some:
            before = list(_entries(stored[key])) if key in stored else []
            kept = _together([*before, *by_key[key]])
            if not before:
                rows.append(_row(key, kept))
            elif kept != before:
                connection.execute(sa.update(table).where(table.c.key == key).values(_row(key, kept)))
        if rows:
            connection.execute(sa.insert(table), rows)
        new += len(rows)
    return new


def stored_entries(connection: Connection, name: str | None = None) -> Iterator[WatchEntry]:
    """The entries of one list, or of all, by list and first time; several of one value follow each other."""
    table = tables.watch_entries
    statement = sa.select(table).order_by(table.c.list, table.c.added, table.c.key)
    if name is not None:
        statement = statement.where(table.c.list == printable(name))
    for row in connection.execute(statement):
        yield from _entries(row)


def remove_entries(connection: Connection, name: str, values: Iterable[str]) -> int:
    """Take values off a list; the number of those that were on it."""
    table = tables.watch_entries
    keys = list(dict.fromkeys(_key(name, value) for value in values))
    removed = 0
    for some in in_parts(keys):
        among = table.c.key.in_(some)
        removed += connection.execute(sa.delete(table).where(among)).rowcount
    return removed


def _key(name: str, value: str) -> str:
    # Lists compare values without regard to letter case.
    return named("watch", (name, value.lower()))


def _together(entries: Iterable[WatchEntry]) -> list[WatchEntry]:
    """The entries of one value in order of time, those as one that overlap; it bears the name of the first."""
    by_time = sorted(entries, key=lambda each: each.added)
    stretches: tuple[tuple[int, int], ...] = ()
    for each in by_time:
        stretches = with_stretch(stretches, each.added, each.until)
    first = {each.added: each for each in reversed(by_time)}
    return [
        WatchEntry(first[added].list, first[added].value, added, first[added].rule_uuid, until)
        for added, until in stretches
    ]


def _entries(row: sa.Row[Any]) -> Iterator[WatchEntry]:
    said = decode(row.document)
    for times in said["times"]:
        yield WatchEntry(said["list"], said["value"], times["added"], times["rule_uuid"], times["until"])


def _row(key: str, entries: list[WatchEntry]) -> Row:
    first = entries[0]
    times = [{"added": each.added, "until": each.until, "rule_uuid": each.rule_uuid} for each in entries]
    said = {"list": first.list, "value": first.value, "times": times}
    return {
        "key": key,
        "list": printable(first.list),
        "added": first.added,
        "document": encode(said).decode(),
    }
