import pytest

from dogwatch.base.diagnostic import Severity
from dogwatch.rules.loaders.elastic_toml import load
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.model import ChangeKind, ElasticRule, Level

RULE = """\
[metadata]
maturity = "production"
min_stack_version = "8.3.0"

[rule]
author = ["A"]
description = "Finds x."
language = "eql"
name = "X"
risk_score = 47
rule_id = "00000000-0000-0000-0000-000000000001"
severity = "medium"
type = "eql"
query = \'\'\'
process where true
\'\'\'
"""


def rule_of(text: str) -> ElasticRule:
    loaded = load(text, "x.toml")
    assert [each.render() for each in loaded.diagnostics] == []
    (rule,) = loaded.rules
    assert isinstance(rule, ElasticRule)
    return rule


def problems_of(text: str) -> list[tuple[str, str, Severity]]:
    loaded = load(text, "x.toml")
    return [(each.code, str(each.place), each.severity) for each in loaded.diagnostics]


def test_a_plain_rule() -> None:
    rule = rule_of(RULE)
    assert (rule.name, rule.severity, rule.risk_score, rule.version) == ("X", Level.MEDIUM, 47, 1)
    assert (rule.interval, rule.from_, rule.to, rule.max_signals) == ("5m", "now-6m", "now", 100)
    assert rule.query == "process where true\n"
    assert str(rule.place) == "x.toml:5:1"
    assert str(rule.query_place) == "x.toml:15:1"
    assert rule.extra["metadata"]["min_stack_version"] == "8.3.0"
    assert rule.obstacle is None


def test_the_query_on_the_line_of_its_key_has_a_column() -> None:
    text = RULE.replace("'''\nprocess where true\n'''", '"process where true"')
    assert str(rule_of(text).query_place) == "x.toml:14:10"


def test_an_escaped_query_has_the_places_of_its_escapes() -> None:
    text = RULE.replace("'''\nprocess where true\n'''", '"process where process.name == \\"a\\""')
    rule = rule_of(text)
    assert str(rule.query_place) == "x.toml:14:10"
    assert [(count, str(place)) for count, place in rule.query_steps] == [
        (31, "x.toml:14:42"),
        (33, "x.toml:14:45"),
    ]
    assert rule.query == 'process where process.name == "a"'


def test_everything_the_engine_acts_on_is_read() -> None:
    rule = rule_of(
        RULE
        + """
from = "now-9m"
to = "now-1m"
interval = "10m"
max_signals = 33
index = ["a-*", "b-*"]
timestamp_override = "event.ingested"
timestamp_override_fallback_disabled = true
event_category_override = "event.type"
tiebreaker_field = "event.sequence"
timestamp_field = "event.created"
building_block_type = "default"
enabled = false
version = 7
timeline_id = "kept"
[rule.alert_suppression]
group_by = ["host.name"]
"""
    )
    assert (rule.from_, rule.to, rule.interval, rule.max_signals) == ("now-9m", "now-1m", "10m", 33)
    assert rule.index == ("a-*", "b-*")
    assert rule.timestamp_override == "event.ingested"
    assert rule.timestamp_override_fallback_disabled
    assert rule.event_category_override == "event.type"
    assert rule.tiebreaker_field == "event.sequence"
    assert rule.timestamp_field == "event.created"
    assert rule.building_block_type == "default"
    assert not rule.enabled
    assert rule.version == 7
    assert rule.alert_suppression == {"group_by": ["host.name"]}
    assert rule.extra["timeline_id"] == "kept"


def test_threat_keeps_sub_techniques_and_fills_links() -> None:
    rule = rule_of(
        RULE
        + """
[[rule.threat]]
framework = "MITRE ATT&CK"
[rule.threat.tactic]
name = "Execution"
[[rule.threat.technique]]
id = "T1059"
name = "Command and Scripting Interpreter"
[[rule.threat.technique.subtechnique]]
id = "T1059.004"
name = "Unix Shell"
"""
    )
    (threat,) = rule.threat
    assert threat.tactic.id == "TA0002"
    assert threat.techniques[0].subtechniques[0].reference == "https://attack.mitre.org/techniques/T1059/004/"


def test_our_own_table() -> None:
    rule = rule_of(
        RULE
        + """
[dogwatch]
origin = "here"
response = "do"
release = "1.2"
more = 1
[[dogwatch.history]]
version = 1
summary = "first"
[[dogwatch.history]]
version = 2
changes = [{ kind = "query", before = "a" }, { kind = "formatting" }]
"""
    )
    assert (rule.origin, rule.response, rule.release) == ("here", "do", "1.2")
    assert [entry.version for entry in rule.history] == [2, 1]
    assert [change.kind for change in rule.history[0].changes] == [ChangeKind.QUERY, ChangeKind.FORMATTING]
    assert rule.extra["dogwatch"] == {"more": 1}


