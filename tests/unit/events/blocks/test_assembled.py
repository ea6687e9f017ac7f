from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch, Document
from dogwatch.events.blocks.merge import Assembler, OddRow
from dogwatch.events.blocks.raw import RawColumn, RawRows
from dogwatch.events.columns import ColumnPlan
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

NAME = FieldRef("process.name", FieldType.KEYWORD)
WORDS = FieldRef("process.name.text", FieldType.TEXT)
PID = FieldRef("process.pid", FieldType.LONG)
ARGS = FieldRef("process.args", FieldType.KEYWORD)
PARAMETERS = FieldRef("fortisiem.swParam", FieldType.KEYWORD)
OBJECTS = FieldRef("dns.answers", FieldType.OBJECT)


class Block:
    """Native rows for one assembler, with the documents of those that it asks for again."""

    def __init__(self, *fields: FieldRef, index: str | None = None) -> None:
        self.assembler = Assembler(ColumnPlan(fields), index)
        self.report = ReadReport()
        self.asked: list[int] = []

    def batch(
        self,
        columns: Mapping[str, Sequence[str | None]],
        odd: Mapping[int, Document] | None = None,
        again: Mapping[int, Document] | None = None,
        json: tuple[str, ...] = (),
    ) -> Batch:
        """Rows of these columns where ``odd`` leaves room; ``again`` holds documents by native row."""
        length = max(map(len, columns.values()))
        odd = odd or {}
        lines = [line for line in range(length + len(odd)) if line not in odd]

        def reread(rows: Any) -> list[OddRow]:
            self.asked += rows
            return [OddRow(again[row], None, NO_TIEBREAK, lines[row]) for row in rows if again and row in again]

        raw = {path: RawColumn(pa.array(texts, pa.utf8()), path in json) for path, texts in columns.items()}
        rows = [OddRow(document, None, NO_TIEBREAK, line) for line, document in sorted(odd.items())]
        source: Any = None
        return self.assembler.assemble(
            RawRows(length, raw), np.array(lines, np.int64), rows, reread, 0, source, self.report
        )


def names(batch: Batch) -> list[str | None]:
    return [batch.index[row].as_py() for row in range(batch.length)]


def test_the_paths_to_read_are_those_of_the_fields_and_of_what_they_follow_from() -> None:
    needs = Assembler(ColumnPlan([WORDS, PARAMETERS, OBJECTS]), None).needs
    assert {path for path, is_json in needs.items() if is_json} == {"event.sequence", "dns.answers"}
    assert {"process.name.text", "process.name", "process.args", "@timestamp", "data_stream.type"} <= needs.keys()
    assert "data_stream.type" not in Assembler(ColumnPlan([WORDS]), "logs").needs


def test_odd_rows_stand_where_their_lines_were() -> None:
    block = Block(NAME, PID, ARGS)
    batch = block.batch(
        {
            "process.name": ["a", None, "c"],
            "process.args": ['["x","y"]', None, '"z"'],
            "process.pid": ["1", "x", None],
        },
        odd={1: {"process": {"name": "a", "pid": "7", "args": "w"}}, 4: {"process": {"name": ["d", "e"]}}},
        json=("process.args",),
    )
    assert batch.columns[NAME].to_pylist() == [["a"], ["a"], None, ["c"], ["d", "e"]]
    assert batch.columns[PID].to_pylist() == [1, 7, None, None, None]
    assert batch.columns[ARGS].to_pylist() == [["x", "y"], ["w"], None, ["z"], None]
    assert block.report.uncoercible == {PID: 1}
    assert block.report.without_time == block.report.without_index == 5
    assert batch.time.tolist() == [NO_TIME] * 5


def test_a_lost_value_counts_in_every_row_of_every_batch() -> None:
    block = Block(PID)
    for _ in range(2):
        block.batch({"process.pid": ["x"] * 500 + ["1"]})
    assert block.report.uncoercible == {PID: 1000}


