import json
from dataclasses import replace
from pathlib import Path

import pytest

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.time import SECOND
from dogwatch.logic.pattern import AggregatePattern, EventPattern, Pattern, SequencePattern, columns_of
from dogwatch.rules.loaders import elastic_toml, fortisiem_xml, kibana
from dogwatch.rules.logic import lower_query, lower_rule
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.rules.ruleset import load_rules
from dogwatch.schema.field import FieldRef, FieldType
from dogwatch.schema.schema import Schema

ECS = Schema.ecs()
NETCAT = "adb961e0-cb74-42a0-af9e-29fc41f88f5f"

TOML = """\
[rule]
rule_id = "r"
name = "R"
description = "d"
severity = "low"
risk_score = 1
type = "eql"
query = '''
process where
  process.name == "a" nad true
'''
"""


def toml(text: str = TOML) -> ElasticRule:
    (rule,) = elastic_toml.load(text, "r.toml").rules
    assert isinstance(rule, ElasticRule)
    return rule


def fortisiem() -> FortisiemRule:
    rule = load_rules("builtin").find("PH_Rule_TH_Linux_23")
    assert isinstance(rule, FortisiemRule)
    return rule


def refused(rule: Rule) -> list[tuple[str, str]]:
    with pytest.raises(DogwatchError) as caught:
        lower_rule(rule, ECS)
    return [(each.code, str(each.place)) for each in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("selector", "kind", "columns"),
    [
        (f"{NETCAT}@2", EventPattern, {"process.name", "event.action"}),
        (f"{NETCAT}@3", EventPattern, {"process.name", "event.category", "event.type"}),
        (f"{NETCAT}@4", EventPattern, {"process.name", "event.category", "event.type"}),
        (f"{NETCAT}@5", SequencePattern, {"process.name", "event.category", "event.type", "process.entity_id"}),
        (
            f"{NETCAT}@110",
            SequencePattern,
            {
                "process.name",
                "process.args",
                "event.category",
                "event.type",
                "process.entity_id",
                "host.os.type",
            },
        ),
        (
            "PH_Rule_TH_Linux_23",
            AggregatePattern,
            {f"fortisiem.{name}" for name in ("eventType", "hostName", "user", "procName", "swParam")},
        ),
    ],
)
def test_the_library_lowers(selector: str, kind: type[Pattern], columns: set[str]) -> None:
    lowered = lower_rule(load_rules("builtin").find(selector), ECS)
    assert isinstance(lowered.pattern, kind)
    assert {ref.path for ref in columns_of(lowered.pattern)} == columns
    assert [note.render() for note in lowered.notes if note.severity is not Severity.NOTICE] == []


def test_the_library_s_sequences_are_joined_by_the_process() -> None:
    for version in (5, 110):
        pattern = lower_rule(load_rules("builtin").find(f"{NETCAT}@{version}"), ECS).pattern
        assert isinstance(pattern, SequencePattern)
        assert [[key.field.ref.path for key in stage.keys] for stage in pattern.stages] == [
            ["process.entity_id"],
            ["process.entity_id"],
        ]
        assert pattern.maxspan is None


def test_the_library_s_aggregate_keeps_its_window_and_groups() -> None:
    pattern = lower_rule(fortisiem(), ECS).pattern
    assert isinstance(pattern, AggregatePattern)
    assert (pattern.name, pattern.window) == ("Filter", 300 * SECOND)
    assert [field.ref.path for field in pattern.group_by] == [
        "fortisiem.hostName",
        "fortisiem.user",
        "fortisiem.procName",
        "fortisiem.swParam",
    ]


def test_an_error_is_placed_in_the_query_s_own_line() -> None:
    assert refused(toml()) == [("eql-syntax", "r.toml:10:23")]


def test_an_error_in_kql_too() -> None:
    text = TOML.replace('type = "eql"', 'type = "query"').replace('process.name == "a" nad true', "a:(")
    ((code, place),) = refused(toml(text))
    assert code == "kql-syntax"
    assert place.startswith("r.toml:")


