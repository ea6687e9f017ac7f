"""Lists, wildcards and regular expressions in EQL: a value among several, a text like a pattern.

Every function here gives a three-valued predicate; the caller decides where null becomes false. What cannot be
matched is noted as an error, and the leaf is then unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from dogwatch.base.diagnostic import Span
from dogwatch.base.text import Fold
from dogwatch.languages.eql.compare import either_way, equals, fail, mismatch, same_kind
from dogwatch.languages.eql.kleene import UNKNOWN, either
from dogwatch.languages.eql.literal import literal_for
from dogwatch.languages.eql.operand import (
    TEXTS,
    Analysis,
    Answer,
    Choice,
    Column,
    Computed,
    Constant,
    Operand,
    describe,
    expression_of,
    has_fields,
    is_null,
)
from dogwatch.logic import predicate as logic
from dogwatch.logic.predicate import (
    MAX_WILDCARD,
    NEVER,
    Compare,
    Exists,
    Expression,
    Like,
    Literal,
    Member,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Wild,
    WildcardPattern,
)
from dogwatch.schema.field import FieldType, Scalar

_REGEX_CHARACTERS = {
    RegexDialect.LUCENE: frozenset('.?+*|{}[]()"\\#@&<>~'),
    RegexDialect.JAVA: frozenset(".?+*|{}[]()^$\\"),
}
_WILDCARDS = {"*": Wild.ANY, "?": Wild.ONE}


def member(
    analysis: Analysis, operand: Operand, values: Sequence[Operand], *, insensitive: bool, span: Span
) -> Predicate:
    """``operand in (values)``; a null among the values equals nothing, and a list of nulls is null itself.

    Of a constant it is, as any constant, three-valued: ``3 in (1, null)`` is null.
    """
    changing = next((value for value in values if has_fields(value)), None)
    if changing is not None:
        return fail(analysis, changing.span, f"the values of `in` are constants, not {describe(changing)}")
    if insensitive:
        strange = next((value for value in (operand, *values) if not _can_be_text(value)), None)
        if strange is not None:
            return fail(analysis, strange.span, f"`in~` compares text, not {describe(strange)}", "write `in`")
    if isinstance(operand, Choice):
        return either_way(
            operand, lambda branch: member(analysis, branch, values, insensitive=insensitive, span=span)
        )
    wanted = [value for value in values if not is_null(value)]
    if is_null(operand) or not wanted:
        return UNKNOWN
    if isinstance(operand, Constant) and len(wanted) < len(values):
        answer = member(analysis, operand, wanted, insensitive=insensitive, span=span)
        return either([answer, UNKNOWN])
    plain = [value for value in wanted if isinstance(value, Constant)]
    is_date = isinstance(operand, Column) and operand.type is FieldType.DATE
    if isinstance(operand, Column | Computed) and len(plain) == len(wanted) and not is_date:
        scalars = _scalars(analysis, operand, plain)
        return UNKNOWN if scalars is None else _one_of(*scalars, _fold(operand, insensitive=insensitive))
    if insensitive:
        texts = [(value, _text(value)) for value in (operand, *wanted)]
        left, *rights = (expression for _, expression in texts if expression is not None)
        return either([Compare(Order.EQ, left, right, Fold.UNICODE) for right in rights])
    return either([equals(analysis, operand, value, span) for value in wanted])


def wildcard(
    analysis: Analysis, name: str, operand: Operand, patterns: Sequence[Constant], *, insensitive: bool
) -> Predicate:
    """``operand like (patterns)``, and ``:``: whole texts with ``*`` and ``?``, which have no escape."""
    texts = _pattern_texts(analysis, name, operand, patterns)
    if texts is None or _too_long(analysis, patterns):
        return UNKNOWN
    if isinstance(operand, Choice):
        return either_way(
            operand, lambda branch: wildcard(analysis, name, branch, patterns, insensitive=insensitive)
        )
    expression = _text(operand)
    if expression is None:
        return UNKNOWN
    fold = _fold(operand, insensitive=insensitive)
    split = dict.fromkeys(wildcard_pieces(fold.apply(text)) for text in texts)
    if isinstance(expression, logic.Field) and any(pattern.pieces == (Wild.ANY,) for pattern in split):
        return Exists(expression)
    plain = [text for text in texts if not any(star in text for star in _WILDCARDS)]
    wild = tuple(pattern for pattern in split if any(isinstance(piece, Wild) for piece in pattern.pieces))
    parts: list[Predicate] = [_one_of(expression, plain, fold)] if plain else []
    if wild:
        parts.append(Like(expression, wild, fold))
    return either(parts)


def regex(
    analysis: Analysis, name: str, operand: Operand, patterns: Sequence[Constant], *, insensitive: bool
) -> Predicate:
    """``operand regex (patterns)``: regular expressions over the whole text, Lucene's for a field.

    A computed text is matched by a script, and there they are Java's.
    """
    texts = _pattern_texts(analysis, name, operand, patterns)
    if texts is None:
        return UNKNOWN
    if isinstance(operand, Choice):
        return either_way(operand, lambda branch: regex(analysis, name, branch, patterns, insensitive=insensitive))
    expression = _text(operand)
    if expression is None:
        return UNKNOWN
    fold = _fold(operand, insensitive=insensitive)
    dialect = RegexDialect.LUCENE if isinstance(operand, Column) else RegexDialect.JAVA
    special = _REGEX_CHARACTERS[dialect]
    plain = [text for text in texts if special.isdisjoint(text)]
    rest = tuple(dict.fromkeys(text for text in texts if not special.isdisjoint(text)))
    parts: list[Predicate] = [_one_of(expression, plain, fold)] if plain else []
    if rest:
        parts.append(Regex(expression, rest, dialect, fold))
    return either(parts)


def wildcard_pieces(text: str) -> WildcardPattern:
    """A pattern in EQL's notation as literal pieces and wildcards; a run of stars is one."""
    pieces: list[str | Wild] = []
    start = 0
    for index, char in enumerate(text):
        wild = _WILDCARDS.get(char)
        if wild is None:
            continue
        if index > start:
            pieces.append(text[start:index])
        if not (wild is Wild.ANY and pieces and pieces[-1] is Wild.ANY):
            pieces.append(wild)
        start = index + 1
    if start < len(text):
        pieces.append(text[start:])
    return WildcardPattern(tuple(pieces))


