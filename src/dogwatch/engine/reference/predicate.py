"""A predicate's answer for one document, worked out the plain way: every leaf asked about every value."""

from __future__ import annotations

import ipaddress
import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from dogwatch.base.text import Fold, places_of
from dogwatch.base.words import words_of
from dogwatch.engine.ordering import sort_key
from dogwatch.engine.reference.functions import call
from dogwatch.engine.reference.value import Value
from dogwatch.engine.regex.compiled import compile_regex
from dogwatch.engine.words import holds_words
from dogwatch.events.document import field_values
from dogwatch.logic.keytext import key_text
from dogwatch.logic.predicate import (
    And,
    AnyWord,
    Between,
    Call,
    Compare,
    Constant,
    Contains,
    Exists,
    Expression,
    Field,
    InNetwork,
    IsTrue,
    Leaf,
    Like,
    Listed,
    Literal,
    Mapped,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Regex,
    Truth,
    Wild,
    WildcardPattern,
    Within,
    Words,
    fields_of,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

ValuesOf = Callable[[FieldRef], Sequence[Scalar]]
"""From a field to a document's values of it, empty when it is missing."""

Asking = Mapping[Field, Scalar | None]
"""One value for each field of a leaf, null for a field that has none."""

ListTest = Callable[[str, Scalar], bool]
"""Whether a value is on the watch list of a name, at the time of the event that is asked about."""

_OPERATORS: dict[Order, Callable[[Any, Any], Any]] = {
    Order.EQ: operator.eq,
    Order.LT: operator.lt,
    Order.LE: operator.le,
    Order.GT: operator.gt,
    Order.GE: operator.ge,
}


def evaluate(predicate: Predicate, values: ValuesOf, lists: ListTest | None = None) -> bool | None:
    """The answer for the document whose values are given; ``None`` is unknown.

    Args:
        predicate: The question.
        values: The document's values.
        lists: What is on watch lists; ``None`` is nothing.

    Raises:
        DogwatchError: A regular expression of the predicate is not supported.
    """
    match predicate:
        case Constant(value=value):
            return value
        case And(parts=parts):
            return _all(evaluate(part, values, lists) for part in parts)
        case Or(parts=parts):
            return _negate(_all(_negate(evaluate(part, values, lists)) for part in parts))
        case Not(part=part):
            return _negate(evaluate(part, values, lists))
        case IsTrue(part=part):
            return evaluate(part, values, lists) is True
        case Exists(field=field):
            return bool(_present(field, values))
        case _:
            return _ask(predicate, values, lists)


def compare_values(op: Order, left: Value, right: Value, kind: FieldType = FieldType.KEYWORD) -> bool | None:
    """``left op right`` as values of type ``kind``; unknown if either is null or has no place in the order."""
    if left is None or right is None:
        return None
    if op is Order.EQ:
        return left == right
    if isinstance(left, str) and isinstance(right, str):
        return _in_order(op, sort_key(left, kind), sort_key(right, kind))
    return None if isinstance(left, str) or isinstance(right, str) else _in_order(op, left, right)


def compute(expression: Expression, asking: Asking) -> Value:
    """The value of an expression, given one value for each of its fields."""
    match expression:
        case Field():
            return asking[expression]
        case Literal(value=value):
            return value
        case Call(function=function, args=args, fold=fold):
            return call(function, [compute(arg, asking) for arg in args], fold)
        case Mapped():
            return _looked_up(expression, [compute(arg, asking) for arg in expression.args])


MAX_ASKINGS = 10_000
"""Combinations of values that a leaf over several mentions of fields looks at in one event: lists multiply, and
their lengths are the attacker's choice."""


def answer(leaf: Leaf, asking: Asking, lists: ListTest | None = None) -> bool | None:
    """A leaf's answer about one value for each of its fields."""
    match leaf:
        case Exists(field=field):
            return asking[field] is not None
        case Compare(op=op, left=left, right=right, fold=fold):
            return compare_values(
                op,
                _folded(compute(left, asking), fold),
                _folded(compute(right, asking), fold),
                compared_type(leaf),
            )
        case Between(ends=ends):
            return _all(answer(end, asking) for end in ends)
        case Truth(call=node):
            truth = compute(node, asking)
            return truth if isinstance(truth, bool) else None
    value = compute(leaf.operand, asking)
    if value is None:
        return None
    match leaf:
        case Member(values=members, fold=fold):
            return _folded(value, fold) in members
        case Like(patterns=patterns, fold=fold):
            return isinstance(value, str) and any(_matches(fold.apply(value), pattern) for pattern in patterns)
        case Contains(text=text, fold=fold, at_word_start=at_word_start):
            return isinstance(value, str) and _contains(fold.apply(value), text, at_word_start=at_word_start)
        case Regex(patterns=patterns, dialect=dialect, fold=fold):
            return isinstance(value, str) and compile_regex(patterns, dialect, fold).matches(value)
        case InNetwork(networks=networks):
            return isinstance(value, str) and any(_lies_in(value, network) for network in networks)
        case Words(words=words, phrase=phrase):
            return isinstance(value, str) and holds_words(value, words, phrase=phrase)
        case AnyWord(predicate=inner):
            return isinstance(value, str) and any(_holds_for_word(inner, word, lists) for word in words_of(value))
        case Within(operand=field, predicate=inner):
            return isinstance(value, str) and evaluate(inner, _values_within(field.ref.path, value), lists) is True
        case Listed(list=name, fold=fold):
            return lists is not None and lists(name, fold.apply(value) if isinstance(value, str) else value)


def _holds_for_word(predicate: Predicate, word: str, lists: ListTest | None) -> bool:
    return evaluate(predicate, lambda _: (word,), lists) is True


def _looked_up(node: Mapped, values: Sequence[Value]) -> Value:
    keys: list[str] = []
    for value in values:
        if value is None:
            break
        keys.append(key_text(value))
    if len(keys) < len(values) and not node.nested:
        return None
    shortest = 0 if node.nested else len(keys)
    for length in range(len(keys), shortest - 1, -1):
        found = node.values.get(tuple(keys[:length]))
        if found is not None:
            return found
    return node.otherwise


def _values_within(path: str, text: str) -> ValuesOf:
    """The values of fields in one object of the field ``path``, given as JSON text."""
    document = {path: json.loads(text)}
    return lambda ref: field_values(document, ref)


def compared_type(leaf: Compare) -> FieldType:
    """The type that orders a comparison's texts: that of a field, a table's column or a literal in it."""
    sides = (leaf.left, leaf.right)
    fields = [side.ref.type for side in sides if isinstance(side, Field)]
    columns = [side.type for side in sides if isinstance(side, Mapped)]
    literals = [side.type for side in sides if isinstance(side, Literal)]
    return next(iter(fields + columns + literals), FieldType.KEYWORD)


def _ask(leaf: Leaf, values: ValuesOf, lists: ListTest | None) -> bool | None:
    fields = list(dict.fromkeys(fields_of(leaf)))
    # Only a function that takes null has an answer for a field without values.
    choices: list[list[Scalar | None]] = [[*_present(field, values)] or [None] for field in fields]
    askings = islice(product(*choices), MAX_ASKINGS)
    known = False
    for combination in askings:
        found = answer(leaf, dict(zip(fields, combination, strict=True)), lists)
        if found:
            return True
        known = known or found is not None
    return False if known else None


def _present(field: Field, values: ValuesOf) -> list[Scalar]:
    return [value for value in values(field.ref) if not (field.blank_is_missing and value == "")]


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def _negate(found: bool | None) -> bool | None:
    return None if found is None else not found


def _folded(value: Value, fold: Fold) -> Value:
    return fold.apply(value) if isinstance(value, str) else value


def _in_order(op: Order, left: object, right: object) -> bool | None:
    if left is None or right is None:
        return None
    found: bool = _OPERATORS[op](left, right)
    return found


def _matches(text: str, pattern: WildcardPattern) -> bool:
    # Sets of places in the pattern, as the bits of a number: bit i is the place before its i-th character.
    # Following all ways through the pattern at once takes one step for each character of the text.
    length = stars = ones = 0
    own: dict[str, int] = {}
    for symbol in _symbols(pattern):
        here = 1 << length
        if symbol is Wild.ANY:
            stars |= here
            # A star is no place of its own: one stays where it is.
            continue
        if symbol is Wild.ONE:
            ones |= here
        else:
            own[symbol] = own.get(symbol, 0) | here
        length += 1
    reached = 1
    for char in text:
        reached = (reached & (own.get(char, 0) | ones)) << 1 | reached & stars
        if not reached:
            return False
    return bool(reached >> length & 1)


def _symbols(pattern: WildcardPattern) -> Iterator[str | Wild]:
    for piece in pattern.pieces:
        if isinstance(piece, Wild):
            yield piece
        else:
            yield from piece


def _contains(text: str, part: str, *, at_word_start: bool) -> bool:
    if not at_word_start:
        return part in text
    return any(start == 0 or not text[start - 1].isalnum() for start in places_of(part, text))


def _lies_in(text: str, network: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
        block = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
    if address.version == block.version:
        return address in block
    # IPv4 addresses also lie in the IPv6 blocks that cover the mapped range, and mapped ones in IPv4 blocks.
    if isinstance(address, ipaddress.IPv4Address):
        return ipaddress.IPv6Address(f"::ffff:{address}") in block
    return address.ipv4_mapped is not None and address.ipv4_mapped in block
