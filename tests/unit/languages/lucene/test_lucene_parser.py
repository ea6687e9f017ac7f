"""The shape and the places of Lucene query strings; what they select is in ``tests/spec/lucene``."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import DogwatchError, Span
from dogwatch.languages.lucene.ast import (
    Bool,
    Clause,
    Exists,
    Ignored,
    MatchAll,
    Occur,
    Query,
    Range,
    Regexp,
    Term,
)
from dogwatch.languages.lucene.parser import parse
from dogwatch.languages.lucene.tokens import MAX_DEPTH, MAX_TOKENS, Kind, tokens
from dogwatch.languages.source import MAX_QUERY_LENGTH
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import Wild

PIECES = ["a", "b:", "f:", '"', "(", ")", "[", "]", "{", "}", " ", "\t", "TO", " AND ", " OR ", "NOT ", "+", "-"]
PIECES += [
    "!",
    "&&",
    "||",
    "*",
    "?",
    "~",
    "^",
    "^2",
    "/",
    "\\",
    "\\u0041",
    "\\ud800",
    "<",
    ">=",
    ":",
    "3",
    "é",
    "\0",
]


def shown(query: Query) -> str:
    """The query in the notation of Lucene's own ``Query.toString``."""
    match query:
        case MatchAll():
            return "*:*"
        case Term(field=field, value=value):
            text = f'"{value.literal}"' if value.quoted or " " in value.literal else value.literal
            return f"{field.literal}:{text}" if field else text
        case Exists(field=field):
            return f"{field.literal}:*"
        case Regexp(field=field, pattern=pattern):
            return f"{field.literal if field else ''}:/{pattern}/"
        case Range(field=field, low=low, high=high, include_low=with_low, include_high=with_high):
            ends = f"{low.literal if low else '*'} TO {high.literal if high else '*'}"
            return f"{field.literal if field else ''}:{'{['[with_low]}{ends}{'}]'[with_high]}"
        case Ignored(query=inner):
            return shown(inner)
        case Bool(clauses=clauses):
            return f"({' '.join(clause.occur.value + shown(clause.query) for clause in clauses)})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The clauses that Lucene's classic parser gives for mixed operators.
        ("f:a AND f:b OR f:c", "(+f:a +f:b f:c)"),
        ("f:a OR f:b AND f:c", "(f:a +f:b +f:c)"),
        ("f:a OR f:b OR f:c", "(f:a f:b f:c)"),
        ("f:a AND NOT f:b OR f:c", "(+f:a -f:b f:c)"),
        ("NOT f:a AND f:b", "(-f:a +f:b)"),
        ("NOT f:a OR f:b", "(-f:a f:b)"),
        ("+f:a OR f:b", "(+f:a f:b)"),
        ("-f:a AND +f:b", "(-f:a +f:b)"),
        ("f:a f:b AND f:c f:d", "(f:a +f:b +f:c f:d)"),
        ("f:a && f:b || !f:c", "(+f:a +f:b -f:c)"),
        ("NOT f:a", "(-f:a)"),
        ("+f:a", "f:a"),
        ("(f:a AND f:b) OR f:c", "((+f:a +f:b) f:c)"),
        # Words that follow each other are one text, but for those that an operator, a colon or a mark claims.
        ("a b c", '"a b c"'),
        ("a b AND c d", "(a +b +c d)"),
        ("a b c AND d", '("a b" +c +d)'),
        ("a b f:c", '("a b" f:c)'),
        ("a b^2", "(a b)"),
        ("a b *", "(a b *:*)"),
        ("a b c*", '("a b" c*)'),
        ("a b NOT c d", '("a b" -c d)'),
        ("f:a b c", '(f:a "b c")'),
        ("f:(a b OR c d)", '(f:a f:b "f:c d")'.replace('"f:c d"', "f:c f:d")),
        ("f:(a b)", 'f:"a b"'),
        ("a - b", "(a - b)"),
        # Where a term ends.
        ("a&&b", "a&&b"),
        ("g+s-x", "g+s-x"),
        ("f:>=1", "f:[1 TO *]"),
        ("f:>1", "f:{1 TO *]"),
        ("f:<=1", "f:[* TO 1]"),
        ("f:<1", "f:[* TO 1}"),
        ("f:>", "f:>"),
        ("f:>=", "f:{= TO *]"),
        ('f:">1"', 'f:">1"'),
        (">1", ">1"),
        ("f:[TO TO TO]", "f:[TO TO TO]"),
        ('f:["a b" TO *}', "f:[a b TO *}"),
        ("f:[a:b/c TO (d)]", "f:[a:b/c TO (d)]"),
        ("[1 TO 2]", ":[1 TO 2]"),
        ("f:/a\\/b/ f:/c/", "(f:/a\\/b/ f:/c/)"),
        ("/a/ b", "(:/a/ b)"),
        ("f:*", "f:*"),
        ("*:*", "*:*"),
        ("\\*:*", "*:*"),
        ("_exists_:a.b", "a.b:*"),
        ("", "*:*"),
    ],
)
def test_shape(text: str, expected: str) -> None:
    assert shown(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a\\ b", Text(("a b",))),
        ("a\\*b", Text(("a*b",))),
        ("a*b?", Text(("a", Wild.ANY, "b", Wild.ONE))),
        ("\\**", Text(("*", Wild.ANY))),
        ("\\u0041*", Text(("A", Wild.ANY))),
        ("?*", Text((Wild.ONE, Wild.ANY))),
        ("\\ud83d\\ude00", Text(("\N{GRINNING FACE}",))),
        ('"a*\\"b"', Text(('a*"b',), quoted=True)),
        ('""', Text((), quoted=True)),
        ('"C:\\Dir"', Text(("C:Dir",), quoted=True)),
        ("a\\\\b", Text(("a\\b",))),
        ("\u3000a", Text(("a",))),
    ],
)
def test_value(text: str, value: Text) -> None:
    query = parse(f"f:{text}") if not text.startswith("\u3000") else parse(text)
    assert isinstance(query, Term)
    assert query.value == value


