"""What the user says about inputs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class ReadOptions:
    """What the user says about the inputs.

    Attributes:
        index: The data stream of every event, whatever the input says.
        host: The name of the host that audit logs come from, where they do not say.
        format: ``ndjson``, ``audit``, ``json``, ``fortisiem`` or ``csv``; ``None`` looks at the content.
        batch_rows: Most rows of a batch; one that is read natively is as long as its block.
        clock: Gives the time of reading in nanoseconds since 1970: it tells the year of times that have none.
        block_bytes: Bytes of a block of JSON lines, about; one long line makes a longer block.
        native_bytes: Bytes that a block must have to be parsed natively, and a few times as many must have come in
            all: to set the parser up takes longer than to read a little line by line.
    """

    index: str | None = None
    host: str | None = None
    format: str | None = None
    batch_rows: int = 8192
    clock: Callable[[], int] = time.time_ns
    block_bytes: int = 16 << 20
    native_bytes: int = 1 << 20
