"""From a FortiSIEM rule's clauses to patterns: what it looks for, and what clears its incidents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Severity, Steps
from dogwatch.languages.fortisiem.lower import SubpatternText, lower_clause
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import Resources
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.rules.clearing import check_clear, clearing_pattern
from dogwatch.rules.fortisiem_model import AttributeMapping, PatternClause
from dogwatch.rules.model import FortisiemRule

_Text = tuple[str, Place | None, Steps | None]
"""A text, where it begins, and where it goes on after escapes; ``None`` if the place is only near the text."""


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
        DogwatchError: The language's diagnostics, placed in the rule's file as far as that is known.
    """
    return _lowered(rule.clause, rule.incident.mapping, "IncidentDef", type_of, resources, options)


def lower_clearing(
    rule: FortisiemRule, *, type_of: TypeOf, resources: Resources, options: FortisiemOptions
) -> Lowered | None:
    """What clears a rule's incidents, if a pattern does; arguments and errors as for ``lower_detection``."""
    clear = clearing_pattern(rule)
    if clear is None:
        return None
    text = (clear.constraint, clear.constraint_place, clear.constraint_steps)
    problems = list(_placed(check_clear(rule), [text], clear.clause.place))
    errors = [each for each in problems if each.severity is Severity.ERROR]
    try:
        lowered = _lowered(clear.clause, clear.mapping, "ClearIncidentDef", type_of, resources, options)
    except DogwatchError as error:
        raise DogwatchError((*error.diagnostics, *errors)) from error
    if errors:
        raise DogwatchError(errors)
    return Lowered(lowered.pattern, (*lowered.notes, *problems))


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
    told = list(_texts(clause, mapped))
    try:
        lowered = lower_clause(
            texts,
            operators,
            clause.global_constraint,
            clause.window,
            type_of=type_of,
            resources=resources,
            options=options,
        )
    except DogwatchError as error:
        raise DogwatchError(_placed(error.diagnostics, told, clause.place)) from error
    notes = (*lowered.notes, *_mapping_notes(clause, mapped, element))
    return Lowered(lowered.pattern, tuple(_placed(notes, told, clause.place)))


def _texts(clause: PatternClause, mapping: Iterable[AttributeMapping]) -> Iterator[_Text]:
    """Every text of a clause that is in FortiSIEM's language."""
    for each in clause.subpatterns:
        yield each.filter, each.filter_place, each.filter_steps
        yield each.aggregate, each.aggregate_place, each.aggregate_steps
        # Rules that no file holds have no places.
        for name, place in zip(each.group_by, each.group_places, strict=False):
            yield name, place, ()
    yield clause.global_constraint, clause.constraint_place, clause.constraint_steps
    for entry in mapping:
        yield entry.source, entry.place, None


def _placed(
    problems: Iterable[Diagnostic], texts: Sequence[_Text], otherwise: Place | None
) -> Iterator[Diagnostic]:
    """The problems, each where the text stands that it is about, or else where the clause begins.

    Of the same problems, the first is that of the first text that reads so, the second that of the second.
    """
    told: Counter[Diagnostic] = Counter()
    # A clause may have texts by the thousand, and as many problems.
    begins_of: defaultdict[str, list[tuple[Place, Steps | None]]] = defaultdict(list)
    for text, place, steps in texts:
        if place is not None:
            begins_of[text].append((place, steps))
    for each in problems:
        begins = [] if each.source is None else begins_of.get(each.source, [])
        if begins:
            place, steps = begins[min(told[each], len(begins) - 1)]
            told[each] += 1
            yield replace(each, place=place) if steps is None else each.at(place, steps)
        else:
            yield each if each.place is not None else replace(each, place=otherwise)


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
            each.place,
            hint=f"add `{each.source}` to its `GroupByAttr`, or map an aggregate such as `LAST({each.source})`",
        )
