"""``dogwatch rules``: the rules as they are, as they were, and whether they can run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from rich import box
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.model import SEVERITIES
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.cli import exits
from dogwatch.cli.cells import fitted, safe, severity
from dogwatch.cli.console import show_diagnostics, show_error
from dogwatch.cli.formats.table import screen
from dogwatch.cli.fortisiem import resources_option, strict_option
from dogwatch.cli.plan_page import page_tables, plan_page, records
from dogwatch.cli.rule_check import check_sentence, check_table
from dogwatch.cli.rule_diff import show_changes, show_sets
from dogwatch.cli.rule_export import FORMATS, export
from dogwatch.cli.rule_page import history_table, rule_page
from dogwatch.cli.rule_plan import Plans
from dogwatch.cli.rule_problems import by_place, facts, has_errors, told_once
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.rules.attack import technique_ids
from dogwatch.rules.fortisiem_logic import with_filled_lists
from dogwatch.rules.model import ElasticRule, FortisiemRule, Level, Rule
from dogwatch.rules.resources.load import load_resources
from dogwatch.rules.ruleset import BUILTIN, RuleSet, load_rules
from dogwatch.rules.soundness import check_rules
from dogwatch.rules.versions import query_text
from dogwatch.schema.schema import Schema

_HINTED = 200
"""Rules up to which unknown fields are compared with known ones, which takes its time."""

_WIDE = 110
"""Columns from which on a list of rules shows everything."""

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


@click.group(short_help="List, show, check, compare and export detection rules.")
def rules() -> None:
    """List, show, check, compare and export detection rules."""


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
@click.argument("rule", required=False, metavar="[RULE]")
@_where
@click.option("--plan", is_flag=True, help="Only what the engine is asked: the query as conditions, one a line.")
@resources_option
@strict_option
def show(
    rule: str | None, where: tuple[str, ...], plan: bool, resource_paths: tuple[str, ...], strict: tuple[str, ...]
) -> int:
    """Show one rule whole: what it looks for, when it runs, its guide and its history.

    RULE is an id, `id@version`, a name, or the beginning of one; or, without `--rules`, the path of a rule file or
    a folder. With `--plan` the query is shown as the engine reads it, also that of a rule of a type that is not
    run here; without RULE those of all rules, one after the other, to be compared with `diff`. Only a plan needs
    `--resources` and `--strict`.
    """
    if rule is None and not plan:
        raise click.UsageError("Name a RULE, or ask for the plans of all with --plan.")
    if not plan and (resource_paths or strict):
        raise click.UsageError("--resources and --strict are for --plan.")
    loaded = load_rules(where or BUILTIN)
    found: Rule | None = None
    try:
        found = None if rule is None else loaded.find(rule)
    except DogwatchError as error:
        if where or rule is None or not Path(rule).exists():
            show_error(error)
            return exits.USAGE
        loaded = load_rules(rule)
    if found is None and len(loaded) == 1:
        found = next(iter(loaded))
    if plan:
        resources = load_resources(resource_paths)
        show_diagnostics(resources.diagnostics)
        plans = Plans(with_filled_lists(resources, loaded), FortisiemOptions.named(strict))
        is_whole = plans.show_all(loaded) if found is None else plans.show(found)
        if found is not None and not is_whole:
            return exits.USAGE
        return _ended(loaded, is_whole=is_whole and not has_errors(resources.diagnostics))
    console = screen(sys.stdout)
    for each in loaded if found is None else [found]:
        console.print(rule_page(each, loaded))
    return _ended(loaded)


@rules.command("plan")
@_where
@click.option(
    "--rule",
    "selectors",
    multiple=True,
    metavar="RULE",
    help="Only this rule: id, id@version or name. May be repeated.",
)
@resources_option
@strict_option
@click.option(
    "--format", "format_", type=click.Choice(["table", "ndjson"]), help="A table on a terminal, else NDJSON."
)
def plan_(
    where: tuple[str, ...],
    selectors: tuple[str, ...],
    resource_paths: tuple[str, ...],
    strict: tuple[str, ...],
    format_: str | None,
) -> int:
    """Show what all rules ask of events together, and what of it is asked once for many.

    Equal conditions of several rules are one question, and questions about one field are answered in one look at
    each of its distinct values. What a single rule asks is shown by `dogwatch rules show --plan`.
    """
    try:
        loaded = load_rules(where or BUILTIN)
        chosen = {loaded.find(selector).instance_id for selector in selectors}
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    asked = loaded.where(lambda rule: rule.instance_id in chosen) if chosen else loaded
    resources = load_resources(resource_paths)
    page = plan_page(asked, with_filled_lists(resources, loaded), FortisiemOptions.named(strict))
    show_diagnostics([*resources.diagnostics, *page.heavy])
    if (format_ or ("table" if sys.stdout.isatty() else "ndjson")) == "ndjson":
        for record in records(page):
            sys.stdout.write(encode(record).decode() + "\n")
    else:
        console = screen(sys.stdout)
        console.print(page_tables(page, console.width))
    return _ended(loaded, is_whole=not has_errors(resources.diagnostics))


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
    """Show what differs between two rules or versions, field by field, as `rule_id@4 rule_id@5`.

    OLD and NEW are rules; or, without `--rules`, two files or folders, such as two exports: then rules of one id
    are compared, and those told that only one of them has.
    """
    console = screen(sys.stdout)
    if not where and Path(old).exists() and Path(new).exists():
        before, after = load_rules(old), load_rules(new)
        show_sets(before, after, console)
        return max(_ended(before), _ended(after))
    try:
        loaded = load_rules(where or BUILTIN)
        show_changes(loaded.find(old), loaded.find(new), console)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    return _ended(loaded)


@rules.command("check")
@click.argument("where", nargs=-1, metavar="[WHERE...]")
@resources_option
@strict_option
@click.option("--all", "every", is_flag=True, help="Tell every warning, also where many are of one kind.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "ndjson"]),
    default="table",
    show_default=True,
    help="A table of rules, or every problem as an object of its own.",
)
def check(
    where: tuple[str, ...], resource_paths: tuple[str, ...], strict: tuple[str, ...], every: bool, format_: str
) -> int:
    """Check the query of every rule, and count which rules can run: syntax, types, fields.

    Queries of rule types that are not run here are checked too. Errors are told one by one; of more than three
    warnings with the same words, or about fields of one vendor that the schema does not know, the first place and
    how many there are. Ends with status 1 if there is an error.
    """
    loaded = load_rules(where or BUILTIN)
    schema = Schema.ecs()
    resources = load_resources(resource_paths)
    checked = list(
        check_rules(
            loaded,
            schema,
            now=time.time_ns(),
            hints=len(loaded) <= _HINTED,
            resources=with_filled_lists(resources, loaded),
            fortisiem=FortisiemOptions.named(strict),
        )
    )
    of_rules = (problem for each in checked for problem in each.problems)
    problems = sorted((*loaded.errors, *resources.diagnostics, *of_rules), key=by_place)
    if format_ == "ndjson":
        for problem in problems:
            sys.stdout.write(encode(facts(problem)).decode() + "\n")
    else:
        told = problems if every else list(told_once(problems, schema.mappings))
        show_diagnostics(told)
        console = screen(sys.stdout)
        if checked:
            console.print(check_table(checked, console.width))
        console.print(Text(check_sentence(checked, problems)))
        if len(told) < len(problems):
            console.print(Text("Warnings of one kind are told once; `--all` tells each."))
    return exits.status(found=has_errors(problems), unusable=len(loaded) == 0)


@rules.command("export")
@click.argument("names", nargs=-1, metavar="[RULE...]")
@_where
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="FortiSIEM's XML (the default), or the YAML form to write by hand (the default for *.yml and *.yaml).",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def export_(names: tuple[str, ...], where: tuple[str, ...], format_: str | None, output: Path | None) -> int:
    """Write FortiSIEM rules as one file: all that are given, or each RULE that is named.

    What is written says the same when it is read again; a rule that the format cannot hold whole is left out and
    told of. Comments and layout of the files that the rules came from are not kept. A file that rules are read
    from is never written over.
    """
    return export(names, where, format_, output)


def _ended(loaded: RuleSet, *, is_whole: bool = True) -> int:
    show_diagnostics(loaded.errors)
    return exits.status(unusable=len(loaded) == 0, left_out=has_errors(loaded.errors) or not is_whole)


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
            facts |= {"subpatterns": [each.name for each in rule.subpatterns], "relation": rule.clause.relation}
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
