"""``dogwatch convert``: events from any input as Parquet, or as NDJSON."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

import click
import pyarrow as pa

from dogwatch.alerts.encoding import encode
from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.base.message import count_of, quoted
from dogwatch.base.text import printable
from dogwatch.cli import exits
from dogwatch.cli.console import say, show_diagnostics, show_error
from dogwatch.cli.fortisiem import resources_option, strict_option
from dogwatch.cli.progress import Meter, inputs_size
from dogwatch.cli.target import refuse_input, written_whole
from dogwatch.detect.compiled import compile_rules
from dogwatch.events.batch import Batch, Event
from dogwatch.events.document import leaf_value
from dogwatch.events.index import index_of
from dogwatch.events.parquet_writer import ParquetEvents
from dogwatch.events.readers import ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.logic.pattern import columns_of, predicates_of
from dogwatch.logic.predicate import fields_of
from dogwatch.rules.fortisiem_logic import with_filled_lists
from dogwatch.rules.resources.load import load_resources
from dogwatch.rules.ruleset import BUILTIN, load_rules
from dogwatch.schema.field import FieldRef, FieldType
from dogwatch.schema.schema import Schema

_ALWAYS = ("host.name", "event.category")
_Compression = Literal["gzip", "zstd"]
_COMPRESSIONS: dict[str, _Compression] = {".gz": "gzip", ".zst": "zstd"}


@click.command(short_help="Write events as Parquet, which is read faster, or as NDJSON.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file; its name ends with .parquet, .ndjson, .ndjson.gz or .ndjson.zst.",
)
@click.option(
    "--rules",
    "where",
    multiple=True,
    metavar="WHERE",
    help="Give each field of these rules a column: a rule file, a folder of rules, or `builtin` (the default). "
    "May be repeated.",
)
@click.option(
    "--fields",
    multiple=True,
    metavar="FIELD,...",
    help="Give these fields a column instead, typed as the schema says. May be repeated.",
)
@resources_option
@strict_option
@click.option("--index", metavar="NAME", help="The data stream of every event, whatever the input says.")
@click.option("--host", metavar="NAME", help="The host that audit logs come from, where they do not name it.")
@click.option(
    "--input-format",
    type=click.Choice(["audit", "ndjson", "json", "fortisiem", "csv"]),
    help="Read every input as this instead of looking at its content.",
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing on standard error but errors.")
def convert(
    paths: tuple[str, ...],
    output: Path,
    where: tuple[str, ...],
    fields: tuple[str, ...],
    resource_paths: tuple[str, ...],
    strict: tuple[str, ...],
    index: str | None,
    host: str | None,
    input_format: str | None,
    quiet: bool,
) -> int:
    """Write events as Parquet, which is read faster, or as NDJSON.

    PATH is whatever `dogwatch scan` reads. A Parquet file holds each event's whole document as JSON text in the
    column `_source`, and beside it columns for the fields that rules ask for: a scan with the same rules reads
    only these. Other rules run too, but then the documents are read. The file takes its name when it is complete.

    \b
    Examples:
      dogwatch convert /var/log/audit/audit.log --output audit.parquet
      dogwatch convert logs/ --rules my-rules/ --rules builtin --output logs.parquet
      dogwatch convert logs.parquet --output logs.ndjson.zst
    """  # noqa: D301 - click reads a real backspace as "do not rewrap"
    report = ReadReport()
    compression = _compression(output)
    if fields and where:
        raise click.UsageError("--fields and --rules both choose the columns; give one of them")
    notes: list[Diagnostic] = []
    try:
        refuse_input(output, paths)
        is_parquet = output.name.lower().endswith(".parquet")
        asked = _chosen(fields, where, resource_paths, strict, notes) if is_parquet else frozenset()
        with ExitStack() as stack:
            file = stack.enter_context(written_whole(output))
            meter = stack.enter_context(Meter(inputs_size(paths), wanted=not quiet))
            writer: _Writer
            if is_parquet:
                parquet = stack.enter_context(ParquetEvents(file, asked))
                writer, asked = _Parquet(parquet), parquet.fields
            else:
                writer = _Ndjson(file, compression)
            options = ReadOptions(index=index, host=host, format=input_format)
            meter.counts = lambda: (report.events, 0)
            for batch in read_batches(paths, asked, options, report, meter.read):
                if batch.length:
                    writer.add(batch)
            writer.close()
            _refuse_nothing(report)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    show_diagnostics([each for each in (*notes, *report.kept) if not quiet or each.severity is Severity.ERROR])
    if not quiet:
        read, now = count_of(report.bytes, "byte"), count_of(output.stat().st_size, "byte")
        said = f"{count_of(report.events, 'event')} from {count_of(report.files, 'file')} ({read}) in {now}."
        say(said, "dim")
    return exits.status(left_out=report.lost or any(each.severity is Severity.ERROR for each in notes))


class _Writer(Protocol):
    def add(self, batch: Batch) -> None: ...

    def close(self) -> None: ...


class _Parquet:
    def __init__(self, target: ParquetEvents) -> None:
        self._target = target

    def add(self, batch: Batch) -> None:
        ids = [batch.source.event_id(row)[0] for row in range(batch.length)]
        documents = [encode(batch.source.document(row)) for row in range(batch.length)]
        self._target.add(batch, ids, documents)

    def close(self) -> None:
        self._target.close()


class _Open(io.RawIOBase):
    """A file that stays open when who writes to it closes it: it has yet to reach the disk."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - of any kind that holds bytes
        return self._file.write(data)


