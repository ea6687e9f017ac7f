"""YAML as texts with places, of rules and of resources: no type is guessed, nothing is built but lists and tables.

``yes``, ``1e3`` and ``2026-11-22`` stay the texts that they are. Tags are refused; aliases count as often as they
are used, so that a small file cannot become a large one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import yaml

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Steps
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue

MAX_DEPTH = 100
"""Lists and tables that may stand in one another."""

MAX_VALUES = 500_000
"""Texts, lists and tables of one file of rules, those behind aliases counted each time."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_STEPS = 10_000
"""Escapes of one text up to which columns are exact."""

_ESCAPED = {"x": 4, "u": 6, "U": 10}
"""Letter behind a backslash -> characters of the whole escape; any other makes two."""


class _Mark(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def documents(text: str, file: str, *, most: int = MAX_VALUES) -> Iterator[YamlValue]:
    """Each document of a YAML file that is not empty.

    Args:
        text: The file's text.
        file: Its name, for diagnostics and places.
        most: Values that it may hold, those behind aliases counted each time.

    Raises:
        DogwatchError: ``yaml-syntax``, ``yaml-tag`` or ``yaml-limit``, after the documents before it were given.
    """
    reader = _Reader(text, file, most)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            document = reader.take(event)
            if document is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        raise DogwatchError(_syntax(file, error)) from error
    except (yaml.YAMLError, UnicodeError) as error:
        first = next((at for at, char in enumerate(text) if not _is_allowed(char)), 0)
        line = text.count("\n", 0, first) + 1
        place = Place(file, line, first - text.rfind("\n", 0, first))
        message = f"this file holds the character U+{ord(text[first]):04X}, which YAML does not allow unescaped"
        raise DogwatchError(Diagnostic("yaml-syntax", message, place=place)) from error


class _Reader:
    def __init__(self, text: str, file: str, most: int) -> None:
        self.text = text
        self.file = file
        self.most = most
        self.open: list[tuple[YamlList | YamlTable, str | None]] = []
        self.anchors: dict[str, YamlValue] = {}
        self.values = 0

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file, which only escapes and blocks are looked up in."""
        return self.text.split("\n")

    def take(self, event: yaml.Event) -> YamlValue | None:
        """Take one event; the document, if it ends one."""
        match event:
            case yaml.DocumentStartEvent():
                self.anchors = {}
                return None
            case yaml.ScalarEvent():
                if event.tag is not None:
                    self.refuse_tag(event, event.tag)
                return self.put(self.scalar(event), event.anchor)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self.refuse_tag(event, event.tag)
                place = self.place(event.start_mark)
                if len(self.open) >= MAX_DEPTH:
                    raise self.limit(place, f"more than {MAX_DEPTH} lists and tables stand in one another")
                made = YamlList(place) if isinstance(event, yaml.SequenceStartEvent) else YamlTable(place)
                self.open.append((made, event.anchor))
                return None
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                return self.put(*self.open.pop())
            case yaml.AliasEvent():
                return self.put(self.aliased(event), None)
            case _:
                return None

    def put(self, value: YamlValue, anchor: str | None) -> YamlValue | None:
        """Put a finished value where it belongs; given back if it is a whole document that says something."""
        if anchor is not None:
            self.anchors[anchor] = value
        self.values += 1
        if not self.open:
            self.size_checked(value.size, value.place)
            return None if isinstance(value, YamlText) and not value.text else value
        into = self.open[-1][0]
        into.size += value.size
        self.size_checked(into.size, value.place)
        if isinstance(into, YamlList):
            into.items.append(value)
        else:
            into.add(value)
        return None

    def size_checked(self, size: int, place: Place) -> None:
        if size > self.most or self.values > self.most:
            raise self.limit(place, f"this file holds more than {self.most:,} values, aliases counted as used")

    def aliased(self, event: yaml.AliasEvent) -> YamlValue:
        place = self.place(event.start_mark)
        known = self.anchors.get(event.anchor or "")
        if known is None:
            message = f"the alias `*{event.anchor}` names nothing before it"
            raise DogwatchError(Diagnostic("yaml-syntax", message, place=place))
        return known

    def refuse_tag(self, event: yaml.Event, tag: str | None) -> None:
        if tag not in (None, "!", "tag:yaml.org,2002:str"):
            raise DogwatchError(
                Diagnostic(
                    "yaml-tag",
                    f"the tag `{tag}` is refused: these files hold texts, lists and tables only",
                    place=self.place(event.start_mark),
                    hint="remove it",
                )
            )

    def limit(self, place: Place, message: str) -> DogwatchError:
        return DogwatchError(Diagnostic("yaml-limit", f"{message}, so the rest was not read", place=place))

    def place(self, mark: _Mark | None) -> Place:
        return Place(self.file) if mark is None else Place(self.file, mark.line + 1, mark.column + 1)

    def scalar(self, event: yaml.ScalarEvent) -> YamlText:
        place = self.place(event.start_mark)
        if not event.value.isascii() and any("\ud800" <= char <= "\udfff" for char in event.value):
            message = "this text has half a character (a lone surrogate)"
            raise DogwatchError(Diagnostic("yaml-syntax", message, place=place))
        if not event.style:
            return YamlText(event.value, place, place)
        line, column = place.line or 1, place.column or 1
        if event.style == "|":
            return YamlText(event.value, place, *self.block(event.value, line), is_plain=False)
        if event.style == ">":
            return YamlText(event.value, place, Place(self.file, line + 1), is_plain=False)
        begin, end = Place(self.file, line, column + 1), event.end_mark
        if end is None or end.line + 1 != line or line > len(self.lines):
            return YamlText(event.value, place, begin, is_plain=False)
        raw = self.lines[line - 1][column : end.column - 1]
        return YamlText(event.value, place, begin, self.escapes(raw, event.style, begin), is_plain=False)

    def block(self, text: str, first: int) -> tuple[Place, Steps]:
        """Where the lines of a literal block begin, which stand indented below its first sign."""
        steps: list[tuple[int, Place]] = []
        length = 0
        for number, line in enumerate(text.split("\n")):
            written = self.lines[first + number].rstrip("\r") if first + number < len(self.lines) else ""
            indent = len(written) - len(line) if line and written.endswith(line) else 0
            steps.append((length, Place(self.file, first + number + 1, indent + 1)))
            length += len(line) + 1
        return steps[0][1], tuple(steps[1:])

    def escapes(self, raw: str, style: str, begin: Place) -> Steps:
        """The steps behind each escape of a quoted text on one line."""
        steps: list[tuple[int, Place]] = []
        sign = "\\" if style == '"' else "'"
        if sign not in raw:
            return ()
        length = at = 0
        while at < len(raw) and len(steps) < _MOST_STEPS:
            size = _ESCAPED.get(raw[at + 1 : at + 2], 2) if sign == "\\" else 2
            step = size if raw[at] == sign else 1
            at += step
            length += 1
            if step > 1:
                steps.append((length, Place(self.file, begin.line, (begin.column or 1) + at)))
        return tuple(steps)


def _syntax(file: str, error: yaml.MarkedYAMLError) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    place = Place(file) if mark is None else Place(file, mark.line + 1, mark.column + 1)
    return Diagnostic(
        "yaml-syntax",
        f"this file is not YAML: {error.problem or error.context or 'it cannot be parsed'}",
        place=place,
        hint="a text with `: ` or ` #` in it, or `*`, `&`, `{` or `[` in front, needs quotes, or `|`",
    )


def _is_allowed(char: str) -> bool:
    return char in "\t\n\r\x85" or " " <= char <= "~" or "\xa0" <= char <= "\ud7ff" or char >= "\ue000"
