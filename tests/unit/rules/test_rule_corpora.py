"""Third-party rules, read where they lie: all must load and lower. They are no part of this project."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from dogwatch.engine.plan import check
from dogwatch.logic.pattern import predicates_of
from dogwatch.logic.printer import describe
from dogwatch.rules.fortisiem_model import ClearCondition, PatternClear, QuietClear
from dogwatch.rules.logic import lower_query
from dogwatch.rules.model import ElasticRule, FortisiemRule, Level
from dogwatch.rules.ruleset import RuleSet, load_rules
from dogwatch.rules.soundness import check_rules
from dogwatch.schema.schema import Schema

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))


NOW = 1_700_000_000_000_000_000
REPR = re.compile(
    r"\b(?:FieldType|FieldRef|Fold|Literal|Wild|frozenset|parts|operand)\b[.=({]|<[A-Z]\w+\.|\bNone\b"
)
"""What Python would print of the form."""


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


def test_every_query_of_the_public_elastic_corpus_is_lowered_printed_and_planned() -> None:
    schema = Schema.ecs()
    counted: Counter[str] = Counter()
    for rule in corpus("corpus/elastic-detection-rules"):
        assert isinstance(rule, ElasticRule)
        if rule.language not in ("eql", "kuery", "lucene"):
            continue
        counted[rule.language] += 1
        plans = []
        for _ in range(2):
            lowered = lower_query(rule, schema, now=NOW)
            plans.append(describe(lowered.pattern, lowered.limits, lowered.clock))
        assert [p.message for each in predicates_of(lowered.pattern) for p in check(each)] == [], rule.name
        assert plans[0] == plans[1]
        lines = plans[0].split("\n")
        assert len(lines) > 2, rule.name
        assert all(line.isprintable() and line.strip() for line in lines), rule.name
        # What the rule's author wrote stands in quotes, and may be anything.
        assert not any(REPR.search(re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)) for line in lines), rule.name
    assert counted == {"eql": 719, "kuery": 529, "lucene": 1}


def test_every_query_of_the_public_elastic_corpus_is_sound() -> None:
    checked = list(check_rules(corpus("corpus/elastic-detection-rules"), Schema.ecs(), now=NOW))
    assert len(checked) == 1462
    assert [each.rule.name for each in checked if each.is_read and not each.is_sound] == []
    assert Counter(each.language for each in checked if not each.is_read) == {"esql": 142, "": 71}
    assert sum(each.can_run for each in checked) == 1051


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
    clear = stays_down.clear_condition.when
    assert isinstance(clear, PatternClear)
    assert (clear.name, clear.clause.window, clear.clause.relation) == ("SYN_service_up", 300, "AppUp")
    assert clear.constraint == "SYN_service_up.hostName = PH_RULE_SYN_process_stays_down.hostName"
    followed = found["SYN_failures_then_success"]
    assert followed.global_constraint.startswith("Failure.srcIpAddr = Success.srcIpAddr")
    assert [each.source for each in followed.incident.mapping][-1] == "COUNT(*)"
    assert followed.clear_condition == ClearCondition(QuietClear(600))
