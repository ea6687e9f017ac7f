"""The cases of ``cases.toml`` on both evaluators."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.time import parse_instant
from dogwatch.engine.plan import Plan
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.document import PathTree
from dogwatch.events.report import ReadReport
from dogwatch.languages.eql import lower_text
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import Predicate
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import TYPE_OF_MAPPING, FieldRef, Scalar

SPEC = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
TYPES = {path: TYPE_OF_MAPPING[mapping] for path, mapping in SPEC["fields"].items()}
NOW = parse_instant("2024-05-08T12:00:00Z")


def predicate(query: str) -> Predicate:
    pattern = lower_text(query, type_of=TYPES.get, now=NOW).pattern
    assert isinstance(pattern, EventPattern)
    return pattern.predicate


def answer(wanted: Predicate, document: dict[str, Any]) -> bool | None:
    def values(ref: FieldRef) -> list[Scalar]:
        return coerce_all(PathTree([ref.path]).extract(document)[0], ref.type)[0]

    return evaluate(wanted, values)


@pytest.mark.parametrize("case", SPEC["case"], ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    wanted, documents = predicate(case["query"]), SPEC["documents"]
    answers = {name: answer(wanted, document) for name, document in documents.items()}
    assert None not in answers.values(), "a filter of EQL has no unknown"
    assert [name for name, found in answers.items() if found] == sorted(case["expect"], key=list(documents).index)
    plan = Plan([wanted])
    rows = [Row(document, name, True, None, None, NO_TIEBREAK) for name, document in documents.items()]
    batch = make_batch(rows, plan.fields, 0, ReadReport())
    assert plan.evaluate(batch)[0].tolist() == list(answers.values())
