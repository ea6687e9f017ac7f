"""Text that strangers typed, fitted into the cells of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from dogwatch.base.text import printable
from dogwatch.base.time import format_instant, parse_instant
from dogwatch.cli.widths import shorten

SEVERITY_STYLES = {
    "low": "blue",
    "medium": "yellow",
    "high": "red",
    "critical": "bold white on red",
}
"""Severity word -> how a terminal with colours shows it."""


def safe(value: str, style: str | Style = "") -> Text:
    """Text to show as it is: no markup is read in it, and nothing in it moves the cursor."""
    return Text(printable(value), style=style, overflow="fold")


def fitted(value: str, cells: int, style: str | Style = "") -> Text:
    """Text to show in at most ``cells`` cells; what is too long loses its middle, not its ends."""
    return Text(shorten(value, cells), style=style, overflow="fold")


def severity(word: str) -> Text:
    """A severity word in its colour."""
    return safe(word, SEVERITY_STYLES.get(word, ""))


def short_times(times: Sequence[str], *, digits: int = 0) -> tuple[str, list[str]]:
    r"""A column of times in UTC: its header says what they have in common, a day or a year.

    Args:
        times: ISO 8601 texts; what is none is shown as it is.
        digits: Digits shown of the second's fraction, up to nine.

    Examples:
        >>> short_times(["2026-11-22T02:07:12.823Z", "2026-11-23T00:00:01Z"])
        ('2026\n(UTC)', ['11-22 02:07:12', '11-23 00:00:01'])
    """
    instants = [parse_instant(each) for each in times]
    shown = [
        given if instant is None else _moment(instant, digits)
        for given, instant in zip(times, instants, strict=True)
    ]
    if shown and None not in instants:
        for common, separator in ((10, " "), (4, "-")):
            start = shown[0][:common] + separator
            if all(each.startswith(start) for each in shown):
                return f"{start[:-1]}\n(UTC)", [each.removeprefix(start) for each in shown]
    return "time\n(UTC)", [shorten(each, 20 + digits) for each in shown]


def _moment(instant: int, digits: int) -> str:
    whole, _, fraction = format_instant(instant).removesuffix("Z").replace("T", " ").partition(".")
    return f"{whole}.{fraction.ljust(9, '0')[:digits]}" if digits else whole
