from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from composite_samples import BYTES, at_least, part
from stream_samples import SECOND, event

from dogwatch.engine.composite import CompositeMatcher
from dogwatch.engine.passed import PartsPassed, aggregated_fields
from dogwatch.engine.reference.composite import find_matches
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    CompositePattern,
    Number,
)
from dogwatch.logic.predicate import Order
from dogwatch.logic.relation import JoinCompare, Part, PartValue, Related, Relation, RelationTree

ROOT = Path(__file__).resolve().parents[3]
NULL = "<null>"

Told = list[tuple[float, tuple[list[str] | None, ...]]]
"""For each match when it became certain, in seconds, and the ids of the events of each part."""

Case = dict[str, Any]


def spec_cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted((ROOT / "tests/spec/composite").glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


def spec_pattern(case: Case) -> CompositePattern:
    names = list(case["parts"])
    window = case["window"] * SECOND
    parts = tuple(spec_part(case, name, window) for name in names)
    joins = tuple(spec_join(text, names) for text in case.get("joins", ()))
    return CompositePattern(parts, spec_tree(case["relation"], names), joins, window)


def spec_part(case: Case, name: str, window: int) -> AggregatePattern:
    asked = case["parts"][name]
    fields = max((len(one["group"]) for one in case["events"] if name in one["parts"]), default=0)
    if isinstance(asked, int):
        return part(at_least(asked), window, fields=fields)
    average = Aggregate(AggregateFunction.AVG, BYTES)
    return part(AggregateCompare(Order.GT, average, Number(asked["average"])), window, fields=fields)


def spec_tree(tree: str | list[Any], names: list[str]) -> RelationTree:
    if isinstance(tree, str):
        return Part(names.index(tree))
    relation, left, right = tree
    return Related(Relation(relation), spec_tree(left, names), spec_tree(right, names))


def spec_join(text: str, names: list[str]) -> JoinCompare:
    left, op, right = text.split()
    (one, place), (other, other_place) = left.split("."), right.split(".")
    sides = (PartValue(names.index(one), int(place)), PartValue(names.index(other), int(other_place)))
    return JoinCompare(Order.EQ, *sides, negated=True) if op == "!=" else JoinCompare(Order(op), *sides)


def spec_rows(case: Case, pattern: CompositePattern) -> list[PartsPassed]:
    rows = []
    for arrival, one in enumerate(case["events"]):
        group = tuple(None if value == NULL else value for value in one["group"])
        numbers = sorted(list(case["parts"]).index(name) for name in one["parts"])
        values = {
            number: (one.get("value"),) * len(aggregated_fields(pattern.parts[number])) for number in numbers
        }
        made = event(one["time"] * SECOND, arrival, name=one["id"], own=True)
        rows.append(PartsPassed(made, tuple((number, group, values[number]) for number in numbers)))
    return rows


def expected(case: Case, key: str) -> Told:
    return [(one["time"], tuple(one.get(name) for name in case["parts"])) for one in case.get(key, ())]


def streamed(pattern: CompositePattern, rows: Sequence[PartsPassed]) -> tuple[Told, Told]:
    matcher = CompositeMatcher(pattern)
    hits = [hit for one in rows for hit in matcher.feed(one)]
    return told(hits), told(matcher.finish(flush=True))


def at_length(pattern: CompositePattern, rows: Sequence[PartsPassed]) -> tuple[Told, Told]:
    everything, certain = find_matches(pattern, rows), find_matches(pattern, rows, rows[-1].event.time)
    return told(certain), told(everything[len(certain) :])


def told(found: Sequence[Any]) -> Told:
    return [
        (
            each.time / SECOND,
            tuple(None if one is None else [event.id for event in one.events] for one in each.parts),
        )
        for each in found
    ]


@pytest.mark.parametrize("case", spec_cases())
@pytest.mark.parametrize("evaluate", [streamed, at_length])
def test_spec(
    evaluate: Callable[[CompositePattern, Sequence[PartsPassed]], tuple[Told, Told]], case: Case
) -> None:
    pattern = spec_pattern(case)
    found, pending = evaluate(pattern, spec_rows(case, pattern))
    assert found == expected(case, "expected")
    assert pending == expected(case, "pending")
