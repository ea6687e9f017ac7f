"""What EQL's functions and constants become."""

from __future__ import annotations

import pytest
from eql_predicates import (
    IS_ONE,
    NAME,
    PID,
    equal,
    field,
    keyword,
    long,
    lowered,
)

from dogwatch.base.text import Fold
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    Call,
    Compare,
    Exists,
    InNetwork,
    IsTrue,
    Literal,
    Not,
    Or,
    Order,
    Predicate,
    Truth,
)
from dogwatch.schema.field import FieldType


def _is_null(call: Call) -> Predicate:
    return Truth(Call("is_null", (call,)))


LENGTH = Call("length", (NAME,))
STARTS = Call("starts_with", (NAME, keyword("a")))
WHEN = Call("date_string", (field("@timestamp"),))
INSIDE = InNetwork(field("ip"), ("10.0.0.0/8",))
ABOVE = Compare(Order.GT, PID, long(-1))


@pytest.mark.parametrize(
    ("condition", "predicate"),
    [
        ("LENGTH(name) > 3", IsTrue(Compare(Order.GT, LENGTH, long(3)))),
        ("3 == length(name)", IsTrue(equal(LENGTH, 3, FieldType.LONG))),
        ('startsWith(name, "a")', IsTrue(Truth(STARTS))),
        ('startsWith(name, "a") == true', IsTrue(Truth(STARTS))),
        ('not startsWith(name, "a")', Not(IsTrue(Truth(STARTS)))),
        ('startsWith(name, "a") == false', Not(IsTrue(Truth(STARTS)))),
        ('startsWith(name, "a") != false', IsTrue(Truth(STARTS))),
        ('true != startsWith(name, "a")', Not(IsTrue(Truth(STARTS)))),
        ("(pid > -1) == false", Not(IsTrue(ABOVE))),
        ("(pid > -1) != false", IsTrue(ABOVE)),
        ('null == (startsWith(name, "a") == false)', _is_null(STARTS)),
        ('endsWith~(name, "A")', IsTrue(Truth(Call("ends_with", (NAME, keyword("A")), Fold.UNICODE)))),
        ("stringContains(name, parent)", IsTrue(Truth(Call("string_contains", (NAME, field("parent")))))),
        ("pid + 1 == 83", IsTrue(equal(Call("add", (PID, long(1))), 83, FieldType.LONG))),
        ("83 - pid == 1", IsTrue(equal(Call("subtract", (long(83), PID)), 1, FieldType.LONG))),
        ("add(pid, 1) == 83", lowered("pid + 1 == 83")),
        ("-pid == 1", IsTrue(equal(Call("negate", (PID,)), 1, FieldType.LONG))),
        (
            'pid == number("0x10", null)',
            IsTrue(Compare(Order.EQ, PID, Call("number", (keyword("0x10"), long(None))))),
        ),
        ('cidrMatch(ip, "10.6.48.157/8")', IsTrue(INSIDE)),
        ('cidrMatch(ip, "10.1.2.3", "fe80::1/64")', IsTrue(InNetwork(field("ip"), ("10.1.2.3/32", "fe80::/64")))),
        (
            'cidrMatch("10.0.0.1", "10.0.0.0/8")',
            IsTrue(InNetwork(Literal("10.0.0.1", FieldType.IP), ("10.0.0.0/8",))),
        ),
        ('cidrMatch(ip, "10.0.0.0/8", null)', NEVER),
        ('true == cidrMatch(ip, "10.0.0.0/8")', IsTrue(INSIDE)),
        ('cidrMatch(ip, "10.0.0.0/8") == false', Not(IsTrue(INSIDE))),
        ('cidrMatch(ip, "10.0.0.0/8") != false', IsTrue(INSIDE)),
        # A null among the required arguments is null at once; an optional one is the function's business.
        ('concat(name, null) == "a"', NEVER),
        ("concat(name, null) == null", ALWAYS),
        (
            'substring(name, null) == "a"',
            IsTrue(equal(Call("substring", (NAME, long(None))), "a")),
        ),
        (
            'indexOf(name, "a", null) == 1',
            IsTrue(equal(Call("index_of", (NAME, keyword("a"), long(None))), 1, FieldType.LONG)),
        ),
        # Whether a computed value is null.
        ("length(name) != null", Not(_is_null(LENGTH))),
        ("concat(name, pid) == null", _is_null(Call("concat", (NAME, PID)))),
        ("null == (length(name) > 3)", _is_null(LENGTH)),
        ("(length(name) in (1, 2)) != null", Not(_is_null(LENGTH))),
        ('null == startsWith(name, "a")', _is_null(STARTS)),
        # Dates as text.
        ('string(@timestamp) : "2024"', IsTrue(equal(Call("string", (WHEN,)), "2024", fold=Fold.UNICODE))),
        ('concat(@timestamp, pid) == "a"', IsTrue(equal(Call("concat", (WHEN, PID)), "a"))),
        ("null == (pid > -1)", Not(IsTrue(Or((ABOVE, Not(ABOVE)))))),
        ("null != (name == null)", ALWAYS),
    ],
)
def test_functions(condition: str, predicate: Predicate) -> None:
    assert lowered(condition) == predicate


def _string(value: bool) -> Call:
    return Call("string", (Literal(value, FieldType.BOOLEAN),))


def test_a_condition_as_an_argument_is_asked_for_each_of_its_answers() -> None:
    leaves = [equal(_string(value), "true", fold=Fold.UNICODE) for value in (True, False)]
    assert lowered('string(pid > -1) : "true"') == Or(
        (
            And((IsTrue(ABOVE), IsTrue(leaves[0]))),
            And((IsTrue(Not(ABOVE)), IsTrue(leaves[1]))),
        )
    )


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("true", True),
        ("null", False),
        ("not null", False),
        ("not false", True),
        ("null and false", False),
        ("not (null and false)", True),
        ("not (null and true)", False),
        ("null or true", True),
        ("not (null or false)", False),
        ("null == null", True),
        ("null != null", False),
        ("1 == null", False),
        ('"a" != null', True),
        ("not (null < 1)", False),
        ("not (1 >= null)", False),
        ("3 == 3.0", True),
        ("3 < 4.5", True),
        ('"Foo" == "foo"', False),
        ('"Foo" < "foo"', True),
        ("true == true", True),
        ("345 in (123, 345)", True),
        ("345 not in (123, 456)", True),
        ("not (null in (1))", False),
        ("7 / 3 == 2", True),
        ("7 / 3.0 > 2.33", True),
        ("9 - 6 / 2 + 5 * 3 == 21 and 7 * 3 % 4 == 1", True),
        ("not (1 + null > 0)", False),
        ("?nobody == ?noone", True),
        ("pid == 1 and false", False),
        ("pid == 1 or true", True),
    ],
)
def test_constants_fold_in_three_values(condition: str, answer: bool) -> None:
    assert lowered(condition) == (ALWAYS if answer else NEVER)


def test_a_null_beside_a_field_is_false_and_its_negation_the_complement() -> None:
    assert lowered("pid == 1 or null") == IS_ONE
    assert lowered("not (pid == 1 or null)") == Not(IS_ONE)
    assert lowered("not (pid == 1 and null)") == ALWAYS


def test_an_unknown_optional_field_beside_another_field_is_null() -> None:
    assert lowered("?nobody == name") == Not(Exists(NAME))
