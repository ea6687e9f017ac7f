"""What one field and one value of KQL or of a Lucene query string ask, by the field's type.

Elasticsearch builds these queries from the field's mapping: a term on keywords, words on analysed text,
parsed values on numbers, booleans, addresses and dates. Every leaf here answers true or false: an event
without the field answers false, and ``not`` is the complement.
"""

from __future__ import annotations

import enum
import ipaddress

from dogwatch.base.text import Fold
from dogwatch.base.time import SECOND, parse_date_math, parse_instant
from dogwatch.languages.kql.tokens import BLANKS
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import (
    NEVER,
    Compare,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Leaf,
    Like,
    Literal,
    Member,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Wild,
    WildcardPattern,
    Words,
    conjunction,
    disjunction,
)
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldRef, FieldType, Scalar

_LONGEST_INSTANT = 64
_WORD_CHARACTER = r"[\p{L}\p{N}_]"
_BETWEEN_WORDS = r"[^\p{L}\p{N}_]"
_DAY = 86400 * SECOND
_UNIT_BY_DIGITS = {0: _DAY, 2: 3600 * SECOND, 4: 60 * SECOND, 6: SECOND}
"""How much time a time of day leaves open, by the number of digits that it has."""

_KINDS = {
    FieldType.LONG: "a number",
    FieldType.DOUBLE: "a number",
    FieldType.BOOLEAN: "`true` or `false`",
    FieldType.DATE: "a date",
    FieldType.IP: "an address or a CIDR block",
}


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


def match_leaf(ref: FieldRef, value: Text, now: int | None) -> Predicate:
    """``field: value``.

    Args:
        ref: The field.
        value: The value as written.
        now: What ``now`` means in date math, in nanoseconds, if it may be used.

    Raises:
        UnfitValueError: The value does not fit the field's type.
    """
    field = Field(ref)
    if value.is_star and not value.quoted:
        return Exists(field)
    if not value.quoted and value.pieces == ("null",):
        raise UnfitValueError(
            Unfit.TYPE,
            "Elasticsearch refuses to search for null",
            "write `not field: *` for a missing value, or put the word in double quotes",
        )
    if value.has_wildcard and ref.type not in (FieldType.KEYWORD, FieldType.TEXT, FieldType.VERSION):
        raise UnfitValueError(Unfit.TYPE, f"`{ref.path}` holds {_KINDS[ref.type]}, and wildcards match text only")
    match ref.type:
        case FieldType.TEXT:
            return _words(field, value)
        case FieldType.KEYWORD | FieldType.VERSION if value.has_wildcard:
            return IsTrue(Like(field, (_pattern(value),)))
        case FieldType.IP if "/" in value.literal:
            return IsTrue(InNetwork(field, (_network(ref, value.literal),)))
        case FieldType.DATE:
            # Kibana makes a range of it, whose upper end is the end of the unit that was written last. Of several
            # dates in one event, one may meet the lower end and another the upper.
            return conjunction([_bound(field, op, value.literal, now) for op in (Order.GE, Order.LE)])
        case _:
            return IsTrue(Compare(Order.EQ, field, _literal(ref, value.literal)))


def range_leaf(ref: FieldRef, op: Order, value: Text, now: int | None) -> Predicate:
    """``field < value`` and its sisters; arguments and errors as for ``match_leaf``."""
    field = Field(ref)
    if value.has_wildcard:
        raise UnfitValueError(
            Unfit.UNSUPPORTED, "a range cannot end in a wildcard", "escape the star if it is meant literally"
        )
    match ref.type:
        case FieldType.TEXT:
            raise UnfitValueError(
                Unfit.UNSUPPORTED,
                f"`{ref.path}` is analysed text, and a range over its words is not supported",
            )
        case FieldType.DATE:
            return _bound(field, op, value.literal, now)
        case _:
            return IsTrue(Compare(op, field, _literal(ref, value.literal)))


def any_of(parts: list[Predicate]) -> Predicate:
    """Any of the parts, where equalities and wildcards over one text field become one leaf each."""
    texts: dict[Field, list[Scalar]] = {}
    patterns: dict[Field, list[WildcardPattern]] = {}
    rest: list[Predicate] = []
    for part in parts:
        match part:
            case IsTrue(part=Compare(op=Order.EQ, left=Field() as field, right=Literal(value=str() as value))):
                texts.setdefault(field, []).append(value)
            case IsTrue(part=Like(operand=Field() as field, patterns=several)):
                patterns.setdefault(field, []).extend(several)
            case _:
                rest.append(part)
    equalities = [_equality(field, list(dict.fromkeys(values))) for field, values in texts.items()]
    likes: list[Predicate] = [
        IsTrue(Like(field, tuple(dict.fromkeys(several)))) for field, several in patterns.items()
    ]
    return disjunction([*equalities, *likes, *rest])


