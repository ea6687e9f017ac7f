"""How does the cost grow with the number of rules, of events and of processes?"""

from __future__ import annotations

from functools import partial
from random import Random

from benchmarks import engine
from benchmarks.context import ONLY_MADE, Context
from benchmarks.generate.rules import SEED as RULES_SEED
from benchmarks.generate.stream import SEED
from benchmarks.measure import rounds
from benchmarks.sheet import Goal, Sheet
from dogwatch.rules.model import Rule
from dogwatch.rules.ruleset import RuleSet

_COUNTS = (1, 100, 1000, 2000)
_EVENTS = 5_000
_FIRST = 10_000
_DOUBLINGS = 3
_LINEAR = 1.1
_RULES_OF_EVENTS = 200


def run(context: Context) -> Sheet:
    """Rules first, then events, then processes."""
    sheet = Sheet("scaling", "the cost of a scan as rules, events and processes become more")
    corpus, _ = context.rules()
    more = context.made(ONLY_MADE)
    known = {each.instance_id for each in corpus}
    both = [*corpus, *(each for each in more if each.instance_id not in known)]
    # An order in which every beginning is a mixture like the whole.
    Random(RULES_SEED).shuffle(both)  # noqa: S311
    _rules(context, sheet, both)
    _events(context, sheet, RuleSet(tuple(both[:_RULES_OF_EVENTS])))
    return sheet


def _rules(context: Context, sheet: Sheet, rules: list[Rule]) -> None:
    few, many = context.count(_EVENTS), context.count(6 * _EVENTS)
    steps = {}
    for count in _COUNTS:
        chosen = RuleSet(tuple(rules[:count]))
        for events in (few, many):
            steps[f"{count} on {events}"] = partial(engine.scanned, context.events(events), chosen)
    series = rounds(steps, context.left(0.7))
    whole = {count: series[f"{count} on {many}"] for count in _COUNTS}
    further = {count: whole[count].beyond(series[f"{count} on {few}"]) for count in _COUNTS}
    sheet.cost_ratio(
        "2,000 rules : 100, each further event", further[2000], further[100], Goal(most=2.0, by_processor=True)
    )
    sheet.cost_ratio("2,000 rules : 100, the whole scan", whole[2000], whole[100])
    sheet.cost_ratio("1,000 rules : 100, each further event", further[1000], further[100])
    sheet.cost_ratio("100 rules : 1, each further event", further[100], further[1])
    for count in _COUNTS:
        sheet.rate(further[count], f"{count:,} rule{'s' * (count > 1)}, further events")
    sheet.facts |= {"events beside rules": many, "events seed": SEED}


def _events(context: Context, sheet: Sheet, rules: RuleSet) -> None:
    counts = [context.count(_FIRST << doubling) for doubling in range(_DOUBLINGS + 1)]
    paths = {count: context.events(count) for count in counts}
    steps = {f"{count:,} events": partial(engine.scanned, paths[count], rules) for count in counts}
    most = engine.workers()[-1]
    if most > 1:
        steps[f"{counts[-1]:,} events, {most} processes"] = partial(engine.scanned, paths[counts[-1]], rules, most)
    series = rounds(steps, context.left())
    first, _, third, last = (series[f"{count:,} events"] for count in counts)
    late, early = last.beyond(third), third.beyond(first)
    name = f"an event after {counts[2]:,} : one after {counts[0]:,}, time"
    # How much longer an event takes is how much lower the rate is.
    sheet.ratio(name, early, late, Goal(most=_LINEAR, by_processor=True))
    sheet.ratio(f"an event of {counts[-1]:,} : one of {counts[0]:,}, time", first, last)
    for count in counts:
        sheet.rate(series[f"{count:,} events"], f"{len(rules)} rules, {count:,} events")
    if most > 1:
        sheet.ratio(f"{most} processes : 1 process", series[f"{counts[-1]:,} events, {most} processes"], last)
    else:
        sheet.notes.append("A scan takes no number of processes here: one is all there is.")
