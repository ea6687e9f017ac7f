"""YAML as a tree in which every value is the text that was written, with its line.

Nothing is guessed: ``22:00``, ``no`` and ``1e3`` stay texts until somebody asks for a number. Aliases and tags are
refused where they stand, so that a small file cannot stand for a large one, nor name a class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from dogwatch.rules.resources.problems import Source, quoted

MAX_DEPTH = 16
"""Levels of lists and tables in each other that are read."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value.

    Attributes:
        text: It, as written, quotes and escapes resolved.
        line: Its line, from 1.
        column: Where its text begins in that line, from 1; ``None`` for a block, which begins a line later.
        is_plain: Whether it was written without quotes.
    """

    text: str
    line: int
    column: int | None = 1
    is_plain: bool = True

    @property
    def is_null(self) -> bool:
        """Whether nothing was written, or a word for nothing."""
        return self.is_plain and self.text in _NULLS


@dataclass(slots=True)
class Items:
    """A list."""

    line: int
    nodes: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """Keys and values, in the file's order.

    Attributes:
        line: Its first line.
        entries: The values by key.
        lines: The line of each key.
    """

    line: int
    entries: dict[str, Node] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


Node = Scalar | Items | Table


def kind_of(node: Node) -> str:
    """What a node is, in words."""
    match node:
        case Scalar():
            return "nothing" if node.is_null else "a single value"
        case Items():
            return "a list"
        case Table():
            return "a table"


def read_tree(text: str, source: Source) -> Iterator[Node]:
    """The documents of a YAML text; what cannot be read is reported and left out.

    A text that is no YAML (``resource-syntax``) ends the reading: what follows the fault has no meaning.
    """
    builder = _Builder(source)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.feed(event)
            if builder.finished is not None:
                yield builder.finished
                builder.finished = None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        source.error(
            "resource-syntax",
            f"this is not YAML: {error.problem or error.context}",
            mark.line + 1 if mark else None,
            "texts that begin with *, &, !, %, @, `, { or [ need quotes; so do those that hold `: ` or ` #`",
        )
    except yaml.YAMLError as error:
        # The reader of characters tells no place and speaks over two lines.
        source.error("resource-syntax", f"this is not YAML: {str(error).splitlines()[0]}")


_DROPPED = object()
"""Stands for a key whose value is left out."""


@dataclass(slots=True)
class _Frame:
    node: Items | Table
    key: object = None
    key_line: int = 0


class _Builder:
    """Builds the tree from the parser's events, without recursion."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: list[_Frame] = []
        self._too_deep = 0
        self.finished: Node | None = None

    def feed(self, event: Any) -> None:  # noqa: ANN401 - the parser has no types
        match event:
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._end()
            case yaml.ScalarEvent() if not self._too_deep:
                line, column = _begin_of(event)
                if self._refuses_tag(event):
                    self._drop(line)
                    return
                # In a block (| or >) the text begins on the line below; in quotes one character later.
                if event.style in ("|", ">"):
                    self._place(Scalar(event.value, line + 1, None, is_plain=False), line)
                else:
                    is_plain = not event.style
                    self._place(Scalar(event.value, line, column if is_plain else column + 1, is_plain), line)
            case yaml.AliasEvent() if not self._too_deep:
                line, _ = _begin_of(event)
                alias = quoted(f"*{event.anchor}")
                self._source.error("resource-alias", f"the alias {alias} is not read", line, "write it out")
                self._drop(line)

    def _begin(self, event: Any) -> None:  # noqa: ANN401 - the parser has no types
        line, _ = _begin_of(event)
        if self._too_deep or len(self._open) >= MAX_DEPTH:
            if not self._too_deep:
                self._source.error(
                    "resource-depth", f"lists and tables are read to a depth of {MAX_DEPTH} only", line
                )
            self._too_deep += 1
            return
        self._refuses_tag(event)
        self._open.append(_Frame(Items(line) if isinstance(event, yaml.SequenceStartEvent) else Table(line)))

    def _end(self) -> None:
        if self._too_deep:
            self._too_deep -= 1
            if not self._too_deep:
                self._drop(self._open[-1].node.line)
            return
        node = self._open.pop().node
        self._place(node, node.line)

    def _place(self, node: Node, line: int) -> None:
        if not self._open:
            self.finished = node
            return
        frame = self._open[-1]
        if isinstance(frame.node, Items):
            frame.node.nodes.append(node)
        elif frame.key is None:
            frame.key, frame.key_line = self._key(frame.node, node, line), line
        else:
            if isinstance(frame.key, str):
                frame.node.entries[frame.key] = node
                frame.node.lines[frame.key] = frame.key_line
            frame.key = None

    def _key(self, table: Table, node: Node, line: int) -> object:
        if not isinstance(node, Scalar):
            self._source.error("resource-type", f"a key must be a single value, not {kind_of(node)}", line)
            return _DROPPED
        if node.text in table.entries:
            self._source.error(
                "resource-repeated",
                f"{quoted(node.text)} stands here twice; only the first one counts",
                line,
                f"the first one is in line {table.lines[node.text]}",
            )
            return _DROPPED
        return node.text

    def _drop(self, line: int) -> None:
        """Leave out what would have stood here, whether item, key or value."""
        if not self._open:
            return
        frame = self._open[-1]
        if isinstance(frame.node, Table):
            frame.key, frame.key_line = (_DROPPED, line) if frame.key is None else (None, 0)

    def _refuses_tag(self, event: Any) -> bool:  # noqa: ANN401 - the parser has no types
        # `!` alone says no more than quotes do.
        if event.tag is None or event.tag in ("!", "tag:yaml.org,2002:str"):
            return False
        self._source.error(
            "resource-alias",
            f"the tag {quoted(event.tag)} is not read",
            _begin_of(event)[0],
            "write the value without it",
        )
        return True


def _begin_of(event: Any) -> tuple[int, int]:  # noqa: ANN401 - the parser has no types
    return event.start_mark.line + 1, event.start_mark.column + 1
