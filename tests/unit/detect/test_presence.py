"""Which fields had values where, noted in any process and put together in order."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.detect import presence as presence_module
from dogwatch.detect.presence import FieldNotes, FieldPresence, Flags

sys.path.append(str(Path(__file__).resolve().parents[1] / "engine"))
from predicate_strategies import KEYWORD, OTHER, Sample, batch_of

FIELDS = [KEYWORD, OTHER]


class Noted:
    """What two processes note by turns, put together."""

    def __init__(self) -> None:
        self._notes = [FieldNotes(FIELDS), FieldNotes(FIELDS)]
        self._presence = FieldPresence(FIELDS)

    def note(self, documents: Sequence[Sample], streams: Sequence[str | None], rows: Flags | None = None) -> None:
        self._notes.reverse()
        self._notes[0].note(filed(documents, streams), rows)
        self._presence.merge(self._notes[0].taken())

    def missing(self, *streams: str) -> set[str]:
        return {ref.path for ref in self._presence.missing(lambda name: name in streams)}


def filed(documents: Sequence[Sample], streams: Sequence[str | None]) -> Any:
    """The documents as a batch, each in its data stream."""
    batch = batch_of(documents, FIELDS)
    return replace(batch, index=pa.array(streams, pa.string()).dictionary_encode())


def test_data_streams_are_told_apart() -> None:
    noted = Noted()
    noted.note([{KEYWORD: ["x"]}, {}, {OTHER: ["y", "z"]}, {}], ["one", "one", "two", "three"])
    assert noted.missing("one") == {"other"}
    assert noted.missing("two") == {"name"}
    assert noted.missing("one", "two") == set()
    assert noted.missing("three") == {"name", "other"}
    assert noted.missing() == {"name", "other"}


def test_what_is_filed_nowhere_counts_for_everyone() -> None:
    noted = Noted()
    noted.note([{KEYWORD: ["x"]}, {OTHER: ["x"]}], [None, "one"])
    assert noted.missing() == {"other"}
    assert noted.missing("one") == set()


def test_only_the_rows_asked_for_count() -> None:
    noted = Noted()
    documents: list[Sample] = [{KEYWORD: ["x"]}, {OTHER: ["x"]}]
    noted.note(documents, ["one", "one"], np.array([False, False]))
    assert noted.missing("one") == {"name", "other"}
    noted.note(documents, ["one", "one"], np.array([False, True]))
    assert noted.missing("one") == {"name"}


def test_a_later_batch_adds() -> None:
    noted = Noted()
    noted.note([{KEYWORD: ["x"]}], ["one"])
    noted.note([{}, {OTHER: ["x"]}], ["one", "two"])
    assert noted.missing("one") == {"other"}
    noted.note([{OTHER: ["x"]}], ["one"])
    assert noted.missing("one") == set()
    noted.note([], [])


def test_streams_beyond_the_bound_count_for_everyone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "MAX_STREAMS", 1)
    noted = Noted()
    noted.note([{}, {KEYWORD: ["x"]}, {}], ["one", "two", "three"])
    assert noted.missing("one") == {"other"}


def test_what_was_told_is_not_told_again() -> None:
    notes = FieldNotes(FIELDS)
    notes.note(filed([{KEYWORD: ["x"]}], ["one"]), None)
    assert [name for name, _ in notes.taken()] == ["one"]
    notes.note(filed([{KEYWORD: ["y"]}], ["one"]), None)
    assert notes.taken() == []
    notes.note(filed([{}, {OTHER: ["y"]}], ["two", "one"]), None)
    assert [name for name, _ in notes.taken()] == ["two", "one"]


documents = st.lists(
    st.tuples(
        st.fixed_dictionaries({}, optional={KEYWORD: st.just(["x"]), OTHER: st.just(["x", "y"])}),
        st.sampled_from(["one", "two", None]),
        st.booleans(),
    ),
    max_size=8,
)


@given(st.lists(documents, max_size=4))
def test_it_is_what_one_document_after_the_other_says(
    batches: list[list[tuple[Sample, str | None, bool]]],
) -> None:
    noted = Noted()
    had: dict[str | None, set[str]] = {}
    for batch in batches:
        for document, stream, counts in batch:
            if counts:
                had.setdefault(stream, set()).update(ref.path for ref in document)
        noted.note(
            [document for document, _, _ in batch],
            [stream for _, stream, _ in batch],
            np.array([counts for _, _, counts in batch], np.bool_),
        )
    for stream in ("one", "two"):
        assert noted.missing(stream) == {"name", "other"} - had.get(stream, set()) - had.get(None, set())
