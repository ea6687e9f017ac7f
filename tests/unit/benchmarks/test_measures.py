from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402 - not installed
from benchmarks.measure import Series, Timed, rounds  # noqa: E402
from benchmarks.peers.duckdb_reading import columns, struct, tree_of  # noqa: E402
from benchmarks.sheet import WIDTH, Goal, Sheet, show  # noqa: E402


def _series(name: str, *seconds: float) -> Series:
    return Series(name, [Timed(100, each, each / 2) for each in seconds])


def _result(sheet: Sheet) -> dict[str, Any]:
    machine = {
        "cpu": "A | B",
        "cores": 2,
        "memory_gib": 4,
        "system": "Linux",
        "python": "3.11",
        "versions": {"dogwatch": "1"},
        "load_average_before": [0.5, 0, 0],
        "load_average_after": [1.5, 0, 0],
        "commit": "abc123-dirty",
        "at": "2026-01-05 00:00",
    }
    return sheet.as_json() | {"machine": machine, "seconds": 1.0, "scale": 0.1}


def test_ratios_are_taken_round_by_round() -> None:
    sheet = Sheet("s", "q")
    sheet.ratio("a : b", _series("a", 1.0, 2.0, 4.0), _series("b", 2.0, 2.0, 2.0), Goal(least=0.9))
    (line,) = sheet.lines
    assert line["rounds"] == [2.0, 1.0, 0.5]
    assert (line["median"], line["min"], line["max"], line["met"]) == (1.0, 0.5, 2.0, True)
    assert line["by_processor_time"] == 1.0


def test_what_was_measured_once_stands_beside_every_round() -> None:
    sheet = Sheet("s", "q")
    sheet.ratio("a : b", _series("a", 1.0, 2.0), _series("b", 4.0))
    assert sheet.lines[0]["rounds"] == [4.0, 2.0]


def test_cost_is_the_other_way_round_and_may_be_too_much() -> None:
    sheet = Sheet("s", "q")
    sheet.cost_ratio("a : b, time", _series("a", 6.0), _series("b", 2.0), Goal(most=2.0))
    assert sheet.lines[0]["median"] == 3.0
    assert sheet.lines[0]["met"] is False


def test_the_cost_of_more_leaves_out_that_of_beginning() -> None:
    large = Series("large", [Timed(300, 4.0, 3.0)])
    assert large.beyond(Series("small", [Timed(100, 2.0, 1.5)])).rounds == [Timed(200, 2.0, 1.5)]


def test_rounds_go_there_and_back_and_the_first_does_not_count() -> None:
    done: list[str] = []

    def step(name: str) -> Timed:
        done.append(name)
        return Timed(len(done), 0.001, 0.001)

    series = rounds({"a": lambda: step("a"), "b": lambda: step("b")}, 60.0)
    assert done[:6] == ["b", "a", "a", "b", "b", "a"]
    assert [each.amount for each in series["a"].rounds] == [3, 6, 7, 10, 11]


def test_without_time_one_round_counts() -> None:
    series = rounds({"a": lambda: Timed(1, 1.0, 1.0)}, 0.0, {"once": lambda: Timed(2, 1.0, 1.0)})
    assert [each.amount for each in series["a"].rounds] == [1]
    assert [each.amount for each in series["once"].rounds] == [2]


def test_a_table_keeps_to_its_width() -> None:
    sheet = Sheet("suite", "a question")
    name = (
        "a line whose name goes on and on until it needs a second line : another, each further event, 2 processes"
    )
    sheet.ratio(name, _series("a", 1.0, 3.0), _series("b", 123456.0, 1.0), Goal(least=1000))
    sheet.facts = {"events": 50_000}
    output = io.StringIO()
    show(Console(file=output, width=WIDTH), "suite", sheet.as_json())
    text = output.getvalue()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "events 50,000" in text
    assert "≥ 1,000 met" in text


def test_the_page_gets_the_results_between_its_marks_each_time_anew() -> None:
    sheet = Sheet("rules", "rules beside reading")
    sheet.ratio("one rule : reading", _series("a", 1.0), _series("b", 0.5), Goal(least=0.9))
    results = {"suites": {"rules": _result(sheet)}}
    page = f"# Title\n\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    once = report.with_results(page, results)
    assert "| one rule : reading | 0.50 |  | 0.50 | times | ≥ 0.90 | missed |" in once
    assert "commit abc123-dirty" in once
    assert "old" not in once
    assert once.startswith("# Title\n")
    assert once.endswith("\nafter\n")
    assert report.with_results(once, results) == once
    with pytest.raises(ValueError, match="needs a line"):
        report.with_results("# Title\n", results)


def test_the_page_in_the_tree_has_its_marks() -> None:
    text = report.PAGE.read_text("utf-8")
    assert text.index(report.BEGIN) < text.index(report.END)


def test_names_are_quoted_for_the_peer_that_reads() -> None:
    tree = tree_of([["process", "name"], ["process", "a\"b'"], ["message"]])
    assert struct(tree["process"]) == 'STRUCT("name" VARCHAR, "a""b\'" VARCHAR)'
    assert columns(tree)[0] == '"process"."name" AS c0'


def test_a_difference_within_the_noise_gives_no_line() -> None:
    sheet = Sheet("s", "q")
    less, more = Series("less", [Timed(100, 2.0, 2.0)]), Series("more", [Timed(300, 1.9, 2.5)])
    sheet.ratio("a : b", more.beyond(less), _series("b", 1.0))
    assert sheet.lines == []
    assert "a : b" in sheet.notes[0]
