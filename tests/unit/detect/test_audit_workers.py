"""Scans of audit logs with workers, and of anything where the system refuses workers."""

from __future__ import annotations

import os
import socket
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from detection_samples import START, elastic
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.detect import api, pool
from dogwatch.detect.options import ScanOptions
from dogwatch.events.readers import ReadOptions, audit_log
from dogwatch.events.report import ReadReport
from dogwatch.rules.ruleset import rule_set

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
RECORDS = (EXAMPLES / "openbsd_listener_tcp.a.log").read_bytes().splitlines(keepends=True)
RULES = rule_set(
    [
        elastic('process where process.name == "nc"', rule_id="nc"),
        elastic("process where process.args_count >= 3", rule_id="args"),
        elastic("sequence by process.entity_id [any where true] [any where true]", rule_id="pair"),
    ]
)


def told(paths: list[Path], workers: int, rows: int = 8192) -> dict[str, Any]:
    """Everything that a scan tells."""
    options = ScanOptions(workers=workers, now=START)
    run = api.scan(paths, RULES, options=options, reading=ReadOptions(batch_rows=rows))
    detections = list(run)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    read = {each.name: getattr(run.read, each.name) for each in fields(ReadReport) if each.name[0] != "_"}
    return {"detections": detections, "read": read, "diagnostics": run.diagnostics}


@settings(max_examples=6, deadline=None)
@given(st.permutations(RECORDS), st.integers(0, len(RECORDS)), st.integers(1, 9), st.integers(2, 3))
def test_an_audit_log_gives_the_same_with_workers(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cut: int, rows: int, workers: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    paths = [folder / "audit.log", folder / "audit.log.1"]
    paths[0].write_bytes(b"".join([*lines[:cut], b"type=EOE\n"]))
    paths[1].write_bytes(b"".join([b"garbage\n", *lines[cut:], b"type=EOE msg=audit(1.1:1): \n"]))
    expected = told(paths, 1)
    assert expected["detections"]
    assert expected["read"]["problems"]
    assert told(paths, workers, rows) == expected


@pytest.mark.parametrize("refused", ["fork", "socketpair"])
def test_a_refused_worker_is_done_without(monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    paths = [EXAMPLES / "openbsd_listener_tcp.a.log"]
    expected = told(paths, 1)
    asked: list[int] = []

    def refuse() -> int:
        asked.append(1)
        raise BlockingIOError("Resource temporarily unavailable")

    if refused == "fork":
        monkeypatch.setattr(pool, "_forked", refuse)
    else:
        monkeypatch.setattr(socket, "socketpair", refuse)
    monkeypatch.setattr(audit_log, "SHARE_ROWS", 2)
    assert told(paths, 3) == expected
    assert asked == [1]


def test_one_worker_is_enough_if_no_more_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [EXAMPLES / "openbsd_listener_tcp.a.log"]
    expected = told(paths, 1)
    forked, asked = pool._forked, []

    def once() -> int:
        asked.append(1)
        if len(asked) > 1:
            raise BlockingIOError("Resource temporarily unavailable")
        return forked()

    monkeypatch.setattr(pool, "_forked", once)
    monkeypatch.setattr(audit_log, "SHARE_ROWS", 2)
    assert told(paths, 3) == expected
    assert len(asked) == 2
