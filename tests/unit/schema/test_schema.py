from typing import Any

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.schema.field import FieldRef, FieldType
from dogwatch.schema.schema import Schema


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("process.name", FieldType.KEYWORD),
        ("process.pid", FieldType.LONG),
        ("source.ip", FieldType.IP),
        ("@timestamp", FieldType.DATE),
        ("message", FieldType.TEXT),
        ("process.name.text", FieldType.TEXT),
        ("process.name.caseless", FieldType.KEYWORD),
        ("process.title.keyword", FieldType.KEYWORD),
        ("fortisiem.swParam", FieldType.KEYWORD),
        ("labels.team", FieldType.KEYWORD),
        ("log.syslog.structured_data.origin.ip", FieldType.KEYWORD),
        ("process.pid.text", None),
        ("host.geo.location", None),
        ("process", None),
        ("proces.name", None),
    ],
)
def test_types(path: str, expected: FieldType | None) -> None:
    assert Schema.ecs().type_of(path) is expected


def test_a_multi_field_reads_its_parent() -> None:
    ecs = Schema.ecs()
    assert ecs.source_path("process.name.text") == "process.name"
    assert ecs.source_path("process.name") == "process.name"
    # A field of its own whose name merely looks like one.
    assert ecs.source_path("process.io.text") == "process.io.text"
    assert ecs.source_path("unheard.of.text") == "unheard.of.text"


def test_known() -> None:
    ecs = Schema.ecs()
    assert ecs.is_known("host.geo.location")
    assert ecs.is_known("process.name.caseless")
    assert not ecs.is_known("proces.name")


def test_the_table_is_loaded_once() -> None:
    assert Schema.ecs() is Schema.ecs()


def test_suggestions() -> None:
    assert Schema.ecs().suggest("proces.name")[0] == "process.name"
    assert Schema.ecs().suggest("zzzzzzzzzz") == []


@pytest.mark.parametrize(
    "mapping",
    [
        {"app.user.age": "integer", "app.user.name": "keyword"},
        {"app.user.age": {"type": "integer"}, "app": {"properties": {"user.name": {"type": "keyword"}}}},
        {
            "mappings": {
                "properties": {
                    "app": {
                        "properties": {
                            "user": {"properties": {"age": {"type": "integer"}, "name": {"type": "keyword"}}}
                        }
                    }
                }
            }
        },
    ],
)
def test_an_overlay_in_any_form(mapping: dict[str, object]) -> None:
    schema = Schema.ecs().with_mapping(mapping)
    assert schema.type_of("app.user.age") is FieldType.LONG
    assert schema.type_of("app.user.name") is FieldType.KEYWORD
    assert schema.type_of("process.name") is FieldType.KEYWORD
    assert Schema.ecs().type_of("app.user.age") is None


def test_an_overlay_replaces_and_brings_multi_fields() -> None:
    schema = Schema({}).with_mapping({"a": {"type": "keyword", "fields": {"text": {"type": "text"}}}, "b": "ip"})
    assert schema.type_of("a.text") is FieldType.TEXT
    assert schema.source_path("a.text") == "a"
    assert schema.with_mapping({"b": "long"}).type_of("b") is FieldType.LONG


def test_an_overlay_says_which_texts_have_an_exact_sub_field() -> None:
    exact: dict[str, object] = {"type": "text", "fields": {"raw": {"type": "keyword"}, "en": {"type": "text"}}}
    schema = Schema({"old": "text"}).with_mapping(
        {
            "a": {"type": "text"},
            "b": exact,
            "c": "text",
            "c.keyword": "keyword",
            "d": {"type": "alias", "path": "b"},
        }
    )
    kinds = {path: schema.type_of(f"{path}.keyword") for path in ("a", "b", "b.en", "c", "d", "old")}
    assert kinds == {
        "a": None,
        "b": FieldType.KEYWORD,
        "b.en": None,
        "c": FieldType.KEYWORD,
        "d": FieldType.KEYWORD,
        "old": FieldType.KEYWORD,
    }
    assert schema.type_of("a.text") is FieldType.TEXT
    assert schema.with_mapping({"a": exact}).type_of("a.keyword") is FieldType.KEYWORD


