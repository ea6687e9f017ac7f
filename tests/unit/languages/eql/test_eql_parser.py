from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eql_trees import queries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, line_and_column
from dogwatch.languages.eql import ast, lower_text, parse, print_query
from dogwatch.languages.eql.expression import MAX_DEPTH
from dogwatch.languages.lowering import TypeOf
from dogwatch.schema.schema import Schema

_ROOT = Path(__file__).resolve().parents[4]
_SHARED = Path(os.environ.get("DOGWATCH_SHARED", _ROOT.parent / "shared"))
_ERRORS = tomllib.loads((_ROOT / "tests/spec/eql/errors.toml").read_text(encoding="utf-8"))["error"]
_NULL_LIST = re.compile(r"(?ms)^join_keys\s*=\s*\[.*?\]\s*$")


def _condition(text: str) -> ast.Expression:
    body = parse(f"any where {text}").body
    assert isinstance(body, ast.EventFilter)
    return body.condition


def _field(path: str) -> ast.Field:
    return ast.Field(path)


def _equal(path: str, value: int) -> ast.Comparison:
    return ast.Comparison(ast.Comparator.EQ, ast.Field(path), ast.Integer(value))


def _problems(text: str, type_of: TypeOf = lambda _: None) -> tuple[Diagnostic, ...]:
    try:
        lower_text(text, type_of=type_of)
    except DogwatchError as error:
        return error.diagnostics
    return ()


@cache
def _corpus() -> list[tuple[str, str]]:
    folder = _SHARED / "corpus" / "elastic-detection-rules"
    if not folder.is_dir():
        pytest.skip("the public Elastic rules are not beside this checkout")
    rules = (
        (path.name, tomllib.loads(path.read_text(encoding="utf-8")).get("rule", {}))
        for path in sorted(folder.rglob("*.toml"))
    )
    return [(name, rule["query"]) for name, rule in rules if rule.get("language") == "eql"]


def _conformance() -> Iterator[tuple[str, str]]:
    folder = _SHARED / "conformance" / "eql" / "elastic__elasticsearch"
    if not folder.is_dir():
        pytest.skip("the conformance data is not beside this checkout")
    for path in sorted(folder.rglob("qa/**/*.toml")):
        # The files hold nulls that TOML does not know; the expected keys are no matter here.
        text = _NULL_LIST.sub("", path.read_text(encoding="utf-8"))
        for case in tomllib.loads(text)["queries"]:
            yield case["name"], case["query"]


@pytest.mark.parametrize("case", _ERRORS, ids=[case["name"] for case in _ERRORS])
def test_refused_queries_say_what_where_and_how_to_mend_it(case: dict[str, Any]) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower_text(case["query"], type_of=Schema.ecs().type_of)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    place = line_and_column(case["query"], diagnostic.span.start)
    length = diagnostic.span.end - diagnostic.span.start
    assert (diagnostic.code, diagnostic.message) == (case["code"], case["message"])
    assert [*place, length] == [case["line"], case["column"], case["length"]]
    assert diagnostic.hint == case.get("hint")
    assert diagnostic.source == case["query"]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a == 1 or b == 2 and c == 3", ast.Or((_equal("a", 1), ast.And((_equal("b", 2), _equal("c", 3)))))),
        ("not a == 1 and b == 2", ast.And((ast.Not(_equal("a", 1)), _equal("b", 2)))),
        ("not not a", ast.Not(ast.Not(_field("a")))),
        (
            "1 + 2 * -3 == 4",
            ast.Comparison(
                ast.Comparator.EQ,
                ast.Arithmetic(
                    ast.ArithmeticOperator.ADD,
                    ast.Integer(1),
                    ast.Arithmetic(
                        ast.ArithmeticOperator.MULTIPLY,
                        ast.Integer(2),
                        ast.Signed(ast.Sign.MINUS, ast.Integer(3)),
                    ),
                ),
                ast.Integer(4),
            ),
        ),
        ("a not in~ (1)", ast.Membership(_field("a"), (ast.Integer(1),), insensitive=True, negated=True)),
        ('a : "b"', ast.Match(ast.Matcher.SEQ, _field("a"), (ast.String("b"),))),
        (
            'a like~ ("b", "c")',
            ast.Match(ast.Matcher.LIKE_INSENSITIVE, _field("a"), (ast.String("b"), ast.String("c"))),
        ),
        ("?a.`b.c`.d", ast.Field("a.b.c.d", optional=True)),
        ("a . b", _field("a.b")),
        ("`sequence`", _field("sequence")),
        ("CONCAT (a, null)", ast.Call("CONCAT", (_field("a"), ast.Null()))),
        ("startsWith~(a)", ast.Call("startsWith", (_field("a"),), insensitive=True)),
        (
            "null == (a > 1)",
            ast.Comparison(
                ast.Comparator.EQ, ast.Null(), ast.Comparison(ast.Comparator.GT, _field("a"), ast.Integer(1))
            ),
        ),
    ],
)
def test_expressions(text: str, tree: ast.Expression) -> None:
    assert _condition(text) == tree


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("any where true", None),
        ("process where true", "process"),
        ('"any" where true', "any"),
        ('"""a"b""" where true', 'a"b'),
    ],
)
def test_categories(text: str, category: str | None) -> None:
    assert parse(text).body == ast.EventFilter(category, ast.Boolean(True))


