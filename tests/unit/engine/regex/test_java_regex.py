"""Java's regular expressions: what is rewritten for Hyperscan, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.regex.compiled import compile_regex
from dogwatch.logic.predicate import RegexDialect


def matches(pattern: str, text: str, fold: Fold = Fold.NONE) -> bool:
    return compile_regex((pattern,), RegexDialect.JAVA, fold).matches(text)


@pytest.mark.parametrize(
    ("pattern", "holds", "fails"),
    [
        # The whole text, never a part of it.
        ("b", ["b"], ["ab", "bc", "b\n", ""]),
        ("a|bc", ["a", "bc"], ["ac", "abc"]),
        ("^.*?net.exe", ["net.exe", "C:\\net.exe"], ["net.exe "]),
        ("^b$", ["b"], ["b\n"]),
        ("", [""], ["a"]),
        # The dot stops at each of Java's line ends.
        ("a.c", ["abc", "a😀c", "a\x0bc"], ["a\nc", "a\rc", "a\x85c", "a\u2028c", "a\u2029c", "ac"]),
        ("(?s)a.c", ["a\nc", "a\u2028c"], ["ac"]),
        ("(?s:.).", ["\na"], ["a\n", "\n\n"]),
        ("(?:(?s).).", ["\na"], ["a\n"]),
        ("(?s)(?-s:.).", ["a\n"], ["\na"]),
        ("((?i)a)b", ["Ab", "ab"], ["aB"]),
        ("(?i)a(?-i)b", ["Ab"], ["AB"]),
        ("(?is:a.)b", ["A\nb"], ["A\nB"]),
        # Characters by their code.
        (r"\x41\x{1F600}\u0041\uD83D\uDE00\0101\01\cA\e\a", ["A😀A😀A\x01\x01\x1b\x07"], []),
        (r"\t\n\r\f", ["\t\n\r\f"], []),
        (r"\x{41}" * 50, ["A" * 50], ["A" * 49]),
        (r"\Qa.[\E.", ["a.[x"], ["ab[x"]),
        (r"\Qa+", ["a+"], ["aa"]),
        (r"\\\.\*\-\é# ", ["\\.*-é# "], []),
        # Classes.
        (r"\d\D\w\W\s\S", ["1a_- x"], ["1a_-xx"]),
        (r"\s", list("\t\n\x0b\f\r "), ["\x85", "\xa0"]),
        (r"\v\V", ["\na", "\u2028a"], ["\n\n", "aa"]),
        (r"\R", ["\r\n", "\n", "\x85"], ["\n\n", "a"]),
        (r"\h\H", ["\xa0a", " a"], ["aa"]),
        (r"\p{Lower}\p{XDigit}\P{Alpha}\p{Punct}", ["aF1]", "af-["], ["AF1]", "agg]"]),
        (r"\p{L}\pL\p{IsLu}\P{Lu}", ["éßÉé"], ["éßéé"]),
        (r"[\p{Upper}\d\v]+", ["A1\x0b"], ["a"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[^]a]", ["b"], ["]"]),
        ("[a-c-]", ["b", "-"], ["d"]),
        ("[-a]", ["-"], ["b"]),
        ("[&a]", ["&"], ["b"]),
        ("[.^$*]", [".", "^", "$", "*"], ["a"]),
        (r"[\[\]\\]", ["[", "]", "\\"], ["a"]),
        # Repetition and groups.
        ("a{2}b{1,}c{0,1}", ["aab", "aabbbc"], ["ab", "aabcc"]),
        ("a*?b+?c??", ["aabb", "bc"], ["a"]),
        ("(?<name>a)(b)(?:c)", ["abc"], ["ab"]),
        (r"\ba\b-\Ba?", ["a-"], []),
    ],
)
def test_whole_texts(pattern: str, holds: list[str], fails: list[str]) -> None:
    expected = {**dict.fromkeys(holds, True), **dict.fromkeys(fails, False)}
    assert {text: matches(pattern, text) for text in expected} == expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "back-references"),
        (r"(?<n>a)\k<n>", "back-references"),
        ("a(?=b)", "look-around"),
        ("(?<!a)b", "look-around"),
        ("a++", "possessive"),
        ("(?>a)", "atomic"),
        ("[a-z&&[^b]]", "intersection"),
        ("[a&&b]", "intersection"),
        ("[a[bc]]", "union"),
        ("[[:alpha:]]", "union"),
        ("(?m)^a", "flag `m`"),
        ("(?x)a b", "flag `x`"),
        ("(?U)\\w", "flag `U`"),
        ("(?#note)a", "Java does not know"),
        ("(?P<n>a)", "Java does not know"),
        ("(?)a", "Java does not know"),
        ("(?i)*", "nothing before"),
        ("(*UTF8)a", "nothing before"),
        (r"\p{IsAlphabetic}", "not supported"),
        (r"\p{javaLowerCase}", "not supported"),
        (r"[^\P{Lower}]", "not supported"),
        (r"\N{SPACE}", "not supported"),
        (r"\G", "not supported"),
        (r"\y", "not supported"),
        (r"[\b]", "inside"),
        (r"[\V]", "inside"),
        (r"\uD83D", "names no character"),
        (r"\u12", "names no character"),
        (r"\x{110000}", "names no character"),
        (r"\08", "names no character"),
        ("{2}", "begins no count"),
        ("a{,2}", "begins no count"),
        ("a{2", "begins no count"),
        ("a{", "begins no count"),
        ("(a", "not closed"),
        ("a)", "closes nothing"),
        ("a)(b", "closes nothing"),
        ("[a", "not closed"),
        ("[]", "not closed"),
        ("(?<1>a)", "name"),
        ("(?<n", "name"),
        ("a\\", "ends with a backslash"),
        ("*a", "cannot be compiled"),
        ("a{3,2}", "cannot be compiled"),
    ],
)
def test_what_has_no_equal_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(DogwatchError) as raised:
        compile_regex(("fine", pattern), RegexDialect.JAVA, Fold.NONE)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "regex-unsupported"
    assert reason in diagnostic.message


def test_letter_case_and_many_patterns() -> None:
    matcher = compile_regex(("foo.*", "ba[rz]"), RegexDialect.JAVA, Fold.UNICODE)
    assert [matcher.matches(text) for text in ("FOO", "Baz", "bazz", "xfoo")] == [True, True, False, False]


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab)", r"\w", r"\n", r"\x61", "(?:a|)"])
_PATTERNS = st.lists(
    st.tuples(_ATOMS, st.sampled_from(["", "", "*", "+", "?", "{1,2}", "*?"])), min_size=1, max_size=5
).map(lambda parts: "".join(atom + sign for atom, sign in parts))


@given(_PATTERNS, st.text("abc\n", max_size=6))
def test_agrees_with_python_where_the_languages_are_one(pattern: str, text: str) -> None:
    # Short texts of four letters: nothing to backtrack over.
    assert matches(pattern, text) is (re.fullmatch(pattern, text, re.ASCII) is not None)


@given(st.text(max_size=12))
def test_any_pattern_is_compiled_or_refused(pattern: str) -> None:
    problems: tuple[Diagnostic, ...] = ()
    try:
        compile_regex((pattern,), RegexDialect.JAVA, Fold.NONE).matches("abc")
    except DogwatchError as error:
        problems = error.diagnostics
    assert {problem.code for problem in problems} <= {"regex-unsupported"}
