"""Exit statuses, the same for every command and output format."""

from __future__ import annotations

RAN = 0
"""It ran, and nothing at or above ``--fail-on`` was found."""

FOUND = 1
"""``--fail-on`` was met, or a check found errors."""

USAGE = 2
"""Usage or configuration is wrong, or nothing could be read at all."""

LEFT_OUT = 3
"""It ran, but something whole was left out: a rule, a file, the rest of a truncated one."""


def status(*, found: bool = False, unusable: bool = False, left_out: bool = False) -> int:
    """The status that matters most: 2 before 1 before 3 before 0."""
    if unusable:
        return USAGE
    if found:
        return FOUND
    return LEFT_OUT if left_out else RAN
