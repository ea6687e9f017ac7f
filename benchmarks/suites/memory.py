"""How much memory does a scan with the corpus take, and does more input make it more?"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from benchmarks import engine
from benchmarks.context import ONLY_MADE, ROOT, Context
from benchmarks.generate.stream import SEED, write_repeated
from benchmarks.measure import Series, Timed
from benchmarks.sheet import Goal, Sheet
from dogwatch.rules.ruleset import load_rules

_CHUNK = 70_000
"""Events of the smaller file: enough that every worker has its hands full."""

_TIMES = 8
_MOST_MIB = 1024.0
_GROWTH = 1.25
_PAUSE = 0.05


def run(context: Context) -> Sheet:
    """Scan a file and one eight times as large, each in a process of its own, and watch what they hold."""
    sheet = Sheet("memory", "the most memory of a scan with the corpus: parent and workers together")
    chunk = context.events(context.count(_CHUNK))
    size = chunk.stat().st_size
    copies = _TIMES if context.memory_gb is None else max(_TIMES, round(context.memory_gb * 1e9 / size))
    large = context.folder / f"repeated_{copies}.ndjson"
    small = context.folder / f"repeated_{copies // _TIMES}.ndjson"
    for path, times in ((large, copies), (small, copies // _TIMES)):
        write_repeated(path, chunk, times)
    where = _rules(context)
    for processes in engine.workers() if context.memory_gb else engine.workers()[-1:]:
        peaks = {path: _watched(path, where, processes) for path in (small, large)}
        how = engine.processes(processes)
        for path, (peak, taken) in peaks.items():
            name = f"{path.stat().st_size / 1e6:,.0f} MB, {how}"
            sheet.figure(f"{name}: peak", "MiB", [peak], Goal(most=_MOST_MIB))
            sheet.rate(Series(name, [taken]))
        sheet.figure(f"larger : smaller, {how}", "times", [peaks[large][0] / peaks[small][0]], Goal(most=_GROWTH))
    sheet.facts |= {
        "events of the larger": context.count(_CHUNK) * copies,
        "bytes": large.stat().st_size,
        "seed": SEED,
    }
    sheet.notes.append(
        f"Every {1000 * _PAUSE:.0f} ms what all processes hold is added up, pages that they share once (PSS), and "
        "the blocks in shared memory, those that somebody looks into twice: an upper bound."
    )
    large.unlink()
    return sheet


def _rules(context: Context) -> list[str]:
    """Where the rules are, for a process of its own."""
    if context.corpus is None:
        return [str(context.made_folder(ONLY_MADE))]
    return [str(context.corpus), str(context.made_folder(650))]


def _watched(path: Path, rules: list[str], processes: int) -> tuple[float, Timed]:
    """The peak in MiB of a scan and its children, and what the scan took."""
    command = [sys.executable, "-m", "benchmarks.suites.memory", str(path), str(processes), *rules]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    peak = 0
    while child.poll() is None:
        held = sum(map(_share, [child.pid, *_children(child.pid)]))
        peak = max(peak, held + _buffers(child.pid))
        time.sleep(_PAUSE)
    output, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"the scan of {path.name} ended with status {child.returncode}")
    return peak / 1024, Timed(**json.loads(output))


def _children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except OSError:
        return []
    found = [int(each) for each in text.split()]
    return [*found, *(inner for each in found for inner in _children(each))]


def _share(process: int) -> int:
    """What a process holds in KiB, of pages that several hold its share; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _buffers(process: int) -> int:
    """KiB of the files in memory that a process has, which are nobody's pages while nobody looks into them."""
    total = 0
    try:
        for each in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                if str(each.readlink()).startswith("/memfd:"):
                    total += each.stat().st_blocks // 2
    except OSError:
        return total
    return total


def main() -> None:
    """Scan, in a process that is watched: PATH PROCESSES RULES..."""
    rules = load_rules(sys.argv[3:])
    taken, _ = engine.run(Path(sys.argv[1]), rules, int(sys.argv[2]))
    print(json.dumps({"amount": taken.amount, "seconds": taken.seconds, "cpu": taken.cpu}))


if __name__ == "__main__":
    main()
