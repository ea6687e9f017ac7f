from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dogwatch.engine.spool import PassedSpool, stored_rows
from dogwatch.engine.taking import MatchedRows, take, take_rows
from dogwatch.events.batch import NO_TIEBREAK, Batch
from dogwatch.events.blocks.lines import BlockLines
from dogwatch.events.blocks.source import BlockSource
from dogwatch.events.readers.ndjson import JsonLineError
from dogwatch.events.readers.pending import TextSource
from dogwatch.logic.pattern import EventPattern, JoinKey, SequencePattern, Stage
from dogwatch.logic.predicate import ALWAYS, Field
from dogwatch.schema.field import FieldRef, FieldType

HOST = FieldRef("host.name", FieldType.KEYWORD)
STAGE = Stage(ALWAYS, (JoinKey(Field(HOST)),))
SEQUENCE = SequencePattern((STAGE, STAGE))
LINES = [
    b'{"event":{"id":"one"},"host":{"name":"a"},"big":123456789012345678901234567890}',
    b'{"_id":"two","_source":{"host":{"name":"b"}}}',
    '{"host":{"name":"c"},"text":"\u00e9 \\u2028"}'.encode(),
]


def batch(lines: list[bytes]) -> Batch:
    count = len(lines)
    source = BlockSource(
        lines=BlockLines(b"".join(line + b"\n" for line in lines)),
        file="log.ndjson",
        first_line=7,
        line_of_row=np.arange(count),
        odd=TextSource(),
        odd_rows={},
    )
    columns: dict[FieldRef, pa.Array[Any]] = {HOST: pa.array(["a", "b", "c"][:count]).dictionary_encode()}
    return Batch(
        length=count,
        columns=columns,
        time=np.array([30, 20, 10][:count], np.int64),
        tiebreak=np.full(count, NO_TIEBREAK),
        first_arrival=100,
        index=pa.array(["logs", None, "logs"][:count], pa.string()).dictionary_encode(),
        source=source,
    )


def matched(first: list[int], second: list[int], number: int = 0) -> MatchedRows:
    return MatchedRows(number, SEQUENCE, [np.array(rows, np.int64) for rows in (first, second)])


def spool_of(data: Batch, *several: MatchedRows) -> PassedSpool:
    spool = PassedSpool(1 << 20)
    spool.put(stored_rows(data, list(take_rows(data, several))))
    return spool


def test_rows_kept_as_text_are_the_rows_that_are_taken() -> None:
    data = batch(LINES)
    several = [
        matched([0, 1], [1, 2], 4),
        MatchedRows(5, EventPattern(ALWAYS), [np.array([2], np.int64)]),
    ]
    with spool_of(data, *several) as spool:
        back = list(spool)
    assert back == sorted(take(data, several), key=lambda each: each.event.order)
    assert [each.event.id for each in back][1:] == ["two", "one"]
    assert [each.event.has_own_id for each in back] == [False, True, True]


def test_a_row_that_only_dead_patterns_passed_is_never_read() -> None:
    data = batch([b"no JSON at all", *LINES[1:]])
    with spool_of(data, matched([0], [], 1), matched([1], [2], 2), matched([], [2], 1)) as spool:
        found = list(spool.without(frozenset({1})))
        with pytest.raises(JsonLineError):
            list(spool)
    assert [(moment, passed and [number for number, _ in passed.rows]) for moment, passed in found] == [
        (10, [2]),
        (20, [2]),
        (30, None),
    ]


def test_a_dead_sequence_leaves_what_else_an_event_passed() -> None:
    data = batch(LINES[:1])
    single = MatchedRows(5, EventPattern(ALWAYS), [np.array([0], np.int64)])
    with spool_of(data, matched([0], [], 1), single) as spool:
        ((_, passed),) = spool.without(frozenset({1}))
    assert passed is not None
    assert [number for number, _ in passed.rows] == [5]
