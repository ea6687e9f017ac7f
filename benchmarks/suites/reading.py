"""How fast are events read, beside DuckDB reading the same fields and doing nothing else?"""

from __future__ import annotations

from functools import partial

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.engine import CORES
from benchmarks.measure import Step, rounds
from benchmarks.peers.run import duckdb_reading
from benchmarks.sheet import Goal, Sheet
from benchmarks.suites.rules import one_rule

EVENTS = 100_000


def run(context: Context) -> Sheet:
    """Read one file for the corpus' fields and for one rule's."""
    sheet = Sheet("reading", "our reader beside DuckDB's read_json alone, the same fields")
    path = context.events(context.count(EVENTS))
    corpus, facts = context.rules()
    wanted = {"corpus' fields": engine.fields_of(corpus), "one rule's fields": engine.fields_of(one_rule(context))}
    steps: dict[str, Step] = {}
    for what, fields in wanted.items():
        steps[f"{what}, DuckDB, {CORES} threads"] = partial(duckdb_reading, path, fields, CORES)
        steps[f"{what}, DuckDB, 1 thread"] = partial(duckdb_reading, path, fields, 1)
        steps[f"{what}, read_batches"] = partial(engine.read, path, fields)
        for count in engine.workers()[1:]:
            name = f"{what}, a scan that finds nothing, {count} processes"
            steps[name] = partial(engine.read_as_scan, path, fields, context.folder, count)
    series = rounds(steps, context.left())
    most = engine.workers()[-1]
    for what in wanted:
        everything = series[f"{what}, DuckDB, {CORES} threads"]
        alone = series[f"{what}, read_batches"]
        if most > 1:
            ours = series[f"{what}, a scan that finds nothing, {most} processes"]
            sheet.ratio(f"{what}: {most} processes : DuckDB, {CORES} threads", ours, everything, Goal(least=0.7))
            sheet.ratio(f"{what}: 1 process : DuckDB, {CORES} threads", alone, everything)
        else:
            sheet.ratio(f"{what}: 1 process : DuckDB, {CORES} threads", alone, everything, Goal(least=0.7))
        sheet.ratio(f"{what}: 1 process : DuckDB, 1 thread", alone, series[f"{what}, DuckDB, 1 thread"])
    for each in series.values():
        sheet.rate(each)
    sheet.facts |= {
        "events": context.count(EVENTS),
        "bytes an event": path.stat().st_size // context.count(EVENTS),
    }
    sheet.facts |= {f"fields of {what}": len(fields) for what, fields in wanted.items()} | facts
    return sheet
