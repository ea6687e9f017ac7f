"""The cases of ``cases.toml`` on the reference evaluator."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.time import parse_instant
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.events.document import PathTree
from dogwatch.languages.kql.lower import lower_text
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import EventPattern
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import TYPE_OF_MAPPING, FieldRef, Scalar

SPEC = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
TYPES = {path: TYPE_OF_MAPPING[mapping] for path, mapping in SPEC["fields"].items()}
NOW = parse_instant("2024-03-03T12:00:00Z")


def lower(query: str) -> Lowered:
    return lower_text(query, type_of=TYPES.get, now=NOW, known_fields=TYPES)


@pytest.mark.parametrize("case", SPEC["case"], ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    pattern = lower(case["query"]).pattern
    assert isinstance(pattern, EventPattern)
    selected = []
    for name, document in SPEC["documents"].items():

        def values(ref: FieldRef, document: dict[str, Any] = document) -> list[Scalar]:
            return coerce_all(PathTree([ref.path]).extract(document)[0], ref.type)[0]

        answer = evaluate(pattern.predicate, values)
        assert answer is not None, "KQL has no unknown"
        if answer:
            selected.append(name)
    assert selected == case["expect"]


@pytest.mark.parametrize("case", SPEC["error"], ids=lambda case: case["query"])
def test_error(case: dict[str, Any]) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower(case["query"])
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (case["code"], case["message"])
    assert diagnostic.source == case["query"]
    assert diagnostic.span is not None
