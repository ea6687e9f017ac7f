"""What is handed to another process of the events of audit logs."""

from __future__ import annotations

from dataclasses import dataclass

from dogwatch.events.units import BlockBuffer


@dataclass(frozen=True, slots=True)
class AuditShare:
    """Some joined events, in a buffer.

    Attributes:
        first_arrival: The arrival number of the first.
        rows: How many events come of them.
        size: Bytes in the buffer.
        buffer: Where they are.
    """

    first_arrival: int
    rows: int
    size: int
    buffer: BlockBuffer
