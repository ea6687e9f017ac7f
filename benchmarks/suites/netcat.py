"""What do the built-in rules cost beside reading, and how does one sequence compare with the Endgame engine?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.generate.netcat import PAIRS, SEED, write_ndjson
from benchmarks.measure import Step, Timed, rounds
from benchmarks.peers import run as peers
from benchmarks.sheet import Goal, Sheet
from dogwatch.rules.model import ElasticRule
from dogwatch.rules.ruleset import load_rules

_EVENTS = 60_000
_ENDGAME = "Endgame, the sequence"
_SEQUENCE = "adb961e0-cb74-42a0-af9e-29fc41f88f5f@5"


def run(context: Context) -> Sheet:
    """A stream with netcat pairs, the built-in rules, and version 5 of the netcat sequence alone."""
    sheet = Sheet("netcat", "the built-in rules, and one sequence beside the Endgame engine")
    count = context.count(_EVENTS)
    path = context.folder / "netcat.ndjson"
    size = write_ndjson(path, count)
    builtin = load_rules()
    sequence = builtin.where(lambda rule: rule.label == _SEQUENCE)
    sets = {"built-in rules": builtin, "the sequence": sequence}
    alerts: Counter[str] = Counter()

    def scanned(name: str, processes: int) -> Timed:
        taken, alerts[name] = engine.run(path, sets[name], processes)
        return taken

    steps: dict[str, Step] = {}
    for name, rules in sets.items():
        steps[f"reading for {name}"] = partial(engine.read, path, engine.fields_of(rules))
        for processes in engine.workers():
            steps[f"{name}, {engine.processes(processes)}"] = partial(scanned, name, processes)
    queries = [rule.query for rule in sequence if isinstance(rule, ElasticRule)]
    with _endgame(context, path, queries, alerts) as endgame:
        if endgame is not None:
            steps[_ENDGAME] = endgame
        series = rounds(steps, context.left())
    peer = series.pop(_ENDGAME, None)
    for name in sets:
        sheet.ratio(
            f"{name} : reading for it, 1 process", series[f"{name}, 1 process"], series[f"reading for {name}"]
        )
    if peer is not None:
        for processes in engine.workers():
            ours = series[f"the sequence, {engine.processes(processes)}"]
            goal = Goal(least=5.0) if processes == engine.workers()[-1] else None
            sheet.ratio(f"the sequence : Endgame with it, {engine.processes(processes)}", ours, peer, goal)
        sheet.rate(peer)
        alike = "the same number of" if alerts["Endgame"] == alerts["the sequence"] else "different numbers of"
        sheet.notes.append(f"Both engines found {alike} alerts for the sequence.")
    else:
        sheet.notes.append(f"Endgame is left out: {peers.NO_PEERS}")
    for each in series.values():
        sheet.rate(each)
    sheet.facts |= {"events": count, "bytes an event": size // count, "pairs": round(PAIRS * count), "seed": SEED}
    sheet.facts |= {f"alerts of {name}": found for name, found in alerts.items()}
    return sheet


@contextmanager
def _endgame(context: Context, path: Path, queries: list[str], alerts: Counter[str]) -> Iterator[Step | None]:
    if not peers.has(context, "eql"):
        yield None
        return
    with peers.session(context, "endgame.py", path, queries) as measure:

        def step() -> Timed:
            found = measure()
            alerts["Endgame"] = found["alerts"]
            return Timed(**found["rules"])

        yield step
