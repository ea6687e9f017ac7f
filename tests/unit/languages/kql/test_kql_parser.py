import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kql_trees import TREES

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.languages.kql.ast import And, Is, MatchAll, Nested, Not, Or, Query, Range
from dogwatch.languages.kql.parser import MAX_DEPTH, parse
from dogwatch.languages.kql.printer import format_query
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import Order, Wild

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[4] / ".." / "shared"))
CONFORMANCE = SHARED / "conformance" / "kuery"
RANGE_NAMES = {Order.LT: "lt", Order.LE: "lte", Order.GT: "gt", Order.GE: "gte"}


def text(value: str) -> Text:
    return Text((value,))


def word(value: str) -> Query:
    return Is(None, text(value))


def parse_or_refuse(query: str) -> Query | None:
    """The tree, or ``None`` where the parser gave a syntax error that can be shown."""
    try:
        return parse(query)
    except DogwatchError as error:
        refused = [diagnostic for diagnostic in error.diagnostics if diagnostic.render()]
    assert [diagnostic.code for diagnostic in refused] == ["kql-syntax"]
    return None


def load(name: str) -> Any:
    path = CONFORMANCE / name
    if not path.exists():
        pytest.skip(f"the conformance data is not here: {path}")
    return json.loads(path.read_text(encoding="utf-8"))


def as_kibana(value: Text | None) -> Any:
    """A text in the notation of the conformance cases."""
    if value is None:
        return None
    if value.quoted:
        return {"literal": value.literal, "quoted": True}
    return {"wildcard": value.literal} if value.has_wildcard else value.literal


def as_kibana_tree(node: Query) -> list[Any]:
    match node:
        case MatchAll():
            return ["is", {"wildcard": "*"}, {"wildcard": "*"}]
        case Is(field=field, value=value):
            return ["is", as_kibana(field), as_kibana(value)]
        case Range(field=field, op=op, value=value):
            return ["range", as_kibana(field), RANGE_NAMES[op], as_kibana(value)]
        case Nested(path=path, query=query):
            return ["nested", as_kibana(path), as_kibana_tree(query)]
        case Not(part=part):
            return ["not", as_kibana_tree(part)]
        case And(parts=parts):
            return ["and", *map(as_kibana_tree, parts)]
        case Or(parts=parts):
            return ["or", *map(as_kibana_tree, parts)]


def test_kibana_parse_cases() -> None:
    cases = load("elastic__kibana/parse.json")["cases"]
    assert cases
    for case in cases:
        assert as_kibana_tree(parse(case["query"])) == case["ast"], case["query"]


def test_kibana_literals() -> None:
    for case in load("elastic__kibana/parse.json")["literals"]:
        tree = parse("field: " + case["source"])
        assert isinstance(tree, Is)
        if "wildcard" in case:
            assert as_kibana(tree.value) == {"wildcard": case["wildcard"]}
        else:
            expected = case["value"] if isinstance(case["value"], str) else json.dumps(case["value"])
            assert (tree.value.literal, tree.value.quoted) == (expected, case.get("quoted", False))


def test_detection_rules_parse_cases() -> None:
    for case in load("elastic__detection-rules/parse.json")["cases"]:
        if case["expect"] != "error":
            parse(case["query"])
        elif "schema" not in case:
            with pytest.raises(DogwatchError):
                parse(case["query"])


def test_detection_rules_equivalences_parse() -> None:
    data = load("elastic__detection-rules/lint_equivalences.json")
    for case in data["cases"]:
        parse(case["query"])
        parse(case.get("equivalent", case["query"]))


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("", MatchAll()),
        ("\xa0\n", MatchAll()),
        ("a AND b Or c", Or((And((word("a"), word("b"))), word("c")))),
        ("not not a", Not(Not(word("a")))),
        ("f: not a", Not(Is(text("f"), text("a")))),
        ("or a", word("or a")),
        ("a or", word("a or")),
        ("a:b and", Is(text("a"), text("b and"))),
        ("a: and ", Is(text("a"), text("and"))),
        ("order and android", And((word("order"), word("android")))),
        (r"a \and b", word("a and b")),
        (r"\not a", word("not a")),
        (r"\note", word("ote")),
        (r"a\note", word("a\note")),
        (r"\u0041\ud83d\ude00", word("A\U0001f600")),
        (r'"\u0041\ud83d\ude00\d\t"', Is(None, Text(("A\U0001f600\\d\t",), True))),
        ("f: cannot do", Is(text("f"), text("cannot do"))),
        ("f: *not this*", Is(text("f"), Text((Wild.ANY, "not this", Wild.ANY)))),
        ('f: ""', Is(text("f"), Text((), True))),
        ("a b: c  d ", Is(text("a b"), text("c  d"))),
        ("a:b\nand\tc<=d", And((Is(text("a"), text("b")), Range(text("c"), Order.LE, text("d"))))),
        ("(((a)))", word("a")),
        ("(a and b) and c", And((And((word("a"), word("b"))), word("c")))),
        ("f:(a or (b and not c))", parse("f: a or (f: b and not f: c)")),
    ],
)
def test_trees(query: str, tree: Query) -> None:
    assert parse(query) == tree


