"""What a run of suites is told as: lines for a person, or one JSON document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from conformance.model import FileOutcome, Outcome, Status

_QUERY_WIDTH = 300


def lines_of(file: FileOutcome, base: Path, *, verbose: bool) -> Iterator[str]:
    """The line of one file, then its failures, and with ``verbose`` the reasons of what was skipped."""
    counts = ", ".join(f"{file.count(status)} {status.value}" for status in Status)
    yield f"{_name(file.path, base)}: {counts}"
    for outcome in file.outcomes:
        if outcome.status is Status.FAILED:
            yield from _failure(outcome)
    if verbose:
        reasons = Counter(outcome.reason or "" for outcome in file.outcomes if outcome.status is Status.SKIPPED)
        for reason, count in sorted(reasons.items()):
            yield f"  skipped {count}: {reason}"


def total_line(files: Iterable[FileOutcome]) -> str:
    """The totals over all files."""
    listed = list(files)
    counts = ", ".join(f"{sum(file.count(status) for file in listed)} {status.value}" for status in Status)
    return f"total of {len(listed)} file{'' if len(listed) == 1 else 's'}: {counts}"


def as_json(files: Iterable[FileOutcome], base: Path) -> str:
    """Everything as one JSON document."""
    listed = list(files)
    document = {
        "files": [
            {
                "file": _name(file.path, base),
                **{status.value: file.count(status) for status in Status},
                "cases": [_case(outcome) for outcome in file.outcomes],
            }
            for file in listed
        ],
        **{status.value: sum(file.count(status) for file in listed) for status in Status},
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _failure(outcome: Outcome) -> Iterator[str]:
    yield f"  FAILED {outcome.case.name}"
    query = " ".join(outcome.case.query.split())
    if query:
        yield f"    query: {query[:_QUERY_WIDTH]}"
    for mismatch in outcome.mismatches:
        yield f"    {mismatch.evaluator}: expected {mismatch.expected}, got {mismatch.got}"


def _case(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.case.name,
        "status": outcome.status.value,
        **({"reason": outcome.reason} if outcome.reason else {}),
        **(
            {
                "query": outcome.case.query,
                "mismatches": [
                    {"evaluator": each.evaluator, "expected": each.expected, "got": each.got}
                    for each in outcome.mismatches
                ],
            }
            if outcome.mismatches
            else {}
        ),
    }


def _name(path: Path, base: Path) -> str:
    resolved = path.resolve()
    return str(resolved.relative_to(base)) if resolved.is_relative_to(base) else str(path)
