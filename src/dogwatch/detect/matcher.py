"""The matcher of a pattern that takes more than one event: over a closed stretch, or over a stream that flows."""

from __future__ import annotations

import time
from collections.abc import Callable

from dogwatch.base.time import SECOND
from dogwatch.engine.late import LateTolerantMatcher
from dogwatch.engine.sample import SampleMatcher
from dogwatch.engine.sequence import SequenceMatcher
from dogwatch.logic.pattern import SamplePattern, SequencePattern

LATENESS = 3600 * SECOND
"""How late an event of a followed stream may be: an ``accept`` is stamped when it began to wait."""

_FOLLOWED_ROWS = 200_000
"""Rows that a pattern retains of a followed stream; each holds its event's document."""

_CLOSED_ROWS = 1_000_000
"""Rows that a pattern retains of a closed stretch."""

Matcher = SequenceMatcher | LateTolerantMatcher | SampleMatcher


def matcher_of(
    pattern: SequencePattern | SamplePattern,
    *,
    follow: bool,
    max_samples_per_key: int = 1,
    present: Callable[[], int] = time.time_ns,
) -> Matcher:
    """What finds the pattern.

    Args:
        pattern: What to look for.
        follow: The rows come from a stream that flows, and may be up to ``LATENESS`` late; else they come in
            canonical order. What is found is then given as soon as it is certain.
        max_samples_per_key: How many samples a key gives at most.
        present: The time of day, which no stamp in a stream moves forward.
    """
    rows = _FOLLOWED_ROWS if follow else _CLOSED_ROWS
    match pattern:
        case SamplePattern():
            return SampleMatcher(pattern, max_samples_per_key, rows, eager=follow)
        case SequencePattern() if follow:
            return LateTolerantMatcher(pattern, LATENESS, rows, present=present)
        case SequencePattern():
            return SequenceMatcher(pattern, rows)
