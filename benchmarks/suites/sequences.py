"""What does a sequence cost whose first step nearly every event takes?"""

from __future__ import annotations

from collections import Counter
from functools import partial

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.generate.rules import MadeRule
from benchmarks.generate.stream import SEED
from benchmarks.measure import Timed, rounds
from benchmarks.sheet import Sheet
from dogwatch.rules.ruleset import RuleSet, load_rules

_EVENTS = 30_000
_QUERIES = {
    "by host, then a rare one": """sequence by host.id with maxspan=10m
  [process where event.type == "start"]
  [network where destination.port in (4444, 9001, 3333, 6667)]""",
    "by process, then a rare one": """sequence by host.id, process.entity_id with maxspan=10m
  [process where event.type == "start"]
  [network where destination.port in (4444, 9001, 3333, 6667)]""",
    "by process, until its end": """sequence by host.id, process.entity_id with maxspan=1h
  [process where event.type == "start"]
  [file where file.extension == "exe" and event.type == "creation"]
  until [process where event.type == "end"]""",
    "by user, three frequent ones, then a rare one": """sequence by host.id, user.id with maxspan=1m
  [any where event.kind == "event"]
  [process where event.type == "start"]
  [file where true]
  [network where destination.port in (4444, 9001, 3333, 6667)]""",
}


def run(context: Context) -> Sheet:
    """Each sequence beside reading the fields that it names."""
    sheet = Sheet("sequences", "a sequence whose first step is frequent, beside reading for it")
    path = context.events(context.count(_EVENTS))
    rules = {name: rule_of(context, number, query) for number, (name, query) in enumerate(_QUERIES.items())}
    alerts: Counter[str] = Counter()

    def scanned(name: str) -> Timed:
        taken, alerts[name] = engine.run(path, rules[name])
        return taken

    steps = {}
    for name, rule in rules.items():
        steps[f"reading for: {name}"] = partial(engine.read, path, engine.fields_of(rule))
        steps[name] = partial(scanned, name)
    series = rounds(steps, context.left())
    for name in rules:
        sheet.ratio(f"{name} : reading for it", series[name], series[f"reading for: {name}"])
    for name in rules:
        sheet.rate(series[name])
    sheet.facts |= {"events": context.count(_EVENTS), "events seed": SEED}
    sheet.facts |= {f"alerts {name}": alerts[name] for name in rules}
    return sheet


def rule_of(context: Context, number: int, query: str) -> RuleSet:
    """One EQL rule of our own, loaded."""
    identifier = f"00000000-0000-4000-8000-0000000001{number:02d}"
    made = MadeRule(identifier, f"Query {number}", "eql", ("logs-*",), query, ("low", 21))
    path = context.folder / f"query_{number}.toml"
    path.write_text(made.toml(), encoding="utf-8")
    return load_rules([path])
