"""The native parser: DuckDB's reader of JSON lines, kept to itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from dogwatch.events.blocks.shape import Keys, Node, columns_argument

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "1GB",
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_file_cache": False,
}
_LEAST_LINE = 16 << 20
"""Bytes that a line may always have; the parser reads so much at once, too."""

_PLACE = re.compile(
    r"(?:Invalid Input Error: )?(?:(?P<malformed>Malformed JSON)|JSON transform error) in file \"[^\"]*\","
    r" (?:at byte \d+ )?in line (?P<line>\d+)[:.]"
)
"""How the parser's errors begin; the event's text comes later."""


class ParserError(Exception):
    """The parser gave up, for no reason that lies in one line."""


class RowError(Exception):
    """The parser refused a line.

    Attributes:
        row: Its place among the lines that are not blank, from 0.
    """

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the parser gave.

    Attributes:
        rows: How many lines it found that are not blank.
        top: The columns of the document's own keys, in the order of the shape.
    """

    rows: int
    top: list[pa.Array[Any]]

    def leaves(self, root: Node) -> Iterator[tuple[Keys, Node, pa.Array[Any]]]:
        """Every value asked for, with its column."""
        columns = [leaf for column in self.top for leaf in _leaves(column)]
        for (keys, node), column in zip(root.leaves(), columns, strict=True):
            yield keys, node, column


class Parser:
    """A connection to the parser, made for one thread of one process."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=_SETTINGS)

    def parse(self, path: str, root: Node, size: int, lines: int) -> Parsed:
        """The values in the lines of a file.

        Args:
            path: The file, which the program itself has named.
            root: What to ask for; at least one key.
            size: Bytes of the file.
            lines: Lines of it, at least.

        Raises:
            RowError: A line is no JSON object, or has another value where an object is asked for.
            ParserError: Anything else.
        """
        longest = max(_LEAST_LINE, size + 1)
        query = (
            f"SELECT * FROM read_json('{path}', format='newline_delimited', columns={columns_argument(root)},"  # noqa: S608
            f" ignore_errors=false, maximum_object_size={longest}, compression='uncompressed')"
        )
        try:
            batches = list(self._connection.sql(query).to_arrow_reader(max(lines, 1)))
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            # What goes wrong after the first rows comes through Arrow.
            raise _refusal(str(error)) from None
        except UnicodeDecodeError as error:
            # The error quotes the event up to the midst of a character.
            raise _refusal(bytes(error.object).decode("utf-8", "replace")) from None
        if len(batches) == 1:
            return Parsed(batches[0].num_rows, batches[0].columns)
        table = pa.Table.from_batches(batches) if batches else None
        if table is None:
            return Parsed(0, [])
        return Parsed(table.num_rows, [column.combine_chunks() for column in table.columns])


def _refusal(message: str) -> RowError | ParserError:
    place = _PLACE.match(message)
    if place is None:
        return ParserError(message)
    # Of a malformed line the parser names the one behind it.
    return RowError(int(place["line"]) - (2 if place["malformed"] else 1))


def _leaves(column: pa.Array[Any]) -> Iterator[pa.Array[Any]]:
    if pa.types.is_struct(column.type):
        for part in column.flatten():  # type: ignore[attr-defined]
            yield from _leaves(part)
    else:
        yield column
