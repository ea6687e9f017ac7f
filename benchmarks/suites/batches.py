"""How long does a batch take with the whole corpus, its plan at hand, as in a live loop?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.generate.stream import SEED
from benchmarks.sheet import Goal, Sheet
from dogwatch.detect.compiled import Compiled
from dogwatch.events.batch import Batch
from dogwatch.events.readers import documents_to_batches

_SIZES = {1: Goal(most=30.0), 50: None, 500: Goal(most=100.0), 50_000: None}
_MOST = {1: 60, 50: 30, 500: 12, 50_000: 1}
"""Batches of each size; as many again warm up, of the largest none."""


def run(context: Context) -> Sheet:
    """Batches of four sizes through one detector each, the events all different ones."""
    sheet = Sheet("batches", "a batch with the whole corpus, the plan at hand: reading it, then matching it")
    corpus, facts = context.rules()
    began = time.perf_counter()
    ready = engine.compiled(corpus)
    fields = engine.batch_fields(ready)
    sheet.facts |= facts | {"rules that run": len(ready.rules), "fields": len(fields), "events seed": SEED}
    sheet.figure("making the plan ready", "s", [time.perf_counter() - began])
    path = context.events(context.count(sum(2 * _MOST[size] * size for size in (1, 50, 500)) + 50_000))
    for size, goal in _SIZES.items():
        size = size if size < 50_000 else context.count(size)
        name = f"{size:,} event{'s' * (size > 1)}"
        spent = _spent(path, ready, fields, size, _MOST.get(size, 1), context.left() / 5)
        for what, taken in (
            ("decode, columns and rules", [(read + matched) for read, matched in spent]),
            ("rules alone", [matched for _, matched in spent]),
        ):
            sheet.figure(
                f"{name}: {what}",
                "ms",
                [1000 * each.seconds for each in taken],
                goal if what != "rules alone" else None,
                by_processor=[1000 * each.cpu for each in taken],
            )
        sheet.figure(f"{name}: rate", "events/s", [size / (read + matched).seconds for read, matched in spent])
    return sheet


@dataclass(frozen=True, slots=True)
class _Spent:
    """Seconds by the clock and of processor time."""

    seconds: float
    cpu: float

    def __add__(self, other: _Spent) -> _Spent:
        return _Spent(self.seconds + other.seconds, self.cpu + other.cpu)

    def __sub__(self, other: _Spent) -> _Spent:
        return _Spent(self.seconds - other.seconds, self.cpu - other.cpu)


def _now() -> _Spent:
    return _Spent(time.perf_counter(), time.process_time())


def _spent(
    path: Path, ready: Compiled, fields: engine.Fields, size: int, most: int, budget: float
) -> list[tuple[_Spent, _Spent]]:
    """What each batch took: until it was made of its lines, and until the detector asked for the next one."""
    reading: list[_Spent] = []
    stamps: list[_Spent] = []
    ends = time.perf_counter() + budget

    def batches() -> Iterator[Batch]:
        with path.open("rb") as lines:
            for _ in range(most if size >= 10_000 else 2 * most):
                if time.perf_counter() > ends and len(reading) > 2:
                    return
                began = _now()
                documents = map(msgspec.json.decode, islice(lines, size))
                made = list(documents_to_batches(documents, fields, batch_rows=size))
                reading.append(_now() - began)
                stamps.append(_now())
                yield from made
                stamps.append(_now())

    for _ in engine.follow(batches(), ready):
        pass
    matching = [end - begin for begin, end in zip(stamps[::2], stamps[1::2], strict=True)]
    spent = list(zip(reading, matching, strict=True))
    return spent[len(spent) // 2 :] if len(spent) > 1 else spent
