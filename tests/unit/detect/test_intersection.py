from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.detect.intersection import intersection

scalars = st.one_of(st.none(), st.booleans(), st.integers(-1, 2), st.sampled_from(["", "a", "b", 1.0, 0.5]))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2)
    ),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3)


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1}),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 1, "d": 3}}}, {"a": {"b": {"c": 1}}}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, {}),
        ({"a": {}}, {"a": {}}, {}),
        ({"a": [1, 2, 3]}, {"a": [3, 2]}, {"a": [2, 3]}),
        ({"a": "x"}, {"a": ["y", "x"]}, {"a": ["x"]}),
        ({"a": ["y", "x"]}, {"a": "x"}, {"a": ["x"]}),
        ({"a": ["x"]}, {"a": ["y"]}, {}),
        ({"a": []}, {"a": []}, {}),
        ({"a": True}, {"a": 1}, {}),
        ({"a": [True]}, {"a": [1]}, {}),
        ({"a": [{"b": True}]}, {"a": [{"b": 1}]}, {}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": {"b": 2}}, {"a": [{"b": 2}]}),
        ({"a": 1}, {"a": 1.0}, {"a": 1}),
        ({"a": "1"}, {"a": 1}, {}),
        ({"a": None}, {"a": None}, {"a": None}),
        ({"a": None}, {}, {}),
        ({"a": {"b": 1}}, {"a": "b"}, {}),
    ],
)
def test_two_documents(left: dict[str, Any], right: dict[str, Any], common: dict[str, Any]) -> None:
    assert intersection([left, right]) == common


def test_of_no_document_or_one() -> None:
    assert intersection([]) == {}
    assert intersection([{"a": 1}]) == {"a": 1}


def test_three_documents_leave_what_all_have() -> None:
    assert intersection([{"a": [1, 2], "b": 1}, {"a": [2, 3], "b": 1}, {"a": 2}]) == {"a": [2]}


@given(documents, documents)
def test_what_is_in_common_is_in_both(left: dict[str, Any], right: dict[str, Any]) -> None:
    common = intersection([left, right])
    assert intersection([common, left]) == common
    assert intersection([common, right]) == common


@given(documents, documents)
def test_both_orders_name_the_same_keys(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert intersection([left, right]).keys() == intersection([right, left]).keys()


def test_hostile_depth_and_length() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"d": deep}
    assert intersection([{"a": deep, "b": 1}, {"a": deep, "b": 1}]) == {"b": 1}
    assert intersection([{"a": [deep], "b": 1}, {"a": [deep], "b": 1}]) == {"b": 1}
    many = [str(number) for number in range(100_000)]
    assert intersection([{"a": many}, {"a": many[::-1]}]) == {"a": many}
