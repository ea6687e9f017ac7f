"""Stretches of time that do not meet: when something was so."""

from __future__ import annotations

Stretches = tuple[tuple[int, int], ...]
"""Begin and end of each in order of time, nanoseconds since 1970 UTC; neither end is part of it."""

MOST = 1_000
"""Stretches of one thing that are told apart; the oldest go first."""


def with_stretch(stretches: Stretches, begin: int, end: int) -> Stretches:
    """The same with another stretch, which grows together with those that it overlaps.

    Examples:
        >>> with_stretch(((0, 10), (20, 30)), 5, 12)
        ((0, 12), (20, 30))
        >>> with_stretch(((0, 10), (20, 30)), 10, 25)
        ((0, 10), (10, 30))
    """
    apart: list[tuple[int, int]] = []
    for known in stretches:
        # Those that only touch stay apart: what lies between them is in neither.
        if known == (begin, end) or (known[0] < end and begin < known[1]):
            begin, end = min(begin, known[0]), max(end, known[1])
        else:
            apart.append(known)
    return tuple(sorted([*apart, (begin, end)])[-MOST:])
