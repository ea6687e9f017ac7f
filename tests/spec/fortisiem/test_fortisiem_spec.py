"""The cases of ``cases.toml`` on the reference evaluator."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.languages.fortisiem.lower import lower_subpattern
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import AggregatePattern
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import TYPE_OF_MAPPING, FieldRef, Scalar

SPEC = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
TYPES = {f"fortisiem.{name}": TYPE_OF_MAPPING[mapping] for name, mapping in SPEC["types"].items()}


def lower(text: str, **options: Any) -> Lowered:
    return lower_subpattern("Filter", text, [], "COUNT(*) >= 1", 300, type_of=TYPES.get, **options)


@pytest.mark.parametrize("case", SPEC["case"], ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    options = {name: value for name, value in case.items() if name not in ("name", "filter", "expect")}
    pattern = lower(case["filter"], **options).pattern
    assert isinstance(pattern, AggregatePattern)
    selected = []
    for name, event in SPEC["events"].items():

        def values(ref: FieldRef, event: dict[str, Any] = event) -> list[Scalar]:
            return coerce_all([event.get(ref.path.removeprefix("fortisiem."))], ref.type)[0]

        if evaluate(pattern.predicate, values):
            selected.append(name)
    assert selected == case["expect"]


@pytest.mark.parametrize("case", SPEC["error"], ids=lambda case: case["filter"])
def test_error(case: dict[str, Any]) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower(case["filter"])
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (case["code"], case["message"])
    assert diagnostic.source == case["filter"]
    assert diagnostic.span is not None
