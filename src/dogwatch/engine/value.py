"""Values of aggregates: what counts as a number, and what can be shown."""

from __future__ import annotations

import math
from typing import TypeGuard

from dogwatch.schema.field import Scalar

Number = int | float

Value = int | float | str
"""What an aggregate gives: a number, which is finite, or a text."""


def is_number(value: Scalar) -> TypeGuard[Number]:
    """Whether a value takes part in an aggregate of numbers."""
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))  # type: ignore[arg-type]  # mypy cannot see it


def as_value(value: Scalar) -> Value | None:
    """A value as an aggregate gives it: truth as a text, and ``None`` for a number that is not finite."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) or is_number(value) else None


def quotient(numerator: int, denominator: int) -> float | None:
    """The nearest floating point number to a fraction; ``None`` beyond the largest."""
    try:
        return numerator / denominator
    except OverflowError:
        return None
