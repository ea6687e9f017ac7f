"""Events as JSON, one object a line.

A line is a document, a search hit (``{"_index": .., "_id": .., "_source": {..}}``), a whole search response,
or part of a ``_bulk`` body (an action, then its document).

One parser decides what JSON means everywhere, msgspec: of two equal keys in an object the last one counts;
NaN, text that is not UTF-8 and lone surrogates are no JSON. A line that it refuses is counted and left out.
Formats: RFC 8259; Elasticsearch reference, "Bulk API" and "Search API".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.batch import Document
from dogwatch.events.report import ReadReport

_DECODER = msgspec.json.Decoder()
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])

_ACTIONS = frozenset({"index", "create", "update", "delete"})
_ACTION_KEYS = frozenset(
    {"_index", "_id", "_type", "routing", "_routing", "pipeline", "version", "_version", "version_type"}
    | {"if_seq_no", "if_primary_term", "require_alias", "retry_on_conflict", "dynamic_templates", "op_type"}
    | {"require_data_stream", "list_executed_pipelines"}
)
_BYTE = "(byte "


class JsonLineError(Exception):
    """A line is no JSON object.

    Attributes:
        message: What is wrong with it.
        column: The 1-based byte at which it goes wrong, if known.
        hint: What may be the cause, if we know.
    """

    def __init__(self, message: str, column: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint


def decode_object(line: bytes) -> Document:
    """The JSON object that a line holds.

    Raises:
        JsonLineError: It holds anything else.
    """
    try:
        value = _DECODER.decode(line)
    except UnicodeDecodeError:
        raise JsonLineError("the line is not UTF-8 text", _first_not_utf8(line)) from None
    except RecursionError:
        raise JsonLineError("the line nests its values too deeply") from None
    except msgspec.DecodeError as error:
        raise _explained(str(error), line) from None
    if not isinstance(value, dict):
        raise JsonLineError(f"the line holds {kind_of(value)} where an event is an object")
    return value


_LINE_HINT = "each line holds one whole JSON document; this one is left out, the others are read"

FoundDocument = tuple[Document, dict[str, Any], bytes | None]
"""A document, the object that names its ``_id`` and ``_index`` if any does, and the text from which
``source_of`` gives the document again; ``None`` where that text holds other documents too."""


class NdjsonReader:
    """Finds the documents in the lines of one input.

    Args:
        file: The input's name for places.
        report: Counts the lines, and what is left out.
    """

    def __init__(self, file: str, report: ReadReport) -> None:
        self._file = file
        self._report = report
        self._action: tuple[str, dict[str, Any]] | None = None

    @property
    def amid_action(self) -> bool:
        """Whether the last line was a ``_bulk`` action that decides what the next line is."""
        return self._action is not None

    def documents(self, line: bytes, number: int | None) -> Sequence[FoundDocument]:
        """The documents of one line: none, one, or those of a search response.

        Args:
            line: The line without its end, not blank.
            number: Its 1-based number, if the input has lines.
        """
        self._report.lines += 1
        action, self._action = self._action, None
        try:
            document = decode_object(line)
        except JsonLineError as error:
            place = Place(self._file, number, error.column)
            self._report.add(
                Diagnostic("json-line", error.message, Severity.WARNING, place, hint=error.hint or _LINE_HINT)
            )
            return ()
        if action is not None:
            return () if action[0] == "update" else ((document, action[1], line),)
        action = action_of(document)
        if action is not None:
            self._take(action, Place(self._file, number))
            return ()
        return hits_of(document, line)

    def whole(self, text: bytes) -> Iterator[FoundDocument]:
        """The documents of an input that is one JSON text: an array, a search response or one document."""
        if not text.lstrip().startswith(b"["):
            yield from self.documents(text, None)
            return
        try:
            items = _RAW_LIST.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._report.add(
                Diagnostic(
                    "json-text",
                    f"the JSON array cannot be read: {error}",
                    place=Place(self._file),
                    hint="write one document a line (NDJSON): then one bad document costs only itself",
                ),
                lost=True,
            )
            return
        for item in items:
            yield from self.documents(bytes(item), None)

    def _take(self, action: tuple[str, dict[str, Any]], place: Place) -> None:
        name = action[0]
        if name in ("update", "delete"):
            self._report.add(Diagnostic("bulk-action", f"a bulk {name} holds no event", Severity.NOTICE, place))
        # A delete has no document after it.
        self._action = None if name == "delete" else action


def hits_of(document: Document, line: bytes | None) -> Sequence[FoundDocument]:
    """The documents in a decoded object: itself, its ``_source``, or those of a search response.

    Args:
        document: The decoded object.
        line: The text that it was decoded from, if there is one.
    """
    outer = document.get("hits")
    if isinstance(outer, dict) and isinstance(outer.get("hits"), list) and "_shards" in document:
        return [(inside(hit), hit, None) for hit in outer["hits"] if isinstance(hit, dict)]
    return ((inside(document), document, line),)


def source_of(line: bytes) -> Document:
    """The one document that a line holds, decoded again."""
    return inside(decode_object(line))


def action_of(document: Document) -> tuple[str, dict[str, Any]] | None:
    """The name and details of a ``_bulk`` action, or ``None`` if the object is none."""
    if len(document) != 1:
        return None
    (name, details), *_ = document.items()
    if name in _ACTIONS and isinstance(details, dict) and details.keys() <= _ACTION_KEYS:
        return name, details
    return None


def inside(hit: dict[str, Any]) -> Document:
    """The document in a search hit; an object that is none is a document itself."""
    source = hit.get("_source")
    if source is None and "_index" in hit:
        # A search for `fields` alone gives dotted names and lists of values.
        source = hit.get("fields")
    return source if isinstance(source, dict) else hit


def _explained(message: str, line: bytes) -> JsonLineError:
    reason, _, position = message.partition(_BYTE)
    digits = position.rstrip(")")
    # msgspec counts bytes from 0, but of trailing characters it names the one after the first.
    first = 0 if "trailing" in reason else 1
    hint = None
    if b"\\ud" in line.lower():
        hint = "a \\ud800-style escape without its other half is no character"
    elif b"NaN" in line or b"Infinity" in line:
        hint = "JSON has no NaN or Infinity; write null"
    return JsonLineError(reason.strip(), int(digits) + first if digits.isdecimal() else None, hint)


def _first_not_utf8(line: bytes) -> int | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return error.start + 1
    return None


def kind_of(value: object) -> str:
    """What JSON value this is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case _:
            return "a list"
