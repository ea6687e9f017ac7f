"""Filing alerts: what is new, what is a better reading, and what was there already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dogwatch.alerts import tables
from dogwatch.alerts.encoding import decode, encode
from dogwatch.alerts.identity import named
from dogwatch.alerts.incident_filing import clear_stored, file_incidents
from dogwatch.alerts.model import OPEN_UNTIL, Alert, AlertDocument, AlertKind, Detection, Incident
from dogwatch.alerts.rows import MOST_KEYS, Row, rule_columns
from dogwatch.alerts.store import ClearedElsewhere, Filed
from dogwatch.base.text import printable
from dogwatch.base.time import format_instant, parse_instant


def file_detections(
    connection: Connection,
    detections: Iterable[Detection],
    now: int,
    clearings: Iterable[ClearedElsewhere] = (),
    *,
    sweep: bool = True,
) -> Filed:
    """Keep detections within the connection's transaction.

    Args:
        connection: In a writing transaction.
        detections: Read once, a few hundred at a time.
        now: What is noted as the time of filing, in nanoseconds.
        clearings: What clears incidents of earlier runs.
        sweep: Whether they clear all that they can, or only what the detections are about.
    """
    filed = Filed()
    by_rule = {each.rule_uuid: each for each in clearings}
    for chunk in _distinct_chunks(detections):
        alerts = {key: item for key, item in chunk.items() if isinstance(item, Alert)}
        incidents = [item for item in chunk.values() if isinstance(item, Incident)]
        for part in (_file_alerts(connection, alerts, now), file_incidents(connection, incidents, by_rule, now)):
            filed = Filed(filed.new + part.new, filed.updated + part.updated, filed.known + part.known)
    if sweep:
        clear_stored(connection, by_rule)
    return filed


def alert_key(alert: Alert) -> str:
    """The ledger's own name of an alert: the rule's instance and what decides sameness."""
    return named("alert", (alert.rule_uuid, alert.sameness))


def _distinct_chunks(detections: Iterable[Detection]) -> Iterator[dict[str, Detection]]:
    """Stretches of the detections in which none is the same as another."""
    chunk: dict[str, Detection] = {}
    for detection in detections:
        key = alert_key(detection) if isinstance(detection, Alert) else detection.uuid
        if key in chunk or len(chunk) == MOST_KEYS:
            yield chunk
            chunk = {}
        chunk[key] = detection
    if chunk:
        yield chunk


def _file_alerts(connection: Connection, alerts: Mapping[str, Alert], now: int) -> Filed:
    if not alerts:
        return Filed()
    table = tables.alerts
    columns = (table.c.key, table.c.uuid, table.c.time, table.c.filed, table.c.status)
    found = connection.execute(sa.select(*columns).where(table.c.key.in_(alerts)))
    stored = {row.key: row for row in found}
    repeated = [key for key, row in stored.items() if row.uuid == printable(alerts[key].uuid)]
    certain = _now_certain(connection, {key: alerts[key] for key in repeated})
    rows: list[Row] = []
    blocks: list[Row] = []
    changed: list[str] = []
    known = 0
    for key, alert in alerts.items():
        before = stored.get(key)
        if before is None:
            row = _alert_row(alert, key, status="open", filed=now)
        elif before.uuid == printable(alert.uuid) and key not in certain:
            known += 1
            continue
        else:
            # People have seen it under its first time and may have worked on it: those stay.
            changed.append(key)
            row = _alert_row(alert, key, status=before.status, filed=before.filed, time=before.time)
        rows.append(row)
        blocks += _block_rows(alert, row)
    if changed:
        # Their blocks go with them.
        connection.execute(sa.delete(table).where(table.c.key.in_(changed)))
    if rows:
        connection.execute(sa.insert(table), rows)
    if blocks:
        connection.execute(sa.insert(table), blocks)
    return Filed(new=len(rows) - len(changed), updated=len(changed), known=known)


def _now_certain(connection: Connection, alerts: Mapping[str, Alert]) -> set[str]:
    """Those of some kept alerts that bear the mark of an open window, and now came without it."""
    table = tables.alerts
    closed = [key for key, alert in alerts.items() if alert.building_blocks and OPEN_UNTIL not in alert.document]
    found = connection.execute(sa.select(table.c.key, table.c.document).where(table.c.key.in_(closed)))
    return {row.key for row in found if OPEN_UNTIL in decode(row.document)}


def _alert_row(alert: Alert, key: str, *, status: str, filed: int, time: int | None = None) -> Row:
    document = alert.document | {"kibana.alert.workflow_status": status}
    if time is None:
        time = _time_of(document)
    else:
        document["@timestamp"] = format_instant(time)
    return rule_columns(document) | {
        "key": key,
        "uuid": printable(alert.uuid),
        "kind": alert.kind.value,
        "shell": None,
        "position": None,
        "rule_uuid": printable(alert.rule_uuid),
        "time": time,
        "filed": filed,
        "status": status,
        "document": encode(document).decode(),
    }


def _block_rows(alert: Alert, shell: Row) -> Iterator[Row]:
    for position, block in enumerate(alert.building_blocks):
        key = named("block", (shell["key"], str(position)))
        row = _alert_row(block, key, status=shell["status"], filed=shell["filed"])
        yield row | {"kind": AlertKind.BUILDING_BLOCK.value, "shell": shell["key"], "position": position}


def _time_of(document: AlertDocument) -> int | None:
    # An event may bear a time outside what nanoseconds can say; its alert is kept all the same.
    return parse_instant(str(document.get("@timestamp", "")))
