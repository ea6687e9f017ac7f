"""From files, folders, pipes and documents to batches.

To read another format line by line, add a module beside these, a member to ``sniff.Format`` and a case to
``by_line.ByLine``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.events.batch import Batch
from dogwatch.events.columns import ColumnPlan
from dogwatch.events.readers.fortisiem import EventReader
from dogwatch.events.readers.inputs import Inputs
from dogwatch.events.readers.lines import Progress
from dogwatch.events.readers.ndjson import kind_of
from dogwatch.events.readers.options import ReadOptions
from dogwatch.events.readers.paths import STDIN, expand_paths
from dogwatch.events.readers.pending import Pending
from dogwatch.events.report import ReadReport
from dogwatch.events.units import BlockBuffer
from dogwatch.schema.field import FieldRef

__all__ = ["STDIN", "Inputs", "ReadOptions", "documents_to_batches", "expand_paths", "read_batches"]


def read_batches(
    paths: Iterable[str | Path],
    fields: Iterable[FieldRef],
    options: ReadOptions,
    report: ReadReport,
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """The events of some inputs as batches, in the order of reading and in bounded memory.

    Standard input (``-``) is followed: a batch is given as soon as the pipe pauses, and while it stays silent
    an empty one about once a second, so that who waits sees time pass. Audit logs in
    files are one stream, since an event's records may be in two of them; their events come at the very end.

    Args:
        paths: Files, folders, patterns, or ``-``.
        fields: The columns wanted.
        options: What is known about the inputs.
        report: Filled while reading; nothing that goes wrong with an input is raised. No input could be read
            if its ``files`` is still 0 at the end.
        progress: Told of the bytes of every read.

    Raises:
        ValueError: ``options.format`` is no format.
    """
    wanted = frozenset(fields)
    return _batches(Inputs(paths, wanted, options, report, progress), wanted, options, report)


def documents_to_batches(
    documents: Iterable[object],
    fields: Iterable[FieldRef],
    report: ReadReport | None = None,
    *,
    index: str | None = None,
    batch_rows: int = 8192,
) -> Iterator[Batch]:
    """Events that are already in memory as batches; search hits are taken as ``read_batches`` takes them."""
    report = ReadReport() if report is None else report
    reader = EventReader(None, report)
    pending = Pending(ColumnPlan(fields), index, batch_rows, report, count())
    for document in documents:
        if not isinstance(document, dict):
            problem = f"{kind_of(document)} is no event: an event is an object"
            report.add(Diagnostic("json-line", problem, Severity.WARNING))
            continue
        for found in reader.decoded(document):
            if (batch := pending.add(found, None, None)) is not None:
                yield batch
    if (batch := pending.flush()) is not None:
        yield batch


def _batches(
    inputs: Inputs, fields: frozenset[FieldRef], options: ReadOptions, report: ReadReport
) -> Iterator[Batch]:
    # Reading blocks takes libraries that nobody else needs.
    from dogwatch.events.blocks.reader import UnitReader

    reader = UnitReader(fields, options)
    with BlockBuffer() as buffer:
        for unit in inputs.units(lambda: buffer):
            if isinstance(unit, Batch):
                yield unit
                continue
            yield from reader.read(unit, report)
            for stray in reader.strays:
                inputs.stray(stray)
    yield from inputs.finish()
