"""What rules and their conditions cost in a scan, as tables for people and as NDJSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.encoding import encode
from dogwatch.base.text import printable
from dogwatch.cli.cells import fitted
from dogwatch.cli.formats.table import screen
from dogwatch.cli.plan_page import sharing
from dogwatch.cli.target import written_whole
from dogwatch.detect.api import ScanRun
from dogwatch.engine.profile import Cost
from dogwatch.logic.predicate import AnyWord, Leaf, Within, fields_of
from dogwatch.logic.wording import inner_title, leaf_text
from dogwatch.schema.field import FieldRef

MOST_ROWS = 10
"""Rows of a table."""

_FEWEST_CELLS = 20


@dataclass(frozen=True, slots=True)
class RuleCost:
    """What one rule cost.

    Attributes:
        label: The rule as `--rule` takes it.
        name: Its name.
        cost: The cost of its predicates together; a condition that several rules have is counted in the first.
    """

    label: str
    name: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class LeafCost:
    """What one distinct condition cost.

    Attributes:
        text: The condition.
        fields: The paths that it asks about.
        rules: How many rules have it.
        cost: The cost.
    """

    text: str
    fields: tuple[str, ...]
    rules: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Profile:
    """What everything cost.

    Attributes:
        rules: Each rule, in any order.
        leaves: Each distinct condition, in any order.
    """

    rules: tuple[RuleCost, ...]
    leaves: tuple[LeafCost, ...]


_Costed = TypeVar("_Costed", RuleCost, LeafCost)


def profile_of(run: ScanRun) -> Profile:
    """What a scan cost that was asked to note it; nothing if it was not."""
    noted = run.profile
    if noted is None:
        return Profile((), ())
    rules = []
    for number, rule in enumerate(noted.rules):
        cost = Cost(nanoseconds=noted.ordered[number])
        for slot in noted.slots[number]:
            cost.add(noted.plan.predicates[slot])
        rules.append(RuleCost(rule.label, rule.name, cost))
    shared = sharing(run.compiled.rules)
    leaves = (
        LeafCost(
            leaf_words(leaf), tuple(sorted({str(field.ref) for field in fields_of(leaf)})), shared[leaf], cost
        )
        for leaf, cost in zip(noted.leaves, noted.plan.leaves, strict=True)
    )
    return Profile(tuple(rules), tuple(leaves))


def leaf_words(leaf: Leaf) -> str:
    """A condition in words, on one line, which may be long."""
    if isinstance(leaf, Within | AnyWord):
        return inner_title(leaf, _named)
    before, alternatives, after = leaf_text(leaf, _named)
    if not alternatives:
        return f"{before}{after}"
    said = alternatives[0] if len(alternatives) == 1 else f"({', '.join(alternatives)})"
    return f"{before} {said}{after}"


def _paths(leaf: Leaf) -> tuple[str, ...]:
    return tuple(sorted({str(field.ref) for field in fields_of(leaf)}))


def _named(ref: FieldRef) -> str:
    return printable(str(ref))


def tables(profile: Profile, width: int) -> RenderableType:
    """The costliest rules, and below them the costliest conditions, at most ``width`` cells wide."""
    if not profile.rules or not profile.leaves:
        return Text("Nothing was asked, and so nothing cost anything.")
    return Group(_rule_table(profile.rules, width), Text(), _leaf_table(profile.leaves, width))


def show(run: ScanRun, output: Path | None) -> None:
    """Print the tables of a scan on standard error, and write everything to a file if one is given.

    Raises:
        DogwatchError: The file cannot be written.
    """
    profile = profile_of(run)
    console = screen(sys.stderr)
    console.print(tables(profile, console.width))
    if output is not None:
        with written_whole(output) as file:
            file.writelines(encode(record) + b"\n" for record in records(profile))


def records(profile: Profile) -> Iterator[dict[str, object]]:
    """All of it, the costliest first: an object for each rule, then one for each condition."""
    for rule in _costliest(profile.rules):
        yield {"kind": "rule", "rule": rule.label, "name": rule.name, **_figures(rule.cost)}
    for leaf in _costliest(profile.leaves):
        facts = {"kind": "leaf", "text": leaf.text, "fields": list(leaf.fields), "rules": leaf.rules}
        yield {**facts, **_figures(leaf.cost), "decided": leaf.cost.decided}


def _rule_table(rules: Sequence[RuleCost], width: int) -> Table:
    total = sum(rule.cost.nanoseconds for rule in rules)
    rows = []
    for rule in _costliest(rules)[:MOST_ROWS]:
        cost = rule.cost
        figures = (
            duration(cost.nanoseconds),
            _share(cost.nanoseconds, total),
            f"{cost.asked:,}",
            f"{cost.matched:,}",
        )
        rows.append((figures, f"{rule.name} v{rule.label.rpartition('@')[2]}"))
    return _table(("time", "share", "rows asked", "matched", "costliest rules"), rows, width)


def _leaf_table(leaves: Sequence[LeafCost], width: int) -> Table:
    rows = []
    for leaf in _costliest(leaves)[:MOST_ROWS]:
        cost = leaf.cost
        figures = (duration(cost.nanoseconds), f"{leaf.rules:,}", f"{cost.asked:,}", f"{cost.decided:,}")
        rows.append((figures, leaf.text))
    return _table(("time", "rules", "rows asked", "decided", "costliest conditions"), rows, width)


def _table(names: Sequence[str], rows: Sequence[tuple[tuple[str, ...], str]], width: int) -> Table:
    """Columns of figures, and at the end one of texts, which has what room is left."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, collapse_padding=True, pad_edge=False, show_edge=False)
    used = 0
    for number, name in enumerate(names[:-1]):
        cells = max(len(name), *(len(figures[number]) for figures, _ in rows))
        used += cells + 1
        table.add_column(name, justify="right", no_wrap=True, width=cells)
    cells = max(_FEWEST_CELLS, width - used)
    table.add_column(names[-1], width=cells, overflow="fold")
    for figures, said in rows:
        table.add_row(*map(Text, figures), fitted(said, cells * 2))
    return table


def _costliest(costs: Iterable[_Costed]) -> list[_Costed]:
    return sorted(costs, key=lambda each: (-each.cost.nanoseconds, -each.cost.asked))


def _figures(cost: Cost) -> dict[str, object]:
    return {"nanoseconds": cost.nanoseconds, "asked": cost.asked, "matched": cost.matched}


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""


def duration(nanoseconds: int) -> str:
    """A stretch of time in the unit that suits it.

    Examples:
        >>> duration(1_234_000_000), duration(56_700), duration(0)
        ('1.234 s', '0.1 ms', '0.0 ms')
    """
    if nanoseconds >= 1_000_000_000:
        return f"{nanoseconds / 1e9:,.3f} s"
    return f"{nanoseconds / 1e6:.1f} ms"