def test_an_error_in_an_escaped_query_is_placed_at_the_rule() -> None:
    query = "process where\n\n nad =="
    value: dict[str, object] = {"rule_id": "r", "name": "R", "description": "d", "type": "eql"}
    value |= {"query": query, "severity": "low", "risk_score": 1}
    (rule,) = kibana.load(json.dumps(value), "e.ndjson").rules
    ((code, place), *_) = refused(rule)
    assert (code, place) == ("eql-syntax", "e.ndjson:1")


def test_errors_of_a_filter_and_of_an_aggregate_have_their_own_places() -> None:
    text = Path(str(fortisiem().place).rpartition(":")[0]).read_text(encoding="utf-8")
    lines = text.split("\n")
    broken = text.replace("procName IN (", "procName ON (").replace("COUNT(*) &gt;= 1", "COUNT(*) &gt;= ")
    (rule,) = fortisiem_xml.load(broken, "f.xml").rules
    assert isinstance(rule, FortisiemRule)
    places = [place for code, place in refused(rule)]
    filter_line = next(number for number, line in enumerate(lines, 1) if "<SingleEvtConstr>" in line)
    aggregate_line = next(number for number, line in enumerate(lines, 1) if "<GroupEvtConstr>" in line)
    assert [place.split(":")[1] for place in places] == [str(filter_line), str(aggregate_line)]


def test_what_is_not_run_is_refused_at_the_rule() -> None:
    for kind in ("new_terms", "sigma", "esql"):
        loaded = elastic_toml.load(TOML.replace('type = "eql"', f'type = "{kind}"'), "r.toml")
        assert refused(loaded.rules[0]) == [("rule-unsupported", "r.toml:1:1")]


def test_what_a_rule_asks_for_and_does_not_get_is_noted() -> None:
    rule = load_rules("builtin").find(f"{NETCAT}@5")
    assert isinstance(rule, ElasticRule)
    asking = replace(rule, exceptions_list=({"list_id": "e"},))
    notes = lower_rule(asking, ECS).notes
    assert [note.code for note in notes] == ["exceptions-not-applied"]
    assert {note.place for note in notes} == {rule.place}


def test_the_category_comes_from_the_field_that_the_rule_names() -> None:
    rule = replace(toml(TOML.replace(" nad true", "")), event_category_override="event.type")
    paths = {ref.path for ref in columns_of(lower_rule(rule, ECS).pattern)}
    assert paths == {"event.type", "process.name"}


def test_the_order_comes_from_the_fields_that_the_rule_names() -> None:
    rule = replace(
        toml(TOML.replace(" nad true", "")), timestamp_field="event.ingested", tiebreaker_field="event.sequence"
    )
    clock = lower_rule(rule, ECS).clock
    assert clock.timestamp == FieldRef("event.ingested", FieldType.DATE)
    assert clock.tiebreaker == FieldRef("event.sequence", FieldType.LONG)


def test_a_lucene_rule_runs() -> None:
    rule = replace(toml(), type="query", language="lucene", query="process.name:(nc OR ncat)")
    assert rule.obstacle is None
    lowered = lower_rule(rule, ECS)
    assert isinstance(lowered.pattern, EventPattern)
    assert {ref.path for ref in columns_of(lowered.pattern)} == {"process.name"}


def test_the_query_of_a_rule_that_is_not_run_is_lowered() -> None:
    rule = replace(toml(), type="threshold", language="kuery", query="process.name: nc")
    assert refused(rule) == [("rule-unsupported", "r.toml:1:1")]
    assert columns_of(lower_query(rule, ECS).pattern) == {FieldRef("process.name", FieldType.KEYWORD)}


@pytest.mark.parametrize(("kind", "language"), [("esql", "esql"), ("machine_learning", "")])
def test_a_query_that_is_not_read_is_refused(kind: str, language: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower_query(replace(toml(), type=kind, language=language), ECS)
    assert [(each.code, str(each.place)) for each in caught.value.diagnostics] == [
        ("rule-unsupported", "r.toml:1:1")
    ]


def test_what_now_means_reaches_every_language() -> None:
    for language, query in (("lucene", "@timestamp:[now-1h TO now]"), ("kuery", "@timestamp > now-1h")):
        rule = replace(toml(), type="query", language=language, query=query)
        with pytest.raises(DogwatchError, match="what `now` means"):
            lower_rule(rule, ECS)
        assert columns_of(lower_rule(rule, ECS, now=10**18).pattern)
