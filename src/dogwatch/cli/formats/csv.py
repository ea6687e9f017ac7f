"""Comma-separated values (RFC 4180) that a spreadsheet can open without obeying them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from dogwatch.alerts.model import Alert, Detection
from dogwatch.base.text import printable
from dogwatch.cli.formats.options import Options, selected
from dogwatch.cli.summary import summarise, text

COLUMNS = (
    "time",
    "severity",
    "risk_score",
    "rule_id",
    "version",
    "rule",
    "reason",
    "host",
    "user",
    "process",
    "uuid",
    "title",
    "status",
    "count",
    "attributes",
)
"""The header; the last four are of incidents alone."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet read a cell as a formula; the last four are the full-width forms."""


def write(detections: Iterable[Detection], stream: TextIO, options: Options) -> None:
    """Print a header and one row a detection."""
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for detection in selected(detections, options):
        blocks = detection.building_blocks if isinstance(detection, Alert) else ()
        row = summarise(detection.document, [block.document for block in blocks])
        cells = (
            row.time,
            row.severity,
            row.risk_score,
            row.rule_id,
            row.version,
            row.rule,
            row.reason,
            row.host,
            row.user,
            row.process,
            row.uuid,
            *_incident(detection),
        )
        writer.writerow([cell(each) for each in cells])
        stream.flush()


def _incident(detection: Detection) -> tuple[str, ...]:
    """An incident's title, status, count and attributes, these as ``name=value`` parted by ``; ``."""
    if isinstance(detection, Alert):
        return ("",) * 4
    named = "; ".join(f"{name}={value}" for name, value in detection.attributes.items())
    said = (text(detection.document, f"fortisiem.incident.{each}") for each in ("title", "status", "count"))
    return (*said, named)


def cell(content: str) -> str:
    """A cell's text: what a spreadsheet would calculate is quoted, control characters are made visible.

    Examples:
        >>> cell("=HYPERLINK(A1)")
        "'=HYPERLINK(A1)"
    """
    shown = printable(content)
    return f"'{shown}" if content.startswith(_FORMULA_STARTS) else shown
