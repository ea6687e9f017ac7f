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
from benchmarks.measure import Series, Step, Timed, rounds
from benchmarks.peers import run as peers
from benchmarks.sheet import Goal, Sheet
from dogwatch.detect.api import scan
from dogwatch.rules.model import ElasticRule
from dogwatch.rules.ruleset import RuleSet, load_rules

EVENTS = 50_000
ENDGAME_EVENTS = 300
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
    count = context.count(EVENTS)
    path, twice = context.events(count), context.events(2 * count)
    corpus, facts = context.rules()
    ready = engine.compiled(corpus)
    sets = {"one rule": one_rule(context), "corpus": corpus}
    alerts: Counter[str] = Counter()
    steps: dict[str, Step] = {}

    def scanned(name: str, rules: RuleSet, processes: int) -> Timed:
        taken, alerts[name] = engine.run(path, rules, processes)
        return taken

    for name, rules in sets.items():
        fields = engine.fields_of(rules)
        for processes in engine.workers():
            how = engine.processes(processes)
            steps[f"{name}, {how}"] = partial(scanned, name, rules, processes)
            if processes == 1:
                steps[f"reading for {name}, {how}"] = partial(engine.read, path, fields)
            else:
                steps[f"reading for {name}, {how}"] = partial(
                    engine.read_as_scan, path, fields, context.folder, processes
                )
    for processes in engine.workers():
        steps[f"twice the events, {engine.processes(processes)}"] = partial(
            engine.scanned, twice, corpus, processes
        )
    series = rounds(steps, context.budget * 0.55)
    for processes in engine.workers():
        how = engine.processes(processes)
        for name, goal in (("one rule", 0.9), ("corpus", 0.5)):
            whole, reading = series[f"{name}, {how}"], series[f"reading for {name}, {how}"]
            sheet.ratio(f"{name} : reading for it, {how}", whole, reading, Goal(least=goal))
        further = series[f"twice the events, {how}"].beyond(series[f"corpus, {how}"])
        sheet.ratio(f"corpus : reading, each further event, {how}", further, series[f"reading for corpus, {how}"])
    for name, each in series.items():
        if "twice" not in name:
            sheet.rate(each)
    sheet.facts |= {"events": count, "events seed": SEED, **facts, "rules that run": len(ready.rules)}
    sheet.facts |= {"alerts of one rule": alerts["one rule"], "alerts of the corpus": alerts["corpus"]}


def _beside_endgame(context: Context, sheet: Sheet) -> None:
    few = context.events(context.count(ENDGAME_EVENTS), 0.01)
    many = context.events(context.count(EVENTS))
    corpus, _ = context.rules()
    runs = {each.rule.label for each in engine.compiled(corpus).rules}
    eql = [
        rule for rule in corpus if isinstance(rule, ElasticRule) and rule.language == "eql" and rule.label in runs
    ]
    found = peers.ask_peer(context, "endgame.py", few, [rule.query for rule in eql])
    peer = Series("Endgame", [Timed(**found["rules"])])
    same = RuleSet(tuple(eql[number] for number in found["taken"]))
    most = engine.workers()[-1]
    ours = rounds({"ours": partial(engine.scanned, many, same, most)}, context.budget * 0.15)["ours"]
    title = f"corpus' EQL : Endgame with the same rules, {engine.processes(most)}"
    sheet.ratio(title, ours, peer, Goal(least=1000))
    sheet.rate(peer, "Endgame with the corpus' EQL rules")
    sheet.facts |= {"EQL rules that Endgame takes": len(same), "of": len(eql)}
    sheet.notes.append(
        f"Endgame was given {peer.rounds[0].amount:,} events once, Dogwatch {context.count(EVENTS):,}: "
        "the ratio is of rates, so Endgame's time is extrapolated."
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
        context.budget * 0.15,
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
