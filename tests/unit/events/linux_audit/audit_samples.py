"""Lines, readers and recordings for the tests of the audit pipeline."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import Batch
from dogwatch.events.readers.audit_log import AuditLogReader
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

FIELDS = [
    FieldRef("process.name", FieldType.KEYWORD),
    FieldRef("process.args", FieldType.KEYWORD),
    FieldRef("process.pid", FieldType.LONG),
]


def shared(*parts: str) -> Path:
    """A file of the shared material, or a skip."""
    default = Path(__file__).resolve().parents[4] / ".." / "shared"
    path = Path(os.environ.get("DOGWATCH_SHARED", default)).joinpath("telemetry", *parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} of the shared telemetry is not here")
    return path


def read(
    lines: Iterable[bytes], *, file: str = "logs/audit.log", host: str | None = None, **options: Any
) -> tuple[list[dict[str, Any]], ReadReport]:
    """The documents of some lines, and the report."""
    return read_files({file: lines}, host=host, **options)


def read_files(
    files: Mapping[str, Iterable[bytes]], *, host: str | None = None, **options: Any
) -> tuple[list[dict[str, Any]], ReadReport]:
    """The documents of several files read together, and the report."""
    report = ReadReport()
    reader = AuditLogReader(FIELDS, None, host, report, itertools.count(), **options)
    batches: list[Batch] = []
    for file, lines in files.items():
        for number, line in enumerate(lines, 1):
            batches += reader.feed(line, Place(file, number))
    batches += reader.finish()
    return documents(batches), report


def documents(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    return [batch.source.document(row) for batch in batches for row in range(batch.length)]


def one(lines: Iterable[bytes], **options: Any) -> dict[str, Any]:
    """The only document of some lines, read without any problem."""
    found, report = read(lines, **options)
    assert not report.problems
    assert len(found) == 1
    return found[0]


def stamp(serial: int, time: str = "1700000000.123") -> str:
    return f"msg=audit({time}:{serial}):"


def system(serial: int, call: int, *, time: str = "1700000000.123", **fields: object) -> bytes:
    """A SYSCALL record; ``fields`` override its values, None leaves one out."""
    values: dict[str, object] = {
        "arch": "c000003e", "syscall": call, "success": "yes", "exit": 0, "a0": "3", "a1": "7ffd", "a2": "10",
        "a3": "0", "items": 0, "ppid": 100, "pid": 200, "auid": 1000, "uid": 1000, "gid": 1000, "euid": 1000,
        "suid": 1000, "fsuid": 1000, "egid": 1000, "sgid": 1000, "fsgid": 1000, "tty": "pts0", "ses": 3,
        "comm": '"nc"', "exe": '"/usr/bin/nc"', "key": '"k"',
    } | fields  # fmt: skip
    body = " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
    return f"type=SYSCALL {stamp(serial, time)} {body}".encode()


def record(kind: str, serial: int, body: str, time: str = "1700000000.123") -> bytes:
    return f"type={kind} {stamp(serial, time)} {body}".encode()


def execve(serial: int, *arguments: str, time: str = "1700000000.123", **fields: object) -> list[bytes]:
    """The records of a successful execve, as a Debian 12 writes them."""
    vector = " ".join(f'a{index}="{text}"' for index, text in enumerate(arguments))
    title = "\0".join(arguments).encode().hex().upper()
    inode = "dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL"
    return [
        system(serial, 59, time=time, **({"items": 2} | fields)),
        record("EXECVE", serial, f"argc={len(arguments)} {vector}", time),
        record("CWD", serial, 'cwd="/srv"', time),
        record("PATH", serial, f'item=0 name="/usr/bin/nc" inode=5 {inode}', time),
        record("PATH", serial, f'item=1 name="/lib64/ld.so" inode=6 {inode}', time),
        record("PROCTITLE", serial, f"proctitle={title}", time),
    ]
