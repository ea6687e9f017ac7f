"""What the functions of ``dogwatch.logic.functions`` compute, one value at a time.

Text is measured and cut in UTF-16 units, as the JVM does. A null argument gives null except where a
function says otherwise, and what cannot be computed (a division by zero, a number too large for 64 bits,
an argument of the wrong kind) is null too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

from dogwatch.base.text import Fold
from dogwatch.base.time import format_instant
from dogwatch.engine.reference.conversions import day_of_week, hour_of_day, log, to_double, to_integer
from dogwatch.engine.reference.texts import extract, lower, replace, sub_str, trim, trim_left, trim_right, upper
from dogwatch.engine.reference.value import LONG_MAX, Value, cut, fits, integer, is_number, units
from dogwatch.logic.functions import FUNCTIONS as SIGNATURES

Function = Callable[..., Value]
"""From positional arguments, and the keyword ``fold`` if the signature folds, to a value."""


def call(function: str, arguments: Sequence[Value], fold: Fold) -> Value:
    """The function's value for these arguments; ``fold`` matters only to functions that fold."""
    if SIGNATURES[function].folds:
        return FUNCTIONS[function](*arguments, fold=fold)
    return FUNCTIONS[function](*arguments)


def between(source: Value, left: Value, right: Value, greedy: Value = False, *, fold: Fold) -> Value:
    """The text after the first ``left`` up to the next ``right``, or up to the last one if ``greedy``.

    Examples:
        >>> between("curl -o /tmp/x", "curl ", "/", fold=Fold.NONE)
        '-o '
    """
    if not (isinstance(source, str) and isinstance(left, str) and isinstance(right, str)) or greedy is None:
        return None
    folded, origin = _fold_in_place(source, fold)
    left, right = fold.apply(left), fold.apply(right)
    start = folded.find(left)
    if start < 0:
        return None
    start += len(left)
    end = folded.rfind(right, start) if greedy else folded.find(right, start)
    return None if end < 0 else source[origin(start) : origin(end)]


def concat(*values: Value) -> Value:
    """The string forms of all values, one after another; null if any is null.

    Examples:
        >>> concat("a", 1, True)
        'a1true'
    """
    texts = [string(value) for value in values]
    return None if None in texts else "".join(str(text) for text in texts)


def ends_with(source: Value, substring: Value, *, fold: Fold) -> Value:
    """Whether ``source`` ends with ``substring``.

    Examples:
        >>> ends_with("CMD.EXE", ".exe", fold=Fold.UNICODE)
        True
    """
    if not (isinstance(source, str) and isinstance(substring, str)):
        return None
    return fold.apply(source).endswith(fold.apply(substring))


def index_of(source: Value, substring: Value, start: Value = None, *, fold: Fold) -> Value:
    """Where ``substring`` first occurs at or after ``start`` (0 if null or negative); null if it does not.

    Examples:
        >>> index_of("netcat", "t", 3, fold=Fold.NONE)
        5
    """
    if not (isinstance(source, str) and isinstance(substring, str)):
        return None
    skip = 0 if start is None else integer(start)
    if skip is None:
        return None
    head = cut(source, 0, max(skip, 0))
    if skip > units(source):
        return None
    folded, origin = _fold_in_place(source[len(head) :], fold)
    found = folded.find(fold.apply(substring))
    return None if found < 0 else units(head) + units(source[len(head) : len(head) + origin(found)])


def length(source: Value) -> Value:
    """The number of UTF-16 units of a text.

    Examples:
        >>> length("nc -l")
        5
    """
    return units(source) if isinstance(source, str) else None


def starts_with(source: Value, substring: Value, *, fold: Fold) -> Value:
    """Whether ``source`` starts with ``substring``.

    Examples:
        >>> starts_with("/usr/bin/nc", "/usr", fold=Fold.NONE)
        True
    """
    if not (isinstance(source, str) and isinstance(substring, str)):
        return None
    return fold.apply(source).startswith(fold.apply(substring))


def string(value: Value) -> Value:
    """The value as text, written as Java writes it.

    Examples:
        >>> string(0.75)
        '0.75'
    """
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _java_double(value)


def string_contains(source: Value, substring: Value, *, fold: Fold) -> Value:
    """Whether ``source`` holds ``substring``; nothing holds the empty text.

    Examples:
        >>> string_contains("sh -c id", "-c", fold=Fold.NONE)
        True
    """
    if not (isinstance(source, str) and isinstance(substring, str)):
        return None
    return substring != "" and fold.apply(substring) in fold.apply(source)


def substring(source: Value, start: Value, end: Value = None) -> Value:
    """The units ``start`` to ``end``; negative ones count from the end, null ones are the text's own ends.

    Examples:
        >>> substring("/bin/bash", -4, -1)
        'bas'
    """
    if not isinstance(source, str):
        return None
    first = 0 if start is None else integer(start)
    last = LONG_MAX if end is None else integer(end)
    return None if first is None or last is None else cut(source, first, last)


