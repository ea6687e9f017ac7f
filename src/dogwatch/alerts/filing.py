"""Filing detections: what is new, what is a better reading, and what was there already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dogwatch.alerts import tables
from dogwatch.alerts.encoding import decode, encode
from dogwatch.alerts.identity import named
from dogwatch.alerts.model import OPEN_UNTIL, Alert, AlertDocument, AlertKind, Detection, Incident, Trigger
from dogwatch.alerts.store import Filed
from dogwatch.base.text import printable
from dogwatch.base.time import format_instant, parse_instant

_CHUNK = 400
"""Detections, or keys of one question, handled together: well under every database's limit of parameters."""

_Row = dict[str, Any]


def file_detections(connection: Connection, detections: Iterable[Detection], now: int) -> Filed:
    """Keep detections within the connection's transaction.

    Args:
        connection: In a writing transaction.
        detections: Read once, a few hundred at a time.
        now: What is noted as the time of filing, in nanoseconds.
    """
    filed = Filed()
    for chunk in _distinct_chunks(detections):
        alerts = {key: item for key, item in chunk.items() if isinstance(item, Alert)}
        incidents = {key: item for key, item in chunk.items() if isinstance(item, Incident)}
        for part in (_file_alerts(connection, alerts, now), _file_incidents(connection, incidents, now)):
            filed = Filed(filed.new + part.new, filed.updated + part.updated, filed.known + part.known)
    return filed


def alert_key(alert: Alert) -> str:
    """The ledger's own name of an alert: the rule's instance and what decides sameness."""
    return named("alert", (alert.rule_uuid, alert.sameness))


def with_totals(document: AlertDocument, *, trigger_count: int, first_seen: int, last_seen: int) -> AlertDocument:
    """An incident's document that speaks of all its triggers."""
    return document | {
        "fortisiem.incident.count": trigger_count,
        "fortisiem.incident.first_seen": format_instant(first_seen),
        "fortisiem.incident.last_seen": format_instant(last_seen),
    }


def trigger_document(trigger: Trigger) -> AlertDocument:
    """A trigger as it is shown with its incident."""
    return {
        "id": trigger.id,
        "time": format_instant(trigger.time),
        "first_event": format_instant(trigger.first_event),
        "last_event": format_instant(trigger.last_event),
        "event_ids": list(trigger.event_ids),
    }


def _distinct_chunks(detections: Iterable[Detection]) -> Iterator[dict[str, Detection]]:
    """Stretches of the detections in which none is the same as another."""
    chunk: dict[str, Detection] = {}
    for detection in detections:
        key = alert_key(detection) if isinstance(detection, Alert) else detection.uuid
        if key in chunk or len(chunk) == _CHUNK:
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
    rows: list[_Row] = []
    blocks: list[_Row] = []
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


