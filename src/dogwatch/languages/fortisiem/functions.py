"""The functions of filters: what they take, and what they give.

FortiSIEM's public documents name them and do not show their arguments; the orders here are the natural ones, the
text or the value first.
"""

from __future__ import annotations

from dataclasses import dataclass

from dogwatch.base.message import nearest
from dogwatch.schema.field import FieldType

TEXT, NUMBER, DATE = FieldType.KEYWORD, FieldType.DOUBLE, FieldType.DATE


@dataclass(frozen=True, slots=True)
class FilterFunction:
    """A function of one event's values.

    Attributes:
        name: Its name as FortiSIEM writes it.
        engine: The engine's function.
        takes: The kind of each argument; ``None`` is any.
        shape: How it is written, to show.
        gives: The type of its value.
        optional: How many of the last arguments may be left out.
        regex: The place of the argument that is a regular expression, if one is.
    """

    name: str
    engine: str
    takes: tuple[FieldType | None, ...]
    shape: str
    gives: FieldType
    optional: int = 0
    regex: int | None = None

    def accepts(self, count: int) -> bool:
        """Whether it can have so many arguments."""
        return len(self.takes) - self.optional <= count <= len(self.takes)


ALL_FUNCTIONS = (
    FilterFunction("LOG", "log", (NUMBER,), "LOG(number)", NUMBER),
    FilterFunction("TO_DOUBLE", "to_double", (None,), "TO_DOUBLE(value)", NUMBER),
    FilterFunction("TO_INTEGER", "to_integer", (None,), "TO_INTEGER(value)", FieldType.LONG),
    FilterFunction("TO_STRING", "string", (None,), "TO_STRING(value)", TEXT),
    FilterFunction("LEN", "length", (TEXT,), "LEN(text)", FieldType.LONG),
    FilterFunction("LTRIM", "trim_left", (TEXT,), "LTRIM(text)", TEXT),
    FilterFunction("RTRIM", "trim_right", (TEXT,), "RTRIM(text)", TEXT),
    FilterFunction("TRIM", "trim", (TEXT,), "TRIM(text)", TEXT),
    FilterFunction("REPLACE", "replace", (TEXT, TEXT, TEXT), "REPLACE(text, searched, replacement)", TEXT),
    FilterFunction("SUB_STR", "sub_str", (TEXT, NUMBER, NUMBER), "SUB_STR(text, start, length)", TEXT, 1),
    FilterFunction("TO_LOWER", "lower", (TEXT,), "TO_LOWER(text)", TEXT),
    FilterFunction("TO_UPPER", "upper", (TEXT,), "TO_UPPER(text)", TEXT),
    FilterFunction("HourOfDay", "hour_of_day", (DATE,), "HourOfDay(date)", FieldType.LONG),
    FilterFunction("DayOfWeek", "day_of_week", (DATE,), "DayOfWeek(date)", FieldType.LONG),
    FilterFunction("EXTRACT", "extract", (TEXT, TEXT, NUMBER), 'EXTRACT(text, "regex", group)', TEXT, 1, 1),
)

_FUNCTIONS = {function.name.upper(): function for function in ALL_FUNCTIONS}

IF, LOOKUP_GET, LOOKUP_HAS, DEVICE_LIMIT = "IF", "LOOKUPTABLEGET", "LOOKUPTABLEHAS", "DEVICETOCMDBATTR"
"""Functions that are lowered on their own, in upper case."""

SHAPES = {
    IF: "IF(condition, value, otherwise)",
    LOOKUP_GET: "LookupTableGet(table, key, ..., column)",
    LOOKUP_HAS: "LookupTableHas(table, key, ...)",
    DEVICE_LIMIT: "DeviceToCMDBAttr(device, component, property)",
}
"""How those are written; the component may be left out."""

_ELSEWHERE = {
    "LENGTH": "LEN",
    "SUBSTR": "SUB_STR",
    "SUBSTRING": "SUB_STR",
    "LOWER": "TO_LOWER",
    "UPPER": "TO_UPPER",
}
"""Names in other languages that resemble nothing here."""


def function_named(name: str) -> FilterFunction | None:
    """The function of a name, in any letter case."""
    return _FUNCTIONS.get(name.upper())


def suggest_function(name: str) -> str | None:
    """The function that an unknown name was most likely meant to be."""
    named = [function.name for function in ALL_FUNCTIONS] + [shape.partition("(")[0] for shape in SHAPES.values()]
    return _ELSEWHERE.get(name.upper()) or nearest(name, named)
