"""What a FortiSIEM rule looks for, what it raises and when that clears, as parts of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.padding import Padding
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from dogwatch.base.text import printable
from dogwatch.cli.cells import safe
from dogwatch.rules.fortisiem_model import (
    AttributeMapping,
    ClearCondition,
    PatternClause,
    PatternClear,
    QuietClear,
)
from dogwatch.rules.model import FortisiemRule

_Part = Line | Padding | Text


def clause_parts(rule: FortisiemRule) -> Iterator[_Part]:
    """The sections of a rule's page between its facts and its texts."""
    yield _heading("Pattern")
    yield from _clause(rule.clause)
    yield _heading("Incident")
    rows = [("event type", rule.incident.event_type), ("title", rule.incident_title)]
    if rule.notification_frequency is not None:
        rows.append(("notified", f"every {rule.notification_frequency} seconds while it repeats"))
    yield _rows([*rows, ("attributes", _mapping(rule.incident.mapping))])
    if rule.clear_condition is not None:
        yield _heading("Clear condition")
        yield from _clear(rule.clear_condition)
    if rule.watch_lists:
        yield _heading("Watch lists")
        yield _rows([(each.attribute, f"is added to {', '.join(each.lists)}") for each in rule.watch_lists])


def _clear(clear: ClearCondition) -> Iterator[_Part]:
    match clear.when:
        case QuietClear(quiet=quiet):
            yield Padding(Text(f"when the rule has not triggered for {quiet} seconds"), (0, 2))
        case PatternClear() as when:
            yield Padding(Text("when this pattern occurs and fits the incident:"), (0, 2))
            yield from _clause(when.clause)
            rows = [("name", when.name), ("attributes", _mapping(when.mapping))]
            yield _rows([*rows, ("fits where", _one_line(when.constraint))])


def _clause(clause: PatternClause) -> Iterator[_Part]:
    yield Padding(safe(f"{clause.relation} within {clause.window} seconds"), (0, 2))
    for each in clause.subpatterns:
        called = each.name if each.display_name in ("", each.name) else f"{each.name} ({each.display_name})"
        yield Padding(safe(called, "bold"), (1, 2, 0, 2))
        grouped = ", ".join(each.group_by) or "nothing: all events are one group"
        yield _rows(
            [("filter", each.filter.strip()), ("group by", grouped), ("aggregate", each.aggregate.strip())]
        )
    yield Text()
    if clause.global_constraint:
        yield _rows([("global constraint", clause.global_constraint.strip())])


def _mapping(mapping: Iterable[AttributeMapping]) -> str:
    return "\n".join(map(str, mapping))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _rows(rows: Iterable[tuple[str, str]]) -> Padding:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(safe(name), Text("\n".join(printable(line) for line in value.split("\n"))))
    return Padding(table, (0, 2))


def _heading(title: str) -> Line:
    return Line(Text(title), align="left")
