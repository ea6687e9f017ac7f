"""``dogwatch rules export``: FortiSIEM rules written as XML or YAML."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.cli import exits
from dogwatch.cli.console import show_diagnostics
from dogwatch.rules.model import FortisiemRule, Rule
from dogwatch.rules.ruleset import BUILTIN, RuleSet, load_rules
from dogwatch.rules.writers.fortisiem_xml import write_fortisiem_xml
from dogwatch.rules.writers.fortisiem_yaml import write_fortisiem_yaml

_WRITERS: dict[str, Callable[[Sequence[FortisiemRule]], str]] = {
    "xml": write_fortisiem_xml,
    "yaml": write_fortisiem_yaml,
}
FORMATS = tuple(_WRITERS)


def export(names: Sequence[str], where: Sequence[str], format_: str | None, output: Path | None) -> int:
    """Write rules to a file or standard output; the exit status.

    Args:
        names: Which rules, as a person names them; none is all.
        where: Where rules are loaded from; nothing is the library.
        format_: A key of ``FORMATS``; ``None`` goes by the name of the output, and is XML without one.
        output: The file to write; ``None`` is standard output.
    """
    loaded = load_rules(list(where) or BUILTIN)
    problems: list[Diagnostic] = list(loaded.errors)
    writer = _WRITERS[format_ or ("yaml" if output and output.suffix.lower() in (".yml", ".yaml") else "xml")]
    try:
        if output is not None:
            _refuse_input(output, where, loaded)
        chosen = _chosen(names, loaded, problems)
        rules = [rule for rule in chosen if _is_writable(rule, writer, problems)]
        if rules:
            _put(writer(rules), output)
    except DogwatchError as error:
        show_diagnostics([*problems, *error.diagnostics])
        return exits.USAGE
    show_diagnostics(problems)
    lost = any(problem.severity is Severity.ERROR for problem in problems)
    return exits.status(unusable=not rules, left_out=lost)


def _chosen(names: Sequence[str], loaded: RuleSet, problems: list[Diagnostic]) -> list[FortisiemRule]:
    """The FortiSIEM rules that are meant; the others are told of, as errors if they were named."""
    meant: Sequence[Rule] = [loaded.find(name) for name in names] if names else loaded.rules
    found = {rule.label: rule for rule in meant if isinstance(rule, FortisiemRule)}
    others = [rule for rule in meant if not isinstance(rule, FortisiemRule)]
    hint = "only FortiSIEM rules are written; Elastic's are files already"
    if names:
        problems += [
            Diagnostic(
                "rule-not-exported",
                f"{rule.label} ({rule.name}) is no FortiSIEM rule",
                place=rule.place,
                hint=hint,
            )
            for rule in others
        ]
    elif others:
        count = f"{len(others):,} {'rule' if len(others) == 1 else 'rules'}"
        message = f"{count} of other formats {'was' if len(others) == 1 else 'were'} not exported"
        severity = Severity.NOTICE if found else Severity.ERROR
        problems.append(Diagnostic("rule-not-exported", message, severity, hint=hint))
    return list(found.values())


def _is_writable(
    rule: FortisiemRule, writer: Callable[[Sequence[FortisiemRule]], str], problems: list[Diagnostic]
) -> bool:
    try:
        writer([rule])
    except DogwatchError as error:
        problems += error.diagnostics
        return False
    return True


def _refuse_input(output: Path, where: Sequence[str], loaded: RuleSet) -> None:
    """Refuse to write over a file that rules are read from."""
    if not output.exists():
        return
    target = output.resolve()
    places = [each.place for each in (*loaded.rules, *loaded.errors) if each.place is not None]
    inputs = [*(Path(each) for each in where), *(Path(place.file) for place in places)]
    # A file in a folder of rules is one of them, whatever it holds.
    if any(each.exists() and (each.samefile(output) or target.is_relative_to(each.resolve())) for each in inputs):
        raise DogwatchError(
            Diagnostic(
                "output",
                f"{output} is one of the inputs and was left as it is",
                hint="choose another file with --output",
            )
        )


def _put(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        message = f"cannot write {output}: {error.strerror or type(error).__name__}"
        raise DogwatchError(Diagnostic("output", message, hint="choose another file with --output")) from error
