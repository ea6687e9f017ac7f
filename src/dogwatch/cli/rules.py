"""``dogwatch rules``: the rules as they are, as they were, and whether they can run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import click
from rich import box
from rich.console import Console, Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.model import SEVERITIES
from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.cli import exits
from dogwatch.cli.cells import fitted, safe, severity
from dogwatch.cli.console import show_diagnostics, show_error, stderr
from dogwatch.cli.formats.table import screen
from dogwatch.cli.guide import plain_guide
from dogwatch.cli.show import Neutral
from dogwatch.detect.compiled import compile_rules
from dogwatch.rules.attack import technique_ids
from dogwatch.rules.model import ElasticRule, FortisiemRule, Level, Rule
from dogwatch.rules.ruleset import BUILTIN, RuleSet, load_rules
from dogwatch.rules.versions import (
    FieldChange,
    ListChange,
    Piece,
    PieceKind,
    TextChange,
    ValueChange,
    diff,
    history,
    query_text,
)
from dogwatch.schema.schema import Schema

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
def show(rule: str, where: tuple[str, ...]) -> int:
    """Show one rule whole: what it looks for, when it runs, its guide and its history.

    RULE is an id, `id@version`, a name, or the beginning of one.
    """
    try:
        loaded = load_rules(where or BUILTIN)
        found = loaded.find(rule)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    screen(sys.stdout).print(_page(found, loaded))
    return _ended(loaded)


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
    console.print(_history(found, loaded))
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
    """Load rules and say what is wrong with each: syntax, types, fields, what cannot run here.

    Ends with status 1 if there is an error.
    """
    console = stderr()
    loaded = load_rules(where or BUILTIN)
    compiled = compile_rules(loaded, Schema.ecs(), now=time.time_ns(), hints=True)
    left_out = [reason for _, reasons in compiled.left_out for reason in reasons]
    problems = [*loaded.errors, *left_out, *compiled.notes]
    show_diagnostics(problems, console)
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = sum(problem.severity is Severity.WARNING for problem in problems)
    screen(sys.stdout).print(
        Text(
            f"{_count(len(loaded), 'rule')} loaded, {len(compiled.rules):,} can run; "
            f"{_count(errors, 'error')}, {_count(warnings, 'warning')}."
        )
    )
    return exits.status(found=errors > 0, unusable=len(loaded) == 0)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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


def _page(rule: Rule, loaded: RuleSet) -> Group:
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in _rows(rule):
        if value:
            facts.add_row(name, _block(value))
    parts: list[object] = [Line(safe(rule.name, "bold"), align="left"), facts]
    parts += [Line(Text("Query"), align="left"), Padding(_block(query_text(rule)), (0, 2))]
    for title, body in (
        ("Description", rule.description),
        ("False positives", "\n".join(f"* {each}" for each in rule.false_positives)),
        ("Investigation guide", rule.note),
        ("Response", rule.response),
        ("Set-up", rule.setup),
    ):
        if body.strip():
            shown = Neutral(Markdown(plain_guide(body)))
            parts += [Line(Text(title), align="left"), Padding(shown, (0, 2))]
    if isinstance(rule, FortisiemRule):
        advice = rule.remediation or "The vendor's page states none."
        parts += [Line(Text("Remediation"), align="left"), Padding(safe(advice), (0, 2))]
    parts += [Line(Text("History"), align="left"), _history(rule, loaded)]
    return Group(*parts)  # type: ignore[arg-type] # a list of renderables of several kinds


def _rows(rule: Rule) -> list[tuple[str, str]]:
    rows = [
        ("rule id", rule.rule_id),
        ("version", f"{rule.version}" + (f" (release {rule.release})" if rule.release else "")),
        ("added in", rule.added_in or ""),
    ]
    match rule:
        case ElasticRule():
            rows += [
                ("type", f"{rule.type} ({rule.language})"),
                ("severity", f"{rule.severity.word}, risk score {rule.risk_score:g}"),
                ("data streams", ", ".join(rule.index)),
                ("runs every", f"{rule.interval}, over {rule.from_} to {rule.to}"),
                ("at most", f"{rule.max_signals} alerts a run"),
            ]
        case FortisiemRule():
            incident = rule.incident
            rows += [
                ("type", f"FortiSIEM, {rule.detection_technology}"),
                ("severity", f"{incident.severity} ({rule.severity.word})"),
                ("category", " / ".join(each for each in (rule.category, rule.sub_function) if each)),
                ("impacts", ", ".join(rule.impacts)),
                ("data source", ", ".join(rule.data_sources)),
                ("window", f"{rule.window} seconds"),
                *(
                    (f"subpattern {each.name}", f"by {', '.join(each.group_by)}: {each.aggregate}")
                    for each in rule.subpatterns
                ),
                ("incident", incident.event_type),
                (
                    "attributes",
                    ", ".join(f"{m.attribute} = {m.subpattern}.{m.source}" for m in incident.mapping),
                ),
            ]
    rows += [
        ("status", "enabled" if rule.enabled else "disabled"),
        ("ATT&CK", "; ".join(_threats(rule))),
        ("tags", ", ".join(rule.tags)),
        ("references", "\n".join(rule.references)),
        ("authors", ", ".join(rule.authors)),
        ("licence", rule.license),
        ("origin", rule.origin.strip()),
        ("file", str(rule.place or "")),
    ]
    return rows


def _threats(rule: Rule) -> list[str]:
    return [
        f"{entry.tactic.name}: {', '.join(technique_ids((entry,)))}" if entry.techniques else entry.tactic.name
        for entry in rule.threat
    ]


def _history(rule: Rule, loaded: RuleSet) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("version", "release", "what changed"):
        table.add_column(header, overflow="fold")
    for entry in history(rule, loaded):
        told = [entry.summary] if entry.summary else []
        told += [f"{change.kind.value}: was {change.before}" for change in entry.changes if change.before]
        table.add_row(Text(str(entry.version)), safe(entry.release or ""), _block("\n".join(told)))
    return table


def _block(words: str) -> Text:
    """Text of several lines, each made safe."""
    return Text("\n").join(safe(line) for line in words.split("\n"))


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
    shown.append_text(_block(words))
    shown.append(right)
    shown.stylize(_STYLES[kind])
    return shown
