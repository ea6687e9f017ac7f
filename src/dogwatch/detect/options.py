"""How a scan goes about it."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dogwatch.base.time import SECOND

SPOOL_BYTES = 128 * 1024 * 1024
"""Memory for retained rows of a closed scan; beyond it they go to temporary files."""

TOLERANCE = 10 * SECOND
"""How long an event of a followed stream may be in coming, for a FortiSIEM rule with several subpatterns."""


class OpenWindows(enum.Enum):
    """What becomes of a match that an event must not follow, if the data ended before its window did."""

    VENDOR = "vendor"
    """What each vendor's product does: a sequence of Elastic's is reported, an incident of FortiSIEM's is not."""
    REPORT = "report"
    """It is an alert or an incident, which says so: Elasticsearch judges by the data that is there."""
    OMIT = "omit"
    """It is left out: FortiSIEM waits for the time to pass."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan goes about it.

    Attributes:
        start: Earliest ``@timestamp`` in nanoseconds, inclusive; ``None`` is no limit.
        end: Latest ``@timestamp``, inclusive; ``None`` is no limit.
        any_index: Offer every event to every rule, whatever data streams the rule names.
        follow: Events arrive in the order in which they happen and the stream has no end: sequences and
            incidents are reported as they complete, not after a sort at the end.
        open_windows: What becomes of a match that an event after the end of the data could have refuted.
        tolerance: How much later than the newest event, in nanoseconds, an event of a followed stream may come and
            still count for a FortiSIEM rule with several subpatterns, which waits that long.
        now: What ``now`` means in the rules' dates, and the time of an alert whose event has none, nanoseconds
            since 1970 UTC.
        present: The time of day: events of a followed stream that are stamped later say nothing about what rules
            wait for in vain.
        spool_bytes: Memory for retained rows.
        workers: Processes that read and match files, where these are large enough to be shared out. What is found
            does not depend on it.
        profile: Note what each rule costs, which itself costs a little.
    """

    start: int | None = None
    end: int | None = None
    any_index: bool = False
    follow: bool = False
    open_windows: OpenWindows = OpenWindows.VENDOR
    tolerance: int = TOLERANCE
    now: int = field(default_factory=time.time_ns)
    present: Callable[[], int] = time.time_ns
    spool_bytes: int = SPOOL_BYTES
    workers: int = 1
    profile: bool = False
