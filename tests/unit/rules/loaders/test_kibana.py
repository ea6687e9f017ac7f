import json
from typing import Any

import pytest

from dogwatch.base.diagnostic import Severity
from dogwatch.rules.loaders.kibana import load
from dogwatch.rules.model import ElasticRule


def rule(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": "saved-object",
        "rule_id": f"rule-{number}",
        "name": f"Rule {number}",
        "description": "d",
        "type": "query",
        "language": "kuery",
        "query": "a:1",
        "severity": "high",
        "risk_score": 73,
        "version": 3,
        "enabled": False,
        "immutable": True,
    } | changes


def ndjson(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


SUMMARY = {"exported_count": 1, "exported_rules_count": 1, "missing_rules": []}
EXCEPTION_LIST = {"list_id": "e", "name": "E", "type": "detection", "namespace_type": "single"}
EXCEPTION_ITEM = {"list_id": "e", "item_id": "i", "name": "I", "entries": [], "type": "simple"}


def test_an_export_with_everything() -> None:
    loaded = load(ndjson(rule(1), rule(2), EXCEPTION_LIST, EXCEPTION_ITEM, SUMMARY), "e.ndjson")
    assert [(each.rule_id, str(each.place)) for each in loaded.rules] == [
        ("rule-1", "e.ndjson:1"),
        ("rule-2", "e.ndjson:2"),
    ]
    (notice,) = loaded.diagnostics
    assert notice.severity is Severity.NOTICE
    assert notice.message.endswith("1 exception item, 1 exception list, 1 summary")
    assert "exceptions are not applied" in str(notice.hint)


def test_fields_and_the_rest() -> None:
    (found,) = load(ndjson(rule()), "e.ndjson").rules
    assert isinstance(found, ElasticRule)
    assert (found.version, found.enabled, found.language, found.risk_score) == (3, False, "kuery", 73)
    assert found.extra == {"id": "saved-object", "immutable": True}
    assert found.query_place is None


def test_a_bad_line_does_not_stop_the_others() -> None:
    text = ndjson(rule(1)) + '{"rule_id": \n\n' + ndjson(rule(2, risk_score="x"), rule(3))
    loaded = load(text, "e.ndjson")
    assert [each.rule_id for each in loaded.rules] == ["rule-1", "rule-3"]
    assert [(each.code, str(each.place)) for each in loaded.diagnostics] == [
        ("json-syntax", "e.ndjson:2:13"),
        ("rule-field-range", "e.ndjson:4"),
    ]


def test_a_bad_first_line_does_not_stop_the_others() -> None:
    loaded = load("{]\n" + ndjson(rule(1), rule(2)), "e.ndjson")
    assert [each.rule_id for each in loaded.rules] == ["rule-1", "rule-2"]
    assert [(each.code, str(each.place)) for each in loaded.diagnostics] == [("json-syntax", "e.ndjson:1:2")]


@pytest.mark.parametrize("indent", [None, 2])
def test_one_document(indent: int | None) -> None:
    assert len(load(json.dumps(rule(), indent=indent), "r.json").rules) == 1
    assert len(load("\n" + json.dumps([rule(1), rule(2)], indent=indent), "r.json").rules) == 2


def test_a_package_asset() -> None:
    text = json.dumps({"id": "x", "type": "security-rule", "attributes": rule()}, indent=1)
    assert load(text, "r.json").rules[0].rule_id == "rule-1"


def test_a_broken_document_has_a_place() -> None:
    text = json.dumps(rule(), indent=2).replace('"severity": "high"', '"severity": high')
    (problem,) = load(text, "r.json").diagnostics
    assert (problem.code, str(problem.place)) == ("json-syntax", "r.json:9:15")


def test_no_rule_at_all() -> None:
    (problem,) = load(ndjson({"event": 1}, {"event": 2}, 3, None), "events.ndjson").diagnostics
    assert (problem.code, problem.message) == ("not-a-rule", "this file holds no rule among its 4 JSON values")
    assert load("", "e.ndjson").diagnostics == []
    assert load("\n \n", "e.ndjson").diagnostics == []


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "NaN", "1" * 5000])
def test_hostile_json_is_a_diagnostic(text: str) -> None:
    loaded = load(text, "e.ndjson")
    assert [each.code for each in loaded.diagnostics] == ["json-syntax"]


def test_a_null_is_an_absent_field() -> None:
    (found,) = load(ndjson(rule(timestamp_override=None, index=None, note=None)), "e.ndjson").rules
    assert isinstance(found, ElasticRule)
    assert (found.timestamp_override, found.index, found.note) == (None, (), "")
