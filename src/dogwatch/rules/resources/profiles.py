"""Baseline profiles: the mean and deviation of an aggregate by group, hour of the day and kind of day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from dogwatch.base.message import quoted
from dogwatch.logic.keytext import key_text
from dogwatch.logic.pattern import Key, Statistic
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue
from dogwatch.rules.resources.entry import Entry, number_of, single_values, table_here
from dogwatch.rules.resources.files import Sheet, read_sheet
from dogwatch.rules.resources.member import lookup_key
from dogwatch.rules.resources.period import local_time, weekday_of, zone_of
from dogwatch.rules.resources.problems import Source, did_you_mean

UTC = ZoneInfo("UTC")
WEEKEND = frozenset({5, 6})
"""Saturday and Sunday."""

TAIL_COLUMNS = ("hour", "day", "mean", "stddev")
"""The last columns of a CSV file; those before them are the profile's number and the group's values."""

NUMBER_COLUMN = "profile"
"""The first column of a CSV file that no other file names."""

KINDS_OF_DAY = ("workday", "weekend")
_HOURS = 24
_KEYS = ("rows", "file", "timezone", "weekend", "description")
_ROW_KEYS = ("group", *TAIL_COLUMNS)

Group = tuple[str | None, ...]
"""A row's values of the group, ``None`` where any will do; none at the end."""

