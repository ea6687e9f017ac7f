"""Workers, blocks and batches of any size: what is found, told and counted stays the same."""

from __future__ import annotations

import gzip
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from detection_samples import START, elastic, fortisiem, process
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dogwatch.detect import api, findings, gather, pool
from dogwatch.detect.api import ScanRun
from dogwatch.detect.options import ScanOptions
from dogwatch.events.blocks.reader import UnitReader
from dogwatch.events.readers import ReadOptions
from dogwatch.events.readers import lines as lines_module
from dogwatch.events.report import KEPT_PER_CODE, ReadReport
from dogwatch.rules.ruleset import rule_set

RECORDING = Path(__file__).resolve().parents[3] / "examples" / "openbsd_listener_tcp.a.log"
NC, SH = 'process where process.name == "nc"', 'process where process.name == "sh"'
RULES = rule_set(
    [
        elastic(NC, rule_id="nc"),
        elastic('any where process.name like ("n*", "sh")', rule_id="like", index=["logs-*"]),
        elastic("process.name : (nc or ls)", rule_id="kql", language="kuery", index=["logs-*", "-logs-b*"]),
        elastic('any where dll.name == "x"', rule_id="blind"),
        elastic(f"sequence by host.id with maxspan=4s [{NC}] [{SH}]", rule_id="pair"),
        elastic(f"sequence by user.name with maxspan=3s [{NC}] ![{SH}]", rule_id="alone"),
        elastic(f"sequence with maxspan=1m [{NC}] with runs=3", rule_id="runs"),
        elastic(f'sample by user.name [{NC}] [any where process.name == "ls"]', rule_id="sample"),
        elastic(f"{NC} | tail 3", rule_id="piped"),
        fortisiem('eventType = "LINUX_PROCESS_EXEC"', group_by="hostName", aggregate="COUNT(*) >= 3", window=5),
    ]
)
ODD_LINES = [b"{", b"[1, 2]", b"", b"nothing known", b'{"process": {"pid": "x"}}', b'{"@timestamp": "never"}']


@st.composite
def lines(draw: st.DrawFn) -> list[bytes]:
    """JSON events, some odd lines, and audit records among them."""
    records = RECORDING.read_bytes().splitlines()
    drawn: list[bytes] = []
    for _ in range(draw(st.integers(0, 40))):
        match draw(st.integers(0, 9)):
            case 0:
                drawn.append(draw(st.sampled_from(ODD_LINES)))
            case 1:
                drawn += records[: draw(st.integers(1, 12))]
            case _:
                extra: dict[str, Any] = {"user": {"name": draw(st.sampled_from(["a", "b", ["a", "b"]]))}}
                if draw(st.booleans()):
                    kind = draw(st.sampled_from(["a", "b", "c"]))
                    extra["data_stream"] = {"type": "logs", "dataset": kind, "namespace": "default"}
                if draw(st.booleans()):
                    extra["process.pid"] = draw(st.sampled_from([1, 2**70, "7", "x"]))
                name = draw(st.sampled_from(["nc", "sh", "ls", "n\u00fc"]))
                drawn.append(json.dumps(process(name, draw(st.integers(0, 9)), **extra)).encode())
    return drawn


def outcome(run: ScanRun) -> dict[str, Any]:
    """Everything that a scan tells."""
    detections = list(run)
    read = {each.name: getattr(run.read, each.name) for each in fields(ReadReport) if each.name[0] != "_"}
    report = run.report
    return {
        "detections": detections,
        "read": read,
        "diagnostics": run.diagnostics,
        "counts": (report.detections, report.offered, report.outside),
        "blind": report.blind,
    }


def scanned(files: list[Path], workers: int, **reading: Any) -> dict[str, Any]:
    options = ScanOptions(workers=workers, now=START, start=START + 1_000_000_000)
    read = ReadOptions(**{"native_bytes": 1, "clock": lambda: START, **reading})
    run = api.scan(files, RULES, options=options, reading=read)
    told = outcome(run)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    return told


