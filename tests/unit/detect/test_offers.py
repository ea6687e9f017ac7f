"""Index patterns of many rules, asked together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.detect import offers as offers_module
from dogwatch.detect.offers import Offers
from dogwatch.events.columns import make_batch
from dogwatch.events.index import IndexPatterns
from dogwatch.events.report import ReadReport

SETS: list[tuple[str, ...]] = [
    ("logs-*",),
    (),
    ("logs-*", "-logs-b*"),
    ("beat-*", "logs-a"),
    ("nothing",),
    ("lo*",),
]
NAMES = st.lists(st.sampled_from(["logs-a", "logs-b", "beat-1", "other", None]), max_size=6)


def batch_in(streams: Sequence[str | None]) -> Any:
    empty = make_batch([], [], 0, ReadReport())
    return replace(empty, length=len(streams), index=pa.array(streams, pa.string()).dictionary_encode())


@given(NAMES, st.data())
def test_each_set_is_offered_what_its_patterns_cover(streams: list[str | None], data: st.DataObject) -> None:
    flags = data.draw(st.none() | st.lists(st.booleans(), min_size=len(streams), max_size=len(streams)))
    inside = None if flags is None else np.array(flags, np.bool_)
    offered = Offers(SETS).rows(batch_in(streams), inside)
    for patterns, rows in zip(SETS, offered, strict=True):
        covered = [name is None or not patterns or IndexPatterns(patterns).matches(name) for name in streams]
        expected = [one and (flags is None or flags[row]) for row, one in enumerate(covered)]
        assert ([True] * len(streams) if rows is None else rows.tolist()) == expected


def test_sets_with_one_answer_share_it() -> None:
    offered = Offers(SETS).rows(batch_in(["logs-a", "other"]), None)
    assert offered[0] is offered[2] is offered[3] is offered[5]
    assert offered[1] is None


def test_names_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers_module, "_REMEMBERED", 3)
    offers = Offers([("logs-1*",)])
    for number in range(20):
        (rows,) = offers.rows(batch_in([f"logs-{number}", "logs-1"]), None)
        assert rows is None or rows.tolist() == [number == 1 or number >= 10, True]
        assert len(offers._answers) <= 3
