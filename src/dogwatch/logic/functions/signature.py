"""Signatures of the functions, family by family."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ValueKind(enum.Enum):
    """The kinds of value that an expression can have."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument.

    Attributes:
        name: What the argument is.
        kind: The kind of value that it takes.
        optional: Whether it may be left out.
        takes_null: Whether null is an answer to it; else a null argument makes the function's value null.
    """

    name: str
    kind: ValueKind
    optional: bool = False
    takes_null: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's shape.

    Attributes:
        name: The name in ``Call.function``: snake_case.
        parameters: In order; the last one may repeat if ``variadic``.
        result: The kind of its value.
        variadic: Whether the last parameter may be given any number of times (at least once).
        folds: Whether the call's ``fold`` has a meaning.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: ValueKind
    variadic: bool = False
    folds: bool = False


def _text(name: str, *, optional: bool = False) -> Parameter:
    return Parameter(name, ValueKind.TEXT, optional)


def _number(name: str, *, optional: bool = False, takes_null: bool = False) -> Parameter:
    return Parameter(name, ValueKind.NUMBER, optional, takes_null)


_STRINGS = (
    Signature(
        "between",
        (
            _text("source"),
            _text("left"),
            _text("right"),
            Parameter("greedy", ValueKind.BOOLEAN, optional=True),
        ),
        ValueKind.TEXT,
        folds=True,
    ),
    Signature("concat", (Parameter("value", ValueKind.ANY),), ValueKind.TEXT, variadic=True),
    Signature("ends_with", (_text("source"), _text("substring")), ValueKind.BOOLEAN, folds=True),
    Signature(
        "index_of",
        (_text("source"), _text("substring"), _number("start", optional=True, takes_null=True)),
        ValueKind.NUMBER,
        folds=True,
    ),
    Signature("length", (_text("source"),), ValueKind.NUMBER),
    Signature("starts_with", (_text("source"), _text("substring")), ValueKind.BOOLEAN, folds=True),
    Signature("string", (Parameter("value", ValueKind.ANY),), ValueKind.TEXT),
    Signature("string_contains", (_text("source"), _text("substring")), ValueKind.BOOLEAN, folds=True),
    Signature(
        "substring",
        (_text("source"), _number("start", takes_null=True), _number("end", optional=True, takes_null=True)),
        ValueKind.TEXT,
    ),
    Signature("date_string", (_number("instant"),), ValueKind.TEXT),
)

_NUMBERS = (
    *(
        Signature(name, (_number("left"), _number("right")), ValueKind.NUMBER)
        for name in ("add", "subtract", "multiply", "divide", "modulo")
    ),
    Signature("negate", (_number("value"),), ValueKind.NUMBER),
    Signature("number", (_text("source"), _number("base", optional=True, takes_null=True)), ValueKind.NUMBER),
)

_NULLS = (Signature("is_null", (Parameter("value", ValueKind.ANY, takes_null=True),), ValueKind.BOOLEAN),)

_TEXTS = (
    *(
        Signature(name, (_text("source"),), ValueKind.TEXT)
        for name in ("trim_left", "trim_right", "trim", "lower", "upper")
    ),
    Signature("replace", (_text("source"), _text("searched"), _text("replacement")), ValueKind.TEXT),
    Signature("sub_str", (_text("source"), _number("start"), _number("length", optional=True)), ValueKind.TEXT),
    Signature(
        "extract", (_text("source"), _text("regex"), _number("group", optional=True)), ValueKind.TEXT, folds=True
    ),
)

_CONVERSIONS = (
    Signature("log", (_number("value"),), ValueKind.NUMBER),
    *(
        Signature(name, (Parameter("value", ValueKind.ANY),), ValueKind.NUMBER)
        for name in ("to_double", "to_integer")
    ),
    *(Signature(name, (_number("instant"),), ValueKind.NUMBER) for name in ("hour_of_day", "day_of_week")),
)

FUNCTIONS: dict[str, Signature] = {
    signature.name: signature for signature in (*_STRINGS, *_NUMBERS, *_NULLS, *_TEXTS, *_CONVERSIONS)
}
"""Every function by name. Address tests and wildcards are leaves of their own (InNetwork, Like)."""
