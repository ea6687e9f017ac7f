"""Elasticsearch's public conformance data, read in place, on the reference evaluator: event queries, folding."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.languages.eql import lower_text
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import Predicate
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import FieldType

_ROOT = Path(__file__).resolve().parents[4]
_DATA = Path(os.environ.get("DOGWATCH_SHARED", _ROOT.parent / "shared")) / "conformance" / "eql"
_ELASTIC = _DATA / "elastic__elasticsearch" / "x-pack" / "plugin" / "eql"
_PIPE = re.compile(r"(.*?)\|\s*(head|tail)\s+(\d+)\s*\Z", re.DOTALL)
_SIZE = 50
"""Results that the suite asks for, the last ones if there are more."""

_TYPES = {bool: FieldType.BOOLEAN, int: FieldType.LONG, str: FieldType.KEYWORD}

pytestmark = pytest.mark.skipif(not _DATA.is_dir(), reason="the conformance data is not beside this checkout")


def _load(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _predicate(query: str, types: dict[str, FieldType]) -> Predicate:
    pattern = lower_text(query, type_of=types.get, event_category_field="event_type").pattern
    assert isinstance(pattern, EventPattern)
    return pattern.predicate


def _satisfies(event: dict[str, Any], predicate: Predicate) -> bool | None:
    return evaluate(predicate, lambda ref: coerce_all([event.get(ref.path)], ref.type)[0])


@pytest.mark.parametrize("file", ["test_queries.active.toml", "additional_test_queries.toml"])
def test_event_queries_find_the_events_that_elasticsearch_finds(file: str) -> None:
    events = json.loads((_DATA / "endgameinc__eql/eql/etc/test_data.json").read_text(encoding="utf-8"))
    types = {key: _TYPES[type(value)] for event in events for key, value in event.items() if type(value) in _TYPES}
    types["source_address"] = FieldType.IP
    checked = 0
    for case in _load(_ELASTIC / "qa/common/src/main/resources" / file)["queries"]:
        # Pipes after an event query are played here; the sequences among the cases are the engine's to check.
        query, pipe = case["query"], _PIPE.match(case["query"])
        if query.lstrip().startswith("sequence"):
            continue
        predicate = _predicate(pipe[1] if pipe else query, types)
        found = [event["serial_event_id"] for event in events if _satisfies(event, predicate)]
        if pipe:
            found = found[: int(pipe[3])] if pipe[2] == "head" else found[-int(pipe[3]) :]
        assert found[-_SIZE:] == case["expected_event_ids"][-_SIZE:], case["name"]
        checked += 1
    assert checked > 30


def _fold_cases(node: Any) -> Iterator[tuple[str, Any, bool]]:
    """Expression, expected value and whether it must be refused, without the old case-insensitive dialect."""
    match node:
        case {"case_insensitive": True}:
            return
        case dict():
            for key, inner in node.items():
                if key in ("tests", "failures"):
                    for case in inner:
                        yield case["expression"], case.get("expected"), key == "failures"
                elif key != "loop":
                    yield from _fold_cases(inner)
        case list():
            for inner in node:
                yield from _fold_cases(inner)


@pytest.mark.parametrize("file", ["test_folding.toml", "test_string_functions.toml"])
def test_constant_expressions_have_the_values_that_elasticsearch_gives_them(file: str) -> None:
    checked = 0
    for expression, expected, refused in _fold_cases(_load(_ELASTIC / "src/test/resources" / file)):
        if '":' in expression:
            continue  # "text":method(), of the library's dialect
        query = f"any where ({expression}) == {json.dumps(expected)}"
        if refused:
            with pytest.raises(DogwatchError):
                _predicate(query, {})
        else:
            assert evaluate(_predicate(query, {}), lambda _: []) is True, query
        checked += 1
    assert checked > 70
