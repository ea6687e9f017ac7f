"""Resources as tables that fit the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dogwatch.base.time import format_duration, format_instant
from dogwatch.cli.cells import fitted, safe
from dogwatch.languages.fortisiem.resources import LookupTable
from dogwatch.logic.keytext import key_text
from dogwatch.rules.resources.exceptions import RuleException
from dogwatch.rules.resources.groups import group_key
from dogwatch.rules.resources.period import WEEKDAYS, Period, Recurring
from dogwatch.rules.resources.profiles import KINDS_OF_DAY, Profile
from dogwatch.rules.resources.resource_set import Kind, ResourceSet
from dogwatch.rules.resources.thresholds import Limits
from dogwatch.rules.resources.watch_lists import AT_BEGINNING, WatchList
from dogwatch.schema.field import FieldType, Scalar

_NAME_CELLS = 44
_CELL_CELLS = 60
_KINDS = {
    Kind.GROUP: ("groups", "members"),
    Kind.TABLE: ("lookup tables", "rows"),
    Kind.WATCH_LIST: ("watch lists", "values"),
    Kind.LIMIT: ("limits", "devices and components"),
    Kind.PROFILE: ("profiles", "rows"),
}


def counted(loaded: ResourceSet) -> Table:
    """How many of each kind there are, and how much they hold."""
    table = _table("kind", "there are", "holding", right=("there are",))
    entries = list(loaded.described())
    for kind, (plural, held) in _KINDS.items():
        sizes = [size for own, _, size, _ in entries if own is kind]
        table.add_row(plural, f"{len(sizes):,}", f"{sum(sizes):,} {held}")
    table.add_row("exceptions", f"{len(loaded.exceptions):,}", "")
    return table


def overview(loaded: ResourceSet, width: int) -> Table:
    """Every resource on a line."""
    table = _table("kind", "name", "holds", "about", right=("holds",))
    room = max(20, width // 2)
    for kind, name, size, about in loaded.described():
        table.add_row(kind.value, fitted(name, min(room, _NAME_CELLS)), f"{size:,}", safe(about))
    return table


def exception_table(exceptions: Sequence[RuleException], width: int) -> Table:
    """Every exception on a line: rule, condition, time, comment."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("rule", no_wrap=True)
    for header in ("when", "time", "comment"):
        table.add_column(header, overflow="fold")
    for each in exceptions:
        table.add_row(
            fitted(each.rule, max(20, width // 4)),
            fitted(" ".join(each.text.split()) or "always", 3 * width),
            safe(_period(each.period)),
            safe(each.comment),
        )
    return table


def pages_of(loaded: ResourceSet, name: str, rows: int) -> list[RenderableType]:
    """What there is under a name, each kind as a page, with at most so many rows."""
    pages: list[RenderableType] = []
    group = loaded.groups.find(name)
    members = loaded.group(name)
    if group is not None and members is not None:
        pages.append(
            _page(f"group {group.name}", group.description, ["member"], ([each] for each in members), rows)
        )
    table = loaded.table(name)
    if table is not None:
        pages.append(_page(f"lookup table {table.name}", "", [*table.keys, *table.columns], _rows(table), rows))
    watch_list = loaded.watch_lists.get(group_key(name))
    if watch_list is not None:
        about = _about_watch_list(watch_list)
        values = ([value, _added(added)] for value, added in watch_list.entries)
        pages.append(_page(f"watch list {watch_list.name}", about, ["value", "added"], values, rows))
    limits = loaded.thresholds(name)
    if limits is not None:
        title = f"limit {loaded.limit_names[key_text(name.strip())]}"
        pages.append(_page(title, "", ["device", "component", "limit"], _limits(limits), rows))
    profile = loaded.profiles.get(int(name)) if name.isascii() and name.isdigit() else None
    if profile is not None:
        about = f"hours of {profile.zone.key}"
        headers = ["group", "hour", "day", "mean", "stddev"]
        pages.append(_page(f"profile {profile.number}", about, headers, _profile(profile), rows))
    return pages


def _page(
    title: str, about: str, headers: Sequence[str], cells: Iterable[Sequence[str]], rows: int
) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for header in headers:
        table.add_column(fitted(header, _CELL_CELLS), overflow="fold")
    rest = iter(cells)
    for row in islice(rest, rows):
        table.add_row(*(fitted(cell, _CELL_CELLS) for cell in row))
    left = sum(1 for _ in rest)
    heading = safe(title, "bold")
    if about:
        heading.append_text(safe(f"  {about}", "dim"))
    more = [Text(f"and {left:,} more; `--rows` shows more")] if left else []
    return Group(heading, table, *more)


def _rows(table: LookupTable) -> Iterator[list[str]]:
    dates = [kind is FieldType.DATE for kind in table.types]
    for key, values in table.rows.items():
        yield [*key, *(_cell(value, is_date) for value, is_date in zip(values, dates, strict=True))]


def _cell(value: Scalar | None, is_date: bool) -> str:
    if value is None:
        return ""
    return format_instant(value) if is_date and isinstance(value, int) else str(value)


def _limits(limits: Limits) -> Iterator[list[str]]:
    for key, value in sorted(limits.items()):
        device, component = (*key, "", "")[:2]
        yield [device or "all", component, f"{value:,}"]


def _profile(profile: Profile) -> Iterator[list[str]]:
    for group, below in profile.rows.items():
        named = ", ".join("any" if value is None else value for value in group) or "any"
        for (hour, weekend), (mean, deviation) in below.items():
            day = "any" if weekend is None else KINDS_OF_DAY[weekend]
            yield [named, "any" if hour is None else str(hour), day, f"{mean:g}", f"{deviation:g}"]


def _about_watch_list(watch_list: WatchList) -> str:
    if watch_list.expires is None:
        return watch_list.type
    return f"{watch_list.type}, for {format_duration(watch_list.expires)}"


def _added(added: int) -> str:
    return "from the beginning" if added == AT_BEGINNING else format_instant(added)


def _period(period: Period) -> str:
    words = [] if period.recurring is None else [_recurring(period.recurring)]
    if period.begin is not None:
        words.append(f"from {format_instant(period.begin)}")
    if period.end is not None:
        words.append(f"to {format_instant(period.end)}")
    return " ".join(words) or "always"


def _recurring(recurring: Recurring) -> str:
    words = [
        _days(sorted(recurring.days)),
        f"{_clock(recurring.start)}-{_clock(recurring.end)}",
        recurring.zone.key,
    ]
    if recurring.first is not None:
        words.append(f"from {recurring.first.isoformat()}")
    if recurring.last is not None:
        words.append(f"until {recurring.last.isoformat()}")
    return " ".join(words)


def _days(days: Sequence[int]) -> str:
    """Days of the week: `daily`, `mon-fri`, or one by one."""
    if len(days) == len(WEEKDAYS):
        return "daily"
    first, last = days[0], days[-1]
    if last - first + 1 == len(days) > 2:
        return f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"
    return ",".join(WEEKDAYS[day] for day in days)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _table(*headers: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for header in headers:
        table.add_column(header, overflow="fold", justify="right" if header in right else "left")
    return table