@pytest.fixture(scope="module", autouse=True)
def small_chunks() -> Iterator[None]:
    """Files are read in small chunks, as blocks are made of whole ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "_CHUNK", 500)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workers")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(lines(), st.booleans()), min_size=1, max_size=3),
    st.integers(2, 3),
    st.integers(1, 3000),
    st.integers(1, 20),
)
def test_the_answers_are_the_same(
    folder: Path, contents: list[tuple[list[bytes], bool]], workers: int, block_bytes: int, rows: int
) -> None:
    files = []
    for number, (written, packed) in enumerate(contents):
        text = b"".join(line + b"\n" for line in written)
        files.append(folder / f"{number}.{'gz' if packed else 'log'}")
        files[-1].write_bytes(gzip.compress(text) if packed else text)
    expected = scanned(files, 1)
    assert scanned(files, 1, block_bytes=block_bytes, batch_rows=rows) == expected
    assert scanned(files, workers, block_bytes=block_bytes, batch_rows=rows) == expected


def many(folder: Path, count: int = 400) -> Path:
    """A file of events, with more bad lines than are kept, and hits that cross blocks."""
    file = folder / "many.ndjson"
    with file.open("w") as stream:
        for number in range(count):
            name = ["nc", "sh", "ls"][number % 3]
            document = process(name, 2 + number // 4, user={"name": "a"}, number=2**70 + number)
            stream.write(json.dumps(document) + "\n")
            if number % 40 == 7:
                stream.write("{bad\n")
    return file


def test_what_crosses_blocks_is_found_and_bad_lines_are_told_by_their_lines(folder: Path) -> None:
    told = scanned([many(folder)], 3, block_bytes=8000)
    assert told == scanned([many(folder)], 1)
    assert told["read"]["events"] == 400
    assert told["read"]["problems"] == {"json-line": 10}
    bad = [each.place.line for each in told["read"]["kept"] if each.code == "json-line"]
    assert bad == [9, 50, 91, 132, 173]
    assert len(bad) == KEPT_PER_CODE
    rules = {each.document["kibana.alert.rule.rule_id"] for each in told["detections"] if hasattr(each, "kind")}
    assert {"nc", "like", "kql", "pair", "runs", "sample", "piped"} <= rules


class Faulty:
    """A reader of units that does something else when it meets a certain block, in a worker or anywhere."""

    def __init__(self, reader: UnitReader, fault: Callable[[], None], number: int) -> None:
        self._reader, self._fault, self._number = reader, fault, number
        self.strays = reader.strays

    def read(self, unit: Any, report: ReadReport) -> Iterator[Any]:
        if unit.number == self._number:
            self._fault()
        yield from self._reader.read(unit, report)
        self.strays = self._reader.strays


def with_fault(monkeypatch: pytest.MonkeyPatch, fault: Callable[[], None], number: int = 2) -> None:
    make = gather.UnitWork.reader.func  # type: ignore[attr-defined]
    reader = property(lambda self: Faulty(make(self), fault, number))
    monkeypatch.setattr(gather.UnitWork, "reader", reader)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def out_of_memory() -> None:
    raise MemoryError


@pytest.mark.parametrize("fault", [killed, out_of_memory])
def test_a_block_that_ends_its_workers_is_left_out_and_told_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], None]
) -> None:
    file = many(folder)
    whole = scanned([file], 1, block_bytes=8000)
    with_fault(monkeypatch, fault)
    told = scanned([file], 2, block_bytes=8000)
    assert told["read"]["lost"]
    assert told["read"]["problems"]["worker-lost"] == 1
    (lost,) = [each for each in told["diagnostics"] if each.code == "worker-lost"]
    assert lost.place.file == str(file)
    missing = whole["read"]["events"] - told["read"]["events"]
    assert 10 < missing < 60
    assert 0 < lost.place.line < 150


def test_a_worker_that_is_lost_once_costs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = many(folder)
    expected = scanned([file], 1, block_bytes=8000)
    once = folder / "once"
    once.unlink(missing_ok=True)

    def first_time() -> None:
        if not once.exists():
            once.touch()
            killed()

    with_fault(monkeypatch, first_time)
    assert scanned([file], 2, block_bytes=8000) == expected
    assert once.exists()


def test_a_fault_in_a_worker_is_raised_with_its_traceback(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault() -> None:
        raise LookupError("a fault of ours")

    with_fault(monkeypatch, fault)
    with pytest.raises(pool.WorkerError, match="a fault of ours") as raised:
        scanned([many(folder)], 2, block_bytes=8000)
    assert "in fault" in str(raised.value)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_interrupt_or_an_early_end_leaves_nothing_behind(folder: Path) -> None:
    before = open_files()
    options = ScanOptions(workers=2, now=START)
    reading = ReadOptions(native_bytes=1, block_bytes=2000)
    run = api.scan(many(folder), RULES, options=options, reading=reading)
    next(iter(run))
    assert open_files() > before
    run.close()
    assert open_files() == before

    def interrupted() -> None:
        for _ in api.scan(many(folder), RULES, options=options, reading=reading, progress=interrupting):
            pass

    def interrupting(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert open_files() == before


def test_workers_end_with_their_parent(folder: Path) -> None:
    """The parent is a process of its own, which is killed while its workers wait for work."""
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        try:
            os.close(reading)
            options = ScanOptions(workers=2, now=START)
            run = api.scan(
                many(folder), RULES, options=options, reading=ReadOptions(native_bytes=1, block_bytes=2000)
            )
            next(iter(run))
            os.write(writing, b"x")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"x"
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    # The pipe ends when the last of those that inherited it has ended.
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_many_findings_are_taken_as_their_turn_comes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message holds one finding, and no worker is heard but that whose turn it is."""
    expected = scanned([many(folder)], 1)
    monkeypatch.setattr(findings, "FRAME_BYTES", 1)
    monkeypatch.setattr(pool, "_HELD_BYTES", -1)
    assert scanned([many(folder)], 3, block_bytes=12000) == expected


def test_what_rules_cost_is_counted_in_all_processes(folder: Path) -> None:
    costs = []
    for workers in (1, 2):
        options = ScanOptions(workers=workers, profile=True)
        reading = ReadOptions(native_bytes=1, block_bytes=12000)
        run = api.scan(many(folder), RULES, options=options, reading=reading)
        assert len(list(run)) > 100
        profile = run.profile
        assert profile is not None
        matched = [sum(profile.plan.predicates[slot].matched for slot in slots) for slots in profile.slots]
        costs.append((profile.rules, matched, [spent > 0 for spent in profile.ordered]))
    assert costs[0] == costs[1]
    by_rule = dict(zip([rule.rule_id for rule in costs[0][0]], costs[0][1], strict=True))
    assert by_rule["nc"] == 134
    assert by_rule["pair"] == 134 + 133
    assert by_rule["blind"] == 0
    assert costs[0][2][0]
    assert api.scan([], RULES).profile is None


def test_a_scan_on_schedule_has_workers_too(folder: Path) -> None:
    told = []
    for workers in (1, 2):
        options = ScanOptions(workers=workers, now=START)
        reading = ReadOptions(native_bytes=1, block_bytes=12000)
        told.append(outcome(api.scan(many(folder), RULES, options=options, reading=reading, as_scheduled=True)))
    assert told[0] == told[1]
    assert len(told[0]["detections"]) > 100


def test_one_block_needs_no_worker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", None)
    assert scanned([many(folder)], 4)["read"]["events"] == 400
