"""FortiSIEM's event attributes: which exist, what they hold, and the ECS fields that mean the same.

``fortisiem_attributes.csv`` lists the attributes; ``fortisiem_ecs.yaml`` is the reviewed mapping.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from dogwatch.base import keep
from dogwatch.base.program import fingerprint
from dogwatch.schema.field import FieldType

FORTISIEM_PREFIX = "fortisiem."
"""Path prefix under which FortiSIEM's attributes live."""

_TYPES = {
    "STRING": FieldType.KEYWORD,
    "BINARY": FieldType.KEYWORD,
    "BINHEX": FieldType.KEYWORD,
    "IP": FieldType.IP,
    "DATE": FieldType.DATE,
    "DOUBLE": FieldType.DOUBLE,
    "INT16": FieldType.LONG,
    "INT32": FieldType.LONG,
    "INT64": FieldType.LONG,
    "UCHAR": FieldType.LONG,
    "UINT16": FieldType.LONG,
    "UINT32": FieldType.LONG,
    "UINT64": FieldType.LONG,
}

_Content = dict[str, list[dict[str, Any]]]
"""The mapping's tables as they are written."""

_REST_NAMES = {"receiveTime": "phRecvTime", "rawMessage": "rawEventMsg"}
"""What the product's interface for programs calls two attributes of the events that it gives."""


class Direction(enum.Enum):
    """Which way a row of the mapping works."""

    BOTH = "both"
    TO_ECS = "to_ecs"
    FROM_ECS = "from_ecs"


@dataclass(frozen=True, slots=True)
class MappedAttribute:
    """One attribute and its ECS fields.

    Attributes:
        name: The attribute's internal name.
        ecs: The fields: read from the first that has a value, written to the first.
        also: Attributes of the same event that it is made from where no field has a value.
        direction: Which way.
        transform: How values change on the way.
        note: What a reader of the table should know.
    """

    name: str
    ecs: tuple[str, ...]
    also: tuple[str, ...] = ()
    direction: Direction = Direction.BOTH
    transform: str = "same"
    note: str = ""


@dataclass(frozen=True, slots=True)
class EventTypeRow:
    """One event type and the ECS words that mean the same.

    Attributes:
        type: The event type.
        category: ``event.category``.
        kinds: ``event.type``: one of them, or one of the actions, shows the type.
        actions: ``event.action``.
        only: Whether the actions alone show the type.
        unless: Actions beside which the kind alone does not show the type.
        outcome: ``event.outcome``; with ``None`` any but failure.
        os: ``host.os.type``; where there is none, no other field of ``host.os`` may name another system.
        program: The name of the process that wrote the log, if it matters.
        direction: Which way.
    """

    type: str
    category: str
    kinds: tuple[str, ...]
    actions: tuple[str, ...] = ()
    only: bool = False
    unless: tuple[str, ...] = ()
    outcome: str | None = None
    os: str | None = None
    program: str | None = None
    direction: Direction = Direction.BOTH


@cache
def attribute_types() -> Mapping[str, FieldType]:
    """The type of every attribute that FortiSIEM defines, by internal name."""
    return {row["name"]: _TYPES[row["value_type"]] for row in _attributes()}


@cache
def mapped_attributes() -> Mapping[str, MappedAttribute]:
    """The rows of the mapping by the attribute's name, in the order of the file."""
    rows = (
        MappedAttribute(
            **{**row, "ecs": tuple(row["ecs"]), "also": tuple(row.get("also", ())), "direction": _direction(row)}
        )
        for row in _content()["attributes"]
    )
    return {row.name: row for row in rows}


@cache
def event_type_rows() -> tuple[EventTypeRow, ...]:
    """The table of event types, in the order of the file."""
    lists = ("kinds", "actions", "unless")
    return tuple(
        EventTypeRow(**{**row, **{name: tuple(row.get(name, ())) for name in lists}, "direction": _direction(row)})
        for row in _content()["event_types"]
    )


@cache
def attribute_of_header() -> Mapping[str, str]:
    """The attribute that a column of an export holds, by its display name in lower case.

    Internal names are left as they are: letter case tells them apart, and an attribute of the user's own may
    differ from one of FortiSIEM's by nothing else, as ``EventID`` and ``eventId`` do.
    """
    shown = [(row["display_name"].lower(), row["name"]) for row in _attributes()]
    # Some display names belong to several attributes: the mapped one is the one that events have.
    mapped = [(label, name) for label, name in shown if name in mapped_attributes()]
    rest = ((label.lower(), name) for label, name in _REST_NAMES.items())
    return dict((*rest, *shown, *mapped))


@cache
def labels_of(name: str) -> frozenset[str]:
    """The names under which exports hold an attribute, spelled as they spell them."""
    shown = {row["display_name"] for row in _attributes() if row["name"] == name}
    return frozenset({name, *shown, *(label for label, meant in _REST_NAMES.items() if meant == name)})


def _direction(row: Mapping[str, Any]) -> Direction:
    return Direction(row.get("direction", Direction.BOTH.value))


@cache
def _content() -> _Content:
    name = f"mapping-{fingerprint().hex()}"
    kept = keep.read(name)
    if kept is not None:
        return msgspec.msgpack.decode(kept, type=_Content)
    # What is kept needs no parser.
    import yaml

    text = Path(__file__).with_name("fortisiem_ecs.yaml").read_text(encoding="utf-8")
    content: _Content = yaml.load(
        text,
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 - both are safe
    )
    keep.write(name, msgspec.msgpack.encode(content))
    return content


@cache
def _attributes() -> tuple[Mapping[str, str], ...]:
    table = Path(__file__).with_name("fortisiem_attributes.csv").read_text(encoding="utf-8")
    header, *rows = (line.split(",") for line in table.splitlines())
    # No value is quoted.
    return tuple(dict(zip(header, row, strict=True)) for row in rows)
