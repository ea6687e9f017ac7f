"""What a scan says of itself when it has ended."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.message import count_of
from dogwatch.base.text import printable
from dogwatch.cli import blind, unoffered
from dogwatch.cli.account import Account
from dogwatch.cli.console import say, show_diagnostics
from dogwatch.detect.api import ScanRun
from dogwatch.rules.model import Rule

_MOST_OF_A_KIND = 5
"""Problems of rules with one code that are told one by one."""


def tell_of_rules(problems: Sequence[Diagnostic], where: Sequence[str]) -> None:
    """Print what was wrong with rules: the first few of each kind, and how many more there are.

    Args:
        problems: What was wrong with them.
        where: Where they were loaded from, as the command was told.
    """
    seen: Counter[tuple[Severity, str]] = Counter()
    shown = []
    for each in problems:
        seen[each.severity, each.code] += 1
        if seen[each.severity, each.code] <= _MOST_OF_A_KIND:
            shown.append(each)
    show_diagnostics(shown)
    check = printable(shlex.join(["dogwatch", "rules", "check", "--all", *where]))
    for (severity, code), count in seen.items():
        if count > _MOST_OF_A_KIND:
            say(f"{severity.value}: ... and {count - _MOST_OF_A_KIND:,} more {code}; `{check}` tells of all")


def notices(run: ScanRun, *, any_index: bool, explained: bool) -> Iterator[Diagnostic]:
    """What a scan can only know at its end.

    Args:
        run: The scan, gone through.
        any_index: Whether every rule was offered every event.
        explained: Whether ``explain`` says more of it.
    """
    read = run.read
    if read.without_index and not any_index:
        yield Diagnostic(
            "unknown-index",
            f"every rule was offered {count_of(read.without_index, 'event')} whose data stream is unknown",
            Severity.NOTICE,
            hint="name it with --index, for instance --index logs-endpoint.events.process-default",
        )
    yield from unoffered.notice(_idle(run), explained=explained)
    if not explained:
        yield from blind.notices(run.report.blind)


def explain(run: ScanRun) -> None:
    """Print every index pattern that no event belongs to, and every rule that lacked fields."""
    unoffered.explain(_idle(run))
    blind.explain(run.report.blind)


def summary(run: ScanRun, account: Account) -> None:
    """Print what was read and found, in one line."""
    read = run.read
    skipped = sum(read.problems.values())
    parts = [
        f"{count_of(read.events, 'event')} from {count_of(read.files, 'file')} ({count_of(read.lines, 'line')})",
        f"{count_of(len(run.rules), 'rule')}",
        f"{count_of(account.alerts, 'alert')}, {count_of(len(account.incidents), 'incident')}",
    ]
    line = "; ".join(parts) + "."
    if skipped:
        kinds = ", ".join(f"{count:,} {code}" for code, count in sorted(read.problems.items()))
        line += f" Skipped or noted while reading: {kinds}."
    if read.uncoercible:
        fields = ", ".join(f"{ref} ({count:,})" for ref, count in read.uncoercible.most_common(5))
        line += f" Values that do not fit their field count as missing: {fields}."
    if run.report.outside:
        line += f" {count_of(run.report.outside, 'event')} lay outside the time asked for."
    if read.without_time:
        timeless = count_of(read.without_time, "event")
        line += f" Without @timestamp: {timeless}; sequences and incidents cannot use them."
    if account.ledger is not None:
        kept = account.ledger
        line += f" Ledger: {kept.new:,} new, {kept.updated:,} updated, {kept.known:,} known."
    say(line, "dim")


def _idle(run: ScanRun) -> list[Rule]:
    """The rules that saw no event, where there were any."""
    if run.read.events <= run.report.outside:
        return []
    return [rule for rule in run.rules if rule.instance_id not in run.report.offered]