def test_a_whole_sequence() -> None:
    query = parse(
        "sequence by a, ?b with maxspan = 5 m\n"
        "  [x where true] by c with runs=2\n"
        "  ![y where false] by `by`\n"
        "until [any where true] by e\n"
        "| head 4 | tail 2"
    )
    true, false = ast.Boolean(True), ast.Boolean(False)
    assert query.body == ast.Sequence(
        (
            ast.Term(ast.EventFilter("x", true), (_field("c"),), runs=2),
            ast.Term(ast.EventFilter("y", false), (_field("by"),), missing=True),
        ),
        (_field("a"), ast.Field("b", optional=True)),
        ast.Duration(5, "m"),
        ast.Term(ast.EventFilter(None, true), (_field("e"),)),
    )
    assert query.pipes == (ast.Pipe("head", (ast.Integer(4),)), ast.Pipe("tail", (ast.Integer(2),)))


def test_runs_count_towards_the_two_events_of_a_sequence() -> None:
    assert isinstance(parse("sequence [a where true] with runs=2").body, ast.Sequence)


def test_spans_cover_what_was_written() -> None:
    text = "process where (a == 1) and length( b ) > 2"
    body = parse(text).body
    assert isinstance(body, ast.EventFilter)
    assert isinstance(body.condition, ast.And)
    written = [text[part.span.start : part.span.end] for part in body.condition.parts]
    assert written == ["a == 1", "length( b ) > 2"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(queries)
def test_parsing_what_was_printed_gives_the_tree_again(query: ast.Query) -> None:
    assert parse(print_query(query)) == query


def test_printing_is_canonical() -> None:
    text = 'process   where (not (a==1)) and ((b : ("x"))) and "c" in(1,2) or (d or e)'
    printed = 'process where not a == 1 and b : "x" and "c" in (1, 2) or (d or e)'
    assert print_query(parse(text)) == printed
    assert print_query(parse(printed)) == printed


_FRAGMENTS = st.sampled_from(
    [
        *(
            "process",
            " where ",
            "any",
            "sequence",
            "[",
            "]",
            "![",
            "(",
            ")",
            '"',
            '"""',
            "`",
            "\\",
            "a.b",
            "==",
            ":",
        ),
        *(
            "in~",
            "not ",
            " and ",
            " or ",
            "5",
            "m",
            "maxspan=",
            "runs=",
            " with ",
            " by ",
            "?",
            "~",
            "null",
            ",",
            "|",
        ),
        *("/*", "\0"),
    ]
)


@settings(max_examples=500, deadline=1000)
@given(st.text(max_size=200) | st.lists(_FRAGMENTS, max_size=40).map("".join))
def test_any_text_is_lowered_or_refused_with_diagnostics(text: str) -> None:
    assert all(diagnostic.span is not None for diagnostic in _problems(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * 2**20, id="parentheses"),
        pytest.param("any where " + "(" * 10_000, id="nested parentheses"),
        pytest.param("any where " + "not " * 100_000 + "true", id="nots"),
        pytest.param("any where " + "-" * 100_000 + "1", id="signs"),
        pytest.param("any where " + "1+" * 100_000 + "1 == 1", id="sums"),
        pytest.param("any where " + "f(" * 10_000, id="calls"),
        pytest.param("any where " + "((a+" * 60 + "1", id="mixed nesting"),
        pytest.param("[" * 10_000, id="brackets"),
        pytest.param("sequence" + "[a where true]" * 70_000, id="stages"),
        pytest.param('any where a == "' + "x" * (2**20 - 16), id="unclosed string"),
        pytest.param("/*" * 2**19, id="comments"),
        pytest.param("any where a == " + "9" * 1_000_000, id="huge integer"),
        pytest.param("any where a == ." + "9" * 1_000_000 + "x", id="huge fraction"),
        pytest.param("any where a == 1e" + "9" * 1_000_000, id="huge exponent"),
        pytest.param(
            "sequence with maxspan=" + "9" * 1_000_000 + "s [a where true] [b where true]", id="huge span"
        ),
        pytest.param("\0" * 2**20, id="nul"),
        pytest.param("any where `" + "``" * 500_000, id="backticks"),
        pytest.param("any where true " + "\n" * 1_000_000 + "x", id="lines"),
        pytest.param("any where a" + ".a" * 500_000 + " x", id="path"),
    ],
)
def test_hostile_queries_are_refused_within_a_second(text: str) -> None:
    # Processor time: the machine may be busy with other things.
    begun = time.process_time()
    with pytest.raises(DogwatchError):
        lower_text(text, type_of=lambda _: None)
    assert time.process_time() - begun < 1


def test_nesting_is_allowed_up_to_the_limit() -> None:
    inner = MAX_DEPTH - 2
    assert _condition("(" * inner + "true" + ")" * inner) == ast.Boolean(True)
    assert isinstance(_condition("1" + " + 1" * inner + " == 1"), ast.Comparison)
    assert _condition(" or ".join(["a == 1"] * 4000)) == ast.Or((_equal("a", 1),) * 4000)


def test_the_public_elastic_rules_parse_and_print_back() -> None:
    for name, text in _corpus():
        query = parse(text)
        assert parse(print_query(query)) == query, name


def test_the_public_elastic_rules_lower() -> None:
    for name, text in _corpus():
        assert _problems(text, Schema.ecs().type_of) == (), name


def test_the_conformance_queries_parse_print_back_and_lower() -> None:
    for name, text in _conformance():
        query = parse(text)
        assert parse(print_query(query)) == query, name
        assert _problems(text) == (), name
