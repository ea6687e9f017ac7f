"""Values of decoded JSON as Elasticsearch would index them under a field type.

What cannot be coerced is missing, and known to be lost, so that callers can count it. Long texts are kept
whole: an index that ignores a keyword above some length (``ignore_above``) can be blinded by padding.
"""

from __future__ import annotations

import enum
import ipaddress
import json
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from dogwatch.base.time import MILLISECOND, parse_instant
from dogwatch.schema.dateformat import date_reader
from dogwatch.schema.field import FieldRef, FieldType, Scalar

_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1
_NUMBER_CHARACTERS = frozenset("0123456789+-.eE")
_LONGEST_NUMBER = 1000
"""Characters of a text that may still be a number; a double written out in full has fewer than 800."""
_LONGEST_ADDRESS = 45
_MOST_LEVELS = 100
"""Levels of an object that is kept as text; an index takes 20."""
_LONGEST_INSTANT = 64
_YEAR_DIGITS = 4


class Missing(enum.Enum):
    """Why a value has no scalar."""

    ABSENT = "absent"
    """There was nothing to coerce: null, an empty list, an empty text where a number belongs."""
    LOST = "lost"
    """There was a value and it does not fit the type."""


def coerce(value: Any, kind: FieldType) -> Scalar | Missing:  # noqa: ANN401 - decoded JSON is of any type
    """One decoded JSON value as a scalar of the field type, or why there is none.

    =========  ==================================================================================
    type       takes
    =========  ==================================================================================
    LONG       numbers and numeric text, fractions cut off, within 64 bits
    DOUBLE     finite numbers and numeric text
    BOOLEAN    true, false, ``"true"``, ``"false"``, ``""`` (false)
    DATE       ISO 8601 text, else milliseconds since 1970 as a number or text
    OBJECT     objects, as JSON text with sorted keys
    IP         IPv4 and IPv6 text, made canonical; IPv4-mapped IPv6 is IPv4
    the rest   text as it is; numbers and booleans as JSON writes them
    =========  ==================================================================================

    A list is not flattened here (see ``coerce_all``): one that holds any value is lost.
    """
    if value is None:
        return Missing.ABSENT
    return coercion(kind)(value)


def coercion(kind: FieldType) -> Callable[[Any], Scalar | Missing]:
    """The coercion of one type, for loops over many values that are not ``None``."""
    return _COERCIONS[kind]


def field_coercion(ref: FieldRef) -> Callable[[Any], Scalar | Missing]:
    """The coercion of one field, by its type and the formats of its dates, for values that are not ``None``."""
    if ref.type is FieldType.DATE and ref.formats:
        return _formatted(ref.formats)
    return _COERCIONS[ref.type]


def coerce_field(values: Iterable[Any], ref: FieldRef) -> tuple[list[Scalar], int]:
    """The scalars of a field's values in order, lists flattened, and how many values were lost.

    A null counts as the field's ``null_value`` if it has one.
    """
    convert = field_coercion(ref)
    scalars: list[Scalar] = []
    lost = 0
    for value in flatten(values):
        scalar = (
            (Missing.ABSENT if ref.null_value is None else ref.null_value) if value is None else convert(value)
        )
        if not isinstance(scalar, Missing):
            scalars.append(scalar)
        elif scalar is Missing.LOST:
            lost += 1
    return scalars, lost


def coerce_all(values: Iterable[Any], kind: FieldType) -> tuple[list[Scalar], int]:
    """The scalars of several values in order, nested lists flattened, and how many values were lost."""
    scalars: list[Scalar] = []
    lost = 0
    for value in flatten(values):
        scalar = coerce(value, kind)
        if not isinstance(scalar, Missing):
            scalars.append(scalar)
        elif scalar is Missing.LOST:
            lost += 1
    return scalars, lost


def flatten(values: Iterable[Any]) -> Iterable[Any]:
    """The values with lists in lists dissolved, in order, however deep."""
    pending = [iter(values)]
    while pending:
        for value in pending[-1]:
            if isinstance(value, list):
                pending.append(iter(value))
                break
            yield value
        else:
            pending.pop()


def _text(value: Any) -> Scalar | Missing:  # noqa: ANN401
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            # Python refuses to print integers of thousands of digits.
            return str(value) if value.bit_length() < 10_000 else Missing.LOST
        case float():
            return repr(value) if math.isfinite(value) else Missing.LOST
        case _:
            return _no_scalar(value)


