"""The cases of the files beside this one, on both evaluators."""

import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.time import parse_instant
from dogwatch.engine.plan import Plan
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.document import field_values
from dogwatch.events.report import ReadReport
from dogwatch.languages.kql.lower import lower_text
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import Predicate
from dogwatch.schema.schema import Schema

SPECS = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in Path(__file__).parent.glob("*.toml")
}
NOW = parse_instant("2024-03-03T12:00:00Z")

Spec = dict[str, Any]
Case = dict[str, Any]


def cases(kind: str, name: str) -> list[Any]:
    return [pytest.param(spec, case, id=case[name]) for spec in SPECS.values() for case in spec.get(kind, ())]


def lower(spec: Spec, query: str) -> Lowered:
    schema = Schema(spec["fields"])
    return lower_text(
        query, type_of=schema.type_of, now=NOW, known_fields=schema.mappings, mapping_of=schema.mappings.get
    )


def selected(spec: Spec, predicate: Predicate) -> list[str]:
    """The names of the documents that the columns and the reference both select."""
    documents = spec["documents"]
    rows = [Row(document, name, True, None, None, NO_TIEBREAK) for name, document in documents.items()]
    plan = Plan([predicate])
    (flags,) = plan.evaluate(make_batch(rows, plan.fields, 0, ReadReport()))
    answers = [evaluate(predicate, partial(field_values, document)) for document in documents.values()]
    assert None not in answers, "KQL has no unknown"
    assert flags.tolist() == answers
    return [name for name, answer in zip(documents, answers, strict=True) if answer]


@pytest.mark.parametrize(("spec", "case"), cases("case", "name"))
def test_case(spec: Spec, case: Case) -> None:
    lowered = lower(spec, case["query"])
    assert isinstance(lowered.pattern, EventPattern)
    assert selected(spec, lowered.pattern.predicate) == case["expect"]
    assert sorted(note.code for note in lowered.notes) == case.get("notes", [])


@pytest.mark.parametrize(("spec", "case"), cases("error", "query"))
def test_error(spec: Spec, case: Case) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower(spec, case["query"])
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (case["code"], case["message"])
    assert diagnostic.source == case["query"]
    assert diagnostic.span is not None
