"""What a scan says of rules that could not match for want of fields: few lines, most rules first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.text import printable
from dogwatch.cli.console import say, show_diagnostics
from dogwatch.schema.derived import derived_fields
from dogwatch.schema.field import FieldRef
from dogwatch.schema.fortisiem import FORTISIEM_PREFIX

if TYPE_CHECKING:
    from dogwatch.detect.awareness import BlindRule

_MOST_GROUPS = 3
_MOST_FIELDS = 3
_REMEDIES = {"host.name": "--host names the host that audit logs come from"}
"""By field, what gives it a value."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules with one cause in common.

    Attributes:
        fields: The missing fields; if several, it takes all of them.
        rules: The rules; each may have other causes too.
    """

    fields: tuple[FieldRef, ...]
    rules: tuple[BlindRule, ...]


def grouped(blind: Iterable[BlindRule]) -> list[Group]:
    """Each rule in one group, in as few groups as a greedy choice of causes gives; the largest first."""
    groups: list[Group] = []
    left = list(blind)
    while left:
        counts = Counter(cause for each in left for cause in _causes(each))
        most = max(counts.values())
        cause = min(cause for cause, count in counts.items() if count == most)
        groups.append(Group(cause, tuple(each for each in left if cause in _causes(each))))
        left = [each for each in left if cause not in _causes(each)]
    return groups


def notices(blind: Iterable[BlindRule], *, everything: bool = False) -> Iterator[Diagnostic]:
    """The groups as notices; all but the largest are summed up in one, unless everything is wanted."""
    groups = grouped(blind)
    # One line more for one group more takes no more room than summing it up.
    shown = groups if everything or len(groups) <= _MOST_GROUPS + 1 else groups[:_MOST_GROUPS]
    hint = None if everything else "--explain-fields lists the rules with what they lack"
    for group in shown:
        hints = [_REMEDIES[field.path] for field in group.fields if field.path in _REMEDIES]
        if hint and group is groups[-1]:
            hints.append(hint)
        # What no event has is not there for one rule more than for another.
        whose = "no event has" if any(each.everywhere for each in group.rules) else "none of their events has"
        why = f"{whose} {_listed(group.fields)}"
        yield _notice(len(group.rules), why, "; ".join(hints) or None)
    rest = groups[len(shown) :]
    if rest:
        rules = sum(len(group.rules) for group in rest)
        yield _notice(rules, f"their events lack {len(rest)} other fields or sets of fields", hint, more=True)


def explain(blind: Sequence[BlindRule]) -> None:
    """Print every rule under its cause, with the other fields that it lacks."""
    for group, notice in zip(grouped(blind), notices(blind, everything=True), strict=True):
        show_diagnostics([notice])
        for each in group.rules:
            others = [field for field in each.fields if field not in group.fields]
            line = f"  {each.rule.label}  {printable(each.rule.name)}"
            if others:
                line += f"  (also {', '.join(map(_name, others))})"
            say(line)


def _causes(blind: BlindRule) -> list[tuple[FieldRef, ...]]:
    return [(field,) for field in blind.fields] if blind.alone else [blind.fields]


def _notice(rules: int, why: str, hint: str | None, *, more: bool = False) -> Diagnostic:
    noun = f"{'more ' if more else ''}rule{'' if rules == 1 else 's'}"
    return Diagnostic("rule-blind", f"{rules:,} {noun} could not match: {why}", Severity.NOTICE, hint=hint)


def _listed(fields: Sequence[FieldRef]) -> str:
    """The fields by name: a; a or b; a, b, c or 4 others."""
    names = list(map(_name, fields[:_MOST_FIELDS]))
    if len(fields) > _MOST_FIELDS:
        names.append(f"{len(fields) - _MOST_FIELDS} others")
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _name(field: FieldRef) -> str:
    """The field's name; a FortiSIEM attribute as its rules write it, with the fields that it is taken from."""
    derived = derived_fields().get(field.path)
    name = f"`{printable(field.path.removeprefix(FORTISIEM_PREFIX))}`"
    # What it would be taken from in FortiSIEM's own form is of no use to whoever has ECS events.
    paths = [] if derived is None else [source.path for source in derived.inputs]
    sources = [f"`{path}`" for path in paths if not path.startswith(FORTISIEM_PREFIX)]
    return f"{name} (from {', '.join(sources)})" if sources else name
