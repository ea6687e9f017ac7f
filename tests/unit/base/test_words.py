"""Words as the standard analyser finds them; the expectations are Unicode's rules, worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.words import LONGEST_WORD, lowered, may_be_in_word, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (
            "Brown-Foxes jumped over the lazy dog's bone.",
            ["brown", "foxes", "jumped", "over", "the", "lazy", "dog's", "bone"],
        ),
        ("You're my 'favorite'", ["you're", "my", "favorite"]),
        ("A:B A::B a:1 1:2", ["a:b", "a", "b", "a", "1", "1", "2"]),
        ("1.2 1..2 A.B a.1 1.a", ["1.2", "1", "2", "a.b", "a", "1", "1", "a"]),
        ("1,234;5 a,b a;b", ["1,234;5", "a", "b", "a", "b"]),
        ("a.\u0301b a.\u0301 b", ["a.\u0301b", "a", "b"]),
        ("x" * 256, ["x" * 255, "x"]),
        ("a_b _a a_ __ _ 1_2 a_.b", ["a_b", "_a", "a_", "1_2", "a_", "b"]),
        ("host-1.example.com:443/x?y=z", ["host", "1", "example.com", "443", "x", "y", "z"]),
        ("10.0.0.1 fe80::1", ["10.0.0.1", "fe80", "1"]),
        (r"C:\Windows\System32\cmd.exe", ["c", "windows", "system32", "cmd.exe"]),
        ("東京 ひらカタカナ", ["東", "京", "ひ", "ら", "カタカナ"]),
        ("Cafe\u0301 \u0301x e\u0301.f", ["cafe\u0301", "x", "e\u0301.f"]),
        ("soft\u00adhyphen zero\u200bwidth", ["soft\u00adhyphen", "zero", "width"]),
        ("สวัสดีครับ", ["สวัสดีครับ"]),
        ("½ ² € 😀 ok", ["ok"]),
        ("IRÉNE \u03a3\u0391\u03a3 İ", ["iréne", "\u03c3\u03b1\u03c3", "i"]),
        ("a\x00b\nc\td", ["a", "b", "c", "d"]),
        ("\ud800a", ["a"]),
        ("a' 'a a''b", ["a", "a", "a", "b"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_long_word_is_cut() -> None:
    assert [len(word) for word in words_of("a" * (2 * LONGEST_WORD + 1))] == [LONGEST_WORD, LONGEST_WORD, 1]


@given(st.text(st.sampled_from("aB1_.,:;'- \u0301漢カひ\u00ad\n\u0e01") | st.characters(), max_size=60))
def test_words_are_pieces_of_the_text_in_order(text: str) -> None:
    rest = lowered(text)
    for word in words_of(text):
        assert word
        assert all(map(may_be_in_word, word))
        found = rest.find(word)
        assert found >= 0
        rest = rest[found + len(word) :]


@given(st.lists(st.text(st.sampled_from("aB1_.,:'漢カ"), max_size=8), max_size=6))
def test_blanks_part_words_whatever_stands_around_them(parts: list[str]) -> None:
    assert words_of(" ".join(parts)) == [word for part in parts for word in words_of(part)]


@pytest.mark.parametrize("unit", ["a:", "a\u0301", "__", "1,", "漢", "'", "\u0301", "a'\u0301"])
def test_a_megabyte_is_no_burden(unit: str) -> None:
    assert isinstance(words_of(unit * (500_000 // len(unit))), list)