def _equality(field: Field, values: list[Scalar]) -> Predicate:
    if len(values) == 1:
        return IsTrue(Compare(Order.EQ, field, Literal(values[0], field.ref.type)))
    return IsTrue(Member(field, frozenset(values)))


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


def _bound(field: Field, op: Order, text: str, now: int | None) -> Predicate:
    if now is None and text.startswith("now"):
        raise UnfitValueError(Unfit.UNSUPPORTED, "date math needs to be told what `now` means, and nobody has")
    instant = _instant(text, now or 0, round_up=op in (Order.LE, Order.GT))
    if instant is None:
        raise _misfit(field.ref, text)
    return IsTrue(Compare(op, field, Literal(instant, FieldType.DATE)))


def _instant(text: str, now: int, *, round_up: bool) -> int | None:
    """The instant that a date stands for at one end of a range.

    Where rounding up, a time that stops early is the last nanosecond that it could mean; a date that
    stops early still means its first day, as in Elasticsearch.
    """
    if len(text) > _LONGEST_INSTANT:
        return None
    if text.startswith("now") or "||" in text:
        return parse_date_math(text, now, round_up=round_up)
    start = parse_instant(text)
    if start is None:
        millis = coerce(text, FieldType.DATE)
        return millis if isinstance(millis, int) else None
    return start + _left_open(text) - 1 if round_up else start


def _left_open(text: str) -> int:
    time = text.strip().replace(" ", "T", 1).partition("T")[2]
    for zone_mark in "Zz+-U":
        time = time.partition(zone_mark)[0]
    if "." in time or "," in time:
        return 1
    return _UNIT_BY_DIGITS[sum(char.isdigit() for char in time)]


def _network(ref: FieldRef, text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise _misfit(ref, text) from error


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
        words = _analysed(value.literal)
        return IsTrue(Words(field, words, phrase=value.quoted and len(words) > 1)) if words else NEVER
    plain: list[str] = []
    expressions: list[str] = []
    for chunk in _chunks(value):
        if any(isinstance(piece, Wild) for piece in chunk):
            expression = _word_expression(chunk)
            expressions += [expression] if expression else []
        else:
            plain += _analysed("".join(map(str, chunk)))
    leaves: list[Leaf] = [Words(field, tuple(dict.fromkeys(plain)))] if plain else []
    if expressions:
        leaves.append(Regex(field, tuple(dict.fromkeys(expressions)), RegexDialect.PERL, Fold.UNICODE))
    return disjunction([IsTrue(leaf) for leaf in leaves])


def _analysed(text: str) -> tuple[str, ...]:
    spaced = "".join(char if char.isalnum() or char == "_" else " " for char in text)
    return tuple(spaced.lower().split())


def _chunks(value: Text) -> list[list[str | Wild]]:
    chunks: list[list[str | Wild]] = [[]]
    for piece in value.pieces:
        if isinstance(piece, Wild):
            chunks[-1].append(piece)
            continue
        first, *others = _split(piece)
        chunks[-1] += [first] if first else []
        chunks += [[other] if other else [] for other in others]
    return [chunk for chunk in chunks if chunk]


def _split(text: str) -> list[str]:
    return text.translate(dict.fromkeys(map(ord, BLANKS), " ")).split(" ")


def _word_expression(chunk: list[str | Wild]) -> str | None:
    """A regular expression for one word with wildcards, or ``None`` when no word can match.

    A wildcard query is not split into words, so one that holds a hyphen matches no word at all.
    """
    literals = [piece for piece in chunk if isinstance(piece, str)]
    if not all(char.isalnum() or char == "_" for piece in literals for char in piece):
        return None
    if not literals:
        return _WORD_CHARACTER
    body = "".join(piece.lower() if isinstance(piece, str) else f"{_WORD_CHARACTER}*" for piece in chunk)
    return f"(?:^|{_BETWEEN_WORDS}){body}(?:{_BETWEEN_WORDS}|$)"


def _misfit(ref: FieldRef, text: str) -> UnfitValueError:
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    return UnfitValueError(
        Unfit.TYPE, f"`{ref.path}` holds {_KINDS.get(ref.type, 'text')}, which `{shown}` is not"
    )
