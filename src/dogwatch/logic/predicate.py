"""Predicates: questions about one event, answered true, false or unknown.

Meaning, the same for every evaluator:

* An operand is an expression over fields. A leaf asks its question once for every value of its field,
  and for the cartesian product of values when it names several fields, or one of them in several mentions
  (``Field.mention``); it is **true** if any of those answers is true, **unknown** if there was no value to
  ask about (or every answer was null) and none was true, else **false**. A field without values is asked
  about as null, to which only a function that takes null has an answer.
* ``And``, ``Or`` and ``Not`` are Kleene's three-valued connectives.
* ``IsTrue`` turns unknown into false. A dialect whose negation is the complement of a set of documents
  (EQL, KQL, Lucene) wraps each leaf in it; a dialect whose nulls spread (FortiSIEM) does not.
* An event satisfies a predicate if the answer is true.

Every node is immutable and hashable: equal leaves are one leaf to the engine.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dogwatch.base.text import Fold
from dogwatch.schema.field import FieldRef, FieldType, Scalar


@dataclass(frozen=True, slots=True)
class Field:
    """The values of a field, each in turn.

    Attributes:
        ref: Which column.
        blank_is_missing: An empty text counts as no value (FortiSIEM's parsers set no empty attributes).
        mention: Equal fields of a leaf stand for one value; those of other numbers each for a value of their own.
    """

    ref: FieldRef
    blank_is_missing: bool = False
    mention: int = 0


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; ``None`` is null. ``type`` says how it compares (dates are nanoseconds)."""

    value: Scalar | None
    type: FieldType


@dataclass(frozen=True, slots=True)
class Call:
    """A function of ``dogwatch.logic.functions`` applied to expressions; null spreads as the function says."""

    function: str
    args: tuple[Expression, ...]
    fold: Fold = Fold.NONE


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a table holds under some values: a lookup table's column, a limit of a device.

    The table is looked up by the texts of the arguments (``dogwatch.logic.keytext``). Where it holds nothing the
    value is ``otherwise``. An argument that is null makes the value null, unless ``nested``.

    The table may be large: the node's hash leaves it out, and comparing two nodes walks it only if they agree in
    all else and hold tables of their own. Nodes should share one.

    Attributes:
        args: What to look up, one for each key column.
        table: The table's name, to show.
        column: The name of the column whose values these are, to show.
        values: From key texts to values of type ``type``.
        type: The type of its values.
        otherwise: The value where the table holds none.
        nested: Keys may be shorter than ``args``: the longest that the table holds counts, and the empty one holds
            for all. A null argument ends the key before it.
    """

    args: tuple[Expression, ...]
    table: str
    column: str
    values: Mapping[tuple[str, ...], Scalar] = field(hash=False, repr=False)
    type: FieldType
    otherwise: Scalar | None = None
    nested: bool = False


Expression = Field | Literal | Call | Mapped


class Order(enum.Enum):
    """The comparisons that a leaf can make; their negations are ``Not`` of the other."""

    EQ = "=="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


class Wild(enum.Enum):
    """The two wildcards of a pattern."""

    ANY = "*"
    """Any run of characters, also none, also line ends."""
    ONE = "?"
    """Exactly one character."""


MAX_WILDCARD = 8192
"""Characters of the longest wildcard pattern, stars and question marks included."""


@dataclass(frozen=True, slots=True)
class WildcardPattern:
    """A pattern over a whole text: literal pieces and wildcards.

    Each dialect writes its own escapes; here a literal star is a ``str`` and a wildcard star is ``Wild.ANY``.
    """

    pieces: tuple[str | Wild, ...]


class RegexDialect(enum.Enum):
    """Which regular expression language a pattern is written in."""

    LUCENE = "lucene"
    """Lucene's: matches the whole text, has no anchors, has ``~ & <1-9> @ #`` and ``\\d \\s \\w``."""
    JAVA = "java"
    """The JVM's: matches the whole text; back-references and look-around are refused."""
    PERL = "perl"
    """Perl-like, searched anywhere in the text; back-references and look-around are refused."""


@dataclass(frozen=True, slots=True)
class Constant:
    """An answer that no event changes."""

    value: bool | None


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether the field has any value: true or false, never unknown."""

    field: Field


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right``. Both sides have the same kind of value (numbers may mix integer and floating point)."""

    op: Order
    left: Expression
    right: Expression
    fold: Fold = Fold.NONE


@dataclass(frozen=True, slots=True)
class Between:
    """Whether one and the same value lies between two ends, which two ``Compare`` would leave to two values.

    Values and ends are ordered as ``Compare`` orders them.

    Attributes:
        operand: The field.
        low: The lower end.
        high: The upper end.
        with_low: Whether the lower end is inside.
        with_high: Whether the upper end is inside.
        fold: How letter case counts.
    """

    operand: Field
    low: Literal
    high: Literal
    with_low: bool = True
    with_high: bool = True
    fold: Fold = Fold.NONE

    @property
    def ends(self) -> tuple[Compare, Compare]:
        """The two comparisons that one value must satisfy."""
        return (
            Compare(Order.GE if self.with_low else Order.GT, self.operand, self.low, self.fold),
            Compare(Order.LE if self.with_high else Order.LT, self.operand, self.high, self.fold),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """Whether the operand equals one of the values. The values are already folded by ``fold``."""

    operand: Expression
    values: frozenset[Scalar]
    fold: Fold = Fold.NONE


@dataclass(frozen=True, slots=True)
class Like:
    """Whether the operand's whole text matches one of the patterns. Pattern text is already folded."""

    operand: Expression
    patterns: tuple[WildcardPattern, ...]
    fold: Fold = Fold.NONE


@dataclass(frozen=True, slots=True)
class Contains:
    """Whether the operand's text holds ``text`` (already folded), optionally only where a word begins."""

    operand: Expression
    text: str
    fold: Fold = Fold.NONE
    at_word_start: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """Whether the operand's text matches one of the regular expressions."""

    operand: Expression
    patterns: tuple[str, ...]
    dialect: RegexDialect
    fold: Fold = Fold.NONE


@dataclass(frozen=True, slots=True)
class InNetwork:
    """Whether the operand, an address, lies in one of the CIDR blocks (canonical text)."""

    operand: Expression
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Whether an analysed text holds the words: any of them, or all adjacent and in order (a phrase).

    The field is analysed as the standard analyser does (``dogwatch.base.words``); the words are already so.
    """

    operand: Field
    words: tuple[str, ...]
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class AnyWord:
    """Whether a word of an analysed text satisfies a predicate; in there every field is that word, a keyword.

    The words are those of the standard analyser (``dogwatch.base.words``), in lower case.
    """

    operand: Field
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Truth:
    """A function call whose value is the answer; null is unknown."""

    call: Call


@dataclass(frozen=True, slots=True)
class Within:
    """Whether one of the objects under the field satisfies a predicate over that object's fields alone.

    The field is of type OBJECT; the paths inside ``predicate`` are whole (``dns.answers.name``), not relative.
    """

    operand: Field
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Listed:
    """Whether a value is on a watch list at the event's own time; unknown if there is no value.

    Rules add to watch lists while events pass, so that no column of a batch answers it:
    see ``dogwatch.logic.rewrite.loosened``.
    """

    operand: Field
    list: str
    fold: Fold = Fold.UNICODE


@dataclass(frozen=True, slots=True)
class And:
    """Kleene conjunction."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Kleene disjunction."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Kleene negation."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class IsTrue:
    """True where the part is true, false where it is false or unknown."""

    part: Predicate


Leaf = (
    Exists
    | Compare
    | Between
    | Member
    | Like
    | Contains
    | Regex
    | InNetwork
    | Words
    | AnyWord
    | Within
    | Truth
    | Listed
)
Predicate = Constant | Leaf | And | Or | Not | IsTrue

ALWAYS = Constant(True)
NEVER = Constant(False)


def fields_of(node: Predicate | Expression) -> Iterator[Field]:
    """Every field that a predicate or an expression reads, in order of appearance, repeats included."""
    open_: list[Predicate | Expression] = [node]
    while open_:
        node = open_.pop()
        match node:
            case Field():
                yield node
            case IsTrue(part=part) | Not(part=part):
                open_.append(part)
            case And(parts=parts) | Or(parts=parts):
                open_ += reversed(parts)
            case Literal() | Constant():
                pass
            case Call(args=args) | Mapped(args=args):
                open_ += reversed(args)
            case Exists(field=own):
                yield own
            case Compare(left=left, right=right):
                open_ += (right, left)
            case Truth(call=call):
                open_.append(call)
            case _:
                open_.append(node.operand)


def conjunction(parts: list[Predicate]) -> Predicate:
    """All of the parts, flattened; ``ALWAYS`` when there is none."""
    return _combine(parts, And, ALWAYS)


def disjunction(parts: list[Predicate]) -> Predicate:
    """Any of the parts, flattened; ``NEVER`` when there is none."""
    return _combine(parts, Or, NEVER)


def negation(part: Predicate) -> Predicate:
    """The opposite, with constants and double negations folded; unknown stays unknown."""
    match part:
        case Constant(value=value):
            return Constant(None if value is None else not value)
        case Not(part=inner):
            return inner
        case _:
            return Not(part)


def _combine(parts: list[Predicate], kind: type[And | Or], neutral: Constant) -> Predicate:
    flat: list[Predicate] = []
    for part in parts:
        if isinstance(part, kind):
            flat += part.parts
        elif part != neutral:
            flat.append(part)
    if not flat:
        return neutral
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
