from __future__ import annotations

import pytest

from dogwatch.base.diagnostic import DogwatchError, Span
from dogwatch.languages.eql.tokens import Kind, Token, scan
from dogwatch.languages.source import MAX_QUERY_LENGTH


def _one(text: str) -> Token:
    token, end = scan(text)
    assert end.kind is Kind.END
    return token


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a"', "a"),
        ('""', ""),
        (r'"\b\t\n\f\r\\\"\'"', "\b\t\n\f\r\\\"'"),
        (r'"\u{e9}\u{0001F600}"', "é\U0001f600"),
        ('"""a\\n"b"\nc"""', 'a\\n"b"\nc'),
        ('""""""', ""),
        ('"""a""""', 'a"'),
        ('"""a"""""', 'a""'),
        ('"// no comment"', "// no comment"),
    ],
)
def test_strings_mean_what_their_escapes_say(text: str, value: str) -> None:
    token = _one(text)
    assert (token.kind, token.value, token.span) == (Kind.STRING, value, Span(0, len(text)))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0", Kind.INTEGER, 0),
        ("007", Kind.INTEGER, 7),
        ("9223372036854775807", Kind.INTEGER, 2**63 - 1),
        ("9223372036854775808", Kind.DECIMAL, 2.0**63),
        ("1.", Kind.DECIMAL, 1.0),
        (".5", Kind.DECIMAL, 0.5),
        ("1e3", Kind.DECIMAL, 1000.0),
        ("2.5E-1", Kind.DECIMAL, 0.25),
    ],
)
def test_numbers_are_longs_until_no_long_holds_them(text: str, kind: Kind, value: float) -> None:
    token = _one(text)
    assert (token.kind, token.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "kind", "word"),
    [
        ("in~", Kind.KEYWORD, "in~"),
        ("like~", Kind.KEYWORD, "like~"),
        ("startsWith~", Kind.TILDE_IDENTIFIER, "startsWith"),
        ("IN", Kind.IDENTIFIER, "IN"),
        ("@timestamp", Kind.IDENTIFIER, "@timestamp"),
        ("`a``b.c`", Kind.QUOTED, "a`b.c"),
        ("![", Kind.SYMBOL, "!["),
    ],
)
def test_words(text: str, kind: Kind, word: str) -> None:
    token = _one(text)
    assert (token.kind, token.text) == (kind, word)


def test_comments_nest_and_count_as_blanks() -> None:
    text = "a /* x /* y */ // z */ b // c\n d"
    assert [(token.text, token.start) for token in scan(text)] == [("a", 0), ("b", 23), ("d", 31), ("", 32)]


def test_a_unit_after_a_number_is_a_word_of_its_own() -> None:
    assert [token.text for token in scan("5ms 1e")] == ["5", "ms", "1", "e", ""]


def test_too_long_a_query_is_refused_unread() -> None:
    assert len(list(scan(" " * MAX_QUERY_LENGTH))) == 1
    with pytest.raises(DogwatchError, match="query-too-long"):
        list(scan(" " * (MAX_QUERY_LENGTH + 1)))
