from __future__ import annotations

from itertools import count

from dogwatch.events.columns import ColumnPlan
from dogwatch.events.readers.pending import Pending
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

NAME = FieldRef("process.name", FieldType.KEYWORD)


def pending(report: ReadReport) -> Pending:
    return Pending(ColumnPlan([NAME]), None, 100, report, count())


def lengths(waiting: Pending, pauses: int) -> list[int | None]:
    """The rows of the batch at each pause, ``None`` where there is none."""
    found = (waiting.pause() for _ in range(pauses))
    return [None if batch is None else batch.length for batch in found]


def test_silence_gives_an_empty_batch_now_and_then() -> None:
    report = ReadReport()
    assert lengths(pending(report), 11) == [None, None, None, None, 0] * 2 + [None]
    assert report.events == 0


def test_a_pause_gives_what_there_is_and_the_silence_begins_after_it() -> None:
    report = ReadReport()
    waiting = pending(report)
    lengths(waiting, 3)
    assert waiting.add(({"process": {"name": "nc"}}, {}, None), None, None) is None
    assert lengths(waiting, 6) == [1, None, None, None, 0, None]
    assert report.events == 1


def test_an_empty_batch_has_its_columns_and_takes_no_number() -> None:
    waiting = pending(ReadReport())
    empty = next(batch for _ in range(5) if (batch := waiting.pause()) is not None)
    assert [len(column) for column in empty.columns.values()] == [0]
    assert (len(empty.time), len(empty.tiebreak), len(empty.index)) == (0, 0, 0)
    waiting.add(({"process": {"name": "nc"}}, {}, None), None, None)
    batch = waiting.flush()
    assert batch is not None
    assert (batch.first_arrival, batch.values(NAME, 0)) == (0, ("nc",))
