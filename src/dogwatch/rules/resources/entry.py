"""One table of a resource file, read key by key; a bad value is reported and counts as absent."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from dogwatch.base.message import quoted
from dogwatch.base.time import parse_instant
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue, kind_of
from dogwatch.rules.resources.problems import Source, did_you_mean

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_NUMBER_CHARACTERS = frozenset("0123456789+-.eE")
_LONGEST_NUMBER = 64


class Entry:
    """A table with known keys; the others are warned of.

    Args:
        table: The table.
        name: What it describes, in messages: ``group `X` ``.
        known: The keys that mean something.
        source: Its file.
    """

    def __init__(self, table: YamlTable, name: str, known: Sequence[str], source: Source) -> None:
        self.line = table.line
        self._table = table
        self._name = name
        self._source = source
        self._has_failed = False
        tell_faults(table, source)
        for key, written in table.keys.items():
            if key not in known:
                source.warning(
                    "resource-key-unknown",
                    f"{quoted(key)} means nothing in {name}",
                    written.line,
                    did_you_mean(key, known),
                )

    def line_of(self, key: str) -> int:
        """The line of a key, or the table's if it is absent."""
        written = self._table.keys.get(key)
        return self.line if written is None else written.line

    def node(self, key: str) -> YamlValue | None:
        """What stands under a key, ``None`` if nothing does."""
        node = self._table.entries.get(key)
        return None if isinstance(node, YamlText) and node.is_null else node

    def scalar(self, key: str) -> YamlText | None:
        """A single value."""
        node = self.node(key)
        if node is None or isinstance(node, YamlText):
            return node
        self.wrong(key, f"must be a single value, not {kind_of(node)}")
        return None

    def text(self, key: str) -> str | None:
        """A text without blanks around it; ``None`` if absent."""
        scalar = self.scalar(key)
        return None if scalar is None else scalar.text.strip()

    def scalars(self, key: str) -> list[YamlText]:
        """A list of single values; one alone is a list of one; what is none is reported and left out."""
        return single_values(self.node(key), f"`{key}` of {self._name}", self._source)

    def boolean(self, key: str) -> bool:
        """True or false; absent is false."""
        word = (self.text(key) or "false").lower()
        if word not in _TRUE | _FALSE:
            self.wrong(key, f"must be true or false, not {quoted(word)}")
        return word in _TRUE

    def number(self, key: str) -> int | float | None:
        """A number; ``None`` if absent."""
        text = self.text(key)
        if text is None:
            return None
        value = number_of(text)
        if value is None:
            self.wrong(key, f"must be a number, not {quoted(text)}")
        return value

    def instant(self, key: str) -> int | None:
        """A moment in nanoseconds since 1970 UTC; ``None`` if absent."""
        text = self.text(key)
        if text is None:
            return None
        value = parse_instant(text)
        if value is None:
            self.wrong(key, f"must be a moment, not {quoted(text)}", "write it as 2026-11-22T10:00:00Z")
        return value

    def table(self, key: str) -> YamlTable | None:
        """A table; ``None`` if absent."""
        node = self.node(key)
        if node is None or isinstance(node, YamlTable):
            if node is not None:
                tell_faults(node, self._source)
            return node
        self.wrong(key, f"must be a table, not {kind_of(node)}")
        return None

    def items(self, key: str) -> list[YamlValue]:
        """A list; empty if absent."""
        node = self.node(key)
        if node is None or isinstance(node, YamlList):
            return [] if node is None else node.items
        self.wrong(key, f"must be a list, not {kind_of(node)}")
        return []

    def files(self, key: str) -> list[tuple[Path, int]]:
        """Files that are named, looked for beside this one, with the lines that name them."""
        names = [(each.text.strip(), each.line) for each in self.scalars(key)]
        for name, _ in names:
            if not is_file_name(name):
                self.wrong(key, f"is no name of a file: {quoted(name)}")
        return [(self._source.folder / name, line) for name, line in names if is_file_name(name)]

    def has_failed(self) -> bool:
        """Whether a value was wrong or missing so far."""
        return self._has_failed

    def fail(self) -> None:
        """Note that a value was wrong, which has been reported elsewhere."""
        self._has_failed = True

    def wrong(self, key: str, says: str, hint: str | None = None) -> None:
        """Report a value that cannot be used."""
        self.fail()
        self._source.error("resource-value", f"`{key}` of {self._name} {says}", self.line_of(key), hint)

    def missing(self, key: str, hint: str | None = None) -> None:
        """Report that something must be there."""
        self.fail()
        self._source.error("resource-missing", f"{self._name} has no `{key}`", self.line, hint)


def tell_faults(table: YamlTable, source: Source) -> None:
    """Report the keys of a table that are no texts or occur again."""
    for fault in table.faults:
        source.problems.add(fault)


def table_here(node: YamlValue, source: Source, message: str, hint: str | None = None) -> YamlTable | None:
    """What stands somewhere, if it is the table that must; else ``None``, and the message is reported."""
    if not isinstance(node, YamlTable):
        source.error("resource-type", message, node.line, hint)
        return None
    tell_faults(node, source)
    return node


def single_values(node: YamlValue | None, name: str, source: Source) -> list[YamlText]:
    """The single values of a list, or of one that stands alone; others are reported."""
    match node:
        case None:
            return []
        case YamlText():
            return [node]
        case YamlTable():
            source.error("resource-type", f"{name} must be a list, not a table", node.line)
            return []
    found: list[YamlText] = []
    for each in node.items:
        if isinstance(each, YamlText) and not each.is_null:
            found.append(each)
        else:
            source.error(
                "resource-type", f"an item of {name} must be a single value, not {kind_of(each)}", each.line
            )
    return found


def is_file_name(text: str) -> bool:
    """Whether the system can be asked for a file of that name."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def number_of(text: str) -> int | float | None:
    """The finite number that a text is, or ``None``.

    Examples:
        >>> number_of("90"), number_of("1e3"), number_of("nan"), number_of("0x10")
        (90, 1000.0, None, None)
    """
    text = text.strip()
    if not text or len(text) > _LONGEST_NUMBER or not _NUMBER_CHARACTERS.issuperset(text):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
