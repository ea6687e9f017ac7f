"""Watch lists: values that rules ask about and add to while events pass; files say with what they begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dogwatch.base.message import quoted
from dogwatch.base.time import FOREVER, parse_duration
from dogwatch.logic.keytext import key_text
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue
from dogwatch.rules.resources.entry import Entry, number_of, single_values, table_here
from dogwatch.rules.resources.files import MAX_ENTRIES, lines_of, read_resource, too_many
from dogwatch.rules.resources.groups import group_key, plain_name
from dogwatch.rules.resources.member import address_of
from dogwatch.rules.resources.problems import Source, did_you_mean

AT_BEGINNING = -(2**63) + 1
"""When entries were added that no file dates: before every event, nanoseconds since 1970 UTC."""

_KEYS = ("values", "file", "type", "added", "expires", "description")


@dataclass(frozen=True, slots=True)
class WatchList:
    """A watch list as files describe it.

    Attributes:
        name: Its name.
        type: ``text``, ``ip`` or ``number``.
        entries: Its values, each with when it was added (nanoseconds since 1970 UTC).
        expires: How long an entry stays, in nanoseconds; ``None`` is for ever. An entry that no file dates stays.
    """

    name: str
    type: str
    entries: tuple[tuple[str, int], ...]
    expires: int | None = None

    def until(self, added: int) -> int:
        """When something is over that was added at a time (nanoseconds since 1970 UTC)."""
        if self.expires is None or added == AT_BEGINNING:
            return FOREVER
        return min(added + self.expires, FOREVER)


def _text(value: str) -> str | None:
    return value


def _number(value: str) -> str | None:
    number = number_of(value)
    return None if number is None else key_text(number)


_TYPES: dict[str, Callable[[str], str | None]] = {"text": _text, "ip": address_of, "number": _number}
_SAYS = {"ip": "an address", "number": "a number"}


@dataclass(slots=True)
class _Draft:
    name: str
    type: str
    entries: dict[str, tuple[str, int]]
    expires: int | None = None


class WatchListReader:
    """Collects watch lists from many files: the values of one list add up."""

    def __init__(self) -> None:
        self._drafts: dict[str, _Draft] = {}
        self.files: set[Path] = set()

    def read(self, node: YamlValue, source: Source) -> None:
        """Take what stands under ``watch_lists:``."""
        table = table_here(node, source, "`watch_lists` must be a table of lists")
        if table is None:
            return
        for name, below in table.entries.items():
            if not group_key(name):
                source.error("resource-value", "a watch list needs a name", table.keys[name].line)
                continue
            match below:
                case YamlTable():
                    self._described(name, below, source)
                case YamlText(is_null=True):
                    self._draft(name)
                case YamlText() | YamlList():
                    values = single_values(below, f"watch list {quoted(name)}", source)
                    self._add_all(self._draft(name), _located(values), AT_BEGINNING, source)

    def watch_lists(self) -> dict[str, WatchList]:
        """All lists, by ``group_key``."""
        return {
            key: WatchList(draft.name, draft.type, tuple(draft.entries.values()), draft.expires)
            for key, draft in self._drafts.items()
        }

    def _draft(self, name: str, kind: str = "text") -> _Draft:
        return self._drafts.setdefault(group_key(name), _Draft(plain_name(name), kind, {}))

    def _described(self, name: str, table: YamlTable, source: Source) -> None:
        entry = Entry(table, f"watch list {quoted(name)}", _KEYS, source)
        kind = (entry.text("type") or "text").lower()
        if kind not in _TYPES:
            entry.wrong("type", f"cannot be {quoted(kind)}", did_you_mean(kind, _TYPES))
            return
        added = entry.instant("added")
        draft = self._draft(name, kind)
        if entry.text("type") and draft.type != kind:
            entry.wrong("type", f"is {draft.type} in another file")
            return
        expires = entry.text("expires")
        if expires is not None:
            draft.expires = parse_duration(expires)
            if not draft.expires:
                draft.expires = None
                entry.wrong("expires", f"must be a length of time, not {quoted(expires)}", "write it as 7d or 12h")
        when = AT_BEGINNING if added is None else added
        self._add_all(draft, _located(entry.scalars("values")), when, source)
        for path, line in entry.files("file"):
            self.files.add(path.resolve())
            text = read_resource(path, source, line)
            if text is not None:
                listed = Source(str(path), path.parent, source.problems)
                self._add_all(draft, lines_of(text), when, listed)

    def _add_all(self, draft: _Draft, values: Iterator[tuple[int, str]], added: int, source: Source) -> None:
        convert = _TYPES[draft.type]
        for line, text in values:
            value = convert(text)
            if not value:
                source.error(
                    "resource-value",
                    f"{quoted(text)} is not {_SAYS.get(draft.type, 'a value')}, as the watch list "
                    f"{quoted(draft.name)} needs",
                    line,
                )
                continue
            key = key_text(value)
            known = draft.entries.get(key)
            if known is None and len(draft.entries) >= MAX_ENTRIES:
                too_many(source, MAX_ENTRIES, f"values of watch list {quoted(draft.name)}", line)
                return
            draft.entries[key] = (value, added if known is None else min(known[1], added))


def _located(values: Iterable[YamlText]) -> Iterator[tuple[int, str]]:
    return ((value.line, value.text.strip()) for value in values)
