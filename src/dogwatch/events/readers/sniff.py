"""Which format an input has, by the content of its first lines."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.events.batch import Document
from dogwatch.events.fortisiem.export import is_event, is_export
from dogwatch.events.readers.fortisiem import is_fortisiem_line, is_json
from dogwatch.events.readers.fortisiem_csv import is_fortisiem_header
from dogwatch.events.readers.ndjson import JsonLineError, decode_object

ENOUGH_LINES = 50
"""Lines after which an input that shows no format is given up."""

ENOUGH_BYTES = 1 << 20
"""Bytes after which the same."""


class Format(enum.Enum):
    """The input formats."""

    NDJSON = "ndjson"
    """One JSON object a line: documents, search hits or a ``_bulk`` body."""
    AUDIT = "audit"
    """The Linux audit daemon's log, also with ``node=`` or a syslog header before each record."""
    JSON = "json"
    """One JSON text over many lines: an array of documents, a search response, a printed document."""
    FORTISIEM = "fortisiem"
    """FortiSIEM's events: lines ``[EVENT_TYPE]:[key]=value,..``, or JSON objects of its attributes."""
    CSV = "csv"
    """FortiSIEM's events as a table with a header of attributes."""


def sniff(lines: Sequence[bytes], *, complete: bool) -> Format | None:
    """The format that the first lines show.

    Args:
        lines: The lines so far, none of them blank.
        complete: Whether no more lines can be had, or enough were seen.

    Returns:
        The format, or ``None`` if they show none, or none yet when not ``complete``.
    """
    if not lines:
        return None
    # Events of FortiSIEM's may quote audit records, as JSON may.
    if is_fortisiem_line(lines[-1]):
        return Format.FORTISIEM
    if is_audit_record(lines[-1]) and not lines[-1].lstrip().startswith(b"{"):
        return Format.AUDIT
    first = lines[0].lstrip()
    if first.startswith(b"[") and _begins_list(first):
        return Format.JSON
    document = _object(lines[-1])
    if document is not None and (len(lines) == 1 or _is_rows(lines)):
        return Format.FORTISIEM if is_event(document) or is_export(document) else Format.NDJSON
    if (len(lines) == 1 or complete) and is_fortisiem_header(first):
        return Format.CSV
    if not complete:
        return None
    if first.startswith(b"{"):
        return Format.NDJSON if len(lines) == 1 or _is_rows(lines) else Format.JSON
    return Format.NDJSON if any(_object(line) is not None for line in lines) else None


def is_audit_record(line: bytes) -> bool:
    """Whether a line holds a Linux audit record, alone or behind a header."""
    return b"type=" in line and b"audit(" in line


def is_record(line: bytes, found: Format) -> bool:
    """Whether a line is for the reader of audit records, in an input of this format."""
    if not line.startswith(b"type=") and is_json(line):
        return False
    return (found is Format.AUDIT or is_audit_record(line)) and not is_fortisiem_line(line)


def unknown_format(name: str, lines: Sequence[bytes]) -> Diagnostic:
    """What to tell the user of an input whose format was not recognised."""
    place = Place(name)
    if any(b"\0" in line for line in lines):
        return Diagnostic(
            "binary-input",
            "the input is binary data, not a log",
            place=place,
            hint="gzip, zstd and xz are read as they are; unpack other archives, export other stores to NDJSON",
        )
    return Diagnostic(
        "unknown-format",
        "the input is neither NDJSON nor a Linux audit log nor events of FortiSIEM's",
        place=place,
        hint="events are read as JSON, as the audit daemon's log, as lines [EVENT_TYPE]:[key]=value and as CSV of"
        " FortiSIEM's attributes",
    )


def _begins_list(line: bytes) -> bool:
    """Whether a line that begins with a bracket can begin a JSON list; logs begin so with times and words."""
    return line[1:].lstrip()[:1] in (b"", b"{", b"[", b"]", b'"')


def _is_rows(lines: Sequence[bytes]) -> bool:
    """Whether most lines begin as objects do; in one object printed over many lines few do."""
    return 2 * sum(line.startswith(b"{") for line in lines) >= len(lines)


def _object(line: bytes) -> Document | None:
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        return decode_object(line)
    except JsonLineError:
        return None
