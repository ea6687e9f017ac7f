"""Lucene's regular expressions: what each construct matches, what is refused and where, and at what cost."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.regex.compiled import MAX_PATTERN, compile_regex
from dogwatch.engine.regex.lucene import MAX_STATES, LuceneRegex
from dogwatch.engine.regex.lucene_syntax import MAX_REPEAT, parse
from dogwatch.logic.predicate import RegexDialect

LUCENE_CASES = [
    (
        "",
        [
            "",
        ],
        ["a"],
    ),
    ("abc", ["abc"], ["xabc", "abcx", "ABC", ""]),
    ("a.c", ["abc", "a\nc", "a😀c"], ["ac", "abbc"]),
    ("a?b*c+", ["c", "abbcc"], ["ab", "aac"]),
    ("a{2}", ["aa"], ["a", "aaa"]),
    ("a{2,}", ["aa", "aaaaa"], ["a"]),
    ("a{1,2}", ["a", "aa"], ["", "aaa"]),
    ("(ab|cd)+", ["ab", "abcdab"], ["abc", ""]),
    ("ab|", None, None),
    ("a*?", ["", "aaa"], ["b"]),
    ("[a-c_]x", ["ax", "_x"], ["dx"]),
    ("[^a-c]", ["d", "\n"], ["a", ""]),
    (r"[a\-z]", ["a", "-", "z"], ["b"]),
    ("[az-]", None, None),
    ("[-az]", ["-", "a", "z"], ["b"]),
    ("[+-9]", ["+", "-", "9"], ["a"]),
    (r"[\d-f]", ["5", "-", "f"], ["e"]),
    (r"[\\-a]", ["\\", "-", "a"], ["^"]),
    (r"[a-\f]", ["c"], ["-", "g"]),
    (r"[\.-0]", [".", "/", "0"], ["-"]),
    ("[^]a]", ["b"], ["]", "a"]),
    ("[a^]", ["a", "^"], ["b"]),
    ("[.*]", [".", "*"], ["a"]),
    ("[]a]", ["]", "a"], ["b"]),
    (r"\d+\.\w+\s", ["12.a_B "], ["12xa ", "12.a"]),
    (r"\D\W\S", ["a.b"], ["1.b"]),
    ("~(foo.*)", ["bar", "", "fo"], ["foo", "foobar"]),
    ("~ab", ["b", "bb", "xxb"], ["ab"]),
    ("(foo.*)&(.*bar)", ["foobar", "foo bar"], ["foo", "bar"]),
    ("a@b", ["ab", "a\n\nb"], ["a"]),
    ("a#|b", ["b"], ["a", "a#"]),
    ('"a*b"c', ["a*bc"], ["aabc"]),
    ("()", [""], ["()"]),
    ("^a$", ["^a$"], ["a"]),
    (r"\*\\", ["*\\"], ["a"]),
    ("<1-100>", ["1", "42", "100", "007"], ["0", "101", "x"]),
    ("<01-10>", ["01", "09", "10"], ["1", "11", "010"]),
    ("<9-11>", ["9", "10", "011"], ["8", "12", ""]),
    ("<0-9>", ["0", "9"], ["00", "10"]),
    ("*a", ["*a"], ["a"]),
    ("(", None, None),
    (")", [")"], ["", "()"]),
    ("|a", ["|a"], ["", "a"]),
    ("a||b", ["a", "|b"], ["", "b"]),
    ("(|a)", ["|a"], ["", "a"]),
    ("a|*", ["a", "*"], [""]),
    ("(a|)", None, None),
    ("{2}", ["{2}"], ["22"]),
    ("a]b}c>", ["a]b}c>"], ["abc"]),
    (r"a\nb", None, None),
    (r"\é\_", ["é_"], ["_"]),
    ("~~ab", ["ab"], ["b", ""]),
    ("~a*", ["", "b", "aa", "bab"], []),
    ("~(a*)", ["b", "aab"], ["", "aa"]),
    ("#?", [""], ["#"]),
    ("a{0}", [""], ["a"]),
    ("(a{2}){2}", ["aaaa"], ["aa", "aaa"]),
    ("a{2}{2}", ["aaaa"], ["aa", "aaa"]),
    ("a+?", ["", "a", "aa"], ["b"]),
    ("a?+", ["", "a", "aa"], ["b"]),
    ("a++", ["a", "aa"], [""]),
    ("(a|b)&(b|c)", ["b"], ["a", "c"]),
    ("a&b|c", ["c"], ["a", "b"]),
    ("<10-1>", ["1", "10", "007"], ["0", "11"]),
    ("<1-1234567890123456789>", None, None),
    ("a{,3}", None, None),
    ("a)", None, None),
    ("[a", None, None),
    ("[z-a]", None, None),
    ("a{2", None, None),
    ("a{3,2}", None, None),
    ("a{x}", None, None),
    ("a{1001}", None, None),
    ('"a', None, None),
    ("<1-", None, None),
    ("<name>", None, None),
    ("a\\", None, None),
    ("~", None, None),
    ("(" * 200 + "a" + ")" * 200, None, None),
    ("[ab]*a[ab]{14}", None, None),
    ("a?" * 4000, None, None),
]


def matches(pattern: str, text: str, fold: Fold = Fold.NONE) -> bool:
    return compile_regex((pattern,), RegexDialect.LUCENE, fold).matches(text)


@pytest.mark.parametrize(("pattern", "holds", "fails"), LUCENE_CASES, ids=[p[:20] for p, *_ in LUCENE_CASES])
def test_lucene(pattern: str, holds: list[str] | None, fails: list[str] | None) -> None:
    if holds is None or fails is None:
        with pytest.raises(DogwatchError, match="regex-unsupported"):
            matches(pattern, "")
        return
    assert {text: matches(pattern, text) for text in holds + fails} == {
        **dict.fromkeys(holds, True),
        **dict.fromkeys(fails, False),
    }


@pytest.mark.parametrize(
    ("pattern", "text", "fold", "expected"),
    [
        ("[a-c]K", "Bk", Fold.ASCII, True),
        ("[^a]", "A", Fold.ASCII, False),
        ("k", "\u212a", Fold.ASCII, False),
        ("k", "\u212a", Fold.UNICODE, False),
        ("\u212a", "k", Fold.UNICODE, True),
        ("é", "É", Fold.ASCII, False),
        ("é", "É", Fold.UNICODE, True),
        ('"Foo"', "fOO", Fold.ASCII, True),
    ],
)
def test_lucene_fold(pattern: str, text: str, fold: Fold, expected: bool) -> None:
    assert matches(pattern, text, fold) is expected


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab)"])
_PLAIN = st.lists(
    st.tuples(_ATOMS, st.sampled_from(["", "", "*", "+", "?", "{1,2}"])), min_size=1, max_size=5
).map(lambda parts: "".join(atom + sign for atom, sign in parts))


@given(st.lists(_PLAIN, min_size=1, max_size=3), st.text("abc\n", max_size=6))
def test_lucene_agrees_with_python_on_common_syntax(patterns: list[str], text: str) -> None:
    pattern = "|".join(patterns)
    # Short texts of four letters: nothing to backtrack over.
    expected = re.fullmatch(pattern, text, re.DOTALL) is not None
    assert matches(pattern, text) is expected
    assert matches(f"~({pattern})", text) is not expected


@given(_PLAIN, _PLAIN, st.text("abc", max_size=5))
def test_lucene_intersection(left: str, right: str, text: str) -> None:
    both = matches(left, text) and matches(right, text)
    assert matches(f"{left}&{right}", text) is both


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 400))
def test_lucene_interval(low: int, high: int, number: int) -> None:
    low, high = min(low, high), max(low, high)
    fixed = len(str(low)) == len(str(high)) != len(str(number))
    expected = low <= number <= high and not fixed
    assert matches(f"<{low}-{high}>", str(number)) is expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("ab)", "has a `)` too many at character 3"),
        ("(ab", "misses `)` at character 4"),
        ("a|", "ends too early, at character 2"),
        ("a&", "ends too early, at character 2"),
        ("~", "ends too early, at character 1"),
        ("ab\\", "ends too early, at character 3"),
        ("[a", "misses `]` at character 3"),
        ("[", "ends too early, at character 1"),
        ("x[z-a]", "has the impossible range `z-a` at character 3"),
        ("[az-]", "has the impossible range `z-]` at character 3 (a dash as itself is `\\-`)"),
        ("a\\qb", "has `\\q` at character 2, which means nothing in Lucene"),
        ("a{", "misses a number at character 3"),
        ("a{2", "misses `}` at character 4"),
        ("a{3,2}", "repeats at least 3 and at most 2 times at character 2"),
        (f"a{{{MAX_REPEAT + 1}}}", f"repeats more than {MAX_REPEAT} times at character 2"),
        ('a"b', 'misses `"` after character 2'),
        ("<1-2", "misses `>` after character 1"),
        ("a<x>", "has `<...>` with no interval of numbers before character 5"),
        ("(" * 51 + "a", "nests more than 50 groups at character 51"),
        ("a{1,2}" + "{1,2}" * 200, "nests more than 100 operators"),
    ],
)
def test_errors_say_where(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
        parse(pattern, Fold.NONE)


@given(st.text('ab|&~.?*+{}()[]<>-^\\"@#,0123dwsé', max_size=20), st.sampled_from(list(Fold)))
def test_any_text_is_a_pattern_or_is_refused(pattern: str, fold: Fold) -> None:
    try:
        matcher = LuceneRegex([pattern], fold)
    except ValueError:
        return
    assert matcher.states <= MAX_STATES
    assert matcher.matches("ab") in (True, False)


HOSTILE = [
    "(a+)+$",
    "(a|aa)*",
    "((((a{10}){10}){10}){10})",
    "[a-z]{1000}{1000}",
    "(a{1,30}){1,30}",
    "~(" * 49 + "a" + ")" * 49,
    "~(" * 1000 + "a" + ")" * 1000,
    "<0-999999999>",
    "<0-999999999999999999>" * 20,
    "[" + "".join(chr(0x100 + 2 * number) for number in range(4000)) + "]*",
    "a?" * 4000,
    "[^a]*" * 1500,
    "a" * MAX_PATTERN,
    "(" * 49 + "a?" + ")*" * 49,
    "[ab]*a[ab]{14}",
    "~(.*a.{8})",
    "&".join(f"@{char}@" for char in "abcdefghijklm"),
    "|".join(str(number) for number in range(1800)),
    "~a" * 2000,
    "@" * MAX_PATTERN,
    "a{1,2}" * 1300,
]


@pytest.mark.parametrize("pattern", HOSTILE, ids=[pattern[:20] for pattern in HOSTILE])
def test_exploding_patterns_take_little_memory(pattern: str) -> None:
    tracemalloc.start()
    try:
        matcher = LuceneRegex([pattern], Fold.NONE)
    except ValueError as error:
        assert "too large" in str(error) or "more than" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert matcher.states <= MAX_STATES
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 100_000_000
