from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.time import parse_instant
from dogwatch.schema.coerce import Missing, coerce, coerce_all, coerce_field, field_coercion, flatten
from dogwatch.schema.field import FieldRef, FieldType

LOST, ABSENT = Missing.LOST, Missing.ABSENT
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FieldType.KEYWORD, "a", "a"),
        (FieldType.KEYWORD, "", ""),
        (FieldType.KEYWORD, 1, "1"),
        (FieldType.KEYWORD, 1.0, "1.0"),
        (FieldType.KEYWORD, True, "true"),
        (FieldType.KEYWORD, {"a": 1}, LOST),
        (FieldType.KEYWORD, float("nan"), LOST),
        (FieldType.KEYWORD, 10**3500, LOST),
        (FieldType.KEYWORD, "x" * 100_000, "x" * 100_000),
        (FieldType.TEXT, False, "false"),
        (FieldType.VERSION, "1.2.3-rc1", "1.2.3-rc1"),
        (FieldType.LONG, 12, 12),
        (FieldType.LONG, "123", 123),
        (FieldType.LONG, "-7", -7),
        (FieldType.LONG, 12.7, 12),
        (FieldType.LONG, -12.7, -12),
        (FieldType.LONG, "12.7", 12),
        (FieldType.LONG, "1e3", 1000),
        (FieldType.LONG, "9223372036854775807", 2**63 - 1),
        (FieldType.LONG, 2**63, LOST),
        (FieldType.LONG, "9223372036854775808", LOST),
        (FieldType.LONG, 1e300, LOST),
        (FieldType.LONG, "1e999999999", LOST),
        (FieldType.LONG, "9" * 100_000, LOST),
        (FieldType.LONG, "abc", LOST),
        (FieldType.LONG, "0x10", LOST),
        (FieldType.LONG, "1_000", LOST),
        (FieldType.LONG, " 1", LOST),
        (FieldType.LONG, "\u0661", LOST),
        (FieldType.LONG, "NaN", LOST),
        (FieldType.LONG, float("inf"), LOST),
        (FieldType.LONG, "", ABSENT),
        (FieldType.LONG, True, LOST),
        (FieldType.DOUBLE, 1, 1.0),
        (FieldType.DOUBLE, "12.5", 12.5),
        (FieldType.DOUBLE, "-1e-3", -0.001),
        (FieldType.DOUBLE, "1e999", LOST),
        (FieldType.DOUBLE, 10**400, LOST),
        (FieldType.DOUBLE, 2**1024 - 1, LOST),
        (FieldType.DOUBLE, 2**1023, 2.0**1023),
        (FieldType.DOUBLE, "Infinity", LOST),
        (FieldType.DOUBLE, float("nan"), LOST),
        (FieldType.DOUBLE, False, LOST),
        (FieldType.BOOLEAN, True, True),
        (FieldType.BOOLEAN, "true", True),
        (FieldType.BOOLEAN, "false", False),
        (FieldType.BOOLEAN, "", False),
        (FieldType.BOOLEAN, "True", LOST),
        (FieldType.BOOLEAN, 1, LOST),
        (FieldType.DATE, "1970-01-01T00:00:01Z", 10**9),
        (FieldType.DATE, 1500, LOST),
        (FieldType.DATE, 2024, parse_instant("2024")),
        (FieldType.DATE, "2024", parse_instant("2024")),
        (FieldType.DATE, 1_704_067_200_000, parse_instant("2024")),
        (FieldType.DATE, "1704067200000", parse_instant("2024")),
        (FieldType.DATE, "-1", -(10**6)),
        (FieldType.DATE, 0, 0),
        (FieldType.DATE, 0.5, 500_000),
        (FieldType.DATE, 10**30, LOST),
        (FieldType.DATE, "1e400", LOST),
        (FieldType.DATE, "yesterday", LOST),
        (FieldType.DATE, "", LOST),
        (FieldType.DATE, True, LOST),
        (FieldType.IP, "10.0.0.1", "10.0.0.1"),
        (FieldType.IP, "2001:DB8:0:0::1", "2001:db8::1"),
        (FieldType.IP, "::ffff:10.0.0.1", "10.0.0.1"),
        (FieldType.IP, "fe80::1%eth0", LOST),
        (FieldType.IP, "10.0.0.01", LOST),
        (FieldType.IP, "10.0.0.0/8", LOST),
        (FieldType.IP, 167772161, LOST),
        (FieldType.IP, "1" * 10_000, LOST),
    ],
)
def test_one_value(kind: FieldType, value: object, expected: object) -> None:
    result = coerce(value, kind)
    assert result == expected or result is expected
    assert type(result) is type(expected)


