"""Times as people type them on the command line."""

from __future__ import annotations

import click

from dogwatch.base.time import parse_date_math, parse_duration

TIME_HINT = "an ISO 8601 time such as 2026-11-22T02:00:00Z, or date math such as now-9m or now-7d/d"


def instant(text: str | None, now: int, option: str, *, round_up: bool = False) -> int | None:
    """The instant that an option names, in nanoseconds since 1970 UTC; ``None`` if it was not given.

    Args:
        text: What was typed.
        now: What ``now`` means.
        option: The option's name, for the message.
        round_up: Whether ``/d`` and the like mean the end of the unit.

    Raises:
        click.BadParameter: It is no time.
    """
    if text is None:
        return None
    moment = parse_date_math(text, now, round_up=round_up)
    if moment is None:
        raise click.BadParameter(f"{text!r} is no time; give {TIME_HINT}", param_hint=option)
    return moment


def duration(text: str, option: str) -> int:
    """The length of time that an option names, in nanoseconds.

    Raises:
        click.BadParameter: It is none.
    """
    length = parse_duration(text)
    if length is None or length < 0:
        raise click.BadParameter(f"{text!r} is no length of time; give one such as 10s or 5m", param_hint=option)
    return length