def add(left: Value, right: Value) -> Value:
    """The sum.

    Examples:
        >>> add(20, 2.5)
        22.5
    """
    return fits(left + right) if is_number(left) and is_number(right) else None


def subtract(left: Value, right: Value) -> Value:
    """The difference.

    Examples:
        >>> subtract(20, 22)
        -2
    """
    return fits(left - right) if is_number(left) and is_number(right) else None


def multiply(left: Value, right: Value) -> Value:
    """The product.

    Examples:
        >>> multiply(-4, 2.5)
        -10.0
    """
    return fits(left * right) if is_number(left) and is_number(right) else None


def divide(left: Value, right: Value) -> Value:
    """The quotient; that of two integers is cut off toward zero, and division by zero is null.

    Examples:
        >>> divide(-9, 4)
        -2
    """
    if not (is_number(left) and is_number(right)) or right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return fits(quotient if (left < 0) == (right < 0) else -quotient)
    return left / right


def modulo(left: Value, right: Value) -> Value:
    """The remainder, with the sign of ``left``; null if ``right`` is zero.

    Examples:
        >>> modulo(-9, 4)
        -1
    """
    if not (is_number(left) and is_number(right)) or right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        remainder = abs(left) % abs(right)
        return -remainder if left < 0 else remainder
    return None if math.isinf(left) else math.fmod(left, right)


def negate(value: Value) -> Value:
    """The value with the other sign.

    Examples:
        >>> negate(7)
        -7
    """
    return fits(-value) if is_number(value) else None


def is_null(value: Value) -> Value:
    """Whether there is no value: the one function that answers null with a value.

    Examples:
        >>> is_null(None)
        True
    """
    return value is None


def date_string(instant: Value) -> Value:
    """A date, in nanoseconds since 1970, as the JVM prints one in UTC: without seconds or fractions that are zero.

    Examples:
        >>> date_string(1_795_313_220_000_000_000)
        '2026-11-22T02:07Z'
    """
    if not isinstance(instant, int) or isinstance(instant, bool):
        return None
    date, _, time = format_instant(instant).removesuffix("Z").partition("T")
    whole, _, fraction = time.partition(".")
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    if fraction:
        return f"{date}T{whole}.{fraction}Z"
    return f"{date}T{whole.removesuffix(':00') if whole.count(':') == 2 else whole}Z"


def number(source: Value, base: Value = None) -> Value:
    """The number that a text writes, in ``base`` (else 16 after ``0x``, else 10); null if it writes none.

    A decimal integer that 64 bits do not hold is a floating point number.

    Examples:
        >>> number("0x1f90")
        8080
        >>> number("-0.5", 10)
        -0.5
    """
    if not isinstance(source, str):
        return None
    radix = None if base is None else integer(base)
    if base is not None and (radix is None or not 2 <= radix <= 36):
        return None
    text = source.strip()
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if digits.startswith("0x") and radix in (None, 16):
        radix, digits = 16, digits[2:]
    # Python reads underscores, other scripts' digits, "inf" and "nan" as well; these are not numbers here.
    if not (digits.isascii() and digits.replace(".", "").replace("+", "").replace("-", "").isalnum()):
        return None
    try:
        if digits.isalnum() and (radix not in (None, 10) or digits.isdigit()):
            whole = fits(int(sign + digits, radix or 10))
            if whole is not None or radix not in (None, 10):
                return whole
        if radix not in (None, 10) or not (digits[0].isdigit() or digits[0] == "."):
            return None
        decimal = float(sign + digits)
    except ValueError:
        return None
    return decimal if math.isfinite(decimal) else None


FUNCTIONS: dict[str, Function] = {
    function.__name__: function
    for function in (
        between,
        concat,
        ends_with,
        index_of,
        length,
        starts_with,
        string,
        string_contains,
        substring,
        add,
        subtract,
        multiply,
        divide,
        modulo,
        negate,
        number,
        is_null,
        date_string,
        trim_left,
        trim_right,
        trim,
        lower,
        upper,
        replace,
        sub_str,
        extract,
        log,
        to_double,
        to_integer,
        hour_of_day,
        day_of_week,
    )
}
"""Behaviour by the name of the signature."""


def _fold_in_place(text: str, fold: Fold) -> tuple[str, Callable[[int], int]]:
    """The folded text and the way back from its positions to those of ``text`` (some letters fold to two)."""
    folded = fold.apply(text)
    if len(folded) == len(text):
        return folded, lambda position: position
    ends: list[int] = []
    for index, char in enumerate(text):
        ends += [index] * len(fold.apply(char))
    return folded, lambda position: ends[position] if position < len(ends) else len(text)


def _java_double(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = format(Decimal(repr(value)), "f")
        return plain if "." in plain else plain + ".0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    shown = "".join(map(str, digits)).rstrip("0")
    power = int(exponent) + len(digits) - 1
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"
