"""Values of expressions, and what all functions do with them."""

from __future__ import annotations

from typing import TypeGuard

from dogwatch.schema.field import Scalar

Value = Scalar | None

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1


def is_number(value: Value) -> TypeGuard[int | float]:
    """Whether it is a number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integer(value: Value) -> int | None:
    """The value if it is an integer."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def fits(value: float) -> float | None:
    """The value unless it is an integer beyond 64 bits, where the JVM's arithmetic stops too."""
    return None if isinstance(value, int) and not LONG_MIN <= value <= LONG_MAX else value


def units(text: str) -> int:
    """The UTF-16 units of a text."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, start: int, end: int) -> str:
    """``text[start:end]`` in UTF-16 units; half of a surrogate pair is dropped."""
    if text.isascii() or all(char <= "\uffff" for char in text):
        return text[start:end]
    first, last, _ = slice(start, end).indices(units(text))
    return text.encode("utf-16-le", "surrogatepass")[2 * first : 2 * max(first, last)].decode(
        "utf-16-le", "ignore"
    )
