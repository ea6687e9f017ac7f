import json
import os
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fortisiem_trees import trees
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.languages.fortisiem.ast import (
    Address,
    And,
    Arithmetic,
    Attribute,
    Between,
    Compare,
    Condition,
    Contain,
    FunctionCall,
    Group,
    Holds,
    In,
    IsNull,
    Negative,
    Not,
    Number,
    Or,
    Regexp,
    Star,
    Text,
)
from dogwatch.languages.fortisiem.joins import parse_joins
from dogwatch.languages.fortisiem.parser import MAX_ARITHMETIC, MAX_DEPTH, parse_aggregate, parse_filter
from dogwatch.languages.fortisiem.printer import format_condition

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[4] / ".." / "shared"))
CONFORMANCE = SHARED / "conformance" / "fortisiem"

A, B, C = (Compare("=", Attribute(name), Number("1")) for name in "abc")
X, Y, Z = (Attribute(name) for name in "abc")
ONE = Number("1")
HAS = Holds(FunctionCall("has", (X,)))
COUNT = FunctionCall("COUNT", (Star(),))


def load(name: str) -> Any:
    path = CONFORMANCE / name
    if not path.exists():
        pytest.skip(f"the conformance data is not here: {path}")
    return json.loads(path.read_text(encoding="utf-8"))


def parse_or_refuse(parse: Callable[[str], Condition], source: str) -> Condition | None:
    """The tree, or ``None`` where the parser gave one error that can be shown: of syntax, or of size."""
    try:
        return parse(source)
    except DogwatchError as error:
        refused = [diagnostic for diagnostic in error.diagnostics if diagnostic.render()]
    assert [diagnostic.code for diagnostic in refused] in (["fortisiem-syntax"], ["query-too-long"])
    return None


def test_every_published_example_behaves_as_marked() -> None:
    examples = load("language_examples.json")["examples"]
    assert examples
    for example in examples:
        parse = parse_filter if example["kind"] == "filter" else parse_aggregate
        tree = parse_or_refuse(parse, example["text"])
        assert (tree is not None) is example["valid"], example["text"]
        assert tree is None or parse(format_condition(tree)) == tree


def test_the_texts_of_published_rules_parse() -> None:
    count = 0
    for rule in load("rules.json")["rules"]:
        cut = any("cut" in missing for missing in rule["missing_fields"])
        for subpattern in rule["subpatterns"] or []:
            if subpattern["filter"] and not cut and subpattern["filter"].count('"') % 2 == 0:
                tree = parse_filter(subpattern["filter"])
                assert parse_filter(format_condition(tree)) == tree
                count += 1
            if subpattern["aggregate"]:
                tree = parse_aggregate(subpattern["aggregate"])
                assert parse_aggregate(format_condition(tree)) == tree
        if rule["global_constraint"]:
            assert parse_joins(rule["global_constraint"])
    assert count > 15


