"""Groups of regular expressions: refused where they would take long, and fast on hostile text."""

from __future__ import annotations

import time

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.plan import Plan, check
from dogwatch.engine.regex.capture import MAX_TEXT, compile_capture
from dogwatch.logic.predicate import And, Call, Compare, Expression, Field, Literal, Mapped, Order
from dogwatch.schema.field import FieldRef, FieldType

SOURCE = Field(FieldRef("a", FieldType.KEYWORD))


def constant(value: str | int) -> Literal:
    return Literal(value, FieldType.KEYWORD if isinstance(value, str) else FieldType.LONG)


def extracted(*args: Expression) -> Compare:
    return Compare(Order.EQ, Call("extract", (SOURCE, *args)), constant("x"))


@pytest.mark.parametrize(
    ("pattern", "group", "said"),
    [
        ("a(", None, "cannot be compiled"),
        (r"(a)\1", None, "cannot be compiled"),
        ("a(?=b)", None, "cannot be compiled"),
        ("\ud800", None, "half a character"),
        ("(a)", 2, "has no group 2"),
        ("(a)", -1, "has no group -1"),
        ("(x{0,1000})*y", None, "repeats so much"),
        ("a" * 9000, None, "longer than"),
    ],
)
def test_what_is_refused(pattern: str, group: int | None, said: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        compile_capture(pattern, group, Fold.NONE)
    (problem,) = caught.value.diagnostics
    assert problem.code == "regex-unsupported"
    assert said in problem.message
    args = [constant(pattern)] if group is None else [constant(pattern), constant(group)]
    assert [found.code for found in check(extracted(*args))] == ["regex-unsupported"]
    with pytest.raises(DogwatchError):
        Plan([extracted(*args)])


@pytest.mark.parametrize(
    "args", [(SOURCE,), (constant(5),), (constant("a"), SOURCE), (constant("a"), constant("b"))]
)
def test_the_regex_is_the_rules_own(args: tuple[Expression, ...]) -> None:
    assert [found.code for found in check(extracted(*args))] == ["wrong-arguments"]


def test_a_problem_is_found_inside_of_what_is_looked_up() -> None:
    looked_up = Mapped((Call("extract", (SOURCE, constant("("))),), "t", "c", {}, FieldType.LONG)
    leaf = Compare(Order.EQ, looked_up, constant(1))
    assert [found.code for found in check(And((leaf, extracted(constant("(a)")))))] == ["regex-unsupported"]


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(.*)(.*)(.*)(.*)(.*)y$", "((x{0,30}){0,10})(x*)z?$"])
def test_hostile_text_takes_linear_time(pattern: str) -> None:
    capture = compile_capture(pattern, None, Fold.NONE)
    started = time.process_time()
    capture.find("x" * MAX_TEXT)
    assert time.process_time() - started < 5
