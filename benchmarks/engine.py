"""What the suites ask of Dogwatch, in one place."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Timed, timed
from dogwatch.detect.api import ScanRun, scan
from dogwatch.detect.compiled import Compiled, compile_rules
from dogwatch.detect.matching import Matching
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.report import ScanReport
from dogwatch.detect.scan import Scan
from dogwatch.events.batch import Batch
from dogwatch.events.readers import ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.rules.ruleset import RuleSet, load_rules
from dogwatch.schema.field import FieldRef
from dogwatch.schema.schema import Schema

CORES = os.cpu_count() or 1
NOW = time.time_ns()
Fields = frozenset[FieldRef]

_WITH_WORKERS = "workers" in {each.name for each in dataclasses.fields(ScanOptions)}

_NOTHING = """[rule]
author = ["Dogwatch"]
description = "Names fields, and nothing matches it."
language = "kuery"
license = "Apache-2.0"
name = "Nothing"
risk_score = 1
rule_id = "00000000-0000-4000-8000-000000000001"
severity = "low"
type = "query"
query = '''
{}
'''
"""


def workers() -> tuple[int, ...]:
    """The numbers of processes that a scan can be given here: one, and as many as there are cores."""
    return (1, CORES) if _WITH_WORKERS and CORES > 1 else (1,)


def processes(count: int) -> str:
    """For the name of a line."""
    return "1 process" if count == 1 else f"{count} processes"


def compiled(rules: RuleSet) -> Compiled:
    """Rules made ready to run; the same ones once in a process."""
    key = tuple(map(id, rules.rules))
    if key not in _COMPILED:
        _COMPILED[key] = compile_rules(rules, Schema.ecs(), now=NOW)
    return _COMPILED[key]


_COMPILED: dict[tuple[int, ...], Compiled] = {}


def fields_of(rules: RuleSet) -> Fields:
    """The fields that rules name: the columns that reading must give."""
    return Matching(compiled(rules).rules, ScanOptions(), ScanReport()).fields


def read(path: Path, fields: Iterable[FieldRef]) -> Timed:
    """Read a file's columns in this process and do nothing else."""

    def work() -> float:
        report = ReadReport()
        return sum(batch.length for batch in read_batches([path], fields, ReadOptions(), report))

    return timed(work)


def read_as_scan(path: Path, fields: Fields, folder: Path, processes: int) -> Timed:
    """Read a file's columns as a scan with processes does, for a rule that names them and that nothing matches."""
    return scanned(path, nothing(fields, folder), processes)


def nothing(fields: Fields, folder: Path) -> RuleSet:
    """A rule that names fields, that nothing matches, and that no glance at the text of an event can decide."""
    named = sorted({str(each) for each in fields if str(each) != "process.pid"})
    query = f"process.pid < 0 and ({' or '.join(f'{each}:*' for each in named)})"
    where = folder / "nothing.toml"
    where.write_text(_NOTHING.format(query), encoding="utf-8")
    return load_rules([where])


def run(path: Path, rules: RuleSet, processes: int = 1) -> tuple[Timed, int]:
    """Scan a file, from opening it to the last alert; what making the rules ready takes is left out.

    Returns:
        What it took, and how many alerts there were.
    """
    run = prepared(path, rules, processes)
    alerts = 0

    def work() -> float:
        nonlocal alerts
        alerts = sum(1 for _ in run)
        return run.read.events

    return timed(work), alerts


def prepared(path: Path, rules: RuleSet, processes: int = 1) -> ScanRun:
    """A scan of which everything is ready but the first event."""
    return scan(path, rules, options=_options(processes))


def scanned(path: Path, rules: RuleSet, processes: int = 1) -> Timed:
    """The same without the number of alerts."""
    return run(path, rules, processes)[0]


def follow(batches: Iterable[Batch], ready: Compiled) -> Iterator[object]:
    """The detections of a stream that is followed, batch by batch."""
    return Scan(ready.rules, ScanOptions(follow=True)).run(batches)


def batch_fields(ready: Compiled) -> Fields:
    """The columns that batches for ready rules must have."""
    return Scan(ready.rules, ScanOptions()).matching.fields


def _options(processes: int) -> ScanOptions:
    more: dict[str, Any] = {"workers": processes} if _WITH_WORKERS else {}
    return ScanOptions(now=NOW, **more)