def test_texts_that_only_some_parsers_take_for_integers_are_none() -> None:
    block = Block(PID)
    batch = block.batch({"process.pid": ["0x1F", "0X10", "007", "+5", "1_000", "\u0661", "3"]})
    assert batch.columns[PID].to_pylist() == [None, None, 7, 5, None, None, 3]
    assert block.report.uncoercible == {PID: 4}
    assert Block(PID).batch({"process.pid": ["0x1F"]}).columns[PID].to_pylist() == [None]


def test_a_text_in_doubt_is_looked_at_again() -> None:
    block = Block(NAME)
    again: dict[int, Document] = {1: {"process": {"name": "[x"}}, 2: {"process": {"name": ["y", "z"]}}}
    batch = block.batch({"process.name": ["a", "[x", '["y","z"]', "b"]}, again=again)
    assert block.asked == [1, 2]
    assert batch.columns[NAME].to_pylist() == [["a"], ["[x"], ["y", "z"], ["b"]]
    assert block.assembler.doubted == {"process.name": 2}


def test_a_string_that_only_looked_like_a_list_costs_no_list_column() -> None:
    block = Block(NAME)
    batch = block.batch({"process.name": ["a", "[x"]}, again={1: {"process": {"name": "[x"}}})
    assert batch.columns[NAME].to_pylist() == ["a", "[x"]


def test_a_line_that_is_no_event_after_all_is_left_out() -> None:
    block = Block(NAME)
    batch = block.batch({"process.name": ["a", "1e999", "b"]})
    assert (batch.length, batch.columns[NAME].to_pylist()) == (2, ["a", "b"])
    assert block.report.without_time == 2


def test_fields_that_hold_the_same_share_one_column() -> None:
    batch = Block(NAME, WORDS).batch({"process.name": ["a", "b"]})
    assert batch.columns[WORDS] is batch.columns[NAME]


def test_a_multi_field_of_its_own_goes_before_its_parent() -> None:
    batch = Block(WORDS).batch(
        {"process.name": ["a", "b", '{"x":1}'], "process.name.text": [None, '["c"]', "[null]"]},
        again={2: {"process": {"name": {"x": 1, "text": [None]}}}},
        json=("process.name.text",),
    )
    assert batch.columns[WORDS].to_pylist() == ["a", "c", None]


def test_derived_fields_are_worked_out_for_each_row() -> None:
    block = Block(PARAMETERS)
    for _ in range(2):
        batch = block.batch(
            {"process.args": ['["nc","-l"]', None, '["ls"]', '["nc","-l"]']}, json=("process.args",)
        )
        assert batch.columns[PARAMETERS].to_pylist() == ["-l", None, None, "-l"]


def test_only_whole_numbers_break_ties() -> None:
    texts = ["5", '"5"', "[7,8]", "1.0", "true", "9223372036854775808", None, "[null,3]"]
    batch = Block().batch({"event.sequence": texts}, json=("event.sequence",))
    none = NO_TIEBREAK
    assert batch.tiebreak.tolist() == [5, none, 7, none, none, none, none, 3]


def test_three_strings_name_a_data_stream() -> None:
    block = Block()
    columns: dict[str, list[str | None]] = {
        "data_stream.type": ["logs", "logs", None, "logs"],
        "data_stream.dataset": ["a", '["b","c"]', "a", "5"],
        "data_stream.namespace": ["x", "y", "z", "x"],
    }
    again: dict[int, Document] = {
        1: {"data_stream": {"type": "logs", "dataset": ["b", "c"], "namespace": "y"}},
        3: {"data_stream": {"type": "logs", "dataset": "5", "namespace": "x"}},
    }
    batch = block.batch(columns, again=again)
    # Odd rows come with the name that was worked out from their documents, here none.
    assert names(batch) == ["logs-a-x", None, None, "logs-5-x"]
    assert names(Block(index="mine").batch(columns)) == ["mine"] * 4