def test_an_overlay_that_is_no_mapping() -> None:
    with pytest.raises(DogwatchError, match="mapping-syntax"):
        Schema({}).with_mapping({"a": 3})


@pytest.mark.parametrize(
    "definition",
    [
        3,
        {"type": 3},
        {"properties": 3},
        {"type": "keyword", "fields": []},
        {"type": "alias"},
        {"type": "alias", "path": 3},
        {"type": "alias", "path": "nowhere"},
        {"type": "alias", "path": "holder"},
        {"type": "date", "format": 3},
        {"type": "date", "format": ""},
        {"type": "date", "format": "xxxx-'W'ww"},
        {"type": "date", "format": "yyyy-MM-dd||QQ"},
        {"type": "date", "format": "dd-MM-yyyy", "null_value": "2022-01-01"},
        {"type": "long", "null_value": "many"},
        {"type": "object", "null_value": "x"},
    ],
)
def test_definitions_that_say_nothing_we_understand(definition: object) -> None:
    holder = {"holder": {"properties": {"inner": {"type": "keyword"}}}}
    with pytest.raises(DogwatchError, match="mapping-syntax"):
        Schema({}).with_mapping({"a": definition, **holder})


MAPPING: dict[str, Any] = {
    "properties": {
        "kind": {"type": "alias", "path": "event.category"},
        "born": {"type": "alias", "path": "built.on"},
        "built": {"properties": {"on": {"type": "date", "format": "dd-MM-yyyy||epoch_second"}}},
        "seen": {"type": "date", "format": "strict_date_optional_time||epoch_millis"},
        "berth": {"type": "keyword", "null_value": "adrift", "fields": {"raw": {"type": "wildcard"}}},
        "crew": {"type": "integer", "null_value": "7"},
        "cargo": {"type": "nested", "properties": {"name": {"type": "keyword"}}},
    }
}


def test_an_alias_has_the_type_and_the_path_of_its_target() -> None:
    schema = Schema.ecs().with_mapping(MAPPING)
    assert schema.type_of("kind") is FieldType.KEYWORD
    assert schema.type_of("born") is FieldType.DATE
    assert schema.source_path("kind") == "event.category"
    assert schema.bind(FieldRef("kind", FieldType.KEYWORD)) == FieldRef("event.category", FieldType.KEYWORD)
    on = FieldRef("built.on", FieldType.DATE, ("dd-MM-yyyy", "epoch_second"))
    assert schema.bind(FieldRef("born", FieldType.DATE)) == schema.bind(FieldRef("built.on", FieldType.DATE)) == on


def test_null_values_are_of_the_type_that_the_field_is_read_as() -> None:
    schema = Schema.ecs().with_mapping(MAPPING)
    assert schema.bind(FieldRef("crew", FieldType.LONG)).null_value == 7
    assert schema.bind(FieldRef("crew", FieldType.KEYWORD)).null_value == "7"
    assert schema.bind(FieldRef("crew", FieldType.IP)).null_value is None
    assert schema.bind(FieldRef("berth", FieldType.KEYWORD)).null_value == "adrift"


def test_a_named_multi_field_reads_its_parent() -> None:
    schema = Schema.ecs().with_mapping(MAPPING)
    assert schema.type_of("berth.raw") is FieldType.KEYWORD
    assert schema.bind(FieldRef("berth.raw", FieldType.KEYWORD)) == FieldRef("berth", FieldType.KEYWORD)


def test_a_field_of_which_nothing_is_said_stays_as_it_is() -> None:
    schema = Schema.ecs().with_mapping(MAPPING)
    for path in ("seen", "process.name", "cargo.name", "unheard.of"):
        ref = FieldRef(path, FieldType.KEYWORD)
        assert schema.bind(ref) is ref
    assert schema.type_of("cargo") is None
    assert schema.mappings["cargo"] == "nested"
    assert not Schema.ecs().definitions


def test_a_later_mapping_replaces_what_an_earlier_said() -> None:
    schema = Schema.ecs().with_mapping(MAPPING)
    again = schema.with_mapping({"berth": "keyword", "home": {"type": "alias", "path": "built.on"}})
    assert again.bind(FieldRef("berth", FieldType.KEYWORD)).null_value is None
    assert again.bind(FieldRef("home", FieldType.DATE)).formats == ("dd-MM-yyyy", "epoch_second")
