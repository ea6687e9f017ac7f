"""The published conformance suites, read in place: every case on both evaluators."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance.data import shared_folder
from conformance.model import FileOutcome, Status
from conformance.report import lines_of
from conformance.suite import run_suites

SHARED = shared_folder()
ELASTICSEARCH = SHARED / "elastic__elasticsearch"
ENDGAME = SHARED / "endgameinc__eql"


def _run(folder: Path) -> dict[str, FileOutcome]:
    if not folder.is_dir():
        pytest.skip("the published conformance suites are not beside this checkout")
    return {outcome.path.name: outcome for outcome in run_suites([folder], [SHARED])}


def _failures(outcomes: dict[str, FileOutcome]) -> str:
    failed = [outcome for outcome in outcomes.values() if outcome.count(Status.FAILED)]
    return "\n".join(line for outcome in failed for line in lines_of(outcome, SHARED, verbose=False))


@pytest.mark.slow
def test_every_case_of_elasticsearch_passes() -> None:
    outcomes = _run(ELASTICSEARCH)
    assert _failures(outcomes) == ""
    cases = {name: outcome for name, outcome in outcomes.items() if "fold" not in name}
    assert sum(outcome.count(Status.PASSED) for outcome in cases.values()) >= 200
    assert sum(outcome.count(Status.SKIPPED) for outcome in cases.values()) == 0


@pytest.mark.slow
def test_what_elasticsearch_can_say_of_the_library_s_suite_passes() -> None:
    outcomes = _run(ENDGAME)
    assert _failures(outcomes) == ""
    reasons = {each.reason for outcome in outcomes.values() for each in outcome.outcomes if each.reason}
    assert reasons
    assert all(reason.startswith("other dialect: ") for reason in reasons)
    assert outcomes["test_queries.toml"].count(Status.PASSED) > outcomes["test_queries.toml"].count(Status.SKIPPED)