class _Ndjson:
    def __init__(self, file: BinaryIO, compression: _Compression | None) -> None:
        self._stream: Any = file if compression is None else pa.CompressedOutputStream(_Open(file), compression)
        self._is_compressed = compression is not None

    def add(self, batch: Batch) -> None:
        self._stream.write(b"".join(encode(_as_json(batch.event(row))) + b"\n" for row in range(batch.length)))

    def close(self) -> None:
        if self._is_compressed:
            self._stream.close()


def _as_json(event: Event) -> dict[str, object]:
    """The document, as a search hit where its id or data stream cannot be read from it."""
    document = event.document
    beside: dict[str, object] = {}
    if event.index is not None and event.index != index_of(document):
        beside["_index"] = event.index
    if event.has_own_id and leaf_value(document, "event", "id") != event.id:
        beside["_id"] = event.id
    return {**beside, "_source": document} if beside else document


def _compression(output: Path) -> _Compression | None:
    """How an output is compressed, by its name.

    Raises:
        click.UsageError: The name says no format.
    """
    name = output.name.lower()
    for ending, compression in _COMPRESSIONS.items():
        if name.endswith((f".ndjson{ending}", f".jsonl{ending}")):
            return compression
    if name.endswith((".parquet", ".ndjson", ".jsonl")):
        return None
    raise click.UsageError(
        f"--output names no format by its ending: {quoted(printable(output.name))}; "
        "end it with .parquet, .ndjson, .ndjson.gz or .ndjson.zst"
    )


def _chosen(
    names: Iterable[str],
    where: tuple[str, ...],
    resource_paths: tuple[str, ...],
    strict: tuple[str, ...],
    notes: list[Diagnostic],
) -> frozenset[FieldRef]:
    """The fields to be columns."""
    schema = Schema.ecs()
    always = [FieldRef(path, schema.type_of(path) or FieldType.KEYWORD) for path in _ALWAYS]
    named = [name.strip() for each in names for name in each.split(",") if name.strip()]
    if named:
        return frozenset((*always, *(_field(name, schema) for name in named)))
    rules = load_rules(where or BUILTIN)
    resources = load_resources(resource_paths)
    notes += [*rules.errors, *resources.diagnostics]
    compiled = compile_rules(
        rules,
        schema,
        now=time.time_ns(),
        resources=with_filled_lists(resources, rules),
        fortisiem=FortisiemOptions.named(strict),
    )
    found = set(always)
    for each in compiled.rules:
        for pattern in (each.pattern, *([each.clearing] if each.clearing is not None else [])):
            found |= columns_of(pattern) | each.clock.fields
            found |= {field.ref for predicate in predicates_of(pattern) for field in fields_of(predicate)}
    return frozenset(found)


def _field(name: str, schema: Schema) -> FieldRef:
    kind = schema.type_of(name)
    if kind is None:
        nearest = schema.suggest(name)
        hint = f"did you mean {', '.join(map(quoted, nearest))}?" if nearest else "use --rules to take a rule's"
        raise DogwatchError(Diagnostic("unknown-field", f"the schema has no field {quoted(name)}", hint=hint))
    return schema.bind(FieldRef(name, kind))


def _refuse_nothing(report: ReadReport) -> None:
    """Leave the output as it was if no input could be read.

    Raises:
        DogwatchError: None could.
    """
    if report.files == 0:
        raise DogwatchError((*report.kept, Diagnostic("output", "nothing could be read, so nothing was written")))
