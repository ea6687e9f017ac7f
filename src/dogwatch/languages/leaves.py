"""What one field and one value of KQL or of a Lucene query string ask, by the field's type.

Elasticsearch builds these queries from the field's mapping: a term on keywords, words on analysed text,
parsed values on numbers, booleans, addresses and dates. Every leaf here answers true or false: an event
without the field answers false, and ``not`` is the complement.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from itertools import chain

from dogwatch.base.text import Fold
from dogwatch.base.words import lowered, may_be_in_word, words_of
from dogwatch.languages.cidr import block_of
from dogwatch.languages.date import instant_of, needs_now
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import (
    MAX_WILDCARD,
    NEVER,
    AnyWord,
    Between,
    Compare,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Like,
    Literal,
    Member,
    Or,
    Order,
    Predicate,
    Wild,
    WildcardPattern,
    Words,
    disjunction,
)
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldRef, FieldType

_AS_BLANK = str.maketrans(dict.fromkeys("\t\n\r\u3000", " "))
"""What a query string is split at."""

_KINDS = {
    FieldType.LONG: "a number",
    FieldType.DOUBLE: "a number",
    FieldType.BOOLEAN: "`true` or `false`",
    FieldType.DATE: "a date",
    FieldType.IP: "an address or a CIDR block",
    FieldType.OBJECT: "objects",
}
_FORMS = {FieldType.DATE: 'write a date such as "2024-03-01T10:15:00Z", or date math such as `now-1d/d`'}


class Unfit(enum.Enum):
    """What is wrong with a value."""

    TYPE = "type"
    """Elasticsearch would refuse it for a field of that type."""
    UNSUPPORTED = "unsupported"
    """It cannot be asked about here."""


class UnfitValueError(Exception):
    """A value that cannot be asked about.

    Args:
        reason: What is wrong.
        message: The diagnostic's message.
        hint: Its hint.
    """

    def __init__(self, reason: Unfit, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.hint = hint


def match_leaf(ref: FieldRef, value: Text, now: int | None, *, split: bool = False) -> Predicate:
    """``field: value``.

    Args:
        ref: The field.
        value: The value as written.
        now: What ``now`` means in date math, in nanoseconds, if it may be used.
        split: Whether a wildcard over a keyword is split at its blanks, as a query string is, so that each part
            is a value of its own and any of them will do; else it applies to the whole value.

    Raises:
        UnfitValueError: The value does not fit the field's type.
    """
    field = Field(ref)
    if value.is_star and not value.quoted:
        return Exists(field)
    refuse_null(value)
    if value.has_wildcard and value.length > MAX_WILDCARD:
        raise UnfitValueError(
            Unfit.UNSUPPORTED,
            f"a wildcard pattern has more than {MAX_WILDCARD:,} characters",
            "ask for parts of the text, each by itself",
        )
    if value.has_wildcard and ref.type not in (FieldType.KEYWORD, FieldType.TEXT, FieldType.VERSION):
        raise UnfitValueError(Unfit.TYPE, f"`{ref.path}` holds {_KINDS[ref.type]}, and wildcards match text only")
    match ref.type:
        case FieldType.TEXT:
            return _words(field, value)
        case FieldType.KEYWORD | FieldType.VERSION if value.has_wildcard:
            clauses = _clauses(value) if split else [value]
            return any_of([_whole(field, clause) for clause in clauses])
        case FieldType.IP if "/" in value.literal:
            return IsTrue(InNetwork(field, (_network(ref, value.literal),)))
        case FieldType.DATE:
            # Kibana makes a range of it, whose upper end is the end of the unit that was written last.
            return between_leaf(ref, value, value, now)
        case FieldType.KEYWORD:
            return _equality(field, [value.literal])
        case _:
            return IsTrue(Compare(Order.EQ, field, _literal(ref, value.literal)))


def range_leaf(ref: FieldRef, op: Order, value: Text, now: int | None) -> Predicate:
    """``field < value`` and its sisters; arguments and errors as for ``match_leaf``.

    A range over analysed text is one over its words, and its end is taken as it is written.
    """
    end = _end(ref, op, value, now)
    if ref.type is FieldType.TEXT:
        return IsTrue(AnyWord(Field(ref), Compare(op, _word_of(ref), end)))
    return IsTrue(Compare(op, Field(ref), end, _fold_of(ref)))


def between_leaf(
    ref: FieldRef, low: Text, high: Text, now: int | None, *, with_low: bool = True, with_high: bool = True
) -> Predicate:
    """Whether one value lies between two ends; other arguments and errors as for ``match_leaf``.

    Args:
        ref: The field.
        low: The lower end.
        high: The upper end.
        now: What ``now`` means.
        with_low: Whether the lower end is inside.
        with_high: Whether the upper end is inside.
    """
    least = _end(ref, Order.GE if with_low else Order.GT, low, now)
    most = _end(ref, Order.LE if with_high else Order.LT, high, now)
    if ref.type is FieldType.TEXT:
        return IsTrue(AnyWord(Field(ref), Between(_word_of(ref), least, most, with_low, with_high)))
    return IsTrue(Between(Field(ref), least, most, with_low, with_high, _fold_of(ref)))


def any_of(parts: list[Predicate]) -> Predicate:
    """Any of the parts, where equalities and wildcards over one text field become one leaf each."""
    texts: dict[Field, list[str]] = {}
    patterns: dict[Field, list[WildcardPattern]] = {}
    rest: list[Predicate] = []
    for part in chain.from_iterable(each.parts if isinstance(each, Or) else (each,) for each in parts):
        match part:
            case IsTrue(
                part=Compare(op=Order.EQ, left=Field() as field, right=Literal(value=str() as value), fold=fold)
            ) if fold is _fold_of(field.ref):
                texts.setdefault(field, []).append(value)
            case IsTrue(part=Like(operand=Field() as field, patterns=several, fold=fold)) if fold is _fold_of(
                field.ref
            ):
                patterns.setdefault(field, []).extend(several)
            case _:
                rest.append(part)
    equalities = [_equality(field, list(dict.fromkeys(values))) for field, values in texts.items()]
    likes: list[Predicate] = [
        IsTrue(Like(field, tuple(dict.fromkeys(several)), _fold_of(field.ref)))
        for field, several in patterns.items()
    ]
    return disjunction([*equalities, *likes, *rest])


def _equality(field: Field, values: Sequence[str]) -> Predicate:
    fold = _fold_of(field.ref)
    members = frozenset(map(fold.apply, values))
    if len(members) == 1:
        return IsTrue(Compare(Order.EQ, field, Literal(next(iter(members)), field.ref.type), fold))
    return IsTrue(Member(field, members, fold))


def _fold_of(ref: FieldRef) -> Fold:
    """How letter case counts: not at all in the multi-fields that Elastic's agent maps for that."""
    is_caseless = ref.type is FieldType.KEYWORD and ref.path.endswith(".caseless")
    return Fold.UNICODE if is_caseless else Fold.NONE


