"""Accounts of reading, put together in the order of the input."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.events.report import KEPT_PER_CODE, ReadReport

problems = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.sampled_from([None, "a", "b"]), st.integers(1, 99)), max_size=40
)


def noted(report: ReadReport, code: str, file: str | None, line: int) -> None:
    report.add(
        Diagnostic(code, f"line {line}", place=None if file is None else Place(file, line)), lost=line == 99
    )
    report.events += line
    report.without_time += 1


def told(report: ReadReport) -> dict[str, Any]:
    return {each.name: getattr(report, each.name) for each in fields(report) if each.name[0] != "_"}


@given(problems, st.lists(st.integers(0, 40)))
def test_stretches_merge_to_what_one_report_says(
    drawn: list[tuple[str, str | None, int]], cuts: list[int]
) -> None:
    whole, merged, part = ReadReport(), ReadReport(), ReadReport()
    for place, problem in enumerate(drawn):
        if place in cuts:
            merged.merge(part.drained())
            assert told(part) == told(ReadReport())
        noted(whole, *problem)
        noted(part, *problem)
    merged.merge(part.drained())
    assert told(merged) == told(whole)
    kept = Counter((each.code, each.place and each.place.file) for each in merged.kept)
    assert max(kept.values(), default=0) <= KEPT_PER_CODE


def test_what_is_kept_of_a_file_is_arranged_by_lines() -> None:
    report = ReadReport()
    places = [("a", 7), ("a", None), ("a", 3), ("b", 2), ("b", 1), ("a", 1)]
    for file, line in places:
        report.add(Diagnostic("c", "m", place=Place(file, line)))
    report.add(Diagnostic("c", "m"))
    report.arrange()
    assert [str(each.place) for each in report.kept] == ["a:3", "a:7", "a", "b:1", "b:2", "a:1", "None"]
