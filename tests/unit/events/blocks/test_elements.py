import json
from typing import Any

import pyarrow as pa
import pytest

from dogwatch.events.blocks.elements import elements_of


def values_of(texts: list[str]) -> tuple[list[list[Any]], list[int]]:
    """The values of each text, and the texts that cannot be read."""
    found = elements_of(pa.array(texts, pa.utf8()))
    values: list[list[Any]] = [[] for _ in texts]
    for owner, value in zip(found.string_owners.tolist(), found.strings.to_pylist(), strict=True):
        values[owner].append(value)
    for owner, value in zip(found.other_owners.tolist(), found.others, strict=True):
        values[owner].append(value)
    return values, list(found.unreadable)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", ["a"]),
        ("", [""]),
        ('q"\\\n', ['q"\\\n']),
        (["a"], ["a"]),
        (["", ""], ["", ""]),
        ([",", ","], [",", ","]),
        (["],["], ["],["]),
        (["a", '","'], ["a", '","']),
        (["a", 1, "b"], ["a", 1, "b"]),
        (["a", None, "b"], ["a", "b"]),
        (["a", ["b", ["c"]], "d"], ["a", "b", "c", "d"]),
        (["a", {"b": ["c"]}, "d"], ["a", {"b": ["c"]}, "d"]),
        ([], []),
        ([None, [None]], []),
        (None, []),
        (True, [True]),
        (1.5, [1.5]),
        ({"a": "b"}, [{"a": "b"}]),
        ("né\0", ["né\0"]),
    ],
)
def test_a_text_gives_the_values_that_it_holds(value: object, expected: list[object]) -> None:
    for ascii_only in (False, True):
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only)
        # Its neighbours must not matter.
        assert values_of(['"before"', text, '["x","y"]']) == ([["before"], expected, ["x", "y"]], [])


def test_blanks_between_values_change_nothing() -> None:
    assert values_of(['[ "a" , "b" ]', '["a", "b"]', ' "c" ']) == ([["a", "b"], ["a", "b"], ["c"]], [])


def test_what_the_decoder_refuses_is_told_apart() -> None:
    assert values_of(['"a"', "1e999", "[1", '["b"]']) == ([["a"], [], [], ["b"]], [1, 2])


def test_part_of_a_longer_column_is_read_alone() -> None:
    texts = pa.array(['"\\\\"', '["a","b"]', '"c"'], pa.utf8())[1:2]
    found = elements_of(texts)
    assert found.strings.to_pylist() == ["a", "b"]
    assert found.string_owners.tolist() == [0, 0]
    assert list(found.others) == []


def test_no_texts_have_no_values() -> None:
    assert values_of([]) == ([], [])
