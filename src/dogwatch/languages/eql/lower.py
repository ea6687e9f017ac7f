"""From an EQL query's syntax tree to the engine's pattern, with Elasticsearch's meaning.

Elasticsearch runs a filter as a Lucene query: each leaf is true or not, and ``not`` is the complement. So a leaf
is wrapped in ``IsTrue`` here, with the negation outside. Only where a condition is used as a value
(``null == (a > 1)``) does its null show.
"""

from __future__ import annotations

from collections.abc import Sequence

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.languages.eql import arithmetic, ast, compare, functions, match
from dogwatch.languages.eql.kleene import both, complete, either, negate, settle
from dogwatch.languages.eql.operand import Analysis, Answer, Column, Constant, Operand, Suggest, describe
from dogwatch.languages.eql.parser import duration_nanos
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.logic import predicate as logic
from dogwatch.logic.pattern import EventPattern, JoinKey, Pattern, SequencePattern, Stage
from dogwatch.logic.predicate import ALWAYS, Compare, Field, Literal, Order, Predicate
from dogwatch.schema.field import FieldRef, FieldType

EVENT_CATEGORY = "event.category"
"""The field that the category before ``where`` is compared with, unless a rule says otherwise."""

TIMESTAMP = "@timestamp"
"""The only timestamp field that sequences are ordered by in this build."""

_ORDERS = {
    ast.Comparator.LT: Order.LT,
    ast.Comparator.LE: Order.LE,
    ast.Comparator.GT: Order.GT,
    ast.Comparator.GE: Order.GE,
}
_CONDITIONS = (ast.Or, ast.And, ast.Not, ast.Comparison, ast.Membership, ast.Match)


def lower(
    query: ast.Query,
    *,
    type_of: TypeOf,
    event_category_field: str = EVENT_CATEGORY,
    timestamp_field: str = TIMESTAMP,
    suggest: Suggest | None = None,
) -> Lowered:
    """The pattern that a query looks for.

    Args:
        query: The syntax tree.
        type_of: The schema: types of the fields. One that it does not know takes the type of what it is compared
            with, and is mentioned in a warning ``unknown-field`` unless the query marks it optional.
        event_category_field: The field that holds the event's category.
        timestamp_field: The field that events are ordered by; only ``@timestamp``.
        suggest: From an unknown field's path to a hint.

    Raises:
        DogwatchError: All problems together: ``eql-verification`` for what Elasticsearch would refuse,
            ``eql-unsupported`` for what this build does not run yet.
    """
    analysis = Analysis(query.text, type_of, suggest)
    pattern: Pattern
    match query.body:
        case ast.EventFilter():
            pattern = EventPattern(_filter(analysis, query.body, event_category_field))
        case ast.Sequence():
            pattern = _sequence(analysis, query.body, event_category_field)
        case ast.Sample(span=span, terms=terms, keys=keys):
            # Lowered as a sequence for the sake of its errors alone.
            pattern = _sequence(analysis, ast.Sequence(terms, keys), event_category_field)
            analysis.fail(span, "this build does not run samples yet", code="eql-unsupported")
    for pipe in query.pipes:
        _check_pipe(analysis, pipe)
    if timestamp_field != TIMESTAMP:
        analysis.fail(query.body.span, f"this build orders events by `{TIMESTAMP}` only", code="eql-unsupported")
    if analysis.errors:
        raise DogwatchError(sorted(analysis.errors, key=lambda error: error.span.start if error.span else 0))
    return Lowered(pattern, tuple(analysis.notes))


def condition(analysis: Analysis, node: ast.Expression) -> Predicate:
    """An expression as a filter: true or false for every event, never unknown."""
    return complete(_condition(analysis, node, exact=False))


def _filter(analysis: Analysis, node: ast.EventFilter, category_field: str) -> Predicate:
    category: Predicate = ALWAYS
    if node.category is not None:
        ref = FieldRef(category_field, analysis.type_of(category_field) or FieldType.KEYWORD)
        category = settle(Compare(Order.EQ, Field(ref), Literal(node.category, FieldType.KEYWORD)))
    return both([category, condition(analysis, node.condition)])