When = tuple[int | None, bool | None]
"""An hour, and whether it is one of a weekend; ``None`` where any will do."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile.

    Attributes:
        number: By which rules know it.
        rows: Mean and deviation by group, then by hour and kind of day.
        zone: Where its hours are counted.
        weekend: Its free days, 0 is Monday.
    """

    number: int
    rows: Mapping[Group, Mapping[When, tuple[float, float]]]
    zone: ZoneInfo = UTC
    weekend: frozenset[int] = WEEKEND
    _shapes: tuple[tuple[bool, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        shapes = {tuple(value is not None for value in group) for group in self.rows}
        object.__setattr__(self, "_shapes", tuple(sorted(shapes, key=specificity, reverse=True)))

    def find(self, group: Key, time: int) -> tuple[float, float] | None:
        """Mean and deviation of the most specific row that fits a group at a time (nanoseconds since 1970 UTC).

        A row with more of the group's values comes first; of as many, the one that has the earlier values. Of the
        rows of one group, that of the hour and kind of day comes first, then of the hour, then of the kind of day.
        """
        shown = local_time(time, self.zone)
        hour, weekend = shown.hour, shown.weekday() in self.weekend
        values = [None if value is None else lookup_key(key_text(value)) for value in group]
        for shape in self._shapes:
            if len(shape) > len(values) or any(
                wanted and value is None for wanted, value in zip(shape, values, strict=False)
            ):
                continue
            below = self.rows.get(
                tuple(value if wanted else None for wanted, value in zip(shape, values, strict=False))
            )
            if below is None:
                continue
            for when in ((hour, weekend), (hour, None), (None, weekend), (None, None)):
                found = below.get(when)
                if found is not None:
                    return found
        return None

    def statistic(self, statistic: Statistic, group: Key, time: int) -> float | None:
        """The mean or the deviation, ``None`` if no row fits."""
        found = self.find(group, time)
        if found is None:
            return None
        return found[0] if statistic is Statistic.AVERAGE else found[1]


def specificity(shape: tuple[bool, ...]) -> tuple[int, tuple[bool, ...]]:
    """How much a row's group says: how many values, then which."""
    return sum(shape), shape


@dataclass(slots=True)
class _Draft:
    rows: dict[Group, dict[When, tuple[float, float]]] = field(default_factory=dict)
    zone: ZoneInfo = UTC
    weekend: frozenset[int] = WEEKEND


class ProfileReader:
    """Collects profiles from many files: rows add up, and of two for one thing the later counts."""

    def __init__(self) -> None:
        self._drafts: dict[int, _Draft] = {}
        self._replaced: dict[int, int] = {}
        self.files: set[Path] = set()

    def profiles(self) -> dict[int, Profile]:
        """All profiles by number."""
        return {
            number: Profile(number, draft.rows, draft.zone, draft.weekend)
            for number, draft in self._drafts.items()
        }

    def read(self, node: YamlValue, source: Source) -> None:
        """Take what stands under ``profiles:``."""
        table = table_here(node, source, "`profiles` must be a table of profiles by number")
        if table is None:
            return
        for name, below in table.entries.items():
            number = number_of(name)
            if not isinstance(number, int):
                source.error(
                    "resource-value", f"a profile needs a number, not {quoted(name)}", table.keys[name].line
                )
            elif isinstance(below, YamlTable):
                self._described(number, below, source)
            else:
                message = f"profile {number} must be a table"
                source.error("resource-type", message, table.keys[name].line, "write `rows` or `file` below it")

    def read_sheet(self, sheet: Sheet, number: int | None = None) -> None:
        """Take the rows of a CSV file.

        Args:
            sheet: Columns for the values of the group, then ``TAIL_COLUMNS``.
            number: The profile's number, if it is not in a first column.
        """
        for line, cells in sheet.rows:
            own = number
            if own is None:
                first = number_of(cells.pop(0))
                if not isinstance(first, int):
                    sheet.source.error("resource-value", "a row needs the whole number of its profile", line)
                    continue
                own = first
            group, (hour, day, mean, deviation) = cells[: -len(TAIL_COLUMNS)], cells[-len(TAIL_COLUMNS) :]
            self._add(own, group, (hour, day, mean, deviation), sheet.source, line)
        self._tell_replaced(sheet.source)

    def _described(self, number: int, table: YamlTable, source: Source) -> None:
        name = f"profile {number}"
        entry = Entry(table, name, _KEYS, source)
        draft = self._drafts.setdefault(number, _Draft())
        zone = entry.text("timezone")
        if zone is not None:
            known = zone_of(zone)
            draft.zone = known or draft.zone
            if known is None:
                entry.wrong("timezone", f"names no time zone: {quoted(zone)}", "write it as Europe/Berlin")
        days = entry.scalars("weekend")
        numbers = {weekday_of(each.text.strip()): each for each in days}
        if None in numbers:
            entry.wrong("weekend", f"names no day of the week: {quoted(numbers[None].text)}", "write [sat, sun]")
        elif days:
            draft.weekend = frozenset(day for day in numbers if day is not None)
        for node in entry.items("rows"):
            self._row(number, node, source)
        self._tell_replaced(source)
        for path, line in entry.files("file"):
            self.files.add(path.resolve())
            sheet = read_sheet(path, source, line)
            if sheet is None:
                continue
            if not has_tail(sheet):
                wanted = ",".join(TAIL_COLUMNS)
                sheet.source.error("resource-columns", f"the last columns must be {wanted}", 1)
            elif sheet.header[0].lower() == NUMBER_COLUMN:
                message = (
                    f"the column `{NUMBER_COLUMN}` has no place here: the file that names this one has the number"
                )
                sheet.source.error("resource-columns", message, 1)
            else:
                self.read_sheet(sheet, number)

    def _row(self, number: int, node: YamlValue, source: Source) -> None:
        if not isinstance(node, YamlTable):
            source.error("resource-type", f"a row of profile {number} must be a table", node.line)
            return
        entry = Entry(node, f"a row of profile {number}", _ROW_KEYS, source)
        # A null among the group's values stands for any, so that it is no mistake here.
        below = entry.node("group")
        if isinstance(below, YamlList):
            known = [each for each in below.items if isinstance(each, YamlText)]
            nodes = YamlList(below.place, [each for each in below.items if not isinstance(each, YamlText)])
            single_values(nodes, "`group`", source)
            group = ["" if each.is_null else each.text.strip() for each in known]
        else:
            group = [each.text.strip() for each in entry.scalars("group")]
        tail = tuple(entry.text(key) or "" for key in TAIL_COLUMNS)
        self._add(number, group, tail, source, node.line)

    def _add(self, number: int, group: list[str], tail: Sequence[str], source: Source, line: int) -> None:
        hour, day, mean, deviation = tail
        when = _when(hour, day, source, line)
        values = _statistics(mean, deviation, source, line)
        if when is None or values is None:
            return
        key: Group = tuple(lookup_key(each) if each else None for each in group)
        while key and key[-1] is None:
            key = key[:-1]
        below = self._drafts.setdefault(number, _Draft()).rows.setdefault(key, {})
        if when in below:
            self._replaced[number] = self._replaced.get(number, 0) + 1
        below[when] = values

    def _tell_replaced(self, source: Source) -> None:
        for number, count in self._replaced.items():
            what = "an earlier row" if count == 1 else f"{count:,} earlier rows"
            source.notice("resource-replaced", f"rows of profile {number} take the place of {what}")
        self._replaced = {}


def has_tail(sheet: Sheet) -> bool:
    """Whether a CSV file has the columns of a profile, but for its number."""
    return tuple(each.lower() for each in sheet.header[-len(TAIL_COLUMNS) :]) == TAIL_COLUMNS


def _when(hour: str, day: str, source: Source, line: int) -> When | None:
    number = number_of(hour) if hour else None
    if hour and not (isinstance(number, int) and 0 <= number < _HOURS):
        source.error("resource-value", f"an hour is a number from 0 to 23, not {quoted(hour)}", line)
        return None
    kind = day.lower()
    if kind and kind not in KINDS_OF_DAY:
        message = f"a kind of day is workday or weekend, not {quoted(day)}"
        source.error("resource-value", message, line, did_you_mean(kind, KINDS_OF_DAY))
        return None
    return (number if isinstance(number, int) else None), (kind == "weekend" if kind else None)


def _statistics(mean: str, deviation: str, source: Source, line: int) -> tuple[float, float] | None:
    values = number_of(mean), number_of(deviation)
    if values[0] is None or values[1] is None:
        wrong = mean if values[0] is None else deviation
        source.error("resource-value", f"mean and stddev must be numbers, not {quoted(wrong)}", line)
        return None
    if values[1] < 0:
        source.error("resource-value", f"a stddev is not negative, as {quoted(deviation)} is", line)
        return None
    return float(values[0]), float(values[1])