def _alert_row(alert: Alert, key: str, *, status: str, filed: int, time: int | None = None) -> _Row:
    document = alert.document | {"kibana.alert.workflow_status": status}
    if time is None:
        time = _time_of(document)
    else:
        document["@timestamp"] = format_instant(time)
    return _rule_columns(document) | {
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


def _block_rows(alert: Alert, shell: _Row) -> Iterator[_Row]:
    for position, block in enumerate(alert.building_blocks):
        key = named("block", (shell["key"], str(position)))
        row = _alert_row(block, key, status=shell["status"], filed=shell["filed"])
        yield row | {"kind": AlertKind.BUILDING_BLOCK.value, "shell": shell["key"], "position": position}


def _file_incidents(connection: Connection, incidents: Mapping[str, Incident], now: int) -> Filed:
    if not incidents:
        return Filed()
    table = tables.incidents
    stored = {row.uuid: row for row in connection.execute(sa.select(table).where(table.c.uuid.in_(incidents)))}
    new = updated = 0
    rows: list[_Row] = []
    added: list[_Row] = []
    for uuid, incident in incidents.items():
        fresh = {named("trigger", (trigger.id,)): trigger for trigger in incident.triggers}
        reading = _reading(fresh)
        before = stored.get(uuid)
        if before is None:
            new += 1
            rows.append(_incident_row(incident, fresh.values(), reading, now))
        else:
            for key in _known_triggers(connection, uuid, list(fresh)):
                del fresh[key]
            if not fresh and reading <= before.reading:
                continue
            updated += 1
            changes = _incident_changes(before, incident, fresh.values(), reading)
            connection.execute(sa.update(table).where(table.c.uuid == uuid).values(changes))
        added += [_trigger_row(uuid, key, trigger) for key, trigger in fresh.items()]
    if rows:
        connection.execute(sa.insert(table), rows)
    if added:
        connection.execute(sa.insert(tables.triggers), added)
    return Filed(new=new, updated=updated, known=len(incidents) - new - updated)


def _known_triggers(connection: Connection, incident: str, keys: Sequence[str]) -> Iterator[str]:
    table = tables.triggers
    for start in range(0, len(keys), _CHUNK):
        among = table.c.key.in_(keys[start : start + _CHUNK])
        yield from connection.scalars(sa.select(table.c.key).where(table.c.incident == incident, among))


def _reading(triggers: Mapping[str, Trigger]) -> str:
    """How much a run saw of an incident, as text that sorts: the later and fuller reading is the greater.

    The kept document is that of the greatest reading, so that it does not depend on the order of filing.
    """
    last = max(trigger.last_event for trigger in triggers.values())
    return f"{last + 2**63:020d}:{len(triggers):010d}:{named('reading', sorted(triggers))}"


def _incident_row(incident: Incident, triggers: Iterable[Trigger], reading: str, now: int) -> _Row:
    seen = list(triggers)
    document = incident.document | {"kibana.alert.workflow_status": "open"}
    status = str(document.setdefault("fortisiem.incident.status", "active")).lower()
    totals = {
        "trigger_count": len(seen),
        "first_seen": min(trigger.first_event for trigger in seen),
        "last_seen": max(trigger.last_event for trigger in seen),
    }
    return (
        _rule_columns(document)
        | totals
        | {
            "uuid": incident.uuid,
            "rule_uuid": printable(incident.rule_uuid),
            "attributes": encode(incident.attributes).decode(),
            "filed": now,
            "status": printable(status),
            "reading": reading,
            "document": encode(with_totals(document, **totals)).decode(),
        }
    )


def _incident_changes(before: sa.Row[Any], incident: Incident, added: Iterable[Trigger], reading: str) -> _Row:
    new = list(added)
    totals = {
        "trigger_count": before.trigger_count + len(new),
        "first_seen": min([before.first_seen, *(trigger.first_event for trigger in new)]),
        "last_seen": max([before.last_seen, *(trigger.last_event for trigger in new)]),
    }
    kept = decode(before.document)
    if reading <= before.reading:
        return totals | {"document": encode(with_totals(kept, **totals)).decode()}
    worked_on = ("kibana.alert.workflow_status", "fortisiem.incident.status")
    document = incident.document | {name: kept[name] for name in worked_on}
    return (
        _rule_columns(document)
        | totals
        | {"reading": reading, "document": encode(with_totals(document, **totals)).decode()}
    )


def _trigger_row(incident: str, key: str, trigger: Trigger) -> _Row:
    return {
        "incident": incident,
        "key": key,
        "time": trigger.time,
        "first_event": trigger.first_event,
        "last_event": trigger.last_event,
        "document": encode(trigger_document(trigger)).decode(),
    }


def _rule_columns(document: AlertDocument) -> _Row:
    name = printable(str(document.get("kibana.alert.rule.name", "")))
    risk = document.get("kibana.alert.risk_score")
    return {
        "rule_id": printable(str(document.get("kibana.alert.rule.rule_id", ""))),
        "rule_version": printable(str(document.get("kibana.alert.rule.version", ""))),
        "rule_name": name,
        "rule_name_folded": name.lower(),
        "severity": str(document["kibana.alert.severity"]),
        "risk_score": float(risk) if isinstance(risk, int | float) else None,
    }


def _time_of(document: AlertDocument) -> int | None:
    # An event may bear a time outside what nanoseconds can say; its alert is kept all the same.
    return parse_instant(str(document.get("@timestamp", "")))