@pytest.mark.parametrize("kind", FieldType)
@pytest.mark.parametrize("value", [None, [], [None], [[], [None]]])
def test_nothing_is_absent_under_every_type(kind: FieldType, value: object) -> None:
    assert coerce(value, kind) is ABSENT


@pytest.mark.parametrize("kind", FieldType)
@pytest.mark.parametrize("value", [{}, {"a": 1}, ["a"], [[{}]]])
def test_objects_and_lists_are_lost_under_every_type_of_scalars(kind: FieldType, value: object) -> None:
    if kind is not FieldType.OBJECT or isinstance(value, list):
        assert coerce(value, kind) is LOST


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [None, "x"]}, '{"a":[null,"x"],"b":1}'),
        ({}, "{}"),
        ("{}", LOST),
        (7, LOST),
    ],
)
def test_objects_are_kept_as_sorted_json(value: object, expected: object) -> None:
    assert coerce(value, FieldType.OBJECT) == expected


DAY = FieldRef("day", FieldType.DATE, ("dd-MM-yyyy", "epoch_second"))
BERTH = FieldRef("berth", FieldType.KEYWORD, null_value="adrift")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("17-12-2022", parse_instant("2022-12-17")),
        ("2022-12-17", LOST),
        ("1671235200", parse_instant("2022-12-17")),
        (1671235200, parse_instant("2022-12-17")),
        (1.5, 1_500_000_000),
        (True, LOST),
        ({}, LOST),
        ([], ABSENT),
        ("31-02-2022", LOST),
    ],
)
def test_a_date_with_formats_reads_these_alone(value: object, expected: object) -> None:
    result = field_coercion(DAY)(value)
    assert result == expected or result is expected


def test_formats_count_for_dates_alone() -> None:
    assert field_coercion(FieldRef("a", FieldType.KEYWORD, ("dd-MM-yyyy",)))("x") == "x"


def test_a_null_is_the_fields_null_value() -> None:
    assert coerce_field(["north", None, [None]], BERTH) == (["north", "adrift", "adrift"], 0)
    assert coerce_field([], BERTH) == ([], 0)
    assert coerce_field([None, {}], FieldRef("berth", FieldType.KEYWORD)) == ([], 1)


def test_several_values_flatten_in_order_and_losses_are_counted() -> None:
    assert coerce_all([1, ["2", [3.9, None]], "x", {"a": 1}, ""], FieldType.LONG) == ([1, 2, 3], 2)


def test_flattening_does_not_recurse() -> None:
    deep: list[Any] = ["x"]
    for _ in range(100_000):
        deep = [deep]
    assert list(flatten(deep)) == ["x"]
    assert coerce(deep, FieldType.KEYWORD) is LOST
    while deep and isinstance(deep[0], list):  # unwound by hand: the collector would recurse
        deep = deep.pop()


@given(JSON, st.sampled_from(FieldType))
def test_any_value_gives_a_scalar_of_the_type_or_none(value: object, kind: FieldType) -> None:
    result = coerce(value, kind)
    if not isinstance(result, Missing):
        wanted = {FieldType.LONG: int, FieldType.DATE: int, FieldType.DOUBLE: float, FieldType.BOOLEAN: bool}
        assert type(result) is wanted.get(kind, str)
        if isinstance(result, int):
            assert -(2**63) <= result < 2**63


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_long_reads_the_same_as_number_and_as_text(number: int) -> None:
    assert coerce(number, FieldType.LONG) == coerce(str(number), FieldType.LONG) == number
