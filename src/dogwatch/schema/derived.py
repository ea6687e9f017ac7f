"""Fields that no document holds but that follow from others: how one dialect's attributes look on ECS events.

A derived field has a path like any other (``fortisiem.swParam``). A document that holds a value under the
path itself wins; otherwise the value is computed from the input fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dogwatch.schema.field import FieldRef, FieldType, Scalar

Values = Sequence[Scalar]
"""The values of one field of one event, in the document's order; empty when it is missing."""


@dataclass(frozen=True, slots=True)
class DerivedField:
    """A field computed from others.

    Attributes:
        ref: Its own path and type.
        inputs: The columns that it is computed from.
        compute: From the values of each input, in the same order, to its own values.
    """

    ref: FieldRef
    inputs: tuple[FieldRef, ...]
    compute: Callable[..., Values]


def _last_component_too(values: Values) -> Values:
    """A full path also answers to its last component."""
    names = [str(value).rsplit("/", 1)[-1] for value in values if "/" in str(value)]
    return [*values, *(name for name in names if name)]


def _arguments_after_first(values: Values) -> Values:
    return [" ".join(str(value) for value in values[1:])] if len(values) > 1 else []


def _event_type(category: Values, kind: Values, system: Values, platform: Values) -> Values:
    systems = {str(value).lower() for value in (*system, *platform)}
    if "process" in category and "start" in kind and (not systems or "linux" in systems):
        return ["LINUX_PROCESS_EXEC"]
    return []


def _same(values: Values) -> Values:
    return values


def _keyword(path: str) -> FieldRef:
    return FieldRef(path, FieldType.KEYWORD)


FORTISIEM_PREFIX = "fortisiem."
"""Path prefix under which FortiSIEM's attributes live."""

_DERIVED = (
    DerivedField(_keyword("fortisiem.hostName"), (_keyword("host.name"),), _same),
    DerivedField(_keyword("fortisiem.user"), (_keyword("user.name"),), _same),
    DerivedField(_keyword("fortisiem.procName"), (_keyword("process.name"),), _last_component_too),
    DerivedField(_keyword("fortisiem.swParam"), (_keyword("process.args"),), _arguments_after_first),
    DerivedField(
        _keyword("fortisiem.eventType"),
        (
            _keyword("event.category"),
            _keyword("event.type"),
            _keyword("host.os.type"),
            _keyword("host.os.platform"),
        ),
        _event_type,
    ),
)

DERIVED_FIELDS: dict[str, DerivedField] = {field.ref.path: field for field in _DERIVED}
"""Every derived field by its path."""
