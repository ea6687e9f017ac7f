"""Groups: names that stand for many values in ``IN`` and ``NOT IN``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dogwatch.base.message import nearest, quoted
from dogwatch.logic.keytext import key_text
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue
from dogwatch.rules.resources.entry import Entry, single_values, table_here
from dogwatch.rules.resources.files import MAX_ENTRIES, Sheet, lines_of, read_resource, too_many
from dogwatch.rules.resources.member import read_member
from dogwatch.rules.resources.problems import Source

PREFIX = "Group@"
"""What filters write before a group's name; files may."""

CSV_COLUMNS = ("group", "member")
_KEYS = ("members", "file", "also", "replace", "description")


def is_reference(text: str) -> bool:
    """Whether a text names a group as filters do."""
    return text[: len(PREFIX)].lower() == PREFIX.lower()


def plain_name(name: str) -> str:
    """A group's name without ``Group@`` and blanks around it."""
    name = name.strip()
    return name[len(PREFIX) :].strip() if is_reference(name) else name


def group_key(name: str) -> str:
    """The form in which names of one group are the same: letter case does not count."""
    return key_text(plain_name(name))


@dataclass(frozen=True, slots=True)
class Group:
    """A group as files describe it.

    Attributes:
        name: Its name.
        members: Its own members, each once, in the files' order.
        inner: The keys of the groups that it takes in.
        description: What it is, for people.
    """

    name: str
    members: tuple[str, ...]
    inner: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups by name.

    Attributes:
        by_key: The groups, by ``group_key``.
        also: Other names' keys to groups' keys.
    """

    by_key: Mapping[str, Group] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    _resolved: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, name: str) -> Group | None:
        """A group by one of its names."""
        key = group_key(name)
        return self.by_key.get(key) or self.by_key.get(self.also.get(key, ""))

    def members(self, name: str) -> tuple[str, ...] | None:
        """All members of a group, those of the groups in it too; ``None`` if there is no such group."""
        group = self.find(name)
        if group is None:
            return None
        if not group.inner:
            return group.members
        # Many rules ask for the same few groups, which may be large.
        key = group_key(group.name)
        if key not in self._resolved:
            members = (member for each in self._within(group) for member in each.members)
            self._resolved[key] = tuple(dict.fromkeys(members))
        return self._resolved[key]

    def _within(self, group: Group) -> Iterator[Group]:
        """A group and all in it, each once, whatever circles they form."""
        seen: set[str] = {group_key(group.name)}
        pending = [group]
        while pending:
            each = pending.pop()
            yield each
            for key in reversed(each.inner):
                inner = self.find(key)
                if inner is not None and (own := group_key(inner.name)) not in seen:
                    seen.add(own)
                    pending.append(inner)


@dataclass(slots=True)
class _Draft:
    name: str
    members: dict[str, None] = field(default_factory=dict)
    inner: dict[str, tuple[str, Source, int]] = field(default_factory=dict)
    description: str = ""
    is_full: bool = False


class GroupReader:
    """Collects groups from many files: what they say of one group adds up."""

    def __init__(self) -> None:
        self._drafts: dict[str, _Draft] = {}
        self._also: dict[str, str] = {}
        self.files: set[Path] = set()

    def read(self, node: YamlValue, source: Source) -> None:
        """Take what stands under ``groups:``."""
        table = table_here(node, source, "`groups` must be a table of groups", "write NAME: [member, ...]")
        if table is None:
            return
        for name, below in table.entries.items():
            line = table.keys[name].line
            if not group_key(name):
                source.error("resource-value", "a group needs a name", line)
                continue
            match below:
                case YamlTable():
                    self._described(name, below, source)
                case YamlText(is_null=True):
                    self._draft(name)
                case YamlText() | YamlList():
                    self._add_all(name, single_values(below, f"group {quoted(name)}", source), source)

    def read_sheet(self, sheet: Sheet) -> None:
        """Take the rows of a CSV file with the columns ``group`` and ``member``."""
        for line, (name, member) in sheet.rows:
            if not group_key(name) or not member:
                sheet.source.error("resource-value", "a row needs a group and a member", line)
            else:
                self._add(self._draft(name), member, sheet.source, line)

    def groups(self) -> Groups:
        """All groups; members that name unknown groups, and circles of groups, are reported."""
        groups = Groups(
            {
                key: Group(draft.name, tuple(draft.members), tuple(draft.inner), draft.description)
                for key, draft in self._drafts.items()
            },
            self._also,
        )
        for draft in self._drafts.values():
            for name, source, line in draft.inner.values():
                if groups.find(name) is None:
                    close = nearest(plain_name(name), [each.name for each in self._drafts.values()])
                    source.warning(
                        "resource-group-unknown",
                        f"no file describes the group {quoted(name)}",
                        line,
                        f"did you mean `{close}`?" if close else None,
                    )
        for circle in _circles(groups):
            draft = self._drafts[circle[0]]
            first = next(each for each in draft.inner.values() if self._target(each[0]) == circle[1 % len(circle)])
            names = " → ".join(self._drafts[key].name for key in (*circle, circle[0]))
            first[1].warning(
                "resource-cycle",
                f"groups take in each other: {names}; each has the members of all",
                first[2],
            )
        return groups

    def _target(self, name: str) -> str:
        key = group_key(name)
        return self._also.get(key, key)

    def _draft(self, name: str) -> _Draft:
        return self._drafts.setdefault(self._target(name), _Draft(plain_name(name)))

    def _described(self, name: str, table: YamlTable, source: Source) -> None:
        entry = Entry(table, f"group {quoted(name)}", _KEYS, source)
        draft = self._draft(name)
        if entry.boolean("replace"):
            draft.members.clear()
            draft.inner.clear()
            draft.is_full = False
        for other in entry.scalars("also"):
            key = group_key(other.text)
            if key in self._drafts:
                source.error("resource-repeated", f"{quoted(other.text)} is a group of its own", other.line)
            elif (taken := self._also.setdefault(key, group_key(draft.name))) != group_key(draft.name):
                message = f"{quoted(other.text)} is another name of group {quoted(self._drafts[taken].name)}"
                source.error("resource-repeated", message, other.line)
        draft.description = entry.text("description") or draft.description
        self._add_all(name, entry.scalars("members"), source)
        for path, line in entry.files("file"):
            self.files.add(path.resolve())
            text = read_resource(path, source, line)
            if text is not None:
                listed = Source(str(path), path.parent, source.problems)
                for at, member in lines_of(text):
                    if not self._add(draft, member, listed, at):
                        break

    def _add_all(self, name: str, members: Iterable[YamlText], source: Source) -> None:
        draft = self._draft(name)
        for member in members:
            self._add(draft, member.text.strip(), source, member.line)

    def _add(self, draft: _Draft, text: str, source: Source, line: int) -> bool:
        """Add a member; whether there is room for more."""
        if is_reference(text):
            draft.inner.setdefault(group_key(text), (text, source, line))
            return True
        if draft.is_full:
            return False
        member = read_member(text, source, line) if text else None
        if member is None:
            return True
        if len(draft.members) >= MAX_ENTRIES and member not in draft.members:
            draft.is_full = True
            too_many(source, MAX_ENTRIES, f"members of group {quoted(draft.name)}", line)
            return False
        draft.members[member] = None
        return True


def _circles(groups: Groups) -> Iterator[list[str]]:
    """Circles of groups that take in each other, as keys: those that a walk along all of them meets."""
    done: set[str] = set()
    for start in groups.by_key:
        path: list[str] = []
        on_path: dict[str, int] = {}
        pending: list[tuple[str, bool]] = [(start, False)]
        while pending:
            key, is_left = pending.pop()
            if is_left:
                path.pop()
                del on_path[key]
                done.add(key)
            elif key in on_path:
                yield path[on_path[key] :]
            elif key not in done:
                on_path[key] = len(path)
                path.append(key)
                pending.append((key, True))
                found = (groups.find(inner) for inner in reversed(groups.by_key[key].inner))
                pending += [(group_key(inner.name), False) for inner in found if inner is not None]