def _sequence(analysis: Analysis, node: ast.Sequence, category_field: str) -> SequencePattern:
    terms = [*node.terms, *([node.until] if node.until else [])]
    keys = _join_keys(analysis, node, terms)
    stages: list[Stage] = []
    for term, own in zip(terms, keys, strict=True):
        if term.missing:
            analysis.fail(term.span, "this build does not run missing events `![...]` yet", code="eql-unsupported")
        stages += [Stage(_filter(analysis, term.filter, category_field), own)] * term.runs
    until = stages.pop() if node.until else None
    maxspan = duration_nanos(node.maxspan) if node.maxspan else None
    return SequencePattern(tuple(stages), maxspan, until)


def _join_keys(analysis: Analysis, node: ast.Sequence, terms: Sequence[ast.Term]) -> list[tuple[JoinKey, ...]]:
    """Each term's key: the sequence's fields, then its own. Fields at one position have one type."""
    common = [analysis.column(key.path, key.span, optional=key.optional) for key in node.keys]
    rows = [
        [*common, *(analysis.column(key.path, key.span, optional=key.optional) for key in term.keys)]
        for term in terms
    ]
    for term, row in zip(terms, rows, strict=True):
        if len(row) != len(rows[0]):
            analysis.fail(
                term.span,
                f"this event has {_fields(len(row))}, the first one has {_fields(len(rows[0]))}",
                "all events of a sequence are joined by the same number of fields",
            )
            return [() for _ in terms]
    types = [_key_type(analysis, position) for position in zip(*rows, strict=True)]
    return [
        tuple(
            JoinKey(Field(FieldRef(column.path, column.type or kind)), column.optional)
            for column, kind in zip(row, types, strict=True)
        )
        for row in rows
    ]


def _fields(count: int) -> str:
    return "1 join field" if count == 1 else f"{count or 'no'} join fields"


def _key_type(analysis: Analysis, columns: Sequence[Column]) -> FieldType:
    """The type of an unknown field in this position; fields of types that are never equal are an error."""
    known = [column for column in columns if column.type is not None]
    for column in known[1:]:
        if _family(column.type) != _family(known[0].type):
            analysis.fail(
                column.span,
                f"the join fields {describe(known[0])} and {describe(column)} are never equal",
            )
            break
    return (known[0].type if known else None) or FieldType.KEYWORD


def _family(kind: FieldType | None) -> FieldType | None:
    if kind is FieldType.LONG:
        return FieldType.DOUBLE
    return FieldType.KEYWORD if kind is FieldType.TEXT else kind


def _check_pipe(analysis: Analysis, pipe: ast.Pipe) -> None:
    if pipe.name not in ("head", "tail"):
        analysis.fail(
            pipe.span, f"Elasticsearch does not run the pipe `{pipe.name}`", "the pipes are `head` and `tail`"
        )
        return
    match pipe.args:
        case (ast.Integer(),):
            analysis.fail(
                pipe.span,
                f"this build does not run the pipe `{pipe.name}` yet",
                "without it all matches are returned, in order of time",
                code="eql-unsupported",
            )
        case _:
            analysis.fail(pipe.span, f"`{pipe.name}` takes one whole number", f"such as `| {pipe.name} 10`")


