"""FortiSIEM attributes as a document of the Elastic Common Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from dogwatch.base.time import MILLISECOND, format_instant
from dogwatch.events.batch import Document
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldType, Scalar
from dogwatch.schema.fortisiem import Direction, EventTypeRow, event_type_rows, mapped_attributes
from dogwatch.schema.fortisiem_transform import PROTOCOLS, last_part
from dogwatch.schema.schema import Schema

Attributes = Mapping[str, object]
"""The attributes of one event by their internal names: each a text, number or truth value, or a list of them."""

Pair = tuple[str, Sequence[object]]
"""A field and the values that it is to have."""

_FILE_ATTRIBUTES = ("fileName", "filePath", "targetOsObjName")
_EXTERNAL, _FLOW = 0, 4
"""The ``phEventCategory`` of what devices send and of flows; the others are FortiSIEM's own events."""


def to_ecs(attributes: Attributes) -> Document:
    """The ECS fields that say what the attributes say.

    The attributes themselves are not in the document, and what the mapping does not know is left out: who makes
    an event of it puts them under ``fortisiem``, where they go before what is made of ECS fields. A value that
    does not fit the type of its field is left out too. So are empty texts.

    Args:
        attributes: The attributes of one event. They are not changed.

    Returns:
        A nested document, every value as its field's type is written in JSON; ``@timestamp`` is ``phRecvTime``.

    Examples:
        >>> to_ecs({"hostName": "web1", "procId": "99"})
        {'host': {'name': 'web1'}, 'process': {'pid': 99}}
    """
    fields: dict[str, Any] = {}
    types = attributes.get("eventType")
    for event_type in types if isinstance(types, list) else (types,):
        if isinstance(event_type, str) and event_type in _event_types():
            for path, words in _event_types()[event_type].items():
                fields.setdefault(path, words if isinstance(words, str) else [*words])
    if "event.category" not in fields and _is_connection(attributes):
        _set(fields, _CONNECTION)
    writers = _writers()
    for writer in _in_order(tuple([name for name in attributes if name in writers])):
        value = attributes[writer.name]
        if value is None or value == "":
            continue
        if writer.write is None and not isinstance(value, list):
            # Most rows are as simple as this, and need not go the long way.
            path = writer.ecs[0]
            if path not in fields and (written := _written(writer.kind, value)) is not None:
                fields[path] = written
        else:
            write = writer.write or _same
            _set(fields, write(value if isinstance(value, list) else [value], writer.ecs, attributes))
    return _nested(fields)


@dataclass(frozen=True, slots=True)
class _Writer:
    """One row of the mapping, ready to write; of two for one field the one of the lower rank does.

    ``kind`` is the type of the first field; ``write`` is ``None`` where the value goes there as it is.
    """

    name: str
    rank: int
    ecs: tuple[str, ...]
    kind: FieldType
    write: Callable[[Sequence[object], tuple[str, ...], Attributes], Iterator[Pair]] | None


_CONNECTION: tuple[Pair, ...] = (("event.category", ["network"]), ("event.type", ["connection"]))
"""What an event with two addresses is when its type is not in the table."""


def _is_connection(attributes: Attributes) -> bool:
    ends = attributes.get("srcIpAddr") is not None and attributes.get("destIpAddr") is not None
    return ends and coerce(attributes.get("phEventCategory", _EXTERNAL), FieldType.LONG) in (_EXTERNAL, _FLOW)


def _set(fields: dict[str, Any], pairs: Sequence[Pair] | Iterator[Pair]) -> None:
    """Add the pairs; a field that has values already keeps them."""
    for path, values in pairs:
        if path in fields:
            continue
        kind = _type_of(path)
        if kind is FieldType.KEYWORD and all(type(value) is str for value in values):
            written = [value for value in values if value]
        else:
            written = [scalar for value in values if (scalar := _written(kind, value)) is not None]
        if written:
            fields[path] = written if len(written) > 1 or path in _ALWAYS_LISTS else written[0]


_ALWAYS_LISTS = frozenset({"event.category", "event.type", "process.args", "process.parent.args"})


def _written(kind: FieldType, value: object) -> Scalar | None:
    if kind is FieldType.KEYWORD and type(value) is str:
        return value or None
    scalar = coerce(value, kind)
    if isinstance(scalar, Missing) or scalar == "":
        return None
    return format_instant(scalar) if kind is FieldType.DATE and isinstance(scalar, int) else scalar