@pytest.mark.parametrize("key", ["rule_id", "name", "description", "type", "severity", "risk_score", "query"])
def test_a_missing_field_is_reported_at_the_table(key: str) -> None:
    lines = RULE.split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{key} ="))
    text = "\n".join(lines[:start] + lines[start + (3 if key == "query" else 1) :])
    loaded = load(text, "x.toml")
    assert not loaded.rules
    found = [each for each in loaded.diagnostics if each.code == "rule-field-missing"]
    assert [each.message for each in found] == [f"`rule.{key}` is missing"]
    assert str(found[0].place) == "x.toml:5:1"
    assert found[0].hint


def test_a_misspelt_field_is_suggested() -> None:
    loaded = load(RULE.replace("severity =", "severty ="), "x.toml")
    assert "did you mean `severty`" in str(loaded.diagnostics[0].hint)


def test_all_problems_of_a_rule_are_reported_together() -> None:
    text = RULE.replace('"medium"', '"medum"').replace("= 47", "= 470").replace('name = "X"', "name = 3")
    assert problems_of(text) == [
        ("rule-field-type", "x.toml:9:1", Severity.ERROR),
        ("rule-severity-unknown", "x.toml:12:1", Severity.ERROR),
        ("rule-field-range", "x.toml:10:1", Severity.ERROR),
    ]


def test_a_wrong_description_costs_only_itself() -> None:
    loaded = load(RULE + "tags = 3\nreferences = [1]\n", "x.toml")
    assert [(each.severity, str(each.place)) for each in loaded.diagnostics] == [
        (Severity.WARNING, "x.toml:17:1"),
        (Severity.WARNING, "x.toml:18:1"),
    ]
    assert loaded.rules[0].tags == ()


def test_what_decides_matching_may_not_be_wrong() -> None:
    assert problems_of(RULE + "index = [1]\n") == [("rule-field-type", "x.toml:17:1", Severity.ERROR)]
    assert problems_of(RULE + "max_signals = 0\n") == [("rule-field-range", "x.toml:17:1", Severity.ERROR)]
    assert problems_of(RULE + "max_signals = true\n") == [("rule-field-type", "x.toml:17:1", Severity.ERROR)]


@pytest.mark.parametrize("line", ['from = "yesterday"', 'to = "now-"', 'interval = "5"', 'interval = "0m"'])
def test_times_are_checked(line: str) -> None:
    assert problems_of(RULE + line + "\n") == [("rule-time", "x.toml:17:1", Severity.ERROR)]


def test_false_positives_lose_the_indentation_of_their_layout() -> None:
    text = RULE + "false_positives = [\n  '''\n  One\n  two.\n  ''',\n]\n"
    assert rule_of(text).false_positives == ("One\ntwo.",)


def test_rules_can_be_members_of_a_set() -> None:
    assert len({rule_of(RULE), rule_of(RULE), rule_of(RULE.replace('"X"', '"Y"'))}) == 2


def test_an_unknown_type_loads_and_cannot_run() -> None:
    loaded = load(RULE.replace('type = "eql"', 'type = "sigma"'), "x.toml")
    assert [(each.code, each.severity) for each in loaded.diagnostics] == [("rule-type-unknown", Severity.WARNING)]
    assert loaded.rules[0].obstacle == "`sigma` is no known rule type"
    assert isinstance(loaded.rules[0], ElasticRule)
    assert loaded.rules[0].query == "process where true\n"


def test_a_language_that_the_type_cannot_have() -> None:
    assert problems_of(RULE.replace('language = "eql"', 'language = "kuery"')) == [
        ("rule-language-unknown", "x.toml:8:1", Severity.ERROR)
    ]


def test_a_machine_learning_rule_has_no_query() -> None:
    text = RULE.replace('type = "eql"', 'type = "machine_learning"').replace('language = "eql"\n', "")
    text = text[: text.index("query =")]
    assert rule_of(text).obstacle == "rules of type `machine_learning` are not run yet"


def test_filters_and_exceptions_are_kept() -> None:
    text = RULE + "exceptions_list = [{ list_id = 'e' }]\n[[rule.filters]]\n[rule.filters.meta]\nnegate = true\n"
    rule = rule_of(text)
    assert rule.filters == ({"meta": {"negate": True}},)
    assert rule.exceptions_list == ({"list_id": "e"},)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[rule\nname = 1\n", "x.toml:1:6"),
        ("[rule]\nname = \n", "x.toml:2:8"),
        ("[rule]\nname = 'x", "x.toml:2:10"),
        ("[rule]\na = 1\na = 2\n", "x.toml:3:6"),
    ],
)
def test_broken_toml_has_a_place(text: str, place: str) -> None:
    assert problems_of(text) == [("toml-syntax", place, Severity.ERROR)]


def test_deep_nesting_is_a_diagnostic() -> None:
    loaded = load(f"a = {'[' * 5000}{']' * 5000}\n", "x.toml")
    assert [each.code for each in loaded.diagnostics] == ["toml-syntax"]


def test_other_toml_is_not_a_rule() -> None:
    assert [code for code, *_ in problems_of("[project]\nname = 'x'\n")] == ["not-a-rule"]
    assert [code for code, *_ in problems_of("rule = 3\n")] == ["not-a-rule"]
    assert load("", "x.toml") == Loaded((), load("", "x.toml").diagnostics)
