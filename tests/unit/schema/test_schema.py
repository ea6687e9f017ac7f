import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.schema.field import FieldType
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


def test_an_overlay_that_is_no_mapping() -> None:
    with pytest.raises(DogwatchError, match="mapping-syntax"):
        Schema({}).with_mapping({"a": 3})
