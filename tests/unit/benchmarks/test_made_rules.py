from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dogwatch.detect.api import scan
from dogwatch.detect.compiled import Compiled, compile_rules
from dogwatch.logic.pattern import SequencePattern
from dogwatch.rules.model import ElasticRule
from dogwatch.rules.ruleset import load_rules
from dogwatch.schema.schema import Schema

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from benchmarks.generate.rules import made_rules, write_rules  # noqa: E402 - not installed
from benchmarks.generate.sigma import made_detections  # noqa: E402
from benchmarks.generate.stream import write_events  # noqa: E402

COUNT = 300

Document = dict[str, Any]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    folder = tmp_path_factory.mktemp("rules")
    write_rules(folder, COUNT)
    rules = load_rules([folder])
    assert len(rules) == COUNT
    assert not rules.errors
    return compile_rules(rules, Schema.ecs(), now=0)


def test_every_made_rule_runs(compiled: Compiled) -> None:
    assert [rule.name for rule, _ in compiled.left_out] == []
    assert len(compiled.rules) == COUNT


def test_the_seed_and_nothing_else_decides() -> None:
    first = list(made_rules(60, 3))
    assert first == list(made_rules(60, 3)) == list(made_rules(90, 3))[:60]
    assert first != list(made_rules(60, 4))


def test_made_rules_have_the_shape_of_a_real_set(compiled: Compiled) -> None:
    languages = Counter(each.rule.language for each in compiled.rules if isinstance(each.rule, ElasticRule))
    assert 0.2 < languages["kuery"] / COUNT < 0.45
    sequences = sum(isinstance(each.pattern, SequencePattern) for each in compiled.rules)
    assert 0.08 < sequences / COUNT < 0.2
    queries = [each.rule.query for each in compiled.rules if isinstance(each.rule, ElasticRule)]
    assert sum("*" in each for each in queries) > COUNT / 3
    assert sum("not (" in each for each in queries) > COUNT / 3


def test_made_rules_match_rarely(compiled: Compiled, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    write_events(path, 1000)
    rules = load_rules([str(each.rule.place.file) for each in compiled.rules[:100] if each.rule.place])
    assert len(list(scan(path, rules))) < 1000 * 0.05


def test_a_detection_says_the_same_in_sigma_and_in_eql(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    write_events(events, 1500, suspicious=0.05)
    detections = list(made_detections(40))
    folder = tmp_path / "rules"
    folder.mkdir()
    for number, each in enumerate(detections):
        (folder / f"{number}.toml").write_text(each.rule().toml(), "utf-8")
    found = Counter(each.document["kibana.alert.rule.rule_id"] for each in scan(events, load_rules([folder])))
    documents = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    expected = {
        each.rule_id: sum(_sigma_holds(json.loads(each.sigma()), one) for one in documents) for each in detections
    }
    assert sum(expected.values()) > 100
    assert {each.rule_id: found[each.rule_id] for each in detections} == expected


def _sigma_holds(rule: Document, document: Document) -> bool:
    detection = rule["detection"]
    if not all(_one_of(document, name, values) for name, values in detection["selection"].items()):
        return False
    excluded = detection.get("filter", [])
    return not any(_one_of(document, name, values) for each in excluded for name, values in each.items())


def _one_of(document: Document, name: str, values: list[str]) -> bool:
    """Sigma's comparison as SQLite makes it: with stars whatever the letter case, otherwise exact."""
    value: Any = document
    for part in name.split("."):
        value = value.get(part) or {}
    texts = [str(each) for each in (value if isinstance(value, list) else [value])] if value else []
    return any(_like(text, each) for each in values for text in texts)


def _like(text: str, pattern: str) -> bool:
    if "*" not in pattern:
        return text == pattern
    text, inner = text.lower(), pattern.strip("*").lower()
    if pattern.startswith("*") and pattern.endswith("*"):
        return inner in text
    return text.endswith(inner) if pattern.startswith("*") else text.startswith(inner)
