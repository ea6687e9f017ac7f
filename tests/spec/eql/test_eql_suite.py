"""Our own conformance suite: every case on both evaluators."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from conformance.data import Finder
from conformance.model import Case, Data, Status
from conformance.run import run_case
from conformance.suite import load_cases

SUITE = Path(__file__).resolve().parent / "suite"
FILES = sorted(path for path in SUITE.glob("*.toml") if path.name != "conformance.toml")


def _cases() -> list[tuple[str, Case, Data]]:
    found = []
    for path in FILES:
        loaded = load_cases(path, Finder(SUITE))
        assert loaded is not None, path
        found += [(path.stem, case, data) for case, data in loaded.cases]
    return found


CASES = _cases()


@pytest.mark.parametrize(("case", "data"), [pytest.param(c, d, id=f"{stem}: {c.name}") for stem, c, d in CASES])
def test_both_evaluators_find_what_the_case_says(case: Case, data: Data) -> None:
    outcome = run_case(case, data)
    assert outcome.mismatches == ()
    assert outcome.status is Status.PASSED


def test_the_suite_covers_its_ground() -> None:
    stems = {stem for stem, _, _ in CASES}
    assert stems >= {
        "operators",
        "nulls",
        "functions",
        "types",
        "pipes",
        "sequences",
        "absences",
        "samples",
        "refused",
    }
    assert len(CASES) >= 120
    names = [(stem, case.name) for stem, case, _ in CASES]
    assert len(names) == len(set(names))