def _condition(analysis: Analysis, node: ast.Expression, *, exact: bool) -> Predicate:
    """The condition, three-valued if ``exact``; else each leaf is settled, and only constants may be null."""
    match node:
        case ast.Or(parts=parts):
            return either([_condition(analysis, part, exact=exact) for part in parts])
        case ast.And(parts=parts):
            return both([_condition(analysis, part, exact=exact) for part in parts])
        case ast.Not(operand=operand):
            return negate(_condition(analysis, operand, exact=exact))
        case ast.Comparison(operator=ast.Comparator.EQ | ast.Comparator.NE, left=left, right=right):
            leaf = compare.equals(analysis, _value(analysis, left), _value(analysis, right), node.span)
            return _negated(_leaf(leaf, exact=exact), negated=node.operator is ast.Comparator.NE)
        case ast.Comparison(operator=operator, left=left, right=right):
            sides = _value(analysis, left), _value(analysis, right)
            return _leaf(compare.compare(analysis, _ORDERS[operator], *sides, node.span), exact=exact)
        case ast.Membership(operand=operand, values=values, insensitive=insensitive, negated=negated):
            wanted = [_value(analysis, value) for value in values]
            leaf = match.member(
                analysis, _value(analysis, operand), wanted, insensitive=insensitive, span=node.span
            )
            return _negated(_leaf(leaf, exact=exact), negated=negated)
        case ast.Match(operator=operator, operand=operand, patterns=patterns):
            ask = match.regex if operator.is_regex else match.wildcard
            texts = [_constant(pattern) for pattern in patterns]
            leaf = ask(
                analysis, operator.value, _value(analysis, operand), texts, insensitive=operator.insensitive
            )
            return _leaf(leaf, exact=exact)
        case _:
            return _leaf(compare.truth(analysis, _value(analysis, node)), exact=exact)


def _leaf(predicate: Predicate, *, exact: bool) -> Predicate:
    # A constant null is kept until all constants are folded: `not null` is null, not true.
    return predicate if exact or isinstance(predicate, logic.Constant) else settle(predicate)


def _negated(predicate: Predicate, *, negated: bool) -> Predicate:
    return negate(predicate) if negated else predicate


def _value(analysis: Analysis, node: ast.Expression) -> Operand:
    match node:
        case ast.Field(path=path, optional=optional, span=span):
            return analysis.column(path, span, optional=optional)
        case ast.Call():
            return _call(analysis, node)
        case ast.Signed(operand=operand):
            return arithmetic.sign(analysis, node, _value(analysis, operand))
        case ast.Arithmetic(operator=operator, left=left, right=right):
            return arithmetic.combine(
                analysis, operator, _value(analysis, left), _value(analysis, right), node.span
            )
        case ast.Null() | ast.Boolean() | ast.Integer() | ast.Decimal() | ast.String():
            return _constant(node)
        case _:
            return _answer(_condition(analysis, node, exact=True), node)


def _answer(predicate: Predicate, node: ast.Expression) -> Operand:
    if isinstance(predicate, logic.Constant):
        return Constant(predicate.value, None if predicate.value is None else FieldType.BOOLEAN, node.span)
    return Answer(predicate, node.span)


def _constant(node: ast.Constant) -> Constant:
    match node:
        case ast.Null(span=span):
            return Constant(None, None, span)
        case ast.Boolean(value=truth, span=span):
            return Constant(truth, FieldType.BOOLEAN, span)
        case ast.Integer(value=whole, span=span):
            return Constant(whole, FieldType.LONG, span)
        case ast.Decimal(value=number, span=span):
            return Constant(number, FieldType.DOUBLE, span)
        case ast.String(value=text, span=span):
            return Constant(text, FieldType.KEYWORD, span)


def _call(analysis: Analysis, node: ast.Call) -> Operand:
    args = [_value(analysis, arg) for arg in node.args]
    function = functions.find_function(analysis, node)
    if function is None:
        return Constant(None, None, node.span)
    operator = arithmetic.OPERATORS.get(function.signature.name)
    if operator is not None:
        return arithmetic.combine(analysis, operator, args[0], args[1], node.span)
    if function is functions.WILDCARD:
        patterns = [arg for arg in args[1:] if isinstance(arg, Constant)]
        if len(patterns) != len(args) - 1:
            return analysis.refuse(node.span, "the patterns of `wildcard` are constants")
        name = f"{function.name}{'~' if node.insensitive else ''}"
        leaf = match.wildcard(analysis, name, args[0], patterns, insensitive=node.insensitive)
        return _answer(leaf, node)
    return functions.apply(analysis, function, node, args)
