"""What is unclear about the dates that a filter compares with."""

from __future__ import annotations

from dogwatch.base.time import MILLISECOND, format_instant, parse_instant
from dogwatch.languages.fortisiem.ast import Address, Number, Text
from dogwatch.languages.fortisiem.reading import Constant, Reading

_CODE = "fortisiem-date"
_FIRST_CREDIBLE = 100_000_000_000
"""Milliseconds of March 1973: a smaller number is more likely to mean seconds."""

_ZONE_MARKS = frozenset("Zz+")


def note_instant(constant: Constant, op: str, reading: Reading) -> None:
    """Point out where a date may be meant otherwise than it is read."""
    match constant:
        case Number(value=millis):
            if 0 < millis < _FIRST_CREDIBLE:
                _note_small(int(millis), constant, reading)
        case Text(value=text) if parse_instant(text) is not None:
            _note_text(text.strip(), constant, op, reading)
        case Text() | Address():
            return
    if op in ("=", "!="):
        message = "FortiSIEM compares no dates for equality; this asks for one and the same instant"
        reading.note(_CODE, message, constant.span, "write BETWEEN (first, last)")


def _note_small(millis: int, constant: Constant, reading: Reading) -> None:
    read = format_instant(millis * MILLISECOND)
    message = f"a date counts milliseconds since 1970, so this is {read}"
    reading.note(_CODE, message, constant.span, "multiply seconds by 1000")


def _note_text(text: str, constant: Constant, op: str, reading: Reading) -> None:
    time = text.replace(" ", "T", 1).partition("T")[2]
    if not time:
        if op in ("<=", ">"):
            message = "a date without a time is its first instant, 00:00 UTC"
            reading.note(_CODE, message, constant.span, "write the time, too")
    elif not (_ZONE_MARKS & set(time) or "-" in time):
        message = "a time without a zone is taken to be UTC"
        reading.note(_CODE, message, constant.span, "write Z or an offset such as +02:00 behind it")
