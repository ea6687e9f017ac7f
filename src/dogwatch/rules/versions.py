"""How a rule came to be what it is: its history, and what differs between two versions."""

from __future__ import annotations

import dataclasses
import difflib
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dogwatch.rules.fortisiem_model import AttributeMapping, Operator, SubPattern, WatchListAddition
from dogwatch.rules.model import Change, ChangeKind, ElasticRule, HistoryEntry, Rule, RuleCommon
from dogwatch.rules.ruleset import RuleSet

_APART = frozenset(
    {
        *("instance_id", "history", "place", "query_place", "query_steps"),
        *("filter_place", "filter_steps", "aggregate_place", "aggregate_steps", "group_places"),
        *("constraint_place", "constraint_steps"),
    }
)
"""Fields that say where a rule is or what it was, not what it is."""

_QUERY_FIELDS = frozenset({"query", "filter", "aggregate", "global_constraint", "constraint"})
_WORD = frozenset("_.*?-$/@\\")
_SIGNS = frozenset("=!<>~")
_SOUGHT = frozenset({"query", "type", "language"})
"""Fields whose change means that the rule looks for something else; so does any of a FortiSIEM rule's clause."""
_CLAUSE = "clause."
_SAID_ONLY = frozenset({"display_name", "attributes", "elements"})
"""Fields of a clause that do not change what it looks for."""
_ABOUT_THE_FILE = frozenset({"version", "release", "added_in", "origin", "license", "wording_license"})
"""Fields that differ between any two versions; a summary need not name them."""