def _literal(ref: FieldRef, text: str) -> Literal:
    if ref.type.is_number:
        return _number(ref, text)
    value = coerce(text, ref.type)
    if isinstance(value, Missing) or (ref.type is FieldType.BOOLEAN and not text):
        raise _misfit(ref, text)
    return Literal(value, ref.type)


def _number(ref: FieldRef, text: str) -> Literal:
    value = coerce(text, FieldType.DOUBLE)
    if not isinstance(value, float):
        raise _misfit(ref, text)
    whole = coerce(text, FieldType.LONG)
    # A long compared with 1.5 or with 1e300 keeps the fraction and the size: neither equals any long.
    if ref.type is FieldType.LONG and isinstance(whole, int) and float(whole) == value:
        return Literal(whole, FieldType.LONG)
    return Literal(value, FieldType.DOUBLE)


def refuse_null(value: Text) -> None:
    """Raise ``UnfitValueError`` if the value is KQL's literal null."""
    if not value.quoted and value.pieces == ("null",):
        raise UnfitValueError(
            Unfit.TYPE,
            "Elasticsearch refuses to search for null",
            "write `not field: *` for a missing value, or put the word in double quotes",
        )


def _end(ref: FieldRef, op: Order, value: Text, now: int | None) -> Literal:
    """One end of a range."""
    refuse_null(value)
    if value.has_wildcard:
        raise UnfitValueError(
            Unfit.UNSUPPORTED, "a range cannot end in a wildcard", "escape the star if it is meant literally"
        )
    text = value.literal
    match ref.type:
        case FieldType.DATE:
            return Literal(_instant(ref, op, text, now), FieldType.DATE)
        case FieldType.IP if "/" in text:
            raise UnfitValueError(
                Unfit.TYPE, "a range of addresses ends in an address, not in a block", "write `field: block`"
            )
        case FieldType.TEXT:
            return Literal(text, FieldType.KEYWORD)
        case _:
            return _literal(ref, text)


