"""Inputs read natively, against the same inputs read line by line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields as parts_of
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dogwatch.events.batch import Batch
from dogwatch.events.blocks.native_reader import NativeReader
from dogwatch.events.columns import BatchBuilder
from dogwatch.events.readers import ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef, FieldType

NOW = 1_700_000_000_000_000_000

FIELDS = [
    *(FieldRef(path, kind) for path, kind in (
        ("process.name", FieldType.KEYWORD),
        ("process.name.text", FieldType.TEXT),
        ("process.pid", FieldType.LONG),
        ("process.args", FieldType.KEYWORD),
        ("process.parent.name", FieldType.KEYWORD),
        ("process.parent.start", FieldType.DATE),
        ("process.code_signature.trusted", FieldType.BOOLEAN),
        ("event.category", FieldType.KEYWORD),
        ("event.risk_score", FieldType.DOUBLE),
        ("host.ip", FieldType.IP),
        ("labels", FieldType.OBJECT),
        ("it's \"odd\"; --\\", FieldType.KEYWORD),
        ("größe.名前", FieldType.KEYWORD),
        ("fortisiem.eventType", FieldType.KEYWORD),
    )),
]  # fmt: skip


class Reading:
    """What a read gave, in a form that can be compared.

    Attributes:
        natively: How many blocks were read natively.
        native_rows: How many rows were: no row-wise builder has seen them.
    """

    def __init__(self, path: Path, fields: Sequence[FieldRef], options: ReadOptions) -> None:
        self.report = ReadReport()
        with (
            _counted() as counted,
            patch.object(BatchBuilder, "add", autospec=True, side_effect=BatchBuilder.add) as add,
        ):
            self.batches = list(read_batches([path], fields, options, self.report))
        self.natively = len(counted)
        self.rows = [_row(batch, row) for batch in self.batches for row in range(batch.length)]
        self.native_rows = len(self.rows) - add.call_count
        self.arrivals = [batch.first_arrival + row for batch in self.batches for row in range(batch.length)]

    def account(self) -> dict[str, Any]:
        """The report; problems of different kinds may be told in another order."""
        account = {part.name: getattr(self.report, part.name) for part in parts_of(self.report)}
        account["kept"] = sorted(map(repr, self.report.kept))
        return account


def assert_agree(
    data: bytes, fields: Sequence[FieldRef] = FIELDS, block_bytes: int = 1 << 24, index: str | None = None
) -> Reading:
    """Read some bytes natively and line by line, and compare; the native reading."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.ndjson")
        path.write_bytes(data)
        return assert_files_agree(path, fields, block_bytes, index)


def assert_files_agree(
    path: Path, fields: Sequence[FieldRef] = FIELDS, block_bytes: int = 1 << 24, index: str | None = None
) -> Reading:
    """The same for a file or a folder."""
    plain = Reading(path, fields, ReadOptions(index, native_bytes=1 << 60, clock=lambda: NOW))
    native = Reading(path, fields, ReadOptions(index, native_bytes=0, block_bytes=block_bytes, clock=lambda: NOW))
    assert not plain.natively
    for mine, right in zip(native.rows, plain.rows, strict=True):
        assert mine == right
    assert native.account() == plain.account()
    assert native.arrivals == sorted(set(native.arrivals))
    return native


def _row(batch: Batch, row: int) -> dict[str, Any]:
    event = batch.event(row)
    told: dict[str, Any] = {ref.path: list(map(repr, batch.values(ref, row))) for ref in batch.columns}
    for name in ("id", "index", "time", "tiebreak", "document", "place", "has_own_id"):
        told[f"event's {name}"] = repr(getattr(event, name))
    return told


@contextmanager
def _counted() -> Iterator[list[Batch]]:
    given: list[Batch] = []
    plainly = NativeReader.read

    def read(*arguments: Any) -> Batch:
        given.append(plainly(*arguments))
        return given[-1]

    with patch.object(NativeReader, "read", read):
        yield given