class PieceKind(enum.Enum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of tokens (of a query) or of lines (of a longer text)."""

    kind: PieceKind
    text: str


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A field that had one value and has another; absent values are ``None``."""

    field: str
    old: object
    new: object


@dataclass(frozen=True, slots=True)
class ListChange:
    """A field that lists things, some of which came or went; both empty if only their order changed."""

    field: str
    added: tuple[object, ...]
    removed: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text that was edited.

    Attributes:
        field: Its name; ``subpatterns.Filter.filter`` within a subpattern.
        pieces: The old and the new text, woven together.
        formatting_only: Whether a query's tokens stayed the same.
    """

    field: str
    pieces: tuple[Piece, ...]
    formatting_only: bool = False


FieldChange = ValueChange | ListChange | TextChange


def history(rule: Rule, rules: RuleSet) -> tuple[HistoryEntry, ...]:
    """What is known of a rule's versions up to this one, newest first.

    What the files themselves tell comes first (a newer file's word over an older one's). A version that is
    in the set but in no file's history is compared with the one before it.
    """
    known = {each.version: each for each in rules.versions(rule.rule_id)} | {rule.version: rule}
    told: dict[int, HistoryEntry] = {}
    for version in sorted(known):
        told |= {entry.version: entry for entry in known[version].history if entry.version <= rule.version}
    siblings = [known[version] for version in sorted(known) if version <= rule.version]
    previous: Rule | None = None
    for sibling in siblings:
        if sibling.version not in told:
            told[sibling.version] = _compared(previous, sibling)
        previous = sibling
    queries = {sibling.version: query_text(sibling) for sibling in siblings}
    return tuple(_completed(told, version, queries) for version in sorted(told, reverse=True))


def diff(old: Rule, new: Rule) -> tuple[FieldChange, ...]:
    """What differs between two versions, field by field in the model's order; empty if nothing does."""
    changes: list[FieldChange] = []
    names = [each.name for each in dataclasses.fields(new if type(old) is type(new) else RuleCommon)]
    for name in names:
        if name not in _APART:
            changes += _changes(name, getattr(old, name), getattr(new, name))
    return tuple(changes)


def query_text(rule: Rule) -> str:
    """What a rule looks for, as one text without white space around it.

    Of a FortiSIEM rule: each subpattern's filter and aggregate, a line each, the operators between them, and
    the global constraint.
    """
    if isinstance(rule, ElasticRule):
        return rule.query.strip()
    parts: list[str] = []
    for index, subpattern in enumerate(rule.subpatterns):
        if 0 < index <= len(rule.operators):
            parts.append(str(rule.operators[index - 1]))
        parts += [subpattern.filter.strip(), subpattern.aggregate.strip()]
    if rule.global_constraint:
        parts.append(f"where {rule.global_constraint.strip()}")
    return "\n".join(parts)


def query_tokens(text: str) -> list[str]:
    """A query of any of the languages cut into words, quoted texts and signs; white space is left out."""
    tokens: list[str] = []
    at = 0
    while at < len(text):
        end = at + 1
        char = text[at]
        if char in "\"'":
            while end < len(text) and text[end] != char:
                end += 2 if text[end] == "\\" else 1
            end = min(end + 1, len(text))
        elif _is_word(char):
            while end < len(text) and _is_word(text[end]):
                end += 1
        elif char in _SIGNS:
            while end < len(text) and text[end] in _SIGNS:
                end += 1
        if not char.isspace():
            tokens.append(text[at:end])
        at = end
    return tokens


def _is_word(char: str) -> bool:
    return char.isalnum() or char in _WORD


def _compared(previous: Rule | None, rule: Rule) -> HistoryEntry:
    if previous is None:
        return HistoryEntry(rule.version, rule.release, summary="The oldest version known here.")
    found: dict[ChangeKind, list[str]] = {}
    for change in diff(previous, rule):
        if change.field in _ABOUT_THE_FILE:
            continue
        found.setdefault(_kind(change), []).append(change.field)
    changes = tuple(
        Change(kind, query_text(previous), query_text(rule)) if kind is ChangeKind.QUERY else Change(kind)
        for kind in ChangeKind
        if kind in found
    )
    names = ", ".join(name for kind in ChangeKind for name in found.get(kind, []))
    return HistoryEntry(
        rule.version,
        rule.release,
        summary=f"Differs from version {previous.version} in {names}." if names else "Nothing differs.",
        changes=changes,
    )


def _kind(change: FieldChange) -> ChangeKind:
    last = change.field.rpartition(".")[2]
    if last not in _SOUGHT and (not change.field.startswith(_CLAUSE) or last in _SAID_ONLY):
        return ChangeKind.METADATA
    formatting = isinstance(change, TextChange) and change.formatting_only
    return ChangeKind.FORMATTING if formatting else ChangeKind.QUERY


def _completed(told: Mapping[int, HistoryEntry], version: int, queries: Mapping[int, str]) -> HistoryEntry:
    """The entry with the queries before and after it filled in from what else is known."""
    entry = told[version]
    return replace(
        entry,
        changes=tuple(
            replace(
                change,
                before=change.before or queries.get(version - 1),
                after=change.after or queries.get(version) or _replaced_next(told, version),
            )
            if change.kind is ChangeKind.QUERY
            else change
            for change in entry.changes
        ),
    )


def _replaced_next(told: Mapping[int, HistoryEntry], version: int) -> str | None:
    """What the next change of the query after ``version`` replaced: the query that ``version`` had put there."""
    for later in sorted(number for number in told if number > version):
        for change in told[later].changes:
            if change.kind is ChangeKind.QUERY:
                return change.before
    return None


def _changes(name: str, old: object, new: object) -> Iterable[FieldChange]:
    # Of a part that came or went whole, what is empty in it is no news.
    if plain(old) == plain(new) or (old is None and _is_empty(new)) or (new is None and _is_empty(old)):
        return
    match old, new:
        case str(), str():
            yield _text_change(name, old, new)
        case (None, list() | tuple()):
            yield from _changes(name, (), new)
        case (list() | tuple(), None):
            yield from _changes(name, old, ())
        case (list() | tuple(), list() | tuple()):
            named_old, named_new = _by_name(old), _by_name(new)
            if not (named_old or named_new) or named_old is None or named_new is None:
                yield ListChange(
                    name,
                    tuple(_shown(each) for each in new if each not in old),
                    tuple(_shown(each) for each in old if each not in new),
                )
                return
            found = list(_changes(name, named_old, named_new))
            yield from found
            if not found:
                yield ListChange(name, (), ())
        case _:
            before, after = _fields(old), _fields(new)
            if before is None or after is None:
                yield ValueChange(name, _shown(old), _shown(new))
                return
            for key in dict.fromkeys([*before, *after]):
                yield from _changes(f"{name}.{key}", before.get(key), after.get(key))


def _fields(value: object) -> Mapping[str, object] | None:
    """What a value consists of, each under its name; nothing of what is absent; ``None`` if it is one thing."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return None
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.name not in _APART}


def _is_empty(value: object) -> bool:
    return isinstance(value, str | tuple | list | Mapping) and not value


def _by_name(items: Sequence[object]) -> dict[str, object] | None:
    """Subpatterns as a table, so that each is compared with its namesake."""
    table: dict[str, object] = {item.name: item for item in items if isinstance(item, SubPattern)}
    return table if len(table) == len(items) else None


def _shown(value: object) -> object:
    """A part of a rule in words, where it has some; other values as tables, lists and scalars."""
    if isinstance(value, AttributeMapping | Operator | WatchListAddition):
        return str(value)
    return plain(value)


def _text_change(name: str, old: str, new: str) -> TextChange | ValueChange:
    if name.rpartition(".")[2] in _QUERY_FIELDS:
        pieces = _woven(query_tokens(old), query_tokens(new), " ")
        return TextChange(name, pieces, formatting_only=all(each.kind is PieceKind.SAME for each in pieces))
    if "\n" in old or "\n" in new:
        return TextChange(name, _woven(old.split("\n"), new.split("\n"), "\n"))
    return ValueChange(name, old, new)


def _woven(old: Sequence[str], new: Sequence[str], joint: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(Piece(PieceKind.SAME, joint.join(old[old_from:old_to])))
            continue
        if old_to > old_from:
            pieces.append(Piece(PieceKind.REMOVED, joint.join(old[old_from:old_to])))
        if new_to > new_from:
            pieces.append(Piece(PieceKind.ADDED, joint.join(new[new_from:new_to])))
    return tuple(pieces)


def plain(value: object) -> Any:  # noqa: ANN401 # whatever a rule holds
    """A value as tables, lists and scalars without the places where it stood: equal if two values say the same."""
    fields = None if value is None else _fields(value)
    if fields is not None:
        return {name: plain(inner) for name, inner in fields.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple | list) else value
