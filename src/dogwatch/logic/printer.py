"""A pattern as indented text, in the form's own words: what the engine is asked, for people to read and compare.

One condition a line; ``all of``, ``any of`` and their negations open blocks. The text depends on the pattern
alone, so that two plans can be compared line by line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dogwatch.base.text import printable
from dogwatch.base.time import format_duration
from dogwatch.logic.pattern import (
    OWN_CLOCK,
    Absence,
    AggregateAnd,
    AggregateCompare,
    AggregateOr,
    AggregatePattern,
    Clock,
    CompositePattern,
    Constraint,
    End,
    EventPattern,
    Limit,
    Pattern,
    SamplePattern,
    SequencePattern,
    Stage,
    columns_of,
    predicates_of,
)
from dogwatch.logic.predicate import And, AnyWord, Constant, Exists, IsTrue, Not, Or, Predicate, Within, fields_of
from dogwatch.logic.relation import Fixed, JoinCompare, Part, PartValue, Related, Relation, RelationTree
from dogwatch.logic.wording import Name, aggregated, constant, inner_title, leaf_text
from dogwatch.schema.field import FieldRef, FieldType

_INDENT = "  "
_WIDTH = 100
"""Columns from which on a list of values takes a line for each."""

_ALL, _ANY, _IS_TRUE = "all of", "any of", "is true"
_NEGATED = {_ALL: f"not {_ALL}", _ANY: "none of"}
_BLOCKS = frozenset({*_NEGATED.values(), "not", _IS_TRUE})
_RELATIONS = {
    Relation.AND: "both, in any order",
    Relation.OR: "either",
    Relation.AND_NOT: "the first without the second",
    Relation.FOLLOWED_BY: "the first followed by the second",
    Relation.NOT_FOLLOWED_BY: "the first not followed by the second",
}
_CONSTANTS = {True: "always", False: "never", None: "unknown"}
_OPEN_MARK = " (or unknown)"
_OPEN_NOTE = "(or unknown): can be neither true nor false where a field is absent, and then so is `not` of it"

Lines = Iterator[str]


def describe(pattern: Pattern, limits: Iterable[Limit] = (), clock: Clock = OWN_CLOCK) -> str:
    """The pattern in words.

    Fields are listed with their types at the end. All text of the rule is made safe to print.

    Args:
        pattern: What to look for.
        limits: The query's pipes.
        clock: What orders the events.

    Returns:
        Lines without a final line end. The same pattern gives the same text.

    Examples:
        >>> from dogwatch.logic.predicate import ALWAYS
        >>> print(describe(EventPattern(ALWAYS), [Limit(End.HEAD, 10)]))
        each event
          always
        keep the first 10
    """
    refs = columns_of(pattern) | clock.fields
    name = _namer(refs)
    lines = [*_pattern(pattern, name)]
    if clock != OWN_CLOCK:
        own = ("@timestamp", "the event's own order")
        given = (clock.timestamp, clock.tiebreaker)
        parts = [name(ref) if ref else usual for ref, usual in zip(given, own, strict=True)]
        lines.append(f"in the order of {', then '.join(parts)}")
    lines += [f"keep the {'first' if limit.end is End.HEAD else 'last'} {limit.count}" for limit in limits]
    if any(line.endswith(_OPEN_MARK) for line in lines):
        lines.append(_OPEN_NOTE)
    if refs:
        lines += ["fields", *_indented(_field_lines(refs, pattern))]
    return "\n".join(lines)


def _namer(refs: Iterable[FieldRef]) -> Name:
    """Fields by their paths; those that are read in two ways by path and type."""
    read = Counter(ref.path for ref in refs)

    def name(ref: FieldRef) -> str:
        path = printable(ref.path)
        return f"{path} as {ref.type.value}" if read[ref.path] > 1 else path

    return name


def _pattern(pattern: Pattern, name: Name) -> Lines:
    match pattern:
        case EventPattern(predicate=predicate):
            yield "each event"
            yield from _indented(_predicate(predicate, name))
        case SequencePattern(stages=stages, maxspan=maxspan, until=until, absences=absences):
            yield "sequence" + (f" within {format_duration(maxspan)}" if maxspan is not None else "")
            for number in range(len(stages) + 1):
                for absence in absences:
                    if absence.after == number:
                        yield from _indented(_stage(_absent(absence), absence.stage, name))
                for stage in stages[number : number + 1]:
                    yield from _indented(_stage(f"{number + 1}.", stage, name))
            if until is not None:
                yield from _indented(_stage("until", until, name))
        case SamplePattern(stages=stages):
            yield "sample, in any order"
            for number, stage in enumerate(stages, 1):
                yield from _indented(_stage(f"{number}.", stage, name))
        case AggregatePattern():
            yield f"groups {printable(pattern.name)} within {format_duration(pattern.window)}"
            yield from _indented(_aggregate(pattern, name))
        case CompositePattern():
            yield f"groups in relation within {format_duration(pattern.window)}"
            yield from _indented(_composite(pattern, name))


def _absent(absence: Absence) -> str:
    return "no event" if absence.runs == 1 else f"no event ({absence.runs} places)"


def _stage(title: str, stage: Stage, name: Name) -> Lines:
    keys = [f"{name(key.field.ref)}{' (may be absent)' if key.optional else ''}" for key in stage.keys]
    yield f"{title} by {', '.join(keys)}" if keys else title
    yield from _indented(_predicate(stage.predicate, name))


def _aggregate(pattern: AggregatePattern, name: Name) -> Lines:
    if pattern.group_by:
        absent = "an absent value is one too" if pattern.keep_null_groups else "not of events without a value"
        yield f"by {', '.join(name(field.ref) for field in pattern.group_by)} ({absent})"
    yield "of events"
    yield from _indented(_predicate(pattern.predicate, name))
    if pattern.residual is not None:
        yield "and, when its turn has come, each event"
        yield from _indented(_predicate(pattern.residual, name))
    yield "in which"
    groups = [name(field.ref) for field in pattern.group_by]
    yield from _indented(_constraint(pattern.constraint, name, groups))
    if pattern.shown:
        yield "telling"
        yield from _indented(aggregated(expression, name, groups) for _, expression in pattern.shown)


def _constraint(node: Constraint, name: Name, groups: Sequence[str]) -> Lines:
    match node:
        case AggregateAnd(parts=parts) | AggregateOr(parts=parts):
            yield _ALL if isinstance(node, AggregateAnd) else _ANY
            for part in parts:
                yield from _indented(_constraint(part, name, groups))
        case AggregateCompare(op=op, left=left, right=right, negated=negated):
            compared = f"{aggregated(left, name, groups)} {op.value} {aggregated(right, name, groups)}"
            yield f"not {compared}" if negated else compared


def _composite(pattern: CompositePattern, name: Name) -> Lines:
    names = [printable(part.name) for part in pattern.parts]
    yield from _relation(pattern.relation, names)
    if pattern.joins:
        yield "joined where"
        yield from _indented(_join(join, pattern.parts, name) for join in pattern.joins)
    for part, title in zip(pattern.parts, names, strict=True):
        yield f"groups {title}"
        yield from _indented(_aggregate(part, name))


def _relation(tree: RelationTree, names: Sequence[str]) -> Lines:
    match tree:
        case Part(number=number):
            yield names[number]
        case Related(relation=relation, left=left, right=right):
            yield _RELATIONS[relation]
            yield from _indented(_relation(left, names))
            yield from _indented(_relation(right, names))


def _join(join: JoinCompare, parts: Sequence[AggregatePattern], name: Name) -> str:
    compared = f"{_joined(join.left, parts, name)} {join.op.value} {_joined(join.right, parts, name)}"
    return f"not {compared}" if join.negated else compared


def _joined(side: PartValue | Fixed, parts: Sequence[AggregatePattern], name: Name) -> str:
    match side:
        case Fixed(value=value):
            return constant(value, FieldType.KEYWORD)
        case PartValue(part=number, source=int() as place):
            return f"{printable(parts[number].name)}.{name(parts[number].group_by[place].ref)}"
        case PartValue(part=number, source=str() as text):
            return f"{printable(parts[number].name)}.{printable(text)}"
        case _:
            raise TypeError(f"{type(side).__name__} is no side of a join")


def _predicate(node: Predicate, name: Name, *, settled: bool = False) -> Lines:
    """The lines of a predicate; ``settled`` says that an unknown answer counts as false here."""
    match node:
        case Constant(value=value):
            yield _CONSTANTS[value]
        case And(parts=parts) | Or(parts=parts):
            yield _ALL if isinstance(node, And) else _ANY
            for part in parts:
                yield from _indented(_predicate(part, name))
        case Not(part=part):
            yield from _negated(_predicate(part, name))
        case IsTrue(part=And() | Or() | Not() | IsTrue() as part):
            yield _IS_TRUE
            yield from _indented(_predicate(part, name))
        case IsTrue(part=part):
            yield from _predicate(part, name, settled=True)
        case Within() | AnyWord():
            inner = _word if isinstance(node, AnyWord) else name
            yield f"{inner_title(node, name)} satisfies{'' if settled else _OPEN_MARK}"
            yield from _indented(_predicate(node.predicate, inner, settled=isinstance(node, AnyWord)))
        case _:
            before, alternatives, after = leaf_text(node, name)
            mark = "" if settled or isinstance(node, Exists) else _OPEN_MARK
            yield from _leaf(before, alternatives, after + mark)


def _word(_: FieldRef) -> str:
    return "the word"


def _leaf(before: str, alternatives: list[str], after: str) -> Lines:
    match alternatives:
        case []:
            yield f"{before}{after}"
        case [only]:
            yield f"{before} {only}{after}"
        case _ if len(line := f"{before} ({', '.join(alternatives)}){after}") <= _WIDTH:
            yield line
        case _:
            yield f"{before}{after}"
            yield from _indented(alternatives)


def _negated(lines: Lines) -> Lines:
    """A block or a leaf made into its opposite, without a level more where there is a word for it."""
    first, *others = lines
    if first in _BLOCKS:
        yield "not"
        yield from _indented([first, *others])
    else:
        yield _NEGATED.get(first, f"not {first}")
        yield from others


def _field_lines(refs: Iterable[FieldRef], pattern: Pattern) -> Lines:
    blank = {
        field.ref
        for predicate in predicates_of(pattern)
        for field in fields_of(predicate)
        if field.blank_is_missing
    }
    ordered = sorted(refs)
    width = max(len(printable(ref.path)) for ref in ordered)
    for ref in ordered:
        details = [ref.type.value]
        details += [f"formats {', '.join(map(printable, ref.formats))}"] if ref.formats else []
        details += [f"null is {constant(ref.null_value, ref.type)}"] if ref.null_value is not None else []
        details += ["blank is absent"] if ref in blank else []
        yield f"{printable(ref.path):{width}}  {', '.join(details)}"


def _indented(lines: Iterable[str]) -> Lines:
    for line in lines:
        yield _INDENT + line
