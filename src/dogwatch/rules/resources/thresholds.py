"""Limits of devices and their components, with one for all devices (``DeviceToCMDBAttr``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dogwatch.base.message import quoted
from dogwatch.logic.keytext import key_text
from dogwatch.rules.loaders.yaml_nodes import YamlTable, YamlText, YamlValue
from dogwatch.rules.resources.entry import Entry, number_of, table_here
from dogwatch.rules.resources.files import Sheet, read_sheet
from dogwatch.rules.resources.member import lookup_key
from dogwatch.rules.resources.problems import Source
from dogwatch.schema.field import Scalar as Value

CSV_COLUMNS = ("property", "device", "component", "value")
_HINT = "write NAME: 90, or a table with `default` and `devices`"

Limits = Mapping[tuple[str, ...], int | float]
"""Limits of one name: by ``()``, ``(device,)`` and ``(device, component)``."""


def limit_of(limits: Limits, device: Value | None, component: Value | None) -> int | float | None:
    """The limit that is closest to a component of a device; ``None`` if there is not even one for all."""
    if device is not None:
        own = lookup_key(key_text(device))
        if component is not None and (found := limits.get((own, lookup_key(key_text(component))))) is not None:
            return found
        if (found := limits.get((own,))) is not None:
            return found
    return limits.get(())


class ThresholdReader:
    """Collects limits from many files: of two for one thing the later counts."""

    def __init__(self) -> None:
        self.limits: dict[str, dict[tuple[str, ...], int | float]] = {}
        """By name in lower case."""
        self.names: dict[str, str] = {}
        """The names as written."""
        self.files: set[Path] = set()
        self._replaced: dict[str, int] = {}

    def read(self, node: YamlValue, source: Source) -> None:
        """Take what stands under ``thresholds:``."""
        self._replaced = {}
        table = table_here(node, source, "`thresholds` must be a table of limits", _HINT)
        if table is None:
            return
        for name, below in table.entries.items():
            if isinstance(below, YamlText):
                self._set(name, (), below.text, source, below.line)
            elif isinstance(below, YamlTable):
                self._described(name, below, source)
            else:
                message = f"limit {quoted(name)} must be a number or a table"
                source.error("resource-type", message, table.keys[name].line, _HINT)
        self._tell_replaced(source)

    def read_sheet(self, sheet: Sheet, property_: str | None = None) -> None:
        """Take the rows of a CSV file.

        Args:
            sheet: Columns ``property``, ``device``, ``component`` and ``value``.
            property_: The name of the limits, if there is no column for it.
        """
        self._replaced = {}
        for line, cells in sheet.rows:
            name, device, component, value = cells if property_ is None else (property_, *cells)
            if not name:
                sheet.source.error("resource-value", "a row needs a property", line)
            elif component and not device:
                sheet.source.error("resource-value", "a component needs the device that it belongs to", line)
            else:
                key = (device, component) if component else (device,) if device else ()
                self._set(name, key, value, sheet.source, line)
        self._tell_replaced(sheet.source)

    def _described(self, name: str, table: YamlTable, source: Source) -> None:
        entry = Entry(table, f"limit {quoted(name)}", ("default", "devices", "file"), source)
        self._level(name, (), entry, "devices", source)
        for path, line in entry.files("file"):
            self.files.add(path.resolve())
            sheet = read_sheet(path, source, line)
            if sheet is None:
                continue
            columns = tuple(each.lower() for each in sheet.header)
            if columns == CSV_COLUMNS[1:]:
                replaced, self._replaced = self._replaced, {}
                self.read_sheet(sheet, name)
                self._replaced = replaced
            else:
                wanted = ",".join(CSV_COLUMNS[1:])
                sheet.source.error("resource-columns", f"the columns must be {wanted}", 1)

    def _level(self, name: str, key: tuple[str, ...], entry: Entry, below: str, source: Source) -> None:
        default = entry.scalar("default")
        if default is not None:
            self._set(name, key, default.text, source, default.line)
        inner = entry.table(below)
        if inner is None:
            return
        for thing, node in inner.entries.items():
            own = (*key, thing)
            match node:
                case YamlText():
                    self._set(name, own, node.text, source, node.line)
                case YamlTable() if not key:
                    device = Entry(node, f"device {quoted(thing)}", ("default", "components"), source)
                    self._level(name, own, device, "components", source)
                case _:
                    source.error(
                        "resource-type",
                        f"the limit of {quoted(thing)} must be a number",
                        inner.keys[thing].line,
                        _HINT,
                    )

    def _set(self, name: str, key: tuple[str, ...], text: str, source: Source, line: int) -> None:
        value = number_of(text)
        if value is None:
            about = f" of {quoted(' '.join(key))}" if key else ""
            source.error(
                "resource-value", f"limit {quoted(name)}{about} must be a number, not {quoted(text)}", line
            )
            return
        folded = tuple(lookup_key(each.strip()) for each in key)
        name = name.strip()
        limits = self.limits.setdefault(key_text(name), {})
        self.names.setdefault(key_text(name), name)
        if folded in limits:
            self._replaced[name] = self._replaced.get(name, 0) + 1
        limits[folded] = value

    def _tell_replaced(self, source: Source) -> None:
        for name, count in self._replaced.items():
            what = "an earlier limit" if count == 1 else f"{count:,} earlier limits"
            source.notice("resource-replaced", f"limits of {quoted(name)} take the place of {what}")
