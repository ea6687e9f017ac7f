"""One JSON document a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.model import Detection
from dogwatch.cli.formats.options import Options, selected


def write(detections: Iterable[Detection], stream: TextIO, options: Options) -> None:
    """Print each document when it is found; a reader at the other end of a pipe need not wait."""
    for detection in selected(detections, options):
        stream.write(encode(detection.document).decode() + "\n")
        stream.flush()
