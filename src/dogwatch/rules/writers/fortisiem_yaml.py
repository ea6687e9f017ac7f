"""FortiSIEM rules in the YAML form that ``dogwatch.rules.loaders.fortisiem_yaml`` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from dogwatch.rules.attack import Tactic, Technique
from dogwatch.rules.fortisiem_model import (
    AttributeMapping,
    ClearCondition,
    Extra,
    Operator,
    PatternClause,
    PatternClear,
    QuietClear,
    SubPattern,
    XmlElement,
)
from dogwatch.rules.loaders import fortisiem_yaml
from dogwatch.rules.loaders.fortisiem_fields import FREQUENCY, derived_threat
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.writers.readback import check_read_back

_LINE = 100
"""Characters up to which a list of names stands on one line."""

_Table = dict[str, Any]


def write_fortisiem_yaml(rules: Sequence[FortisiemRule]) -> str:
    """The rules as one YAML file, from which equal rules are read: places, comments and layout aside.

    Raises:
        DogwatchError: ``rule-unwritable`` for a rule that would be read otherwise than it is.
    """
    tables = [_rule(rule) for rule in rules]
    header = fortisiem_yaml.HEADER
    content = {header: tables[0]} if len(tables) == 1 else {f"{header}s": tables}
    # The width keeps long filters on one line, where a column can be named.
    text = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=2**31
    )
    check_read_back(rules, text, fortisiem_yaml.load)
    return text


def _rule(rule: FortisiemRule) -> _Table:
    kept: Mapping[str, str] = rule.extra.get("attributes", {})
    has_id = rule.rule_id != rule.incident.event_type or "natural_id" in kept
    below = _named_extra({"IncidentDef": rule.incident.extra, "PatternClause": rule.clause.extra})
    extra = Extra(tuple(kept.items()), tuple(rule.extra.get("elements", ())), tuple(rule.extra.get("inside", ())))
    return _said(
        {
            "id": rule.rule_id if has_id else "",
            "Name": rule.name,
            "IncidentTitle": rule.incident_title,
            "Description": rule.description,
            "active": rule.enabled,
            "group": _names(rule.groups),
            "phIncidentCategory": _names(rule.impacts),
            "function": rule.category,
            "subFunction": rule.sub_function,
            "technique": _names(rule.techniques),
            "DetectionTechnology": rule.detection_technology,
            "Remediation": rule.remediation,
            "eventType": rule.incident.event_type,
            "severity": rule.incident.severity,
            **_clause(rule.clause),
            "incident": _arguments(rule.incident.mapping),
            "ClearCondition": None if rule.clear_condition is None else _clear(rule.clear_condition),
            "WatchList": _watch_lists(rule),
            FREQUENCY: rule.notification_frequency,
            "TriggerEventDisplay": _names(rule.triggered_attributes),
            "Dogwatch": _own(rule),
            "extra": _extra(extra) | below,
        }
    )


def _clause(clause: PatternClause) -> _Table:
    parts: list[Any] = []
    for at, subpattern in enumerate(clause.subpatterns):
        parts += [_operator(each) for each in clause.operators[at - 1 : at]]
        parts.append(_subpattern(subpattern))
    return {"window": clause.window, "SubPattern": parts, "GlobalConstr": clause.global_constraint}


def _operator(operator: Operator) -> str | _Table:
    if not operator.rank and not operator.extra:
        return operator.type
    return _said({"type": operator.type, "rank": operator.rank, "extra": _extra(operator.extra)})


def _subpattern(subpattern: SubPattern) -> _Table:
    return _said(
        {
            "name": subpattern.name,
            "displayName": subpattern.display_name,
            "filter": subpattern.filter,
            "group-by": _names(subpattern.group_by),
            "aggregate": subpattern.aggregate,
            "extra": _extra(subpattern.extra),
        }
    )


def _clear(clear: ClearCondition) -> _Table:
    method = "" if clear.method == "Auto" else clear.method
    match clear.when:
        case QuietClear(quiet=quiet):
            return _said({"method": method, "QuietPeriod": quiet, "extra": _extra(clear.extra)})
        case PatternClear() as when:
            below = _named_extra({"ClearIncidentDef": when.extra, "PatternClause": when.clause.extra})
            return _said(
                {
                    "method": method,
                    "name": when.name,
                    **_clause(when.clause),
                    "incident": _arguments(when.mapping),
                    "ClearConstr": when.constraint,
                    "extra": _extra(clear.extra) | below,
                }
            )


def _arguments(mapping: Sequence[AttributeMapping]) -> _Table | list[str]:
    table = {each.attribute: f"{each.subpattern}.{each.source}" for each in mapping}
    return table if len(table) == len(mapping) else [str(each) for each in mapping]


def _watch_lists(rule: FortisiemRule) -> _Table | list[_Table]:
    written = [each for each in rule.watch_lists if not each.is_kept]
    table = {each.attribute: _Names(each.lists) for each in written}
    if len(table) == len(written):
        return table
    return [{"attribute": each.attribute, "lists": _Names(each.lists)} for each in written]


def _own(rule: FortisiemRule) -> _Table:
    named = rule.threat != derived_threat(rule.sub_function, rule.techniques)
    extra = Extra(tuple(rule.extra.get("own_attributes", {}).items()), tuple(rule.extra.get("own_elements", ())))
    return _said(
        {
            "Version": None if rule.version == 1 else rule.version,
            "Release": rule.release,
            "AddedIn": rule.added_in,
            "Origin": rule.origin,
            "Author": list(rule.authors),
            "License": rule.license,
            "WordingLicense": rule.wording_license,
            "Reference": list(rule.references),
            "DataSource": list(rule.data_sources),
            "Tag": list(rule.tags),
            "FalsePositive": list(rule.false_positives),
            "Note": rule.note,
            "Response": rule.response,
            "Setup": rule.setup,
            "Tactic": [_attack(each.tactic, each.techniques) for each in rule.threat] if named else [],
            "extra": _extra(extra),
        }
    )


def _attack(named: Tactic | Technique, techniques: Sequence[Technique]) -> _Table:
    return _said(
        {
            "id": named.id,
            "name": named.name,
            "reference": named.reference,
            "Description": named.description,
            "Technique": [_attack(each, each.subtechniques) for each in techniques],
        }
    )


def _extra(extra: Extra) -> _Table:
    own = {"attributes": dict(extra.attributes), "elements": [_element(each) for each in extra.elements]}
    return _said(own | _named_extra(dict(extra.inside)))


def _named_extra(extras: Mapping[str, Extra]) -> _Table:
    return _said({name: _extra(extra) for name, extra in extras.items()})


def _element(element: XmlElement) -> _Table:
    return _said(
        {
            "name": element.name,
            "attributes": dict(element.attributes),
            "text": element.text,
            "children": [_element(each) for each in element.children],
            "tail": element.tail,
        }
    )


def _said(table: _Table) -> _Table:
    """What of a table says something: false and zero do, empty texts and lists do not."""
    return {key: value for key, value in table.items() if value not in (None, "", [], {})}


def _names(names: Sequence[str]) -> list[str]:
    return _Names(names) if sum(len(name) + 2 for name in names) <= _LINE else list(names)


class _Names(list[str]):
    """Short names, which stand together on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, and names side by side; no anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 # equal parts of rules are still each written
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        # A list stands indented below its key.
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    # What could be taken for a line end, or for nothing, is written as an escape.
    if not all(char.isprintable() or char == "\n" for char in text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _side_by_side(dumper: yaml.SafeDumper, names: list[str]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", names, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Names, _side_by_side)
