"""Leaves and expressions of the form in words, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dogwatch.base.text import Fold, printable
from dogwatch.base.time import format_instant
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateExpression,
    Arithmetic,
    Baseline,
    Number,
    Text,
    Threshold,
)
from dogwatch.logic.predicate import (
    AnyWord,
    Between,
    Call,
    Compare,
    Contains,
    Exists,
    Expression,
    Field,
    InNetwork,
    Like,
    Listed,
    Literal,
    Mapped,
    Member,
    Order,
    Regex,
    Truth,
    Wild,
    WildcardPattern,
    Within,
    Words,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

Name = Callable[[FieldRef], str]
"""How a field is called."""

PlainLeaf = Exists | Compare | Between | Member | Like | Contains | Regex | InNetwork | Words | Truth | Listed

_FOLDS = {Fold.NONE: "", Fold.ASCII: ", ignoring ASCII case", Fold.UNICODE: ", ignoring case"}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
_PATTERN_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "*": "\\*", "?": "\\?"})


def quoted(text: str) -> str:
    r"""Text in double quotes, everything that a terminal could obey made visible.

    Examples:
        >>> print(quoted('say "hi"'))
        "say \"hi\""
    """
    return f'"{printable(text.translate(_ESCAPES))}"'


def pattern_text(pattern: WildcardPattern) -> str:
    r"""A wildcard pattern in double quotes: ``*`` and ``?`` are wildcards, ``\*`` and ``\?`` characters."""
    pieces = (
        piece.value if isinstance(piece, Wild) else printable(piece.translate(_PATTERN_ESCAPES))
        for piece in pattern.pieces
    )
    return f'"{"".join(pieces)}"'


def constant(value: Scalar | None, kind: FieldType) -> str:
    """A constant of a type: text in quotes, dates as ISO 8601."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case int() if kind is FieldType.DATE:
            return format_instant(value)
        case _:
            return str(value)


def expression(node: Expression, name: Name) -> str:
    """A field's name, a constant, a call with its arguments, or a table's column with what is looked up."""
    match node:
        case Field(ref=ref):
            return name(ref)
        case Literal(value=value, type=kind):
            return constant(value, kind)
        case Call(function=function, args=args, fold=fold):
            return f"{function}({', '.join(expression(arg, name) for arg in args)}{_FOLDS[fold]})"
        case Mapped(args=args, table=table, column=column, type=kind, otherwise=otherwise):
            looked_up = ", ".join(expression(arg, name) for arg in args)
            found = f"{printable(table)}.{printable(column)}[{looked_up}]"
            return found if otherwise is None else f"({found} or else {constant(otherwise, kind)})"


def leaf_text(leaf: PlainLeaf, name: Name) -> tuple[str, list[str], str]:
    """A leaf in words.

    Args:
        leaf: Any leaf but those with a predicate inside.
        name: How fields are called.

    Returns:
        What comes before its list of alternatives, the list (empty if it has none), and what comes after.
    """
    match leaf:
        case Exists(field=field):
            return f"{name(field.ref)} exists", [], ""
        case Compare(op=op, left=left, right=right, fold=fold):
            return f"{expression(left, name)} {op.value} {expression(right, name)}{_FOLDS[fold]}", [], ""
        case Between(operand=field, low=low, high=high, with_low=with_low, with_high=with_high, fold=fold):
            least, most = ((Order.LE if inside else Order.LT).value for inside in (with_low, with_high))
            ends = f"{expression(low, name)} {least} {name(field.ref)} {most} {expression(high, name)}"
            return f"{ends}{_FOLDS[fold]}", [], ""
        case Member(operand=operand, values=values, fold=fold):
            return f"{expression(operand, name)} in", _members(values, operand), _FOLDS[fold]
        case Like(operand=operand, patterns=patterns, fold=fold):
            return f"{expression(operand, name)} like", [pattern_text(each) for each in patterns], _FOLDS[fold]
        case Regex(operand=operand, patterns=patterns, dialect=dialect, fold=fold):
            shown = [quoted(each) for each in patterns]
            return f"{expression(operand, name)} matches {dialect.value} regex", shown, _FOLDS[fold]
        case Contains(operand=operand, text=text, fold=fold, at_word_start=at_word_start):
            where = " where a word begins" if at_word_start else ""
            return f"{expression(operand, name)} contains {quoted(text)}{where}{_FOLDS[fold]}", [], ""
        case InNetwork(operand=operand, networks=networks):
            return f"{expression(operand, name)} in network", [printable(each) for each in networks], ""
        case Words(operand=field, words=words, phrase=True):
            return f"{name(field.ref)} has the phrase {quoted(' '.join(words))}", [], ""
        case Words(operand=field, words=words):
            return f"{name(field.ref)} has the word", [quoted(each) for each in words], ""
        case Truth(call=call):
            return expression(call, name), [], ""
        case Listed(operand=field, list=watch_list, fold=fold):
            return f"{name(field.ref)} on the watch list {quoted(watch_list)}{_FOLDS[fold]}", [], ""


def aggregated(node: AggregateExpression, name: Name, groups: Sequence[str]) -> str:
    """An expression over a group in words; ``groups`` are the names of its grouping fields."""
    match node:
        case Number(value=value):
            return str(value)
        case Text(value=text):
            return f"{quoted(text)}{_FOLDS[Fold.UNICODE]}"
        case Aggregate(function=function, field=field, percent=percent):
            of = "*" if field is None else name(field.ref)
            return f"{function.value}({of})" if percent is None else f"{function.value}({of}, {percent:g})"
        case Threshold(device=None, name=limit):
            return f"limit {quoted(limit)} of all devices"
        case Threshold(device=int() as device, component=None, name=limit):
            return f"limit {quoted(limit)} of {groups[device]}"
        case Threshold(device=int() as device, component=int() as component, name=limit):
            return f"limit {quoted(limit)} of {groups[device]} and {groups[component]}"
        case Baseline(statistic=statistic, of=of, profile=profile):
            return f"{statistic.value}({aggregated(of, name, groups)} in profile {profile})"
        case Arithmetic(op=op, left=left, right=right):
            return f"({aggregated(left, name, groups)} {op} {aggregated(right, name, groups)})"
        case _:
            raise TypeError(f"{type(node).__name__} is no expression over a group")


def inner_title(leaf: Within | AnyWord, name: Name) -> str:
    """What a predicate inside a leaf is asked of."""
    match leaf:
        case Within(operand=field):
            return f"one of the objects of {name(field.ref)}"
        case AnyWord(operand=field):
            return f"a word of {name(field.ref)}"


def _members(values: Iterable[Scalar], operand: Expression) -> list[str]:
    match operand:
        case Field(ref=ref):
            kind = ref.type
        case Mapped(type=kind):
            pass
        case _:
            kind = FieldType.KEYWORD
    return [constant(value, kind) for value in sorted(values, key=_rank)]


def _rank(value: Scalar) -> tuple[str, float, str]:
    """An order for values of any types: numbers by size, texts by character."""
    if isinstance(value, str):
        return "text", 0.0, value
    return type(value).__name__, float(value), ""