@pytest.mark.parametrize(
    ("query", "start", "end", "part"),
    [
        ("a:b and ", 8, 8, "the end of the query"),
        ("a:", 2, 2, "the end of the query"),
        ("and(b)", 3, 4, "found `(`"),
        ("a:b or not(c)", 10, 11, "found `(`"),
        ("a:(b)(c)", 5, 6, "found `(`"),
        ("()", 1, 2, "found `)`"),
        ("a:{}", 3, 4, "found `}`"),
        ("f: foo<bar*", 6, 7, "found `<`"),
        ("f: a\\", 4, 5, "escapes nothing"),
        ("f: \\u12", 3, 5, "escapes nothing"),
        ("f: \u2003", 3, 4, "white space"),
        ('f: "\\ud800"', 3, 11, "surrogate"),
        ("f: \ud800x", 3, 5, "surrogate"),
        ("foo not bar", 4, 7, "found `not`"),
        ("a:b and not ", 12, 12, "the end of the query"),
    ],
)
def test_syntax_errors_point_at_the_fault(query: str, start: int, end: int, part: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        parse(query)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "kql-syntax"
    assert part in diagnostic.message
    assert diagnostic.span is not None
    assert (diagnostic.span.start, diagnostic.span.end) == (start, end)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ('name == "a"', "compares with a colon"),
        ('name != "a"', "`not field: value`"),
        ('name LIKE "a*"', "`field: *part*`"),
        ('name in ("a", "b")', "`field: (one or two)`"),
        ('name: ("a", "b")', "lists values with `or`"),
        ("name: a && other: b", "`and` and `or`"),
        ("a: 1 || b: 2", "`and` and `or`"),
        ('process where name == "a"', "EQL"),
        ("name:", "`*` for any"),
        ("name: a and ", "`and` has nothing after it"),
        ("name: (a or )", "`or` has nothing after it"),
        ("not ", "`not` has nothing after it"),
        ("(name: a", "end the group with `)`"),
        ("name: { a: b", "end the group with `}`"),
        ("name: a)", "no partner"),
        ("name: a}", "no partner"),
        ('name: "a', "end the value"),
        ('a: "x" b: "y"', "join two conditions"),
        ("a: x b: y", "join two conditions"),
        ("port: >5", "`field > value`"),
        ("a: ( )", "double quotes"),
        ("not(a)", "need a blank"),
    ],
)
def test_hints_say_how_kql_puts_it(query: str, hint: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        parse(query)
    (diagnostic,) = caught.value.diagnostics
    assert hint in (diagnostic.hint or "")


def test_spans_cover_the_source() -> None:
    source = 'user: "a b" and not port >= 5'
    tree = parse(source)
    assert isinstance(tree, And)
    first, second = tree.parts
    assert source[first.span.start : first.span.end] == 'user: "a b"'
    assert source[second.span.start : second.span.end] == "not port >= 5"


@given(TREES)
def test_printing_and_parsing_give_the_tree_back(tree: Query) -> None:
    assert parse(format_query(tree)) == tree


@given(st.text(st.sampled_from(' \t\xa0\\():<>"*{}?andorNOTux0fé\ud800'), max_size=40) | st.text(max_size=40))
def test_any_text_parses_or_is_refused(query: str) -> None:
    tree = parse_or_refuse(query)
    assert tree is None or parse(format_query(tree)) == tree


def test_deep_nesting_is_refused_and_the_limit_is_usable() -> None:
    deep = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(deep) == word("a")
    nested = "a:{" * MAX_DEPTH + "b: c" + "}" * MAX_DEPTH
    assert parse(format_query(parse(nested))) == parse(nested)
    for hopeless in (
        "(" * 10_000,
        "a:{" * 10_000,
        "not " * 10_000 + "a",
        "f:(" * 10_000,
        "f: " + "not (" * 10_000,
    ):
        with pytest.raises(DogwatchError):
            parse(hopeless)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 1_000_000,
        "a" * 1_000_000,
        "a " * 500_000,
        " " * 1_000_000,
        "a" + " " * 1_000_000 + "b",
        "\\" * 1_000_001,
        "*" * 1_000_000,
        '"' + "\\" * 999_999,
        '"' * 1_000_001,
        "a or " * 50_000 + "b",
        "f:(" + "a or " * 200_000 + "b)",
        "\0" * 1_000_000,
        "a:b" * 30_000,
    ],
    ids=lambda query: repr(query[:12]),
)
def test_a_megabyte_is_read_in_linear_time(query: str) -> None:
    started = time.process_time()
    parse_or_refuse(query)
    assert time.process_time() - started < 10
