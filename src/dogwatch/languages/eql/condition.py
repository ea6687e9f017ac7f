"""From an EQL expression to the engine's predicate, with Elasticsearch's meaning.

Elasticsearch runs a filter as a Lucene query: each leaf is true or not, and ``not`` is the complement. So a leaf
is wrapped in ``IsTrue`` here, with the negation outside. Only where a condition is used as a value
(``null == (a > 1)``) does its null show.
"""

from __future__ import annotations

from dogwatch.base.diagnostic import Span
from dogwatch.languages.eql import arithmetic, ast, compare, functions, match
from dogwatch.languages.eql.kleene import both, complete, either, settle
from dogwatch.languages.eql.operand import Analysis, Answer, Column, Constant, Operand
from dogwatch.logic import predicate as logic
from dogwatch.logic.predicate import ALWAYS, Order, Predicate, negation
from dogwatch.logic.rewrite import with_own_values
from dogwatch.schema.field import FieldType

_ORDERS = {
    ast.Comparator.LT: Order.LT,
    ast.Comparator.LE: Order.LE,
    ast.Comparator.GT: Order.GT,
    ast.Comparator.GE: Order.GE,
}


def condition(analysis: Analysis, node: ast.Expression) -> Predicate:
    """An expression as a filter: true or false for every event, never unknown."""
    return with_own_values(complete(_condition(analysis, node, exact=False)))


def event_filter(analysis: Analysis, node: ast.EventFilter, category_field: str) -> Predicate:
    """``category where condition`` as a filter; ``category_field`` holds the category."""
    category: Predicate = ALWAYS
    if node.category is not None:
        span = Span(node.span.start, node.span.start + 1)
        column = Column(category_field, analysis.type_of(category_field), optional=True, span=span)
        wanted = Constant(node.category, FieldType.KEYWORD, span)
        category = settle(compare.equals(analysis, column, wanted, span))
    return both([category, condition(analysis, node.condition)])


def _condition(analysis: Analysis, node: ast.Expression, *, exact: bool) -> Predicate:
    """The condition, three-valued if ``exact``; else each leaf is settled, and only constants may be null."""
    match node:
        case ast.Or(parts=parts):
            return either([_condition(analysis, part, exact=exact) for part in parts])
        case ast.And(parts=parts):
            return both([_condition(analysis, part, exact=exact) for part in parts])
        case ast.Not(operand=operand):
            return negation(_condition(analysis, operand, exact=exact))
        case ast.Comparison(operator=ast.Comparator.EQ | ast.Comparator.NE, left=left, right=right):
            unequal = node.operator is ast.Comparator.NE
            sides = value_of(analysis, left), value_of(analysis, right)
            asked = compare.truth_asked(*sides)
            if asked is not None:
                # `f(x) == false` is `not f(x)`, which is true of an event without x.
                leaf = compare.truth(analysis, asked.operand)
                return _negated(_leaf(leaf, exact=exact), negated=asked.wanted is unequal)
            return _negated(_leaf(compare.equals(analysis, *sides, node.span), exact=exact), negated=unequal)
        case ast.Comparison(operator=operator, left=left, right=right):
            sides = value_of(analysis, left), value_of(analysis, right)
            return _leaf(compare.compare(analysis, _ORDERS[operator], *sides, node.span), exact=exact)
        case ast.Membership(operand=operand, values=values, insensitive=insensitive, negated=negated):
            wanted = [value_of(analysis, value) for value in values]
            leaf = match.member(
                analysis, value_of(analysis, operand), wanted, insensitive=insensitive, span=node.span
            )
            return _negated(_leaf(leaf, exact=exact), negated=negated)
        case ast.Match(operator=operator, operand=operand, patterns=patterns):
            ask = match.regex if operator.is_regex else match.wildcard
            texts = [_constant(pattern) for pattern in patterns]
            leaf = ask(
                analysis, operator.value, value_of(analysis, operand), texts, insensitive=operator.insensitive
            )
            return _leaf(leaf, exact=exact)
        case _:
            return _leaf(compare.truth(analysis, value_of(analysis, node)), exact=exact)


def _leaf(predicate: Predicate, *, exact: bool) -> Predicate:
    # A constant null is kept until all constants are folded: `not null` is null, not true.
    return predicate if exact or isinstance(predicate, logic.Constant) else settle(predicate)


def _negated(predicate: Predicate, *, negated: bool) -> Predicate:
    return negation(predicate) if negated else predicate


def value_of(analysis: Analysis, node: ast.Expression) -> Operand:
    """An expression as a value: its constants folded, a condition in it three-valued."""
    match node:
        case ast.Field(path=path, optional=optional, span=span):
            return analysis.exact_column(path, span, optional=optional)
        case ast.Call():
            return _call(analysis, node)
        case ast.Signed(operand=operand):
            return arithmetic.sign(analysis, node, value_of(analysis, operand))
        case ast.Arithmetic(operator=operator, left=left, right=right):
            return arithmetic.combine(
                analysis, operator, value_of(analysis, left), value_of(analysis, right), node.span
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
    args = [value_of(analysis, arg) for arg in node.args]
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
