"""Alerts and incidents as Parquet: what is asked of them most as columns, and each document as JSON text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.model import Alert, Detection, Incident
from dogwatch.base.time import parse_instant
from dogwatch.cli.formats.options import Options, selected
from dogwatch.cli.summary import summarise, text

_ROWS = 10_000
"""Rows of a row group."""

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("time", pa.timestamp("ns", "UTC")),
    ("kind", pa.utf8()),
    ("severity", pa.utf8()),
    ("risk_score", pa.float64()),
    ("rule_id", pa.utf8()),
    ("version", pa.int64()),
    ("rule", pa.utf8()),
    ("reason", pa.utf8()),
    ("host", pa.utf8()),
    ("user", pa.utf8()),
    ("process", pa.utf8()),
    ("happened", pa.utf8()),
    ("uuid", pa.utf8()),
    ("title", pa.utf8()),
    ("status", pa.utf8()),
    ("count", pa.int64()),
    ("attributes", pa.map_(pa.utf8(), pa.utf8())),
    ("_source", pa.utf8()),
]
SCHEMA = pa.schema(_COLUMNS)
"""The columns; what an alert does not say is null, and those from title to attributes are of incidents alone."""


def write(detections: Iterable[Detection], stream: BinaryIO, options: Options) -> None:
    """Write all detections as one Parquet file, which is complete when the last has been found."""
    rows = map(_row, selected(detections, options))
    with pq.ParquetWriter(stream, SCHEMA, compression="zstd") as writer:
        while group := list(islice(rows, _ROWS)):
            writer.write_table(pa.Table.from_pylist(group, SCHEMA))


def _row(detection: Detection) -> dict[str, Any]:
    blocks = detection.building_blocks if isinstance(detection, Alert) else ()
    row = summarise(detection.document, [block.document for block in blocks])
    said: dict[str, Any] = {
        "kind": detection.kind.value,
        "severity": row.severity,
        "rule_id": row.rule_id,
        "rule": row.rule,
        "reason": row.reason,
        "host": row.host,
        "user": row.user,
        "process": row.process,
        "happened": row.happened,
        "uuid": row.uuid,
    }
    if isinstance(detection, Incident):
        said |= {name: text(detection.document, f"fortisiem.incident.{name}") for name in ("title", "status")}
        said["count"] = _number(text(detection.document, "fortisiem.incident.count"))
        said["attributes"] = [(name, _text(str(value))) for name, value in detection.attributes.items()]
    shown = {name: _text(value) or None if isinstance(value, str) else value for name, value in said.items()}
    shown["time"] = parse_instant(row.time)
    shown["risk_score"] = None if _number(row.risk_score) is None else float(row.risk_score)
    shown["version"] = _number(row.version)
    shown["_source"] = encode(detection.document).decode()
    return shown


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def _text(value: str) -> str:
    """The text, with what UTF-8 cannot write replaced."""
    return value.encode("utf-8", "replace").decode()
