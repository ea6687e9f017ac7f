"""From a FortiSIEM rule's clauses to patterns: what it looks for, and what clears its incidents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Severity, Steps
from dogwatch.languages.fortisiem.lower import SubpatternText, lower_clause
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import Resources
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.rules.clearing import check_clear, clearing_pattern
from dogwatch.rules.fortisiem_model import AttributeMapping, PatternClause
from dogwatch.rules.model import FortisiemRule, Rule
from dogwatch.rules.resources import ResourceSet


def lower_detection(
    rule: FortisiemRule, *, type_of: TypeOf, resources: Resources, options: FortisiemOptions
) -> Lowered:
    """What a rule looks for.

    Args:
        rule: The rule.
        type_of: The schema of the events.
        resources: Groups, tables and lists that its texts refer to.
        options: How its texts are read where the vendor leaves room.

    Raises:
        DogwatchError: The language's diagnostics; those with a source speak of one of ``texts_of(rule)``.
    """
    return _lowered(rule.clause, rule.incident.mapping, "IncidentDef", type_of, resources, options)


def lower_clearing(
    rule: FortisiemRule, *, type_of: TypeOf, resources: Resources, options: FortisiemOptions
) -> Lowered | None:
    """What clears a rule's incidents, if a pattern does; arguments and errors as for ``lower_detection``."""
    clear = clearing_pattern(rule)
    if clear is None:
        return None
    problems = check_clear(rule)
    errors = [each for each in problems if each.severity is Severity.ERROR]
    try:
        lowered = _lowered(clear.clause, clear.mapping, "ClearIncidentDef", type_of, resources, options)
    except DogwatchError as error:
        raise DogwatchError((*error.diagnostics, *errors)) from error
    if errors:
        raise DogwatchError(errors)
    return Lowered(lowered.pattern, (*lowered.notes, *problems))


def texts_of(rule: FortisiemRule) -> Iterator[tuple[str, Place | None, Steps]]:
    """Every text of a rule that is in FortiSIEM's language, with where it begins and goes on after escapes."""
    clear = clearing_pattern(rule)
    for clause in (rule.clause, *([clear.clause] if clear else [])):
        for subpattern in clause.subpatterns:
            yield subpattern.filter, subpattern.filter_place, subpattern.filter_steps
            yield subpattern.aggregate, subpattern.aggregate_place, subpattern.aggregate_steps
        yield clause.global_constraint, clause.constraint_place, clause.constraint_steps
    if clear is not None:
        yield clear.constraint, clear.constraint_place, clear.constraint_steps


def with_filled_lists(resources: ResourceSet, rules: Iterable[Rule]) -> ResourceSet:
    """The resources and the watch lists that rules add to, which are empty at first if no file describes them."""
    additions = [each for rule in rules if isinstance(rule, FortisiemRule) for each in rule.watch_lists]
    return resources.with_watch_lists(name for addition in additions for name in addition.lists)


def is_aggregate(source: str) -> bool:
    """Whether what a mapping takes from a subpattern is an aggregate, and no attribute."""
    return "(" in source


def _lowered(
    clause: PatternClause,
    mapping: Iterable[AttributeMapping],
    element: str,
    type_of: TypeOf,
    resources: Resources,
    options: FortisiemOptions,
) -> Lowered:
    mapped = tuple(mapping)
    texts = []
    for each in clause.subpatterns:
        shown = dict.fromkeys(
            one.source for one in mapped if one.subpattern == each.name and is_aggregate(one.source)
        )
        texts.append(SubpatternText(each.name, each.filter, each.group_by, each.aggregate, tuple(shown)))
    operators = [(each.type, each.rank) for each in clause.operators]
    lowered = lower_clause(
        texts,
        operators,
        clause.global_constraint,
        clause.window,
        type_of=type_of,
        resources=resources,
        options=options,
    )
    return Lowered(lowered.pattern, (*lowered.notes, *_mapping_notes(clause, mapped, element)))


def _mapping_notes(
    clause: PatternClause, mapping: Iterable[AttributeMapping], element: str
) -> Iterator[Diagnostic]:
    grouped = {each.name: each.group_by for each in clause.subpatterns}
    for each in mapping:
        if is_aggregate(each.source) or each.source in grouped.get(each.subpattern, (each.source,)):
            continue
        yield Diagnostic(
            "fortisiem-mapping",
            f"`{element}` takes `{each.attribute}` from `{each.subpattern}.{each.source}`, by which that "
            "subpattern does not group; the attribute stays empty",
            Severity.WARNING,
            hint=f"add `{each.source}` to its `GroupByAttr`, or map an aggregate such as `LAST({each.source})`",
        )
