"""Small rules, events and scans for the tests of detection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from dogwatch.alerts.model import Alert, Detection, Incident
from dogwatch.base.time import format_instant
from dogwatch.detect.compiled import compile_rules
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.scan import Scan
from dogwatch.detect.schedule import ScheduledScan
from dogwatch.events.batch import Batch
from dogwatch.events.readers import documents_to_batches
from dogwatch.events.report import ReadReport
from dogwatch.rules.loaders import elastic_toml, fortisiem_xml
from dogwatch.rules.model import Rule
from dogwatch.rules.ruleset import rule_set
from dogwatch.schema.schema import Schema

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_700_000_100 * SECOND
"""A whole multiple of five minutes, so that runs fall on ``START``, ``START + 5m``, .."""


def elastic(query: str, *, rule_id: str = "rule-1", language: str = "eql", **extra: Any) -> Rule:
    """A rule as a TOML file says it; ``extra`` are keys of its ``[rule]`` table."""
    fields: dict[str, Any] = {
        "author": ["Dogwatch"],
        "rule_id": rule_id,
        "name": f"Name of {rule_id}",
        "description": "d",
        "severity": "medium",
        "risk_score": 47,
        "type": "eql" if language == "eql" else "query",
        "language": language,
        "query": query,
        **{key.rstrip("_"): value for key, value in extra.items()},
    }
    text = "[metadata]\n[rule]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())
    loaded = elastic_toml.load(text, f"{rule_id}.toml")
    assert not loaded.diagnostics, loaded.diagnostics
    (rule,) = rule_set(loaded.rules).rules
    return rule


def fortisiem(
    condition: str,
    *,
    group_by: str = "hostName,user,swParam",
    aggregate: str = "COUNT(*) >= 1",
    mapping: str = "hostName = P.hostName, user = P.user, swParam = P.swParam",
    window: int = 300,
    severity: int = 5,
) -> Rule:
    """A rule of one subpattern ``P`` as an XML file says it."""
    text = f"""<Rules><Rule id="PH_Rule_T_1" function="Security" phIncidentCategory="Server">
      <Name>A rule</Name><IncidentTitle>A title</IncidentTitle><active>true</active><Description>d</Description>
      <IncidentDef eventType="PH_RULE_T_1" severity="{severity}"><ArgList>{mapping}</ArgList></IncidentDef>
      <PatternClause window="{window}"><SubPattern displayName="P" name="P">
      <SingleEvtConstr>{_escaped(condition)}</SingleEvtConstr><GroupByAttr>{group_by}</GroupByAttr>
      <GroupEvtConstr>{_escaped(aggregate)}</GroupEvtConstr></SubPattern></PatternClause></Rule></Rules>"""
    loaded = fortisiem_xml.load(text, "t.xml")
    assert not loaded.diagnostics, loaded.diagnostics
    (rule,) = rule_set(loaded.rules).rules
    return rule


def process(name: str, second: float = 0, **extra: Any) -> dict[str, Any]:
    """A process start, ``second`` seconds after ``START``; ``extra`` are dotted keys with ``__`` for dots."""
    return {
        "@timestamp": format_instant(START + round(second * SECOND)),
        "event": {"category": ["process"], "type": ["start"], "kind": "event"},
        "process": {"name": name},
        "host": {"name": "h", "id": "h1", "os": {"type": "linux"}},
        **{key.replace("__", "."): value for key, value in extra.items()},
    }


def hit(document: dict[str, Any], name: str, index: str | None = None) -> dict[str, Any]:
    """A document as a search gives it, with its ``_id``."""
    return {"_id": name, "_source": document, **({} if index is None else {"_index": index})}


def batches(
    documents: Sequence[object], scan: Scan | ScheduledScan, rows: int, index: str | None
) -> Iterable[Batch]:
    fields = scan.matching.fields
    return documents_to_batches(documents, fields, ReadReport(), index=index, batch_rows=rows)


def scan_for(rules: Sequence[Rule], options: ScanOptions | None = None) -> Scan:
    compiled = compile_rules(rules, Schema.ecs())
    assert not compiled.left_out, compiled.left_out
    return Scan(compiled.rules, options or ScanOptions())


def scheduled_for(rules: Sequence[Rule], options: ScanOptions | None = None) -> ScheduledScan:
    compiled = compile_rules(rules, Schema.ecs())
    assert not compiled.left_out, compiled.left_out
    return ScheduledScan(compiled.rules, options or ScanOptions())


def found(
    scan: Scan | ScheduledScan, documents: Sequence[object], *, rows: int = 8192, index: str | None = "logs-x"
) -> list[Detection]:
    return list(scan.run(batches(documents, scan, rows, index)))


def alerts(rules: Rule | Sequence[Rule], documents: Sequence[object], **options: Any) -> list[Alert]:
    """The alerts of a plain scan."""
    index = options.pop("index", "logs-x")
    scan = scan_for([rules] if isinstance(rules, Rule) else rules, ScanOptions(**options))
    return [each for each in found(scan, documents, index=index) if isinstance(each, Alert)]


def scheduled_alerts(rule: Rule, documents: Sequence[object], **options: Any) -> list[Alert]:
    """The alerts of a scan on schedule."""
    scan = scheduled_for([rule], ScanOptions(**options))
    return [each for each in found(scan, documents) if isinstance(each, Alert)]


def incidents(rule: Rule, documents: Sequence[object], **options: Any) -> list[Incident]:
    """The incidents of a plain scan, as they are given."""
    scan = scan_for([rule], ScanOptions(**options))
    return [each for each in found(scan, documents) if isinstance(each, Incident)]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
