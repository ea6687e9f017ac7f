"""Trees of plain values and dataclasses as bytes, and back; equal parts are written once and are one object again.

Nothing is run to read them but the constructors of classes that both sides were given.
Bytes from a stranger can at worst make wrong objects of those classes (``base.keep`` reads none of a stranger's).

The form is MessagePack: every text and number once, then groups of objects of one class, each object after those
that it is made of and naming them by their numbers.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from types import ModuleType
from typing import Annotated, Any

import msgspec

_Number = Annotated[int, msgspec.Meta(ge=0)]
_Make = Callable[..., Any]
_Scalar = str | int | float | bool | None
_Node = tuple[int, int, tuple[int, ...]]
"""An object: how deep it is, the number of its kind, and the numbers of its parts."""

_MOMENTS: tuple[_Make, ...] = (datetime.fromisoformat, date.fromisoformat, time.fromisoformat)
_BASE = (tuple, list, frozenset, dict, int, datetime, date, time)
"""The kinds that need no registration, in the order of their numbers."""
_SEQUENCES = 4
"""How many of them are made of as many parts as they like; the others are made of one, a text."""
_SCALARS = frozenset({str, int, float, bool, type(None)})
_LARGEST = 2**63 - 1


class CodecError(Exception):
    """A value cannot be written, or bytes are not what was written."""


class _Group(msgspec.Struct, array_like=True, frozen=True):
    """Objects of one kind.

    Attributes:
        kind: The number of the kind.
        columns: For each attribute of the class, the numbers of the objects' values; of containers, for each
            container the numbers of its parts.
    """

    kind: _Number
    columns: list[list[_Number]]


class _Form(msgspec.Struct, array_like=True, frozen=True):
    scalars: list[_Scalar]
    groups: list[_Group]
    root: _Number


_DECODER = msgspec.msgpack.Decoder(_Form)


class Codec:
    """Writes and reads objects of the classes that it is given.

    Args:
        classes: Dataclasses and enumerations; a dataclass is made by its constructor from all its fields.
    """

    def __init__(self, classes: Iterable[type]) -> None:
        self._names: dict[type, tuple[str, ...]] = {}
        self._numbers: dict[type, int] = {kind: number for number, kind in enumerate(_BASE)}
        self._makes: list[_Make] = [tuple, list, frozenset, _dict, int, *_MOMENTS]
        self._widths = [1] * len(_BASE)
        for each in classes:
            if each not in self._numbers:
                self._numbers[each] = len(self._makes)
                self._makes.append(self._make(each))
                self._widths.append(len(self._names[each]))

    def encode(self, value: object) -> bytes:
        """The value as bytes.

        Raises:
            CodecError: It holds something of an unknown class, or is nested too deeply.
        """
        writer = _Writer(self._numbers, self._names)
        try:
            root = writer.add(value)
            return msgspec.msgpack.encode(writer.form(root))
        except (RecursionError, UnicodeEncodeError) as error:
            raise CodecError(str(error)) from error

    def decode(self, data: bytes | memoryview) -> Any:  # noqa: ANN401 - whatever was written
        """The value that bytes were written from.

        Raises:
            CodecError: They are something else.
        """
        try:
            form = _DECODER.decode(data)
            values: list[Any] = list(form.scalars)
            for group in form.groups:
                values += self._objects(group, values)
            return values[form.root]
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError, MemoryError) as error:
            raise CodecError(f"{type(error).__name__}: {error}") from error

    def _objects(self, group: _Group, values: Sequence[Any]) -> list[Any]:
        at = values.__getitem__
        make = self._makes[group.kind]
        if group.kind < _SEQUENCES:
            return [make(map(at, parts)) for parts in group.columns]
        if len(group.columns) != self._widths[group.kind]:
            raise CodecError(f"kind {group.kind} has other attributes")
        return list(map(make, *(map(at, column) for column in group.columns)))

    def _make(self, kind: type) -> _Make:
        if issubclass(kind, enum.Enum):
            self._names[kind] = ("name",)
            return lambda name: kind[name]
        if not dataclasses.is_dataclass(kind):
            raise TypeError(f"{kind.__name__} is neither a dataclass nor an enumeration")
        fields = dataclasses.fields(kind)
        if not all(field.init for field in fields):
            raise TypeError(f"{kind.__name__} is not made from all its fields")
        names = self._names[kind] = tuple(field.name for field in fields)
        positional = tuple(field.name for field in fields if not field.kw_only)
        if positional == names:
            return kind
        return lambda *given: kind(**dict(zip(names, given, strict=True)))


def classes_in(modules: Iterable[ModuleType]) -> list[type]:
    """The dataclasses and enumerations that modules define, in the order of their definition."""
    return [
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type)
        and each.__module__ == module.__name__
        and (dataclasses.is_dataclass(each) or issubclass(each, enum.Enum))
    ]


class _Writer:
    """Collects every part of a value once, and numbers the parts so that each comes after its own."""

    def __init__(self, kinds: Mapping[type, int], names: Mapping[type, tuple[str, ...]]) -> None:
        self._kinds = kinds
        self._names = names
        self._scalars: list[_Scalar] = []
        self._by_value: dict[tuple[type, object], int] = {}
        self._nodes: list[_Node] = []
        self._by_identity: dict[int, int] = {}
        self._by_parts: dict[_Node, int] = {}
        self._alive: list[object] = []

    def add(self, value: object) -> int:
        """The provisional number of a value: not negative for an object, negative for a scalar."""
        kind = type(value)
        if kind in _SCALARS and (not isinstance(value, int) or -_LARGEST <= value <= _LARGEST):
            return self._scalar(kind, value)
        known = self._by_identity.get(id(value))
        if known is not None:
            return known
        node = self._node(kind, value)
        # What can be changed is not shared unless it was.
        number = None if kind in (list, dict) else self._by_parts.get(node)
        if number is None:
            number = self._by_parts[node] = len(self._nodes)
            self._nodes.append(node)
        self._by_identity[id(value)] = number
        self._alive.append(value)
        return number

    def form(self, root: int) -> _Form:
        """Everything collected, in the order in which it can be made."""
        order = sorted(range(len(self._nodes)), key=lambda number: self._nodes[number][:2])
        final = {~number: number for number in range(len(self._scalars))}
        final.update((number, len(self._scalars) + place) for place, number in enumerate(order))
        groups = []
        for (_, kind), members in itertools.groupby(order, key=lambda number: self._nodes[number][:2]):
            rows = [[final[part] for part in self._nodes[number][2]] for number in members]
            columns = rows if kind < _SEQUENCES else [list(column) for column in zip(*rows, strict=True)]
            groups.append(_Group(kind, columns))
        return _Form(self._scalars, groups, final[root])

    def _scalar(self, kind: type, value: Any) -> int:  # noqa: ANN401 - of the kind
        # A float's text tells 0.0 from -0.0, and is the same for every NaN.
        number = self._by_value.setdefault((kind, repr(value) if kind is float else value), ~len(self._scalars))
        if ~number == len(self._scalars):
            self._scalars.append(value)
        return number

    def _node(self, kind: type, value: Any) -> _Node:  # noqa: ANN401 - of the kind
        number = self._kinds.get(kind)
        if number is None:
            raise CodecError(f"objects of class {kind.__qualname__} are not written")
        names = self._names.get(kind)
        if names is not None:
            parts = tuple([self.add(getattr(value, name)) for name in names])
        elif kind is dict:
            parts = tuple([self.add(part) for entry in value.items() for part in entry])
        elif number < _SEQUENCES:
            parts = tuple([self.add(part) for part in value])
        else:
            parts = (self.add(str(value) if kind is int else value.isoformat()),)
        depth = 1 + max((self._nodes[part][0] for part in parts if part >= 0), default=0)
        return depth, number, parts


def _dict(parts: Iterable[Any]) -> dict[Any, Any]:
    flat = iter(parts)
    return dict(zip(flat, flat, strict=True))
