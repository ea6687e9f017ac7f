"""All resources together, as the languages and the engine ask for them."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from dogwatch.base.diagnostic import Diagnostic
from dogwatch.languages.fortisiem.resources import LookupTable, Resources
from dogwatch.logic.keytext import key_text
from dogwatch.logic.pattern import Key, Statistic
from dogwatch.rules.resources.exceptions import RuleException
from dogwatch.rules.resources.groups import Groups, group_key, plain_name
from dogwatch.rules.resources.profiles import Profile
from dogwatch.rules.resources.thresholds import Limits, limit_of
from dogwatch.rules.resources.watch_lists import WatchList
from dogwatch.schema.field import Scalar


class Kind(enum.Enum):
    """The kinds of resource that have names."""

    GROUP = "group"
    TABLE = "table"
    WATCH_LIST = "watch list"
    LIMIT = "limit"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """What FortiSIEM rules refer to; it is the languages' ``Resources`` and the engine's ``Externals``.

    Attributes:
        groups: Groups of values.
        tables: Lookup tables, by name in lower case.
        watch_lists: Watch lists, by ``group_key``.
        limits: Limits of devices, by name in lower case.
        limit_names: The names of limits as written, by name in lower case.
        profiles: Baseline profiles, by number.
        exceptions: Exceptions of rules, in the files' order.
        diagnostics: Every problem met while they were loaded.
    """

    groups: Groups = field(default_factory=Groups)
    tables: Mapping[str, LookupTable] = field(default_factory=dict)
    watch_lists: Mapping[str, WatchList] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    limit_names: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[int, Profile] = field(default_factory=dict)
    exceptions: tuple[RuleException, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def group(self, name: str) -> tuple[str, ...] | None:
        """The members of a group, those of the groups in it too; ``None`` if no file describes it."""
        return self.groups.members(name)

    def is_watch_list(self, name: str) -> bool:
        """Whether a group's name is that of a watch list."""
        return group_key(name) in self.watch_lists

    def table(self, name: str) -> LookupTable | None:
        """A lookup table by its name, letter case ignored."""
        return self.tables.get(key_text(name.strip()))

    def thresholds(self, name: str) -> Limits | None:
        """The limits of one name, letter case ignored; ``None`` if no file has any."""
        return self.limits.get(key_text(name.strip()))

    def has_profile(self, number: int) -> bool:
        """Whether a file describes the baseline profile of that number."""
        return number in self.profiles

    def threshold(self, device: Scalar | None, component: Scalar | None, name: str) -> int | float | None:
        """The limit of a component of a device, or else of the device, or else the one for all devices."""
        limits = self.thresholds(name)
        return None if limits is None else limit_of(limits, device, component)

    def baseline(self, profile: int, statistic: Statistic, group: Key, time: int) -> float | None:
        """What a profile holds for a group at a time (nanoseconds since 1970 UTC).

        A deviation of 0 is given as it is: division by it is unknown, and rules may ask whether it is above 0.
        """
        found = self.profiles.get(profile)
        return None if found is None else found.statistic(statistic, group, time)

    def exceptions_for(self, rule_id: str) -> tuple[RuleException, ...]:
        """The exceptions of a rule, and those of all rules."""
        return tuple(each for each in self.exceptions if each.is_about(rule_id))

    @property
    def watch_entries(self) -> Iterator[tuple[str, str, int, int]]:
        """What is on the watch lists at first: list, value, and from when to when (nanoseconds since 1970 UTC)."""
        for watch_list in self.watch_lists.values():
            for value, added in watch_list.entries:
                yield watch_list.name, value, added, watch_list.until(added)

    def with_watch_lists(self, names: Iterable[str]) -> ResourceSet:
        """The same with further watch lists, empty at first: those that rules add to and no file describes."""
        more = {group_key(name): WatchList(plain_name(name), "text", ()) for name in names}
        return replace(self, watch_lists={**more, **self.watch_lists})

    @property
    def at_rest(self) -> Resources:
        """The same for a single query, which no rule runs beside: a watch list is a group of what is on it."""
        return _AtRest(self)

    def described(self) -> Iterator[tuple[Kind, str, int, str]]:
        """Each resource that has a name: its kind, the name, how much it holds, and what it is, for people."""
        for group in self.groups.by_key.values():
            yield Kind.GROUP, group.name, len(self.group(group.name) or ()), group.description
        for table in self.tables.values():
            yield Kind.TABLE, table.name, len(table.rows), f"by {', '.join(table.keys)}"
        for watch_list in self.watch_lists.values():
            yield Kind.WATCH_LIST, watch_list.name, len(watch_list.entries), watch_list.type
        for key, limits in self.limits.items():
            about = f"{limits[()]:,} for all devices" if () in limits else "none for all devices"
            yield Kind.LIMIT, self.limit_names[key], len(limits), about
        for profile in self.profiles.values():
            size = sum(len(below) for below in profile.rows.values())
            yield Kind.PROFILE, str(profile.number), size, f"hours of {profile.zone.key}"


NO_RESOURCE_SET = ResourceSet()
"""Describes nothing, not even the groups that come with the package."""


@dataclass(frozen=True, slots=True)
class _AtRest:
    """Resources in which nothing changes."""

    all: ResourceSet

    def group(self, name: str) -> tuple[str, ...] | None:
        members = self.all.group(name)
        watch_list = self.all.watch_lists.get(group_key(name))
        if watch_list is None:
            return members
        return (*(members or ()), *(value for value, _ in watch_list.entries))

    def is_watch_list(self, name: str) -> bool:  # noqa: ARG002 - part of the protocol
        return False

    def table(self, name: str) -> LookupTable | None:
        return self.all.table(name)

    def thresholds(self, name: str) -> Limits | None:
        return self.all.thresholds(name)

    def has_profile(self, number: int) -> bool:
        return self.all.has_profile(number)
