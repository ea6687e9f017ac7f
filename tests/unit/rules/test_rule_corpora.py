"""Third-party rules, read where they lie: all must load. They are no part of this project."""

import os
from collections import Counter
from pathlib import Path

import pytest

from dogwatch.rules.model import ElasticRule, FortisiemRule, Level
from dogwatch.rules.ruleset import RuleSet, load_rules

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))


def corpus(path: str) -> RuleSet:
    folder = SHARED / path
    if not folder.exists():
        pytest.skip(f"this corpus is not here: {path}")
    return load_rules(folder)


def test_the_public_elastic_corpus_loads_whole() -> None:
    rules = corpus("corpus/elastic-detection-rules")
    assert [each.render() for each in rules.errors] == []
    kinds = Counter(rule.type for rule in rules if isinstance(rule, ElasticRule))
    assert kinds == {
        "eql": 719,
        "query": 339,
        "new_terms": 164,
        "esql": 142,
        "machine_learning": 71,
        "threshold": 21,
        "threat_match": 6,
    }
    for rule in rules:
        assert isinstance(rule, ElasticRule)
        if rule.query:
            assert rule.query_place is not None
            text = Path(rule.query_place.file).read_text(encoding="utf-8").split("\n")
            assert rule.query_place.line is not None
            assert rule.query_place.column is not None
            line = text[rule.query_place.line - 1][rule.query_place.column - 1 :]
            assert line.startswith(rule.query.split("\n")[0])


def test_the_fortisiem_examples_load_whole() -> None:
    rules = corpus("conformance/fortisiem/xml")
    assert [each.render() for each in rules.errors] == []
    assert len(rules) == 12
    found = {rule.rule_id: rule for rule in rules if isinstance(rule, FortisiemRule)}
    netcat = found["PH_Rule_TH_Linux_23"]
    assert (netcat.incident.severity, netcat.severity, netcat.window) == (7, Level.MEDIUM, 300)
    stays_down = found["SYN_process_stays_down"]
    assert [operator.type for operator in stays_down.operators] == ["NOT_FOLLOWED_BY"]
    assert stays_down.clear_condition is not None
    assert [child.name for child in stays_down.clear_condition.children] == [
        "ClearIncidentDef",
        "ClearConstr",
        "PatternClause",
    ]
    followed = found["SYN_failures_then_success"]
    assert followed.global_constraint.startswith("Failure.srcIpAddr = Success.srcIpAddr")
    assert [each.source for each in followed.incident.mapping][-1] == "COUNT(*)"
    assert sum(rule.obstacle is None for rule in rules) == 9
