"""The mapping between FortiSIEM's attributes and ECS: its file is sound, and its page says what it says."""

from __future__ import annotations

import csv
import os
from importlib import resources
from pathlib import Path

import pytest

from dogwatch.schema.derived import derived_field, derived_fields
from dogwatch.schema.field import FieldRef, FieldType
from dogwatch.schema.fortisiem import (
    Direction,
    EventTypeRow,
    MappedAttribute,
    attribute_of_header,
    attribute_types,
    event_type_rows,
    mapped_attributes,
)
from dogwatch.schema.fortisiem_transform import TRANSFORMS
from dogwatch.schema.schema import Schema

PAGE = Path(__file__).resolve().parents[3] / "docs" / "fortisiem" / "mapping.md"
ROWS = list(mapped_attributes().values())
WORDS = {Direction.BOTH: "both", Direction.TO_ECS: "to ECS", Direction.FROM_ECS: "from ECS"}

FITTING = {
    FieldType.KEYWORD: {FieldType.KEYWORD, FieldType.TEXT, FieldType.LONG},
    FieldType.LONG: {FieldType.LONG},
    FieldType.DOUBLE: {FieldType.DOUBLE, FieldType.LONG},
    FieldType.IP: {FieldType.IP},
    FieldType.DATE: {FieldType.DATE},
}
"""For each type of an attribute the types of fields from which, and to which, every value goes unchanged."""


INTRODUCTION = """\
# FortiSIEM attributes and ECS fields

This page is made from `src/dogwatch/schema/fortisiem_ecs.yaml`: change that file, then write the page anew
(`DOGWATCH_UPDATE_DOCS=1 pytest tests/unit/schema/test_fortisiem_mapping.py`).

By this table FortiSIEM's rules run on ECS events, and Elastic's on FortiSIEM's.
An attribute that an event gives itself, under `fortisiem.`, goes before what is made of other fields.
Read, the first ECS field with a value counts, then the attributes beside it; written, the first field.
An attribute that is not listed is read only from events that give it, and kept under `fortisiem.`.

## Events in FortiSIEM's own form

- Lines `[EVENT_TYPE]:[key]=value,[key]=value`, alone or behind a syslog header (RFC 3164 or 5424). The colon may
  be missing, and blanks may stand around it, commas and equals signs.
- JSON: an object of attributes a line, an array of them, `{"events": [..]}`, attributes also under `attributes` or
  `fortisiem`; also as search hits and in `_bulk` bodies.
- CSV with a header, separated by commas, semicolons or tabs.

Keys and headers are internal names or display names. A file may mix lines, JSON of either schema and audit
records: each is read as what it is. A JSON object is FortiSIEM's if two attributes are in it, one of them
`phRecvTime`, `rawEventMsg`, `reptDevIpAddr`, `reptDevName`, `phEventCategory` or (without objects and `@timestamp`
beside it) `eventType`, and no ECS field is.

A document holds the attributes under `fortisiem`, dates as ISO 8601, and the fields of this table beside them.
A line is kept as `event.original`; a raw event in an export that is such a line itself fills in what the export
leaves out. The time is `phRecvTime`, else that of the syslog header, else `deviceTime`; a time without a year is
the last such time that is not more than a day after reading. `eventId` is the event's id.
An empty value is none, and a key that comes again has several.

## Attributes
"""

EVENT_TYPES = """\
## Event types

An ECS event has every event type whose conditions hold; a condition on `eventType` is true if any of them
makes it so. The type is shown by one of the actions or, if none of those under "not with" is there, by one of the
words of `event.type`; where the actions are marked as required, by them alone. Unless it is asked for,
`event.outcome` must not be failure: what was tried in vain did not happen. An event without `host.os.type` is one
of Linux if no other field of `host.os` names another system. Written, an event gets the first word and the first
action.
An event of another type with `srcIpAddr` and `destIpAddr` gets the category `network`, type `connection`.
"""


def ecs_type(path: str) -> FieldType | None:
    table = resources.files("dogwatch.schema").joinpath("ecs_fields.csv").read_text(encoding="utf-8")
    assert path in {row["name"] for row in csv.DictReader(table.splitlines())}
    return Schema.ecs().type_of(path)


def test_every_attribute_is_defined_and_mapped_once() -> None:
    file = resources.files("dogwatch.schema").joinpath("fortisiem_ecs.yaml").read_text(encoding="utf-8")
    assert file.count("{name:") == len(ROWS) > 80
    assert not [row.name for row in ROWS if row.name not in attribute_types()]
    assert not [name for row in ROWS for name in row.also if name not in attribute_types()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_types_fit(row: MappedAttribute) -> None:
    transform = TRANSFORMS[row.transform]
    types = [ecs_type(path) for path in row.ecs]
    assert None not in types
    if row.direction is Direction.TO_ECS:
        # Any value can be written as a keyword.
        assert types == [FieldType.KEYWORD]
    elif row.transform in ("same", "hash"):
        assert set(types) <= FITTING[attribute_types()[row.name]]
    else:
        assert transform.reads_as is not None


def test_event_types_are_listed_once_and_use_words_of_ecs() -> None:
    types = [row.type for row in event_type_rows()]
    assert len(types) == len(set(types))
    assert {row.category for row in event_type_rows()} <= {"process", "file", "authentication"}
    kinds = {kind for row in event_type_rows() for kind in row.kinds}
    assert kinds <= {"start", "creation", "deletion", "change", "info", "access"}
    assert all(row.kinds for row in event_type_rows())
    assert not [row.type for row in event_type_rows() if row.only and not row.actions]


def test_headers_name_attributes_by_display_names() -> None:
    names = attribute_of_header()
    assert names["event receive time"] == names["receivetime"] == "phRecvTime"
    assert "eventid" not in names
    assert names["raw event log"] == "rawEventMsg"
    assert names["organization name"] == "customer"


def test_only_attributes_of_their_own_type_are_derived() -> None:
    assert derived_field(FieldRef("fortisiem.procName", FieldType.KEYWORD)) is not None
    assert derived_field(FieldRef("fortisiem.procName", FieldType.LONG)) is None
    assert derived_field(FieldRef("process.name", FieldType.KEYWORD)) is None
    assert "fortisiem.eventId" not in derived_fields()


def test_the_page_is_the_mapping() -> None:
    page = _page()
    if os.environ.get("DOGWATCH_UPDATE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


def _page() -> str:
    return "\n".join(
        [
            INTRODUCTION,
            "| Attribute | Type | ECS fields | Also from | Direction | Change | Note |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *(_attribute(row) for row in ROWS),
            "",
            EVENT_TYPES,
            "| Event type | `event.category` | `event.type` | `event.action` | Not with | Else | Direction |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *(_event_type(row) for row in event_type_rows()),
            "",
        ]
    )


def _attribute(row: MappedAttribute) -> str:
    change = "" if row.transform == "same" else row.transform.replace("_", " ")
    kind = attribute_types()[row.name].value
    cells = (_code([row.name]), kind, _code(row.ecs), _code(row.also), WORDS[row.direction], change, row.note)
    return f"| {' | '.join(cells)} |"


def _event_type(row: EventTypeRow) -> str:
    conditions = {"event.outcome": row.outcome, "host.os.type": row.os, "process.name": row.program}
    others = ", ".join(f"`{path}` {value}" for path, value in conditions.items() if value is not None)
    actions = _code(row.actions) + (" (required)" if row.only else "")
    cells = (_code([row.type]), row.category, _code(row.kinds), actions, _code(row.unless), others)
    return f"| {' | '.join((*cells, WORDS[row.direction]))} |"


def _code(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
