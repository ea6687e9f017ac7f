from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.alerts.encoding import DEEPEST, decode, encode

ANY_TEXT = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_what_is_encoded_decodes_to_the_same(document: dict[str, object]) -> None:
    assert decode(encode(document)) == document


@settings(max_examples=50)
@given(st.dictionaries(ANY_TEXT, VALUES))
def test_any_document_becomes_one_line_of_json(document: dict[str, object]) -> None:
    line = encode(document)
    assert b"\n" not in line
    assert b"\r" not in line
    assert isinstance(json.loads(line.decode("utf-8")), dict)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\ud800b", "a\ufffdb"), ("\udc00", "\ufffd"), ("\ud83d\ude00", "😀"), ("\ud800😀", "\ufffd😀")],
)
def test_surrogates(text: str, kept: str) -> None:
    assert decode(encode({"a": [{"b": (text,)}]})) == {"a": [{"b": [kept]}]}


def test_numbers_that_json_cannot_write_become_null() -> None:
    assert decode(encode({"a": math.nan, "b": math.inf})) == {"a": None, "b": None}


def _nested(levels: int) -> object:
    value: object = "core"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(("levels", "kept"), [(DEEPEST - 1, True), (DEEPEST, False), (950, False), (5000, False)])
def test_a_document_can_be_read_however_deep_its_event(levels: int, kept: bool) -> None:
    document = {"event": _nested(levels)}
    read = decode(encode(document))
    assert (read == document) is kept
    assert ("nested too deep" in str(read)) is not kept


def test_a_wide_document_is_kept_whole() -> None:
    document = {"events": [{"args": [str(number), "é"]} for number in range(1000)]}
    assert decode(encode(document)) == document
