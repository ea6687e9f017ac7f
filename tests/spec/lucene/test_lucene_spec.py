"""The cases of ``cases.toml`` on both evaluators."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dogwatch import search
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.events.document import PathTree
from dogwatch.languages.lowering import Lowered
from dogwatch.languages.lucene.lower import lower_text
from dogwatch.logic.pattern import EventPattern
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import FieldRef, Scalar
from dogwatch.schema.schema import Schema

SPEC = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
SCHEMA = Schema(SPEC["fields"])


def lower(query: str) -> Lowered:
    return lower_text(query, type_of=SCHEMA.type_of, known_fields=SCHEMA.mappings, mapping_of=SCHEMA.mappings.get)


@pytest.mark.parametrize("case", SPEC["case"], ids=lambda case: case["name"])
def test_reference(case: dict[str, Any]) -> None:
    pattern = lower(case["query"]).pattern
    assert isinstance(pattern, EventPattern)
    selected = []
    for name, document in SPEC["documents"].items():

        def values(ref: FieldRef, document: dict[str, Any] = document) -> list[Scalar]:
            return coerce_all(PathTree([ref.path]).extract(document)[0], ref.type)[0]

        answer = evaluate(pattern.predicate, values)
        assert answer is not None, "Lucene has no unknown"
        if answer:
            selected.append(name)
    assert selected == case["expect"]


@pytest.mark.parametrize("case", SPEC["case"], ids=lambda case: case["name"])
def test_columns(case: dict[str, Any]) -> None:
    documents = [{**document, "event": {"id": name}} for name, document in SPEC["documents"].items()]
    hits = search("lucene", case["query"], documents, schema=SCHEMA)
    assert [hit.events[0]["event"]["id"] for hit in hits] == case["expect"]


@pytest.mark.parametrize("case", SPEC["error"], ids=lambda case: case["query"])
def test_error(case: dict[str, Any]) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower(case["query"])
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (case["code"], case["message"])
    assert diagnostic.source == case["query"]
    assert diagnostic.span is not None
