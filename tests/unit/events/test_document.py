from typing import Any

import pytest
from document_strategies import DOCUMENTS, PATHS, plain_values
from hypothesis import given

from dogwatch.events.document import PathTree, leaf_value


@pytest.mark.parametrize(
    "document",
    [
        {"process": {"parent": {"name": "x"}}},
        {"process.parent.name": "x"},
        {"process": {"parent.name": "x"}},
        {"process.parent": {"name": "x"}},
        {"process": [{"parent": [None, {"name": ["x", None]}]}]},
        {"process": [[{"parent": {"name": [["x"]]}}]]},
    ],
)
def test_nested_and_dotted_are_the_same_field(document: dict[str, Any]) -> None:
    assert PathTree(["process.parent.name"]).extract(document) == [["x"]]


def test_values_keep_the_order_of_the_document() -> None:
    document = {"a.b": 1, "a": [{"b": [2, 3]}, {"c": 0}, {"b": 4}]}
    assert PathTree(["a.b", "a.c"]).extract(document) == [[1, 2, 3, 4], [0]]


def test_a_path_above_another_sees_the_object_itself() -> None:
    assert PathTree(["a", "a.b"]).extract({"a": {"b": 1}}) == [[{"b": 1}], [1]]
    assert PathTree(["a", "a.b"]).extract({"a": "text"}) == [["text"], []]


@pytest.mark.parametrize("value", [None, [], [None], {}, "text", 3, {"x": 1}])
def test_no_values(value: object) -> None:
    assert PathTree(["a.b"]).extract({"a": value}) == [[]]


def test_depth_is_no_danger() -> None:
    document: Any = {}
    for _ in range(100_000):
        document = {"a": document}
    lists: Any = "x"
    for _ in range(100_000):
        lists = [lists]
    found = PathTree(["a.a.b", "l"]).extract({**document, "l": lists})
    assert found == [[], ["x"]]
    for outer in (document, lists):  # unwound by hand: the collector would recurse
        while isinstance(outer, (dict, list)) and outer:
            outer = outer.popitem()[1] if isinstance(outer, dict) else outer.pop()


@given(DOCUMENTS)
def test_one_walk_finds_what_the_plain_search_finds(document: dict[str, Any]) -> None:
    found = PathTree(PATHS).extract(document)
    assert list(map(repr, found)) == [repr(plain_values(document, path)) for path in PATHS]


@given(DOCUMENTS)
def test_a_single_leaf(document: dict[str, Any]) -> None:
    value = leaf_value(document, "a", "b")
    plain = plain_values(document, "a.b")
    assert (value is None) == (not plain)
    assert value is None or any(value is item for item in plain)
