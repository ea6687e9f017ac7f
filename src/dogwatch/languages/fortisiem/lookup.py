"""What a filter looks up: columns of tables, whether a table holds a key, the limits of devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from dogwatch.base.message import nearest
from dogwatch.languages.fortisiem.ast import Attribute, Condition, Expression, FunctionCall, Text
from dogwatch.languages.fortisiem.functions import DEVICE_LIMIT, LOOKUP_GET, LOOKUP_HAS, SHAPES
from dogwatch.languages.fortisiem.reading import Reading, shown
from dogwatch.languages.fortisiem.resources import LookupTable, Resources
from dogwatch.schema.field import FieldType, Scalar

_NOTHING: Mapping[tuple[str, ...], Scalar] = {}

DESCRIBE = "describe it in a file given with --resources"
"""What to do about a group, a table, a limit or a profile that no file describes."""


@dataclass(frozen=True, slots=True)
class Column:
    """Values by the texts of their keys.

    Attributes:
        table: The name of the table, to show.
        name: The name of the column, to show.
        values: The values.
        type: Their type; ``None`` if no file describes the table, which then gives no value.
        otherwise: The value of what is not in it.
    """

    table: str
    name: str
    values: Mapping[tuple[str, ...], Scalar] = field(hash=False)
    type: FieldType | None
    otherwise: Scalar | None = None


def name_of(node: Expression | Condition) -> str | None:
    """A name given as an argument, in quotes or without."""
    match node:
        case Attribute(name=name) | Text(value=name):
            return name
        case _:
            return None


def find_column(call: FunctionCall, resources: Resources) -> Column | None:
    """The column that ``LookupTableGet`` reads, if the call is right and a file describes the table."""
    if len(call.args) < 3:
        return None
    table, wanted = _table(call, resources), name_of(call.args[-1])
    if table is None or wanted is None:
        return None
    place = _place(table.columns, wanted)
    return None if place is None else _column(table, place)


def column_of(call: FunctionCall, reading: Reading) -> Column | None:
    """The column that ``LookupTableGet`` reads, of no values if the table is unknown; ``None`` after an error."""
    table = _known_table(call, reading, len(call.args) - 2, SHAPES[LOOKUP_GET])
    name = name_of(call.args[-1])
    if name is None:
        reading.error("fortisiem-type", "the last argument is the name of a column", call.args[-1].span)
        return None
    if not isinstance(table, LookupTable):
        return table
    place = _place(table.columns, name)
    if place is not None:
        return _column(table, place)
    meant = nearest(name, table.columns)
    hint = f"did you mean `{meant}`?" if meant else f"it has {', '.join(table.columns)}"
    message = f"the table `{table.name}` has no column `{shown(name)}`"
    reading.error("fortisiem-type", message, call.args[-1].span, hint)
    return None


def presence_of(call: FunctionCall, reading: Reading) -> Column | None:
    """What ``LookupTableHas`` asks, unknown if the table is; ``None`` after an error."""
    table = _known_table(call, reading, len(call.args) - 1, SHAPES[LOOKUP_HAS])
    return _presence(table) if isinstance(table, LookupTable) else table


def limits_of(call: FunctionCall, reading: Reading) -> Column | None:
    """The limits that ``DeviceToCMDBAttr`` reads; ``None`` after an error."""
    name = limit_name(call, reading)
    if name is None:
        return None
    limits = reading.resources.thresholds(name)
    values = _NOTHING if limits is None else {key: float(limit) for key, limit in limits.items()}
    return Column("DeviceToCMDBAttr", name, values, FieldType.DOUBLE)


def limit_name(call: FunctionCall, reading: Reading) -> str | None:
    """The name of the property that ``DeviceToCMDBAttr`` asks for, with a warning if no file gives it a value."""
    last = call.args[-1]
    name = name_of(last)
    if name is None:
        message = "the last argument is the name of a property"
        reading.error("fortisiem-type", message, last.span, f"write {SHAPES[DEVICE_LIMIT]}")
    elif reading.resources.thresholds(name) is None:
        message = f"no file gives a value of `{shown(name)}`, so what is compared with it does not hold"
        reading.missing("unknown-threshold", name, message, last.span, DESCRIBE)
    return name


def _known_table(call: FunctionCall, reading: Reading, keys: int, shape: str) -> LookupTable | Column | None:
    """The table that a call names, or a column without values in its stead; ``None`` after an error."""
    name = name_of(call.args[0])
    if name is None:
        reading.error("fortisiem-type", "the first argument is the name of a table", call.args[0].span, shape)
        return None
    table = reading.resources.table(name)
    if table is None:
        message = f"no file describes the lookup table `{shown(name)}`, so what is compared with it does not hold"
        reading.missing("unknown-table", name.lower(), message, call.args[0].span, DESCRIBE)
        return Column(name, "", _NOTHING, None)
    if len(table.keys) != keys:
        message = f"the table `{table.name}` has {_keys(len(table.keys))}, and {keys} given here"
        reading.error("fortisiem-type", message, call.span, f"its keys are {', '.join(table.keys)}: {shape}")
        return None
    return table


def _keys(count: int) -> str:
    return "one key" if count == 1 else f"{count} keys"


def _table(call: FunctionCall, resources: Resources) -> LookupTable | None:
    name = name_of(call.args[0])
    return None if name is None else resources.table(name)


def _place(columns: tuple[str, ...], name: str) -> int | None:
    folded = [column.lower() for column in columns]
    return folded.index(name.lower()) if name.lower() in folded else None


@lru_cache(maxsize=64)
def _column(table: LookupTable, place: int) -> Column:
    """One column: of dates or addresses if the table says so, of numbers if all its values are, else of texts."""
    found = {key: row[place] for key, row in table.rows.items()}
    present = {key: value for key, value in found.items() if value is not None}
    name = table.columns[place]
    if table.types and table.types[place] in (FieldType.DATE, FieldType.IP):
        return Column(table.name, name, present, table.types[place])
    kinds = {type(value) for value in present.values()}
    if kinds == {int}:
        return Column(table.name, name, present, FieldType.LONG)
    if kinds and kinds <= {int, float}:
        return Column(table.name, name, {key: float(each) for key, each in present.items()}, FieldType.DOUBLE)
    texts: dict[tuple[str, ...], Scalar] = {key: _text(value) for key, value in present.items()}
    return Column(table.name, name, texts, FieldType.KEYWORD)


@lru_cache(maxsize=64)
def _presence(table: LookupTable) -> Column:
    return Column(table.name, "", dict.fromkeys(table.rows, True), FieldType.BOOLEAN, otherwise=False)


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
