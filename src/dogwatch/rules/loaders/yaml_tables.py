"""YAML tables read key by key; every key that is wrong or unknown is reported where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.base.message import nearest
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue, kind_of

_MOST_UNKNOWN = 10
"""Unknown keys of one table that are told one by one."""


class Table:
    """One table of a YAML file.

    Args:
        table: The table.
        problems: Where what is wrong with it is put.
    """

    def __init__(self, table: YamlTable, problems: list[Diagnostic]) -> None:
        self.place = table.place
        self._table = table
        self.problems = problems
        self._known: set[str] = set()
        problems += table.faults

    def __contains__(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._table.entries

    def value(self, key: str) -> YamlValue | None:
        """Whatever stands under the key; it counts as known from now on."""
        self._known.add(key)
        return self._table.entries.get(key)

    def text(self, key: str) -> YamlText | None:
        """A text, or ``None`` if there is none."""
        value = self.value(key)
        if isinstance(value, YamlText):
            return value
        self._wrong(key, value, "a text")
        return None

    def texts(self, key: str) -> tuple[YamlText, ...] | None:
        """A list of texts, or ``None`` if there is none; a single text is a list of one."""
        value = self.value(key)
        if isinstance(value, YamlText):
            return (value,) if value.text else ()
        if isinstance(value, YamlList):
            for item in value.items:
                if not isinstance(item, YamlText):
                    self._wrong(key, item, "a list of texts")
            return tuple(item for item in value.items if isinstance(item, YamlText))
        self._wrong(key, value, "a list of texts")
        return None

    def table(self, key: str) -> Table | None:
        """A table in this one, or ``None`` if there is none."""
        value = self.value(key)
        if isinstance(value, YamlTable):
            return Table(value, self.problems)
        # `extra:` with nothing behind it is an empty text to YAML.
        if not (isinstance(value, YamlText) and not value.text):
            self._wrong(key, value, "a table")
        return None

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of a list."""
        value = self.value(key)
        if not isinstance(value, YamlList):
            self._wrong(key, value, "a list of tables")
            return
        for item in value.items:
            if isinstance(item, YamlTable):
                yield Table(item, self.problems)
            else:
                self._wrong(key, item, "a list of tables")

    def entries(self) -> Iterator[tuple[str, YamlValue]]:
        """Every key, which counts as known, and its value."""
        self._known.update(self._table.entries)
        yield from self._table.entries.items()

    def texts_by_key(self) -> Iterator[tuple[str, YamlText]]:
        """Every key and its text; other values are reported."""
        for key, value in self.entries():
            if isinstance(value, YamlText):
                yield key, value
            else:
                self._wrong(key, value, "a text")

    def error(self, code: str, message: str, place: Place | None = None, hint: str | None = None) -> None:
        """Report an error."""
        self.problems.append(Diagnostic(code, message, place=place or self.place, hint=hint))

    def end(self) -> None:
        """Report every key that nobody asked for."""
        unknown = [key for key in self._table.keys if key not in self._known]
        absent = self._known - self._table.entries.keys()
        for key in unknown[:_MOST_UNKNOWN]:
            meant = nearest(key, sorted(absent))
            hint = f"did you mean `{meant}`?" if meant else "what is not acted on goes under `extra`"
            self.error("yaml-key-unknown", f"there is no key `{key}` here", self._table.keys[key].place, hint)
        if len(unknown) > _MOST_UNKNOWN:
            self.error("yaml-key-unknown", f"{len(unknown) - _MOST_UNKNOWN:,} more keys of this table are unknown")

    def _wrong(self, key: str, value: YamlValue | None, wanted: str) -> None:
        if value is not None:
            self.error("rule-field-type", f"`{key}` must be {wanted}, not {kind_of(value)}", value.place)
