"""What a check of many rules found, as a table and a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.message import count_of
from dogwatch.cli.cells import safe
from dogwatch.rules.model import ElasticRule
from dogwatch.rules.soundness import Checked

_WIDE = 110
"""Columns from which on each reason is told in full."""


def check_table(checked: Sequence[Checked], width: int) -> Table:
    """One row for each language and rule type: how many were loaded, are sound, can run, and why others cannot."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for header in ("language", "type"):
        table.add_column(header, overflow="fold", no_wrap=True)
    for header in ("rules", "sound", "can run"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("cannot run because", overflow="fold")
    groups: dict[tuple[str, str], list[Checked]] = {}
    for each in checked:
        groups.setdefault((each.language, _type(each)), []).append(each)
    for (language, kind), members in sorted(groups.items()):
        read = [each for each in members if each.is_read]
        table.add_row(
            safe(language or "none"),
            safe(kind),
            f"{len(members):,}",
            f"{sum(each.is_sound for each in read):,}" if read else Text("not read", style="dim"),
            f"{sum(each.can_run for each in members):,}",
            safe(_reasons(members, wide=width >= _WIDE)),
        )
    return table


def check_sentence(checked: Sequence[Checked], problems: Iterable[Diagnostic]) -> str:
    """How many rules there are, how many can run, and how many errors and warnings were found."""
    found = Counter(problem.severity for problem in problems)
    return (
        f"{count_of(len(checked), 'rule')} loaded, {sum(each.can_run for each in checked):,} can run; "
        f"{count_of(found[Severity.ERROR], 'error')}, {count_of(found[Severity.WARNING], 'warning')}."
    )


def _type(checked: Checked) -> str:
    return checked.rule.type if isinstance(checked.rule, ElasticRule) else "correlation"


def _reasons(members: Sequence[Checked], *, wide: bool) -> str:
    reasons = Counter(filter(None, (_reason(each, wide=wide) for each in members)))
    if len(reasons) == 1 and sum(reasons.values()) == len(members):
        return next(iter(reasons))
    return "; ".join(f"{number:,}: {reason}" for reason, number in reasons.most_common())


def _reason(checked: Checked, *, wide: bool) -> str | None:
    if checked.can_run:
        return None
    if checked.rule.obstacle is not None:
        return checked.rule.obstacle if wide else "not run yet"
    return "disabled in its file" if not checked.rule.enabled else "its query has errors"