def test_the_texts_of_rule_files_read_back_the_same() -> None:
    paths = sorted((CONFORMANCE / "xml").glob("*.xml"))
    if not paths:
        pytest.skip(f"the conformance data is not here: {CONFORMANCE}")
    for path in paths:
        # The files are our own data, not an attacker's.
        for subpattern in ET.parse(path).getroot().iter("SubPattern"):  # noqa: S314
            tree = parse_filter(subpattern.findtext("SingleEvtConstr", ""))
            assert parse_filter(format_condition(tree)) == tree
            tree = parse_aggregate(subpattern.findtext("GroupEvtConstr", ""))
            assert parse_aggregate(format_condition(tree)) == tree


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("a=1", A),
        ("a = 1 and b = 1 Or c = 1", Or((And((A, B)), C))),
        ("(a=1 AND b=1) AND c=1", And((And((A, B)), C))),
        ("NOT a=1 AND b=1", And((Not(A), B))),
        ("NOT NOT (a=1)", Not(Not(A))),
        ("\t(\n(a=1)\r\n)", A),
        ("a IN (1, 'x', \"y\", w-1.exe, 10.0.0.0/8, fe80::1, GROUP@P_Q)", In(
            Attribute("a"),
            (Number("1"), Text("x"), Text("y"), Text("w-1.exe"), Address("10.0.0.0/8"), Address("fe80::1"),
             Group("P_Q")),
        )),
        ('a NOT IN ("Group@X")', In(Attribute("a"), (Text("Group@X"),), negated=True)),
        ("a not between(-1,+2.5)", Between(Attribute("a"), Number("-1"), Number("+2.5"), negated=True)),
        ("a is null", IsNull(Attribute("a"))),
        ("a IS NOT NULL", IsNull(Attribute("a"), negated=True)),
        (r"""a NOT CONTAINS '\\\"\'\d'""", Contain(Attribute("a"), Text("\\\"'\\d"), negated=True)),
        (r'a REGEXP (("\\cacls\.exe$|\"q"))', Regexp(Attribute("a"), Text(r'\\cacls\.exe$|"q'))),
        ("a CONTAIN 4656", Contain(Attribute("a"), Text("4656"))),
        ("a - 1 < -2", Compare("<", Arithmetic("-", Attribute("a"), Number("1")), Number("-2"))),
        ("a-b*c = 1", Compare("=", Arithmetic("-", X, Arithmetic("*", Y, Z)), ONE)),
        ("a-b-c = 1", Compare("=", Arithmetic("-", Arithmetic("-", X, Y), Z), ONE)),
        ("-(a) = 1", Compare("=", Negative(Attribute("a")), Number("1"))),
        ("a = 10.1.1.1", Compare("=", Attribute("a"), Address("10.1.1.1"))),
        ("a = 10.1/2", Compare("=", Attribute("a"), Arithmetic("/", Number("10.1"), Number("2")))),
        ("to_lower(a) = 'x'", Compare("=", FunctionCall("to_lower", (Attribute("a"),)), Text("x"))),
        ("has(a) AND NOT (has(a))", And((HAS, Not(HAS)))),
        ("a CONTAIN b", Contain(X, Y)),
        ("a CONTAIN (f(b))", Contain(X, FunctionCall("f", (Y,)))),
        ("a CONTAIN (5)", Contain(X, Text("5"))),
        ("a BETWEEN (b, c*1)", Between(X, Y, Arithmetic("*", Z, ONE))),
        ("a BETWEEN (-(b), 2024-01-31)", Between(X, Negative(Y), Text("2024-01-31"))),
        ("a BETWEEN (1970-01-01, 1 + 1)", Between(X, Text("1970-01-01"), Arithmetic("+", ONE, ONE))),
        ("a BETWEEN (10.0.0.1,'x')", Between(X, Address("10.0.0.1"), Text("x"))),
        (r"""extract(a, "\\.\"x", 1) = "\\" """, Compare("=", FunctionCall(
            "extract", (X, Text(r'\\."x'), ONE)), Text("\\"))),
        ("IF(a=1, 2, b) = 1", Compare("=", FunctionCall("IF", (A, Number("2"), Attribute("b"))), Number("1"))),
    ],
)  # fmt: skip
def test_filters(source: str, tree: Condition) -> None:
    assert parse_filter(source) == tree


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("COUNT(*)>=1", Compare(">=", COUNT, Number("1"))),
        ("COUNT ( * ) >= 1", Compare(">=", COUNT, Number("1"))),
        ("COUNT(DISTINCT a) > 1", Compare(">", FunctionCall("COUNT", (Attribute("a"),), True), Number("1"))),
        ("COUNT DISTINCT(a) > 1", Compare(">", FunctionCall("COUNT", (Attribute("a"),), True), Number("1"))),
        (
            "(AVG(a)-STAT_AVG(AVG(a):116))/2 <= -3",
            Compare(
                "<=",
                Arithmetic(
                    "/",
                    Arithmetic(
                        "-",
                        FunctionCall("AVG", (Attribute("a"),)),
                        FunctionCall("STAT_AVG", (FunctionCall("AVG", (Attribute("a"),)),), profile=116),
                    ),
                    Number("2"),
                ),
                Number("-3"),
            ),
        ),
    ],
)
def test_aggregates(source: str, tree: Condition) -> None:
    assert parse_aggregate(source) == tree


