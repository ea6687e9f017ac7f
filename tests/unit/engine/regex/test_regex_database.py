"""Compiled expressions on disk: the same content is read again, anything else is compiled anew."""

from __future__ import annotations

import hashlib
from pathlib import Path

import hyperscan
import pytest

from dogwatch.engine.regex.database import Expressions, keep_database, kept_database

SOME = Expressions((b"abc", b"d.f"), (3, 4), (hyperscan.HS_FLAG_SINGLEMATCH, hyperscan.HS_FLAG_CASELESS))


def found(database: hyperscan.Database, text: bytes) -> set[int]:
    numbers: set[int] = set()
    database.scan(text, lambda number, *_: numbers.add(number))
    return numbers


def test_a_kept_database_finds_the_same(tmp_path: Path) -> None:
    database = SOME.compile()
    keep_database(SOME, database, tmp_path / "new")
    kept = kept_database(SOME, tmp_path / "new")
    assert kept is not None
    for text in (b"xabcx", b"DEF abc", b"", b"ABC"):
        assert found(kept, text) == found(database, text)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [SOME.name]


@pytest.mark.parametrize(
    "other",
    [
        Expressions((b"abd", b"d.f"), SOME.ids, SOME.flags),
        Expressions(SOME.texts, (3, 5), SOME.flags),
        Expressions(SOME.texts, SOME.ids, (0, 0)),
        Expressions((b"abcd", b".f"), SOME.ids, SOME.flags),
    ],
)
def test_other_content_has_another_name(other: Expressions, tmp_path: Path) -> None:
    keep_database(SOME, SOME.compile(), tmp_path)
    assert other.name != SOME.name
    assert kept_database(other, tmp_path) is None


def test_damaged_and_foreign_files_are_as_good_as_none(tmp_path: Path) -> None:
    keep_database(SOME, SOME.compile(), tmp_path)
    path = tmp_path / SOME.name
    whole = path.read_bytes()
    body = whole[32:]
    torn = body[:-100]
    for content in (
        b"",
        whole[:50],
        whole[:100] + bytes([whole[100] ^ 1]) + whole[101:],
        hashlib.sha256(b"no database").digest() + b"no database",
        hashlib.sha256(torn).digest() + torn,
    ):
        path.write_bytes(content)
        assert kept_database(SOME, tmp_path) is None
    keep_database(SOME, SOME.compile(), tmp_path)
    assert kept_database(SOME, tmp_path) is not None


def test_no_folder_keeps_nothing(tmp_path: Path) -> None:
    assert kept_database(SOME, None) is None
    assert kept_database(SOME, tmp_path / "nowhere") is None
    occupied = tmp_path / "file"
    occupied.write_text("")
    keep_database(SOME, SOME.compile(), occupied)
    assert kept_database(SOME, occupied) is None
    assert occupied.read_text() == ""
