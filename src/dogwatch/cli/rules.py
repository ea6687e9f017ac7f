"""``dogwatch rules``: the rules as they are, as they were, and whether they can run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import click
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.model import SEVERITIES
from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.cli import exits
from dogwatch.cli.cells import fitted, safe, severity
from dogwatch.cli.console import show_diagnostics, show_error, stderr
from dogwatch.cli.formats.table import screen
from dogwatch.cli.rule_check import check_sentence, check_table
from dogwatch.cli.rule_page import block, history_table, rule_page
from dogwatch.logic.printer import describe
from dogwatch.rules.attack import technique_ids
from dogwatch.rules.logic import lower_query
from dogwatch.rules.model import ElasticRule, FortisiemRule, Level, Rule
from dogwatch.rules.ruleset import BUILTIN, RuleSet, load_rules
from dogwatch.rules.soundness import check_rules
from dogwatch.rules.versions import (
    FieldChange,
    ListChange,
    Piece,
    PieceKind,
    TextChange,
    ValueChange,
    diff,
    query_text,
)
from dogwatch.schema.schema import Schema

_HINTED = 200
"""Rules up to which unknown fields are compared with known ones, which takes its time."""

_WIDE = 110
"""Columns from which on a list of rules shows everything."""

_STYLES = {PieceKind.SAME: "", PieceKind.REMOVED: "red strike", PieceKind.ADDED: "green"}
_MARKS = {PieceKind.SAME: ("", ""), PieceKind.REMOVED: ("[-", "-]"), PieceKind.ADDED: ("{+", "+}")}

_Command = TypeVar("_Command", bound=Callable[..., object])


def _where(command: _Command) -> _Command:
    option = click.option(
        "--rules",
        "where",
        multiple=True,
        metavar="WHERE",
        help="A rule file, a folder of rules, or `builtin` (the default). May be repeated.",
    )
    return option(command)


@click.group(short_help="List, show, check and compare detection rules.")
def rules() -> None:
    """List, show, check and compare detection rules."""


@rules.command("list")
@_where
@click.option("--severity", "level", type=click.Choice(SEVERITIES), help="Only at or above this severity.")
@click.option("--tag", help="Only rules that carry this tag.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "ndjson"]), help="A table on a terminal, else NDJSON."
)
def list_(where: tuple[str, ...], level: str | None, tag: str | None, format_: str | None) -> int:
    """List rules, every version on a line of its own."""
    loaded = load_rules(where or BUILTIN)
    found = loaded
    if level is not None and (least := Level.from_word(level)) is not None:
        found = found.at_least(least)
    if tag is not None:
        found = found.tagged(tag)
    if (format_ or ("table" if sys.stdout.isatty() else "ndjson")) == "ndjson":
        for rule in found:
            sys.stdout.write(encode(_facts(rule)).decode() + "\n")
    else:
        console = screen(sys.stdout)
        console.print(_table(found, console.width))
    return _ended(loaded)


@rules.command("show")
@click.argument("rule")
@_where
@click.option("--plan", is_flag=True, help="Only what the engine is asked: the query as conditions, one a line.")
def show(rule: str, where: tuple[str, ...], plan: bool) -> int:
    """Show one rule whole: what it looks for, when it runs, its guide and its history.

    RULE is an id, `id@version`, a name, or the beginning of one. With `--plan` the query is shown as the engine
    reads it, also that of a rule of a type that is not run here.
    """
    try:
        loaded = load_rules(where or BUILTIN)
        found = loaded.find(rule)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    if plan:
        return _show_plan(found, loaded)
    screen(sys.stdout).print(rule_page(found, loaded))
    return _ended(loaded)


def _show_plan(rule: Rule, loaded: RuleSet) -> int:
    schema = Schema.ecs()
    try:
        lowered = lower_query(
            rule,
            schema.type_of,
            now=time.time_ns(),
            known_fields=schema.mappings,
            suggest=schema.hint,
            mapping_of=schema.mappings.get,
        )
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    show_diagnostics([*_not_run(rule), *lowered.notes], stderr())
    sys.stdout.write(describe(lowered.pattern, lowered.limits, lowered.clock) + "\n")
    return _ended(loaded)


def _not_run(rule: Rule) -> tuple[Diagnostic, ...]:
    if rule.obstacle is None:
        return ()
    message = f"{rule.obstacle}; this is what its query finds"
    return (Diagnostic("rule-unsupported", message, Severity.NOTICE, place=rule.place),)


@rules.command("history")
@click.argument("rule")
@_where
def history_(rule: str, where: tuple[str, ...]) -> int:
    """Show how a rule came to be what it is, newest version first."""
    try:
        loaded = load_rules(where or BUILTIN)
        found = loaded.find(rule)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    console = screen(sys.stdout)
    console.print(Text(f"{found.rule_id}  {found.name}", style="bold"))
    console.print(history_table(found, loaded))
    return _ended(loaded)


@rules.command("diff")
@click.argument("old")
@click.argument("new")
@_where
def diff_(old: str, new: str, where: tuple[str, ...]) -> int:
    """Show what differs between two rules or versions, field by field, as `rule_id@4 rule_id@5`."""
    try:
        loaded = load_rules(where or BUILTIN)
        before, after = loaded.find(old), loaded.find(new)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    console = screen(sys.stdout)
    changes = diff(before, after)
    console.print(Text(f"{before.label}  →  {after.label}", style="bold"))
    if not changes:
        console.print(Text("Nothing differs."))
    for change in changes:
        _print_change(change, console)
    return _ended(loaded)


@rules.command("check")
@click.argument("where", nargs=-1, metavar="[WHERE...]")
def check(where: tuple[str, ...]) -> int:
    """Check the query of every rule, and count which rules can run: syntax, types, fields.

    Queries of rule types that are not run here are checked too. Ends with status 1 if there is an error.
    """
    loaded = load_rules(where or BUILTIN)
    checked = list(check_rules(loaded, Schema.ecs(), now=time.time_ns(), hints=len(loaded) <= _HINTED))
    problems = sorted((*loaded.errors, *(problem for each in checked for problem in each.problems)), key=_by_place)
    show_diagnostics(problems, stderr())
    console = screen(sys.stdout)
    if checked:
        console.print(check_table(checked, console.width))
    console.print(Text(check_sentence(checked, problems)))
    found = any(problem.severity is Severity.ERROR for problem in problems)
    return exits.status(found=found, unusable=len(loaded) == 0)


def _by_place(problem: Diagnostic) -> tuple[str, int, int]:
    place = problem.place
    return ("", 0, 0) if place is None else (place.file, place.line or 0, place.column or 0)


def _ended(loaded: RuleSet) -> int:
    show_diagnostics(loaded.errors, stderr())
    lost = any(each.severity is Severity.ERROR for each in loaded.errors)
    return exits.status(unusable=len(loaded) == 0, left_out=lost)


def _facts(rule: Rule) -> dict[str, object]:
    facts: dict[str, object] = {
        "rule_id": rule.rule_id,
        "version": rule.version,
        "name": rule.name,
        "severity": rule.severity.word,
        "enabled": rule.enabled,
        "tags": list(rule.tags),
        "techniques": list(technique_ids(rule.threat)),
        "query": query_text(rule),
    }
    match rule:
        case ElasticRule():
            facts |= {"type": rule.type, "language": rule.language, "risk_score": rule.risk_score}
        case FortisiemRule():
            facts |= {"type": "fortisiem", "language": "fortisiem", "window": rule.window}
    return facts


def _table(found: RuleSet, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    # On a narrow screen the ids, which people copy, keep their whole width.
    wide = width >= _WIDE
    headers = ["rule", "v", "severity", *(["type", "ATT&CK"] if wide else []), "name"]
    for header in headers:
        table.add_column(header, overflow="fold", no_wrap=header in ("rule", "v", "severity"))
    for rule in found:
        kind = rule.type if isinstance(rule, ElasticRule) else "fortisiem"
        details = [safe(kind), safe(", ".join(technique_ids(rule.threat)))]
        table.add_row(
            fitted(rule.rule_id, 44),
            Text(str(rule.version)),
            severity(rule.severity.word),
            *(details if wide else []),
            safe(rule.name),
        )
    return table


def _print_change(change: FieldChange, console: Console) -> None:
    console.print(Text(f"\n{change.field}", style="bold"))
    match change:
        case ValueChange(old=old, new=new):
            console.print(Text("  ") + _shown(PieceKind.REMOVED, str(old), console))
            console.print(Text("  ") + _shown(PieceKind.ADDED, str(new), console))
        case ListChange(added=added, removed=removed):
            for kind, items in ((PieceKind.REMOVED, removed), (PieceKind.ADDED, added)):
                for item in items:
                    console.print(Text("  ") + _shown(kind, str(item), console))
            if not added and not removed:
                console.print(Text("  the order changed"))
        case TextChange(pieces=pieces):
            console.print(Padding(_pieces(pieces, console), (0, 2)))


def _pieces(pieces: Sequence[Piece], console: Console) -> Text:
    return Text("").join(_shown(piece.kind, piece.text, console) for piece in pieces)


def _shown(kind: PieceKind, words: str, console: Console) -> Text:
    """A piece of a comparison: coloured on a terminal, else in the marks of ``wdiff``."""
    left, right = ("", "") if console.is_terminal else _MARKS[kind]
    shown = Text(left)
    shown.append_text(block(words))
    shown.append(right)
    shown.stylize(_STYLES[kind])
    return shown
