from typing import Any

import pytest
from detection_samples import elastic

from dogwatch.alerts.model import Alert
from dogwatch.detect.bound import bound
from dogwatch.detect.compiled import compile_rules
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.query import EventFields, lower_query
from dogwatch.detect.scan import Scan
from dogwatch.detect.search import Search
from dogwatch.events.readers import documents_to_batches
from dogwatch.schema.schema import Schema

MAPPING: dict[str, Any] = {
    "@timestamp": {"type": "date", "format": "epoch_second"},
    "kind": {"type": "alias", "path": "event.category"},
    "built": {"type": "date", "format": "dd-MM-yyyy"},
    "home": {"type": "alias", "path": "berth"},
    "berth": {"type": "keyword", "null_value": "adrift"},
    "turn": {"type": "alias", "path": "shift.number"},
    "shift": {"properties": {"number": {"type": "long"}}},
}
EVENTS: list[dict[str, Any]] = [
    {"id": 1, "@timestamp": 100, "event": {"category": "process"}, "built": "02-03-2030", "berth": None},
    {"id": 2, "@timestamp": 300, "event": {"category": "process"}, "built": "03-02-2030", "berth": "north"},
    {
        "id": 3,
        "@timestamp": "200",
        "event": {"category": "file"},
        "shift": {"number": 2},
        "berth": ["south", None],
    },
    {"id": 4, "@timestamp": 200, "event": {"category": "file"}, "shift": {"number": 1}, "berth": []},
]


def ids(query: str, **fields: str) -> list[list[int]]:
    search = Search("eql", query, Schema.ecs().with_mapping(MAPPING), **fields)  # type: ignore[arg-type] # texts all
    batches = documents_to_batches(EVENTS, search.fields, batch_rows=2)
    return [[document["id"] for document in hit.events] for hit in search.run(batches)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('any where kind == "file"', [[4], [3]]),
        ('any where built < "2030-03-01"', [[2]]),
        ('any where home == "adrift"', [[1], [3]]),
        ("any where home == null", [[4]]),
        ("sequence by home [process where id == 1] [file where id == 3]", [[1, 3]]),
        ("sample by home [process where true] [file where true]", [[1, 3]]),
    ],
)
def test_a_search_reads_fields_as_the_mapping_says(query: str, found: list[list[int]]) -> None:
    assert ids(query, tiebreaker_field="turn") == found


def test_the_timestamp_and_the_category_too() -> None:
    assert ids("any where true", event_category_field="kind", tiebreaker_field="turn") == [[1], [4], [3], [2]]
    assert ids("file where true", event_category_field="kind", tiebreaker_field="turn") == [[4], [3]]


def test_events_are_in_the_order_of_timestamps_that_only_their_format_reads() -> None:
    schema = Schema.ecs().with_mapping({"@timestamp": {"type": "date", "format": "dd-MM-yyyy"}})
    search = Search("eql", "sequence [any where id == 2] [any where id == 1]", schema)
    events = [{"id": 1, "@timestamp": "02-04-2030"}, {"id": 2, "@timestamp": "03-03-2030"}]
    (hit,) = search.run(documents_to_batches(events, search.fields))
    assert [document["id"] for document in hit.events] == [2, 1]


def test_a_rule_reads_fields_as_the_mapping_says() -> None:
    schema = Schema.ecs().with_mapping(MAPPING)
    (compiled,) = compile_rules([elastic('any where home == "adrift"')], schema).rules
    scan = Scan([compiled], ScanOptions())
    found = list(scan.run(documents_to_batches(EVENTS, scan.matching.fields)))
    assert [each.document["id"] for each in found if isinstance(each, Alert)] == [1, 3]


def test_a_schema_that_says_only_types_changes_nothing() -> None:
    schema = Schema.ecs().with_mapping({"built": "date", "berth": "keyword"})
    lowered = lower_query("eql", "any where built < 2030", schema, None, EventFields())
    assert bound(lowered, schema) is lowered
