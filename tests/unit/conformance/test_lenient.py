import sys
from pathlib import Path

import pytest
from suite_folders import EVENTS, write

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from conformance.dynamic import dynamic_mapping
from conformance.lenient import read_documents, read_json, read_toml
from conformance.model import SuiteError
from conformance.run import same_key


def test_bare_nulls_in_toml(tmp_path: Path) -> None:
    text = """
# null in a comment
keys = [null, "null", 'null', "a null b", 3]
nullable = '''
null "it
'''
"""
    write(tmp_path, {"a.toml": text})
    table = read_toml(tmp_path / "a.toml")
    assert table["keys"] == ["null", "null", "null", "a null b", 3]
    assert table["nullable"] == 'null "it\n'


def test_comments_and_addresses_in_data(tmp_path: Path) -> None:
    write(tmp_path, {"a.data": EVENTS})
    documents = read_documents(tmp_path / "a.data")
    assert [document["id"] for document in documents] == [1, 2, 3]
    assert documents[2]["name"] == "http://x"


def test_values_one_after_another(tmp_path: Path) -> None:
    write(tmp_path, {"a.ndjson": '{"a": 1}\n// a remark\n{"a": "\\\\"} [{"a": 3}]'})
    assert read_documents(tmp_path / "a.ndjson") == [{"a": 1}, {"a": "\\"}, {"a": 3}]


@pytest.mark.parametrize("text", ["{", '{"a": 1} x', "[1]", '"text"'])
def test_data_that_are_no_events(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a.data": text})
    with pytest.raises(SuiteError, match=r"a\.data"):
        read_documents(tmp_path / "a.data")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe")
    with pytest.raises(SuiteError):
        read_json(tmp_path / "a.json")
    with pytest.raises(SuiteError):
        read_toml(tmp_path / "absent.toml")


def test_types_of_fields_that_no_mapping_names() -> None:
    text = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
    documents: list[dict[str, object]] = [
        {"n": None, "a": {"b": [None, 1]}, "a.c": 1.5, "flag": [True]},
        {
            "n": "x",
            "a": {"b": "text"},
            "day": "2031-01-01",
            "slash": "2031/01/01",
            "year": "2031",
            "time": "soon: x",
        },
        {"deep": [{"er": [{"x": 1}]}], "empty": [], "hollow": {}},
    ]
    assert dynamic_mapping(documents) == {
        "a.b": "long",
        "a.c": "double",
        "flag": "boolean",
        "n": text,
        "day": "date",
        "slash": "date",
        "year": text,
        "time": text,
        "deep.er.x": "long",
    }


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("null", None, True),
        (None, None, True),
        ("true", True, True),
        (True, True, True),
        ("1234", 1234, True),
        (1234, 1234, True),
        ("1.5", 1.5, True),
        ("1671235200000", "2022-12-17T00:00:00.000Z", True),
        (1671235200000, "2022-12-17T00:00:00.000Z", True),
        ("2022-12-17T01:00:00+01:00", "2022-12-17T00:00:00.000Z", True),
        ("2022-12-18", "2022-12-17T00:00:00.000Z", False),
        ("a", "A", False),
        ("null", "", False),
        ("1", True, False),
        ("Tern", "Tern", True),
    ],
)
def test_join_keys_are_compared_by_value(expected: object, got: object, same: bool) -> None:
    assert same_key(expected, got) is same