def _long(value: Any) -> Scalar | Missing:  # noqa: ANN401
    match value:
        case bool():
            return Missing.LOST
        case int():
            return value if _LONG_MIN <= value <= _LONG_MAX else Missing.LOST
        case float():
            number = Decimal(value) if math.isfinite(value) else None
        case "":
            return Missing.ABSENT
        case str():
            number = _decimal(value)
        case _:
            return _no_scalar(value)
    # The magnitude is looked at first: 1e999999999 must not become an integer of that many digits.
    if number is None or number.adjusted() > 19:
        return Missing.LOST
    whole = int(number)
    return whole if _LONG_MIN <= whole <= _LONG_MAX else Missing.LOST


def _double(value: Any) -> Scalar | Missing:  # noqa: ANN401
    match value:
        case bool():
            return Missing.LOST
        case float():
            number = value
        case int():
            # By way of a decimal, an integer beyond the doubles is infinite instead of an error.
            number = float(Decimal(value))
        case "":
            return Missing.ABSENT
        case str():
            decimal = _decimal(value)
            number = math.inf if decimal is None else float(decimal)
        case _:
            return _no_scalar(value)
    return number if math.isfinite(number) else Missing.LOST


def _boolean(value: Any) -> Scalar | Missing:  # noqa: ANN401
    match value:
        case bool():
            return value
        case "true":
            return True
        case "false" | "":
            return False
        case _:
            return _no_scalar(value)


def _date(value: Any) -> Scalar | Missing:  # noqa: ANN401
    match value:
        case bool():
            return Missing.LOST
        case int():
            # Elasticsearch reads the number's text, and four digits are a year first.
            if 1000 <= value <= 9999:
                return _date(str(value))
            nanos: int | None = value * MILLISECOND
        case float():
            nanos = _epoch_millis(Decimal(repr(value))) if math.isfinite(value) else None
        case str():
            if len(value) > _LONGEST_INSTANT:
                return Missing.LOST
            nanos = parse_instant(value)
            if nanos is None and len(value) != _YEAR_DIGITS and (number := _decimal(value)) is not None:
                nanos = _epoch_millis(number)
        case _:
            return _no_scalar(value)
    return nanos if nanos is not None and _LONG_MIN < nanos <= _LONG_MAX else Missing.LOST


@lru_cache(maxsize=256)
def _formatted(formats: tuple[str, ...]) -> Callable[[Any], Scalar | Missing]:
    read = date_reader(formats)

    def convert(value: Any) -> Scalar | Missing:  # noqa: ANN401
        # As in an index, the text of a number is read, whatever the format.
        match value:
            case bool():
                return Missing.LOST
            case int() | float() | str():
                text = _text(value)
                nanos = read(text) if read is not None and isinstance(text, str) else None
                return Missing.LOST if nanos is None else nanos
            case _:
                return _no_scalar(value)

    return convert


def _ip(value: Any) -> Scalar | Missing:  # noqa: ANN401
    if not isinstance(value, str):
        return _no_scalar(value)
    return _address(value) if len(value) <= _LONGEST_ADDRESS else Missing.LOST


@lru_cache(maxsize=65536)
def _address(text: str) -> str | Missing:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return Missing.LOST
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return Missing.LOST
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    return str(address)


def _object(value: Any) -> Scalar | Missing:  # noqa: ANN401
    if not isinstance(value, dict):
        return _no_scalar(value)
    if _is_deeper(value, _MOST_LEVELS):
        return Missing.LOST
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    except ValueError:
        return Missing.LOST


def _is_deeper(value: dict[str, Any], levels: int) -> bool:
    """Whether objects and lists lie inside each other more than so many levels deep."""
    level: list[Any] = [value]
    for _ in range(levels):
        inner = (part for holder in level for part in (holder.values() if isinstance(holder, dict) else holder))
        level = [part for part in inner if isinstance(part, dict | list)]
        if not level:
            return False
    return True


def _no_scalar(value: object) -> Missing:
    if isinstance(value, list) and all(item is None for item in flatten(value)):
        return Missing.ABSENT
    return Missing.LOST


def _decimal(text: str) -> Decimal | None:
    if len(text) > _LONGEST_NUMBER or not _NUMBER_CHARACTERS.issuperset(text):
        return None
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def _epoch_millis(number: Decimal) -> int | None:
    return int(number * MILLISECOND) if number.adjusted() <= 19 else None


_COERCIONS: Mapping[FieldType, Callable[[Any], Scalar | Missing]] = {
    FieldType.KEYWORD: _text,
    FieldType.TEXT: _text,
    FieldType.VERSION: _text,
    FieldType.OBJECT: _object,
    FieldType.LONG: _long,
    FieldType.DOUBLE: _double,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.IP: _ip,
}
