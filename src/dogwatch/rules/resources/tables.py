"""Lookup tables: a CSV file each, with up to five key columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dogwatch.base.message import quoted
from dogwatch.base.time import parse_instant
from dogwatch.languages.fortisiem.resources import LookupTable
from dogwatch.logic.keytext import key_text
from dogwatch.rules.loaders.yaml_nodes import YamlTable, YamlValue
from dogwatch.rules.resources.entry import Entry, number_of, table_here
from dogwatch.rules.resources.files import Sheet, read_sheet
from dogwatch.rules.resources.member import address_of, lookup_key
from dogwatch.rules.resources.problems import Source, did_you_mean
from dogwatch.schema.field import FieldType, Scalar

MAX_KEYS = 5
"""Key columns of a table."""

_KEYS = ("file", "keys", "types", "description")


def _text(cell: str) -> Scalar | None:
    return cell


@dataclass(frozen=True, slots=True)
class _Type:
    """What a value column holds: how its cells are read, what they are called, what the engine calls it."""

    read: Callable[[str], Scalar | None]
    says: str
    field_type: FieldType


_TYPES = {
    "text": _Type(_text, "a text", FieldType.KEYWORD),
    "number": _Type(number_of, "a number", FieldType.DOUBLE),
    "ip": _Type(address_of, "an address", FieldType.IP),
    "date": _Type(parse_instant, "a moment", FieldType.DATE),
}


class TableReader:
    """Collects lookup tables from many files: of two with one name the later counts."""

    def __init__(self) -> None:
        self.tables: dict[str, LookupTable] = {}
        """By name in lower case."""
        self.files: set[Path] = set()

    def read(self, node: YamlValue, source: Source) -> None:
        """Take what stands under ``tables:``."""
        tables = table_here(node, source, "`tables` must be a table of lookup tables")
        if tables is None:
            return
        for name, below in tables.entries.items():
            if not isinstance(below, YamlTable):
                source.error(
                    "resource-type",
                    f"lookup table {quoted(name)} must be a table",
                    tables.keys[name].line,
                    "write `file`, `keys` and, if you like, `types` below it",
                )
                continue
            table = self._table(name.strip(), below, source)
            if table is None:
                continue
            if key_text(table.name) in self.tables:
                source.notice(
                    "resource-replaced",
                    f"lookup table {quoted(name)} takes the place of an earlier one of that name",
                    tables.keys[name].line,
                )
            self.tables[key_text(table.name)] = table

    def _table(self, name: str, table: YamlTable, source: Source) -> LookupTable | None:
        entry = Entry(table, f"lookup table {quoted(name)}", _KEYS, source)
        keys = tuple(each.text.strip() for each in entry.scalars("keys"))
        files = entry.files("file")
        self.files.update(path.resolve() for path, _ in files)
        if not files:
            entry.missing("file", "name a CSV file with a header")
        if len(files) > 1:
            entry.wrong("file", "names more than one file")
        if not keys:
            entry.missing("keys", "name the columns that are looked up, as in [user, country]")
        elif len(keys) > MAX_KEYS:
            entry.wrong("keys", f"names {len(keys)} columns, and at most {MAX_KEYS} can be keys")
        if len(set(keys)) < len(keys):
            entry.wrong("keys", "names a column twice")
        types = self._types(entry, name, source)
        if entry.has_failed():
            return None
        path, line = files[0]
        sheet = read_sheet(path, source, line)
        if sheet is None:
            return None
        for key, columns in (("keys", keys), ("types", types)):
            for column in columns:
                if column not in sheet.header:
                    hint = did_you_mean(column, sheet.header)
                    entry.wrong(key, f"names {quoted(column)}, which is no column", hint)
        for column in types:
            if column in keys:
                entry.wrong("types", f"names {quoted(column)}, which is a key: keys are texts")
        return None if entry.has_failed() else _read(name, sheet, keys, types)

    def _types(self, entry: Entry, name: str, source: Source) -> dict[str, _Type]:
        below = entry.table("types")
        if below is None:
            return {}
        inner = Entry(below, f"`types` of lookup table {quoted(name)}", tuple(below.entries), source)
        types: dict[str, _Type] = {}
        for column in below.entries:
            kind = (inner.text(column) or "").lower()
            if kind in _TYPES:
                types[column.strip()] = _TYPES[kind]
            else:
                inner.wrong(column, f"cannot be {quoted(kind)}", did_you_mean(kind, _TYPES))
        if inner.has_failed():
            entry.fail()
        return types


def _read(name: str, sheet: Sheet, keys: tuple[str, ...], types: dict[str, _Type]) -> LookupTable:
    at_keys = [sheet.header.index(key) for key in keys]
    readers = [
        (at, column, types.get(column, _TYPES["text"]))
        for at, column in enumerate(sheet.header)
        if column not in keys
    ]
    rows: dict[tuple[str, ...], tuple[Scalar | None, ...]] = {}
    repeated = 0
    for line, cells in sheet.rows:
        key = tuple([lookup_key(cells[at]) for at in at_keys])
        if not all(key):
            sheet.source.error("resource-value", "a key of this row is blank; no event can have it", line)
            continue
        repeated += key in rows
        rows[key] = tuple([_cell(cells[at], column, kind, sheet.source, line) for at, column, kind in readers])
    if repeated:
        what = "1 row has" if repeated == 1 else f"{repeated:,} rows have"
        sheet.source.notice("resource-repeated", f"{what} the keys of an earlier one; the last counts")
    names = tuple(column for _, column, _ in readers)
    return LookupTable(name, keys, names, rows, tuple(kind.field_type for _, _, kind in readers))


def _cell(cell: str, column: str, kind: _Type, source: Source, line: int) -> Scalar | None:
    if not cell:
        return None
    value = kind.read(cell)
    if value is None:
        source.error(
            "resource-value",
            f"{quoted(cell)} in column {quoted(column)} is not {kind.says}; it is left blank",
            line,
        )
    return value
