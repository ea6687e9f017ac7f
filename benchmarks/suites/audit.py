"""How fast is an audit log read, beside laurel, which joins and decodes it too?"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.generate.audit import LINES_OF_EVENT, SEED, write_audit_log
from benchmarks.measure import Step, Timed, rounds, timed
from benchmarks.sheet import Goal, Sheet
from dogwatch.rules.ruleset import load_rules

_EVENTS = 20_000
_CONFIGURATION = """directory = "{}"
[auditlog]
file = "-"
[transform]
execve-argv = ["array"]
[translate]
universal = {}
user-db = false
[enrich]
execve-env = []
container = false
pid = false
script = false
"""
"""Our own: all off that is not joining and decoding, or that and the names of numbers too."""


def run(context: Context) -> Sheet:
    """One log of executions."""
    sheet = Sheet("audit", "an audit log of executions, read and scanned, beside laurel on the same file")
    count = context.count(_EVENTS)
    path = context.folder / "audit.log"
    size = write_audit_log(path, count)
    builtin = load_rules()
    corpus, _ = context.rules()
    steps: dict[str, Step] = {
        "reading, built-in rules' fields": partial(engine.read, path, engine.fields_of(builtin)),
        "reading, corpus' fields": partial(engine.read, path, engine.fields_of(corpus)),
        "built-in rules": partial(engine.scanned, path, builtin),
    }
    most = engine.workers()[-1]
    everything = f"built-in rules, {engine.processes(most)}"
    if most > 1:
        steps[everything] = partial(engine.scanned, path, builtin, most)
    laurel = _laurel()
    if laurel is not None:
        for name, translated in (("laurel, lean", "false"), ("laurel, numbers translated", "true")):
            steps[name] = partial(_run_laurel, laurel, path, context.folder, translated)
    series = rounds(steps, context.left())
    reading = series["reading, built-in rules' fields"]
    if laurel is not None:
        lean = series["laurel, lean"]
        sheet.ratio("reading, built-in rules' fields, 1 process : laurel, lean", reading, lean)
        if most > 1:
            sheet.ratio(f"{everything} : laurel, lean", series[everything], lean, Goal(least=1.0))
        other = series["laurel, numbers translated"]
        sheet.ratio("reading, built-in rules' fields : laurel, translating", reading, other)
        sheet.ratio(
            "reading, corpus' fields : laurel, lean", series["reading, corpus' fields"], series["laurel, lean"]
        )
        sheet.facts["laurel"] = _version(laurel)
        sheet.notes.append("laurel's start, measured with an empty log, is taken off its time.")
        sheet.notes.append(f"laurel wrote {series['laurel, lean'].rounds[0].amount:,.0f} events.")
    else:
        sheet.notes.append("laurel is not here; on Debian and Ubuntu: apt-get install laurel")
    sheet.ratio("built-in rules : reading", series["built-in rules"], reading)
    for each in series.values():
        sheet.rate(each)
    sheet.facts |= {"events": count, "lines": count * LINES_OF_EVENT, "bytes": size, "seed": SEED}
    return sheet


def _laurel() -> Path | None:
    found = shutil.which("laurel", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def _version(laurel: Path) -> str:
    done = subprocess.run([str(laurel), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def _run_laurel(laurel: Path, path: Path, folder: Path, translated: str) -> Timed:
    configuration, output = folder / f"laurel_{translated}.toml", folder / "laurel.json"
    configuration.write_text(_CONFIGURATION.format(folder, translated), encoding="utf-8")

    def work(log_path: Path) -> float:
        with log_path.open("rb") as log, output.open("wb") as file:
            command = [str(laurel), "--config", str(configuration)]
            subprocess.run(command, stdin=log, stdout=file, stderr=subprocess.DEVNULL, check=True)
        return 1

    beginning = timed(partial(work, Path(os.devnull)))
    taken = timed(partial(work, path))
    with output.open("rb") as lines:
        events = sum(1 for _ in lines)
    return Timed(events, taken.seconds - beginning.seconds, taken.cpu - beginning.cpu)
