"""What do rules cost: one beside reading for it, a corpus beside reading for it, beside Endgame, beside Sigma?"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.generate.sigma import SEED as SIGMA_SEED
from benchmarks.generate.sigma import made_detections
from benchmarks.generate.stream import SEED
from benchmarks.measure import Step, Timed, rounds
from benchmarks.peers import run as peers
from benchmarks.sheet import Goal, Sheet
from dogwatch.detect.api import scan
from dogwatch.rules.model import ElasticRule
from dogwatch.rules.ruleset import RuleSet, load_rules

EVENTS = 120_000
"""For all cores: enough that what each worker makes once is a small part, as it is in large files."""

EVENTS_ALONE = 40_000
ENDGAME_EVENTS = 400
SIGMA_RULES = 100
SIGMA_EVENTS = 5_000

_ONE = """[rule]
author = ["Dogwatch"]
description = "One rule to measure with."
index = ["logs-*"]
language = "eql"
license = "Apache-2.0"
name = "One Rule"
risk_score = 47
rule_id = "00000000-0000-4000-8000-000000000002"
severity = "medium"
type = "eql"

query = '''
process where host.os.type == "linux" and event.type == "start" and process.name in ("nc", "curl", "python3") and
  process.command_line : ("*/dev/tcp/*", "*socket*", "*-e /bin/sh*", "*/tmp/.*") and
  not process.parent.name in ("sshd", "cron")
'''
"""


def run(context: Context) -> Sheet:
    """All four comparisons."""
    sheet = Sheet("rules", "rules beside reading for them, beside Endgame's engine, beside Sigma in SQLite")
    _beside_reading(context, sheet)
    if peers.has(context, "eql"):
        _beside_endgame(context, sheet)
    else:
        sheet.notes.append(f"Endgame is left out: {peers.NO_PEERS}")
    if peers.has(context, "sigma.backends.sqlite"):
        _beside_sigma(context, sheet)
    else:
        sheet.notes.append(f"Sigma is left out: {peers.NO_PEERS}")
    return sheet


def one_rule(context: Context) -> RuleSet:
    """A rule as there are many: a few values, a few wildcards, an exclusion."""
    path = context.folder / "one.toml"
    path.write_text(_ONE, encoding="utf-8")
    return load_rules([path])


def _beside_reading(context: Context, sheet: Sheet) -> None:
    corpus, facts = context.rules()
    sets = {"one rule": one_rule(context), "corpus": corpus}
    alerts: Counter[str] = Counter()
    steps: dict[str, Step] = {}

    def scanned(name: str, path: Path, processes: int) -> Timed:
        taken, alerts[name] = engine.run(path, sets[name], processes)
        return taken

    counts = {
        processes: context.count(EVENTS if processes > 1 else EVENTS_ALONE) for processes in engine.workers()
    }
    for name, rules in sets.items():
        fields = engine.fields_of(rules)
        for processes, count in counts.items():
            path, how = context.events(count), engine.processes(processes)
            steps[f"reading for {name}, {how}"] = partial(
                engine.read_as_scan, path, fields, context.folder, processes
            )
            steps[f"{name}, {how}"] = partial(scanned, name, path, processes)
    most, count = list(counts.items())[-1]
    fewer = f"corpus, {engine.processes(most)}, a third of the events"
    steps[fewer] = partial(engine.scanned, context.events(count // 3), corpus, most)
    series = rounds(steps, context.left(0.75))
    for processes in counts:
        how = engine.processes(processes)
        for name, goal in (("one rule", 0.9), ("corpus", 0.5)):
            met = Goal(least=goal) if processes == most else None
            sheet.ratio(
                f"{name} : reading for it, {how}",
                series[f"{name}, {how}"],
                series[f"reading for {name}, {how}"],
                met,
            )
    how = engine.processes(most)
    further = series[f"corpus, {how}"].beyond(series[fewer])
    sheet.ratio(f"corpus : reading, each further event, {how}", further, series[f"reading for corpus, {how}"])
    for each in series.values():
        sheet.rate(each)
    sheet.facts |= {"events": count, "events, 1 process": counts[1], "events seed": SEED, **facts}
    sheet.facts |= {"rules that run": len(engine.compiled(corpus).rules), "alerts of one rule": alerts["one rule"]}
    sheet.facts |= {"alerts of the corpus": alerts["corpus"], "of events": f"{alerts['corpus'] / count:.3%}"}


def _beside_endgame(context: Context, sheet: Sheet) -> None:
    few = context.events(context.count(ENDGAME_EVENTS))
    many = context.events(context.count(EVENTS) // 3)
    corpus, _ = context.rules()
    runs = {each.rule.label for each in engine.compiled(corpus).rules}
    eql = [
        rule for rule in corpus if isinstance(rule, ElasticRule) and rule.language == "eql" and rule.label in runs
    ]
    most = engine.workers()[-1]
    with peers.session(context, "endgame.py", few, [rule.query for rule in eql]) as measure:
        found = measure()
        same = RuleSet(tuple(eql[number] for number in found["taken"]))
        steps: dict[str, Step] = {
            "ours": partial(engine.scanned, many, same, most),
            "peer": lambda: Timed(**measure()["rules"]),
        }
        series = rounds(steps, context.left(0.65))
    title = f"corpus' EQL : Endgame with the same rules, {engine.processes(most)}"
    sheet.ratio(title, series["ours"], series["peer"], Goal(least=1000))
    sheet.rate(series["ours"], f"the EQL rules that Endgame takes, {engine.processes(most)}")
    sheet.rate(series["peer"], "Endgame with the same rules")
    sheet.facts |= {"EQL rules that Endgame takes": len(same), "of": len(eql)}
    sheet.notes.append(
        f"Endgame was given {series['peer'].rounds[0].amount:,} events a round, Dogwatch "
        f"{series['ours'].rounds[0].amount:,}: the ratio is of rates, so Endgame's time is extrapolated."
    )


def _beside_sigma(context: Context, sheet: Sheet) -> None:
    count = context.count(SIGMA_EVENTS)
    path = context.events(count, 0.01)
    detections = list(made_detections(SIGMA_RULES))
    folder = context.folder / "sigma"
    folder.mkdir(exist_ok=True)
    for number, each in enumerate(detections):
        (folder / f"{number:04d}.toml").write_text(each.rule().toml(), encoding="utf-8")
    rules = load_rules([folder])
    series = rounds(
        {
            "ours": partial(engine.scanned, path, rules),
            "peer": lambda: _sigma(context, [each.sigma() for each in detections], path)[0],
        },
        context.left(),
    )
    sheet.ratio("Sigma rules : pySigma's SQLite queries, with filling the table", series["ours"], series["peer"])
    sheet.rate(series["peer"], "SQLite with pySigma's queries, table filled first")
    hits = _sigma(context, [each.sigma() for each in detections], path)[1]
    by_rule = Counter(str(each.document["kibana.alert.rule.rule_id"]) for each in scan(path, rules))
    differing = sum(by_rule[each.rule_id] != hit for each, hit in zip(detections, hits, strict=True))
    sheet.facts |= {"Sigma rules": len(detections), "Sigma seed": SIGMA_SEED, "events for Sigma": count}
    sheet.notes.append(
        f"Sigma: {sum(hits):,} hits in SQLite; {differing} of {len(detections)} rules found another number here."
    )


def _sigma(context: Context, rules: list[str], path: Path) -> tuple[Timed, list[int]]:
    found = peers.ask_peer(context, "sigma_sqlite.py", path, rules)
    return Timed(**found["rules"]), found["found"]
