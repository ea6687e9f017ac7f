"""What a person may ask of every output format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dogwatch.alerts.model import Alert, AlertKind, Detection


@dataclass(frozen=True, slots=True)
class Options:
    """What to print, and on how much room.

    Attributes:
        building_blocks: Whether building blocks are printed too.
        max_rows: The most rows of a table; other formats print everything.
        width: Columns of the screen; ``None`` asks the terminal, and takes 80 where there is none.
        at_once: Print each detection when it comes, for an input that has no end.
    """

    building_blocks: bool = False
    max_rows: int = 200
    width: int | None = None
    at_once: bool = False


def selected(detections: Iterable[Detection], options: Options) -> Iterator[Detection]:
    """What is to be printed, in order: the building blocks of a sequence come directly before their shell."""
    for detection in detections:
        if isinstance(detection, Alert):
            if options.building_blocks:
                yield from detection.building_blocks
            elif detection.kind is AlertKind.BUILDING_BLOCK:
                continue
        yield detection
