"""What do events and rules cost that somebody made to be costly, beside the same scan without them?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.generate.stream import SEED
from benchmarks.measure import rounds
from benchmarks.sheet import Sheet
from benchmarks.suites.sequences import rule_of
from dogwatch.rules.ruleset import RuleSet, load_rules

_EVENTS = 30_000
_RULES = 100
_LONG = 1 << 20
_LONG_EVERY = 1000
_WILDCARDS = 10_000
_STAGES = 20
_COMMAND = '"command_line":"'

_THRESHOLD = """<Rules><Rule id="PH_Rule_Bench_1" phIncidentCategory="Server" function="Security"
 subFunction="Execution"><Name>Threshold over Groups</Name><active>true</active><Description>Groups.</Description>
<IncidentDef eventType="PH_RULE_BENCH_1" severity="5"><ArgList>hostName = Filter.hostName</ArgList></IncidentDef>
<PatternClause window="3600"><SubPattern displayName="Filter" name="Filter">
<SingleEvtConstr>procName IS NOT NULL</SingleEvtConstr>
<GroupByAttr>hostName, procGUID, procId, command</GroupByAttr>
<GroupEvtConstr>COUNT(*) &gt;= 1000</GroupEvtConstr></SubPattern></PatternClause></Rule></Rules>
"""


def run(context: Context) -> Sheet:
    """Two kinds of events and three kinds of rules."""
    sheet = Sheet("hostile", "events and rules made to be costly, beside the same scan without them")
    count = context.count(_EVENTS)
    plain = context.events(count)
    rules = context.made(_RULES)
    distinct = _made(context, plain, "distinct", lambda number: f"run{number:08d} ")
    long = _made(context, plain, "long", lambda number: "A" * _LONG if number % _LONG_EVERY == 0 else "")
    worse = {
        f"{_WILDCARDS:,} wildcards in two rules": RuleSet(
            (*rule_of(context, 89, _wildcards(1)).rules, *rule_of(context, 90, _wildcards(2)).rules)
        ),
        f"{_STAGES} frequent stages in a sequence": rule_of(context, 91, _stages()),
        "threshold, nearly each event a group": _threshold(context),
    }
    for name, rule in list(worse.items()):
        if refused := engine.compiled(rule).left_out:
            sheet.notes.append(f"{name}: refused, {refused[0][1][0].code}")
            del worse[name]
    steps = {
        "plain": partial(engine.scanned, plain, rules),
        "distinct": partial(engine.scanned, distinct, rules),
        "long": partial(engine.scanned, long, rules),
    }
    for name, rule in worse.items():
        steps[name] = partial(engine.scanned, plain, RuleSet((*rules.rules, *rule.rules)))
    series = rounds(steps, context.left())
    base = series["plain"]
    sheet.cost_ratio("every command line another : plain, time", series["distinct"], base)
    sheet.cost_ratio(f"1 MB command lines, 1 in {_LONG_EVERY:,} : plain, time", series["long"], base)
    sheet.figure(
        "the same, time of a byte",
        "times",
        [
            (hostile / long.stat().st_size) / (usual / plain.stat().st_size)
            for hostile, usual in zip(series["long"].seconds, base.seconds, strict=True)
        ],
    )
    for name in worse:
        sheet.cost_ratio(f"{name} : without, time", series[name], base)
    sheet.rate(base, "the plain scan")
    sheet.facts |= {"events": count, "events seed": SEED, "rules": len(rules), "bytes": plain.stat().st_size}
    sheet.facts |= {"bytes with long values": long.stat().st_size}
    return sheet


def _made(context: Context, plain: Path, name: str, before: Callable[[int], str]) -> Path:
    """The events again, each of their command lines with something before it."""
    path = context.folder / f"{name}.ndjson"
    with plain.open(encoding="utf-8") as lines, path.open("w", encoding="utf-8") as file:
        for number, line in enumerate(lines):
            file.write(line.replace(_COMMAND, _COMMAND + before(number), 1))
    return path


def _wildcards(seed: int) -> str:
    """Half of them: a query may be only so long."""
    random = Random(seed)  # noqa: S311
    patterns = ", ".join(
        f'"*{random.getrandbits(40):x}*{random.getrandbits(24):x}*"' for _ in range(_WILDCARDS // 2)
    )
    return f"process where process.command_line : ({patterns})"


def _stages() -> str:
    """Frequent stages, and a last one that never comes: what is measured is not the making of alerts."""
    return (
        "sequence by host.id with maxspan=1h\n"
        + '  [any where event.kind == "event"]\n' * _STAGES
        + '  [any where event.kind == "never"]'
    )


def _threshold(context: Context) -> RuleSet:
    path = context.folder / "threshold.xml"
    path.write_text(_THRESHOLD, encoding="utf-8")
    return load_rules([path])