def test_places() -> None:
    text = 'f:a AND (g:"x y"^2 OR NOT  host.\\*:[1 TO 2])'
    query = parse(text)
    assert isinstance(query, Bool)
    first, group = (clause.query for clause in query.clauses)
    assert first.span == Span(0, 3)
    assert isinstance(group, Bool)
    phrase, between = (clause.query for clause in group.clauses)
    assert isinstance(phrase, Ignored)
    assert text[phrase.query.span.start : phrase.query.span.end] == '"x y"'
    assert isinstance(between, Range)
    assert text[between.span.start : between.span.end] == "host.\\*:[1 TO 2]"
    assert between.field is not None
    assert text[between.field.span.start : between.field.span.end] == "host.\\*"


def test_the_place_of_an_error_is_the_token_at_fault() -> None:
    for text, fault in (("f:a AND OR f:b", "OR"), ("f:a:b", "a:b"), ("f:[1 TO 2 TO]", "TO]"), ("a ] b", "]")):
        with pytest.raises(DogwatchError) as caught:
            parse(text)
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.span is not None
        assert text[diagnostic.span.start :].startswith(fault[: diagnostic.span.end - diagnostic.span.start])


def test_tokens_cover_the_text_in_order() -> None:
    found = tokens('+a:"b c" AND [1 TO 2} /x/~2^3')
    assert [token.kind for token in found] == [
        Kind.PLUS,
        Kind.WORD,
        Kind.COLON,
        Kind.QUOTED,
        Kind.AND,
        Kind.RANGE_OPEN,
        Kind.WORD,
        Kind.TO,
        Kind.WORD,
        Kind.RANGE_CLOSE,
        Kind.REGEXP,
        Kind.TILDE,
        Kind.BOOST,
        Kind.END,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 10_000 + "a" + ")" * 10_000,
        "NOT " * 5_000 + "a",
        "f:" * 5_000 + "a",
        "a " * 200_000,
        "a" * (MAX_QUERY_LENGTH + 1),
        "*" + " OR *" * MAX_TOKENS,
        '"' * 100_001,
        "/" * 100_001,
        "[" * 100_000,
        "\\" * 100_001,
        "~" * 100_000,
    ],
    ids=lambda text: f"{text[:4]}x{len(text)}",
)
def test_hostile_input_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        parse(text)
    assert {each.code for each in caught.value.diagnostics} <= {"lucene-syntax", "query-too-long"}


def test_what_is_deep_and_what_is_long_is_read() -> None:
    assert shown(parse("(" * MAX_DEPTH + "f:a" + ")" * MAX_DEPTH)) == "f:a"
    mixed = parse("f:a OR f:b f:c " * 500)
    assert isinstance(mixed, Bool)
    assert len(mixed.clauses) == 1500


def test_parsing_again_gives_the_same() -> None:
    with pytest.raises(DogwatchError):
        parse("f:a AND (f:b OR )")
    assert parse("f:a") == Term(Text(("f",)), Text(("a",)))
    assert parse("f:a -f:b") == Bool(
        (
            Clause(Occur.SHOULD, Term(Text(("f",)), Text(("a",)))),
            Clause(Occur.MUST_NOT, Term(Text(("f",)), Text(("b",)))),
        )
    )


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20))
@example("a~^2")
@example("f:*~")
def test_any_text_is_read_or_refused_in_its_own_words(text: str) -> None:
    try:
        query = parse(text)
    except DogwatchError as error:
        for diagnostic in error.diagnostics:
            assert diagnostic.code in ("lucene-syntax", "lucene-unsupported", "query-character")
            assert diagnostic.span is not None
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
    else:
        assert 0 <= query.span.start <= query.span.end <= len(text)
