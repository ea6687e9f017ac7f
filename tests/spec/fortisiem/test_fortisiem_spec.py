"""The cases of ``cases.toml`` on both evaluators."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.engine.plan import Plan
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.document import field_values
from dogwatch.events.report import ReadReport
from dogwatch.languages.fortisiem.lower import lower_filter
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import LookupTable
from dogwatch.logic.predicate import Predicate
from dogwatch.logic.rewrite import has_lists, loosened
from dogwatch.schema.field import TYPE_OF_MAPPING, Scalar

SPEC = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
TYPES = {f"fortisiem.{name}": TYPE_OF_MAPPING[mapping] for name, mapping in SPEC["types"].items()}
Notes = tuple[Diagnostic, ...]


class Described:
    """What the file's groups, tables, limits and watch lists hold."""

    def group(self, name: str) -> tuple[str, ...] | None:
        members = SPEC["groups"].get(name)
        return None if members is None else tuple(members)

    def is_watch_list(self, name: str) -> bool:
        return name in SPEC["lists"]

    def table(self, name: str) -> LookupTable | None:
        table = SPEC["tables"].get(name.lower())
        if table is None:
            return None
        rows = {tuple(row["keys"]): tuple(row.get(column) for column in table["columns"]) for row in table["rows"]}
        return LookupTable(name, tuple(table["keys"]), tuple(table["columns"]), rows)

    def thresholds(self, name: str) -> Mapping[tuple[str, ...], int | float] | None:
        limits = SPEC["limits"].get(name)
        return None if limits is None else {tuple(limit["of"]): limit["is"] for limit in limits}

    def has_profile(self, number: int) -> bool:
        return number in SPEC["profiles"]


def lower(text: str, strict: Sequence[str] = ()) -> tuple[Predicate, Notes]:
    return lower_filter(text, type_of=TYPES.get, resources=Described(), options=FortisiemOptions.named(strict))


def listed(name: str, value: Scalar) -> bool:
    return str(value).lower() in SPEC["lists"][name]


def selected(predicate: Predicate) -> list[str]:
    """The names of the events that a predicate selects, on columns and one at a time."""
    documents = {name: {"fortisiem": event} for name, event in SPEC["events"].items()}
    rows = [Row(document, name, True, None, None, NO_TIEBREAK) for name, document in documents.items()]
    plan = Plan([loosened(predicate)])
    (flags,) = plan.evaluate(make_batch(rows, plan.fields, 0, ReadReport()))
    answers = [evaluate(predicate, partial(field_values, each), listed) is True for each in documents.values()]
    if has_lists(predicate):
        assert all(flag for flag, answer in zip(flags.tolist(), answers, strict=True) if answer)
    else:
        assert flags.tolist() == answers
    return [name for name, answer in zip(documents, answers, strict=True) if answer]


@pytest.mark.parametrize("case", SPEC["case"], ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    predicate, notes = lower(case["filter"], case.get("strict", ()))
    assert selected(predicate) == case["expect"]
    if "notes" in case:
        assert [note.code for note in notes] == case["notes"]


@pytest.mark.parametrize("case", SPEC["error"], ids=lambda case: case["filter"])
def test_error(case: dict[str, Any]) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower(case["filter"], case.get("strict", ()))
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (case["code"], case["message"])
    assert diagnostic.source == case["filter"]
    assert diagnostic.span is not None
    if "hint" in case:
        assert diagnostic.hint == case["hint"]