def _instant(ref: FieldRef, op: Order, text: str, now: int | None) -> int:
    if now is None and needs_now(text):
        raise UnfitValueError(Unfit.UNSUPPORTED, "date math needs to be told what `now` means, and nobody has")
    instant = instant_of(text, now or 0, round_up=op in (Order.LE, Order.GT))
    if instant is None:
        raise _misfit(ref, text)
    return instant


def _network(ref: FieldRef, text: str) -> str:
    network = block_of(text)
    if network is None:
        raise _misfit(ref, text)
    return network


def _whole(field: Field, value: Text) -> Predicate:
    """A value, with or without wildcards, that is matched as a whole."""
    if value.is_star:
        return Exists(field)
    if value.has_wildcard:
        fold = _fold_of(field.ref)
        return IsTrue(Like(field, (_mapped(_pattern(value), fold.apply),), fold))
    return _equality(field, [value.literal])


def _pattern(value: Text) -> WildcardPattern:
    pieces: list[str | Wild] = []
    for piece in value.pieces:
        if piece is not Wild.ANY or pieces[-1:] != [Wild.ANY]:
            pieces.append(piece)
    return WildcardPattern(tuple(pieces))


def _words(field: Field, value: Text) -> Predicate:
    """A match on analysed text: a phrase if quoted, else any of the words, each with its own wildcards.

    The query string that Kibana builds is split at blanks before it is analysed, so ``*a b*`` asks for a
    word that ends in ``a`` or one that begins with ``b``.
    """
    if not value.has_wildcard:
        words = tuple(words_of(value.literal))
        if not value.quoted:
            words = tuple(dict.fromkeys(words))
        return IsTrue(Words(field, words, phrase=value.quoted and len(words) > 1)) if words else NEVER
    plain: list[str] = []
    patterns: list[WildcardPattern] = []
    found: list[Predicate] = []
    for clause in _clauses(value):
        if clause.is_star:
            found.append(Exists(field))
        elif clause.has_wildcard:
            patterns += [_pattern(clause)] if _may_be_word(clause) else []
        else:
            plain += words_of(clause.literal)
    if plain:
        found.append(IsTrue(Words(field, tuple(dict.fromkeys(plain)))))
    if patterns:
        lower = tuple(dict.fromkeys(_mapped(pattern, lowered) for pattern in patterns))
        found.append(IsTrue(AnyWord(field, Like(_word_of(field.ref), lower))))
    return disjunction(found)


def _word_of(ref: FieldRef) -> Field:
    return Field(FieldRef(ref.path, FieldType.KEYWORD))


def _mapped(pattern: WildcardPattern, change: Callable[[str], str]) -> WildcardPattern:
    return WildcardPattern(tuple(change(piece) if isinstance(piece, str) else piece for piece in pattern.pieces))


def _may_be_word(clause: Text) -> bool:
    """Whether a word can match; a pattern is not split into words, so one that holds a hyphen matches none."""
    return all(may_be_in_word(char) for piece in clause.pieces if isinstance(piece, str) for char in piece)


def _clauses(value: Text) -> list[Text]:
    """The parts of a query string: each with its wildcards, or adjacent words without any as one."""
    chunks: list[list[str | Wild]] = [[]]
    for piece in value.pieces:
        if isinstance(piece, Wild):
            chunks[-1].append(piece)
            continue
        first, *others = piece.translate(_AS_BLANK).split(" ")
        chunks[-1] += [first] if first else []
        chunks += [[other] if other else [] for other in others]
    clauses: list[Text] = []
    plain: list[str] = []
    for chunk in chunks:
        text = Text(tuple(chunk))
        if text.has_wildcard:
            clauses += [*_together(plain), text]
            plain = []
        elif chunk:
            plain.append(text.literal)
    return [*clauses, *_together(plain)]


def _together(words: list[str]) -> list[Text]:
    return [Text((" ".join(words),))] if words else []


def _misfit(ref: FieldRef, text: str) -> UnfitValueError:
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    return UnfitValueError(
        Unfit.TYPE,
        f"`{ref.path}` holds {_KINDS.get(ref.type, 'text')}, which `{shown}` is not",
        _FORMS.get(ref.type),
    )
