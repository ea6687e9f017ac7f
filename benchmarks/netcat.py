"""What do the built-in rules cost beside reading alone, and how does one rule compare with the Endgame engine?

Prints a table and writes ``benchmarks/results.json``. Every round measures everything once, so that a load that
comes and goes on the machine falls on both sides of a ratio; the first round warms up and does not count.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import groups
from benchmarks.generate import PAIRS, SEED, write_ndjson
from dogwatch.detect.api import scan
from dogwatch.detect.compiled import compile_rules
from dogwatch.detect.matching import Matching
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.report import ScanReport
from dogwatch.events.readers import ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.rules.model import ElasticRule
from dogwatch.rules.ruleset import RuleSet, load_rules
from dogwatch.schema.field import FieldRef
from dogwatch.schema.schema import Schema

_HERE = Path(__file__).resolve().parent
_SHARED = Path(os.environ.get("DOGWATCH_SHARED", _HERE.parents[1] / "shared"))
_RECORDING = _SHARED / "telemetry/auditd/mixed_stream_a.log.xz"
_RESULTS = _HERE / "results.json"
_SEQUENCE = "adb961e0-cb74-42a0-af9e-29fc41f88f5f@5"
_PACKAGES = ("dogwatch", "pyarrow", "numpy", "msgspec", "hyperscan")
_ROUNDS = 3
_BUDGET = 240.0
_AUDIT_COPIES = 150
_AUDIT_STAMP = re.compile(rb"(?<=audit\()\d{10}(?=\.\d)")


@dataclass(slots=True)
class Measure:
    """One thing measured, round by round.

    Attributes:
        events: Events that were read.
        lines: Lines that they stood on.
        alerts: Alerts and incidents, or ``None`` if no rule ran.
        seconds: Wall-clock time of each round.
    """

    events: int = 0
    lines: int = 0
    alerts: int | None = None
    seconds: list[float] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        """Events per second of each round."""
        return [self.events / each for each in self.seconds]


Measures = dict[str, Measure]


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", required=True, help="interpreter of the environment that has `eql`")
    parser.add_argument("--events", type=int, default=100_000, help="events of the generated stream")
    arguments = parser.parse_args()
    load_before = os.getloadavg()
    with TemporaryDirectory() as folder:
        stream = Path(folder, "events.ndjson")
        size = write_ndjson(stream, arguments.events)
        audit = _RECORDING if _RECORDING.is_file() else _repeated_examples(Path(folder))
        measures = _measured(stream, audit, arguments.peer_python)
    results = {
        "machine": _machine(load_before, arguments.peer_python),
        "data": {
            "ndjson": {
                "seed": SEED,
                "events": arguments.events,
                "bytes_per_event": round(size / arguments.events),
                "netcat_pairs": round(PAIRS * arguments.events),
            },
            "audit": audit.name,
        },
        "ratios": {name: _spread(ratios) for name, ratios in _ratios(measures).items()},
        "measures": {
            name: asdict(measure) | {"events_per_second": _spread(measure.rates)}
            for name, measure in measures.items()
        },
        "groups": groups.measured(),
    }
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    _show(results)


def _measured(stream: Path, audit: Path, peer_python: str) -> Measures:
    rules = load_rules()
    sequence = rules.where(lambda rule: rule.label == _SEQUENCE)
    (query,) = (rule.query for rule in sequence if isinstance(rule, ElasticRule))
    columns, sequence_columns = _columns(rules), _columns(sequence)
    measures: Measures = {}
    began = time.perf_counter()
    steps: list[Callable[[], None]] = [
        lambda: _read(_of(measures, "NDJSON, reading alone"), stream, columns),
        lambda: _scan(_of(measures, "NDJSON, built-in rules"), stream, rules),
        lambda: _read(_of(measures, "NDJSON, reading for v5 alone"), stream, sequence_columns),
        lambda: _scan(_of(measures, "NDJSON, v5 alone"), stream, sequence),
        lambda: _peer(measures, stream, peer_python, query),
        lambda: _read(_of(measures, "audit log, reading alone"), audit, columns),
        lambda: _scan(_of(measures, "audit log, built-in rules"), audit, rules),
    ]
    for number in range(1 + _ROUNDS):
        started = time.perf_counter()
        if number == 1:
            measures.clear()
        # There and back, so that whatever comes second has no standing advantage.
        for step in steps if number % 2 else reversed(steps):
            step()
        now = time.perf_counter()
        if number and now - began + (now - started) > _BUDGET:
            break
    return measures


def _of(measures: Measures, name: str) -> Measure:
    return measures.setdefault(name, Measure())


def _read(measure: Measure, path: Path, columns: Iterable[FieldRef]) -> None:
    report = ReadReport()
    _time(measure, lambda: sum(batch.length for batch in read_batches([path], columns, ReadOptions(), report)))
    measure.events, measure.lines = report.events, report.lines


def _scan(measure: Measure, path: Path, rules: RuleSet) -> None:
    def work() -> None:
        run = scan(path, rules)
        measure.alerts = sum(1 for _ in run)
        measure.events, measure.lines = run.read.events, run.read.lines

    _time(measure, work)


def _peer(measures: Measures, path: Path, python: str, query: str) -> None:
    command = [python, str(_HERE / "peer_endgame.py"), str(path)]
    done = subprocess.run(command, input=query, capture_output=True, text=True, check=True, timeout=_BUDGET)
    found: dict[str, Any] = json.loads(done.stdout)
    for name, key in (("Endgame, reading alone", "reading_seconds"), ("Endgame, v5 alone", "rule_seconds")):
        measure = _of(measures, name)
        measure.events = measure.lines = found["events"]
        measure.seconds.append(found[key])
    measures["Endgame, v5 alone"].alerts = found["alerts"]


def _time(measure: Measure, work: Callable[[], object]) -> None:
    gc.collect()
    began = time.perf_counter()
    work()
    measure.seconds.append(time.perf_counter() - began)


def _columns(rules: RuleSet) -> frozenset[FieldRef]:
    compiled = compile_rules(rules, Schema.ecs())
    return Matching(compiled.rules, ScanOptions(), ScanReport()).fields


def _ratios(measures: Measures) -> dict[str, list[float]]:
    pairs = {
        "built-in rules : reading alone, NDJSON": ("NDJSON, built-in rules", "NDJSON, reading alone"),
        "built-in rules : reading alone, audit log": ("audit log, built-in rules", "audit log, reading alone"),
        "v5 alone : reading for it, NDJSON": ("NDJSON, v5 alone", "NDJSON, reading for v5 alone"),
        "v5 alone : Endgame with v5, NDJSON": ("NDJSON, v5 alone", "Endgame, v5 alone"),
    }
    return {
        name: [ours / base for ours, base in zip(measures[of].rates, measures[to].rates, strict=True)]
        for name, (of, to) in pairs.items()
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def _repeated_examples(folder: Path) -> Path:
    """The bundled recordings again and again, each time an hour later, as one log."""
    path = folder / "examples_repeated.log"
    recordings = [file.read_bytes() for file in sorted((_HERE.parent / "examples").glob("*.log"))]
    with path.open("wb") as log:
        for copy in range(_AUDIT_COPIES):
            log.writelines(_later(text, 3600 * copy) for text in recordings)
    return path


def _later(text: bytes, seconds: int) -> bytes:
    return _AUDIT_STAMP.sub(lambda stamp: b"%d" % (int(stamp[0]) + seconds), text)


def _machine(load: tuple[float, float, float], peer_python: str) -> dict[str, Any]:
    asked = [peer_python, "-c", "import importlib.metadata as m; print(m.version('eql'))"]
    peer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES} | {"eql (peer)": peer},
        "load_average_before": [round(each, 2) for each in load],
        "load_average_after": [round(each, 2) for each in os.getloadavg()],
        "rounds": _ROUNDS,
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line), "unknown")


def _show(results: dict[str, Any]) -> None:
    console = Console()
    machine = results["machine"]
    console.print(f"{machine['cores']} x {machine['cpu']}, Python {machine['python']}, {machine['system']}")
    console.print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    console.print(f"load average {machine['load_average_before']} before, {machine['load_average_after']} after")
    console.print(f"data: {results['data']}")
    ratios = Table("ratio", "median", "min - max")
    for name, found in results["ratios"].items():
        ratios.add_row(name, f"{found['median']:.2f}", f"{found['min']:.2f} - {found['max']:.2f}")
    rates = Table("measured", "events", "events/s", "min - max", "alerts")
    for name, measure in results["measures"].items():
        found = measure["events_per_second"]
        alerts = "" if measure["alerts"] is None else f"{measure['alerts']:,}"
        spread = f"{found['min']:,.0f} - {found['max']:,.0f}"
        rates.add_row(name, f"{measure['events']:,}", f"{found['median']:,.0f}", spread, alerts)
    for table in (ratios, rates):
        for column in table.columns[1:]:
            column.justify = "right"
        console.print(table)
    groups.show(console, results["groups"])


if __name__ == "__main__":
    main()