@pytest.mark.parametrize(
    ("source", "start", "end", "part"),
    [
        ("a = ", 4, 4, "found the end"),
        ("a = 1)", 5, 6, "found `)`"),
        ("a IN (1,)", 8, 9, "found `)`"),
        ("a IN (f(1))", 7, 8, "expected `,` or `)`"),
        ("a IN (x y)", 8, 9, "expected `,` or `)`"),
        ("a IS 1", 5, 6, "expected NULL"),
        ("a = 1e999", 4, 9, "too large"),
        ("a = " + "9" * 301, 4, 305, "too large"),
        ("and = 1", 0, 3, "found `and`"),
        ("a = 'x\\'", 4, 5, "never closed"),
        ('a = "\ud800"', 4, 7, "surrogate"),
        ("a BETWEEN (1, Group@X)", 19, 20, "expected an operator"),
        ("a = 1 AND b", 11, 11, "expected an operator"),
        ("(a=1)+1 = 2", 1, 4, "cannot be an operand"),
        ("f(a:b) = 1", 4, 5, "baseline profile"),
        ("a STARTS WITH 'x'", 2, 8, "no operator of this language"),
        ("a endswith 'x'", 2, 10, "no operator of this language"),
        ("x = 1 AND Source Ip = 1", 10, 19, "shows the attribute `srcIpAddr`"),
        ("Source IP IN (1)", 0, 9, "shows the attribute `srcIpAddr`"),
        ("Source of IP = 1", 7, 9, "expected an operator"),
        ("a BETWEEN (1 2)", 13, 14, "expected `,`"),
        ("a BETWEEN (1, 2", 15, 15, "expected `)`"),
        ("a BETWEEN 1", 10, 11, "expected `(`"),
        ("a BETWEEN (a = 1, 2)", 13, 14, "expected `,`"),
        ("a CONTAIN b = 1", 12, 13, "expected AND, OR or the end"),
        ("COUNT(*)", 8, 8, "expected an operator"),
    ],
)
def test_syntax_errors_point_at_the_fault(source: str, start: int, end: int, part: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        parse_aggregate(source)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "fortisiem-syntax"
    assert part in diagnostic.message
    assert diagnostic.span is not None
    assert (diagnostic.span.start, diagnostic.span.end) == (start, end)


@given(trees(over_groups=False))
def test_printing_and_parsing_give_the_filter_back(tree: Condition) -> None:
    assert parse_filter(format_condition(tree)) == tree


@given(trees(over_groups=True))
def test_printing_and_parsing_give_the_aggregate_back(tree: Condition) -> None:
    assert parse_aggregate(format_condition(tree)) == tree


_WORDS = st.sampled_from(
    [
        *" =<>(),-*/:@\"'\\aé\0",
        "!=",
        "AND",
        "or",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "BETWEEN",
        "CONTAIN",
        "REGEXP",
        "COUNT",
        "DISTINCT",
        "Group@X",
        "1",
        ".5",
        "10.1.1.1",
        "::1",
    ]
)


@given(st.lists(_WORDS, max_size=30).map("".join) | st.text(max_size=40))
def test_any_text_parses_or_is_refused(source: str) -> None:
    for parse in (parse_filter, parse_aggregate):
        tree = parse_or_refuse(parse, source)
        assert tree is None or parse(format_condition(tree)) == tree


def test_deep_nesting_is_refused_and_the_limits_are_usable() -> None:
    assert parse_filter("(" * MAX_DEPTH + "a=1" + ")" * MAX_DEPTH) == A
    chain = parse_filter("(" * MAX_DEPTH + "a=1" + "+1" * MAX_ARITHMETIC + ")" * MAX_DEPTH)
    assert parse_filter(format_condition(chain)) == chain
    for hopeless in ("(" * 10_000, "NOT " * 10_000, "-" * 10_000, "f(" * 10_000, "a=1" + "+1" * 10_000):
        with pytest.raises(DogwatchError):
            parse_filter(hopeless)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 1_000_000,
        "a" * 1_000_000,
        " " * 1_000_000,
        "1" * 1_000_000,
        "a = " + "f:" * 500_000,
        '"' + "\\a" * 500_000,
        '"' + "\\" * 999_999,
        'a = "' + "\\\\" * 500_000 + '"',
        "'" * 1_000_000,
        "\0" * 1_000_000,
        "a=1 OR " * 40_000 + "a=1",
        "a IN (" + "x," * 100_000 + "x)",
        "a IN (" + "1.2.3.4," * 40_000 + "x)",
    ],
    ids=lambda source: repr(source[:12]),
)
def test_a_megabyte_is_read_in_linear_time(source: str) -> None:
    started = time.process_time()
    tree = parse_or_refuse(parse_filter, source)
    assert tree is None or format_condition(tree)
    assert time.process_time() - started < 15