def _words(row: EventTypeRow) -> Mapping[str, str | tuple[str, ...]]:
    words: dict[str, str | tuple[str, ...]] = {"event.category": (row.category,), "event.type": row.kinds[:1]}
    if row.actions:
        words["event.action"] = row.actions[0]
    if row.outcome is not None:
        words["event.outcome"] = row.outcome
    if row.os is not None:
        words["host.os.type"] = row.os
    return words


def _same(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    yield ecs[0], values


def _lower(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    yield ecs[0], [str(value).lower() for value in values]


def _process_name(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    holder = ecs[0].rpartition(".")[0]
    yield ecs[0], [last_part(str(value)) for value in values]
    yield f"{holder}.executable", [value for value in values if "/" in str(value)]


def _arguments(values: Sequence[object], ecs: tuple[str, ...], attributes: Attributes) -> Iterator[Pair]:
    name = attributes.get("procName") or attributes.get("shortProcName") or attributes.get("procPath")
    if name is None:
        return
    first = name[0] if isinstance(name, list) else name
    parameters = [part for value in values for part in str(value).split(" ")]
    words = [first, *parameters]
    yield ecs[0], words
    yield f"{ecs[0]}_count", [_length(words)]
    if not attributes.get("command"):
        yield "process.command_line", [" ".join([str(first), *map(str, values)])]


def _command_line(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    line, args = ecs
    words = str(values[0]).split()
    yield line, values
    yield args, words
    yield f"{args}_count", [_length(words)]


def _length(words: Sequence[object]) -> int:
    """How many of the words are written: empty ones are not."""
    return sum(word != "" for word in words)


def _hash(values: Sequence[object], ecs: tuple[str, ...], attributes: Attributes) -> Iterator[Pair]:
    file, process = ecs
    yield (file if any(name in attributes for name in _FILE_ATTRIBUTES) else process), values


def _ip_protocol(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    number, name = ecs
    numbers = [each for value in values if isinstance(each := coerce(value, FieldType.LONG), int)]
    yield number, numbers
    yield name, [PROTOCOLS[each] for each in numbers if each in PROTOCOLS]


def _milliseconds(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    numbers = [each for value in values if isinstance(each := coerce(value, FieldType.LONG), int)]
    yield ecs[0], [each * MILLISECOND for each in numbers]


def _permitted(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    words = {0: "success", 1: "failure"}
    numbers = [coerce(value, FieldType.LONG) for value in values]
    yield ecs[0], [words[each] for each in numbers if isinstance(each, int) and each in words]


def _object_type(values: Sequence[object], ecs: tuple[str, ...], _: Attributes) -> Iterator[Pair]:
    words = {"file": "file", "directory": "dir"}
    yield ecs[0], [words[word] for value in values if (word := str(value).lower()) in words]


_WRITES = {
    "lower": _lower,
    "process_name": _process_name,
    "arguments": _arguments,
    "command_line": _command_line,
    "hash": _hash,
    "ip_protocol": _ip_protocol,
    "milliseconds": _milliseconds,
    "permitted": _permitted,
    "object_type": _object_type,
}
"""Transforms that write otherwise than the value as it is into the first field."""


@cache
def _writers() -> Mapping[str, _Writer]:
    return {
        row.name: _Writer(row.name, rank, row.ecs, _type_of(row.ecs[0]), _WRITES.get(row.transform))
        for rank, row in enumerate(mapped_attributes().values())
        if row.direction is not Direction.FROM_ECS and row.transform != "event_type"
    }


@lru_cache(maxsize=4096)
def _in_order(names: tuple[str, ...]) -> tuple[_Writer, ...]:
    """The rows of attributes by their rank; events of one kind have the same ones."""
    return tuple(sorted([_writers()[name] for name in names], key=lambda writer: writer.rank))


@cache
def _event_types() -> Mapping[str, Mapping[str, str | tuple[str, ...]]]:
    return {row.type: _words(row) for row in event_type_rows() if row.direction is not Direction.FROM_ECS}


@cache
def _type_of(path: str) -> FieldType:
    return Schema.ecs().type_of(path) or FieldType.KEYWORD


@lru_cache(maxsize=4096)
def _places(paths: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The objects that hold each path's value, and its name there."""
    split = (path.split(".") for path in paths)
    return tuple((tuple(holders), last) for *holders, last in split)


def _nested(fields: Mapping[str, Any]) -> Document:
    document: Document = {}
    for (holders, last), value in zip(_places(tuple(fields)), fields.values(), strict=True):
        place = document
        for holder in holders:
            inner = place.get(holder)
            if inner is None:
                inner = place[holder] = {}
            place = inner
        place[last] = value
    return document