def _scalars(
    analysis: Analysis, operand: Column | Computed, values: Sequence[Constant]
) -> tuple[Expression, list[Scalar]] | None:
    """The operand as an expression and the values as its type holds them; ``None`` after errors."""
    scalars: list[Scalar] = []
    failed = False
    known = operand
    if isinstance(operand, Column) and operand.type is None and values:
        known = Column(operand.path, values[0].type, operand.optional, operand.span)
    for value in values:
        if isinstance(known, Column):
            literal = literal_for(analysis, known, value)
            scalar = None if literal is None else literal.value
        elif same_kind(known, value):
            scalar = value.value
        else:
            mismatch(analysis, known, value, value.span)
            scalar = None
        failed = failed or scalar is None
        if scalar is not None:
            scalars.append(scalar)
    return None if failed else (expression_of(known, FieldType.KEYWORD), scalars)


def _one_of(expression: Expression, values: Sequence[Scalar], fold: Fold) -> Predicate:
    folded = [fold.apply(value) if isinstance(value, str) else value for value in values]
    distinct = frozenset(folded)
    if not distinct:
        return NEVER
    if len(distinct) > 1:
        return Member(expression, distinct, fold)
    return Compare(Order.EQ, expression, _literal(expression, folded[0]), fold)


def _literal(expression: Expression, value: Scalar) -> Literal:
    if isinstance(value, float):
        return Literal(value, FieldType.DOUBLE)
    if isinstance(expression, logic.Field):
        kind = expression.ref.type
        return Literal(value, FieldType.KEYWORD if kind is FieldType.TEXT else kind)
    match value:
        case bool():
            return Literal(value, FieldType.BOOLEAN)
        case int():
            return Literal(value, FieldType.LONG)
        case _:
            return Literal(value, FieldType.KEYWORD)


def _fold(operand: Operand, *, insensitive: bool) -> Fold:
    """How letter case is ignored: Lucene folds A-Z in an index, the JVM folds all letters of a computed text."""
    if not insensitive:
        return Fold.NONE
    return Fold.ASCII if isinstance(operand, Column) else Fold.UNICODE


def _can_be_text(operand: Operand) -> bool:
    match operand:
        case Constant(type=kind) | Column(type=kind) | Computed(type=kind):
            return kind is None or kind in TEXTS
        case Choice(when_true=value):
            return _can_be_text(value)
        case Answer():
            return False


def _text(operand: Operand) -> Expression | None:
    """A text operand as an expression; ``None`` for null."""
    if is_null(operand) or not isinstance(operand, Constant | Column | Computed):
        return None
    return expression_of(operand, FieldType.KEYWORD)


def _pattern_texts(
    analysis: Analysis, name: str, operand: Operand, patterns: Sequence[Constant]
) -> list[str] | None:
    """The patterns' texts, if the operand and all patterns are text; else errors are noted."""
    failed = False
    if not _can_be_text(operand):
        failed = True
        hint = "compare with `==` or `in`"
        if isinstance(operand, Column) and operand.type is FieldType.IP:
            hint = f'ask with `cidrMatch({operand.path}, "10.0.0.0/8")`, or compare with `==` or `in`'
        analysis.fail(operand.span, f"`{name}` matches text, not {describe(operand)}", hint)
    texts: list[str] = []
    for pattern in patterns:
        if isinstance(pattern.value, str):
            texts.append(pattern.value)
        else:
            failed = True
            analysis.fail(
                pattern.span, f"`{name}` matches text against text, not {describe(pattern)}", "use `==` or `in`"
            )
    return None if failed else texts


def _too_long(analysis: Analysis, patterns: Sequence[Constant]) -> bool:
    """Whether a pattern is longer than is matched; errors are noted."""
    found = [
        pattern
        for pattern in patterns
        if isinstance(pattern.value, str)
        and len(pattern.value) > MAX_WILDCARD
        and any(star in pattern.value for star in _WILDCARDS)
    ]
    for pattern in found:
        message = f"a wildcard pattern has more than {MAX_WILDCARD:,} characters"
        analysis.fail(pattern.span, message, "ask for parts of the text, each by itself", code="pattern-too-long")
    return bool(found)
