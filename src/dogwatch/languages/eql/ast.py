"""The syntax tree of an EQL query, as written: nothing is resolved or checked against a schema here.

Spans take no part in equality: two trees are equal if they say the same thing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Span

_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Null:
    """``null``."""

    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``."""

    value: bool
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from 0 to 2^63 - 1."""

    value: int
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Decimal:
    """A double: written with a point or an exponent, or too large for a long."""

    value: float
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class String:
    """A text, its escapes already resolved."""

    value: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its dotted path; ``optional`` if written with ``?``."""

    path: str
    optional: bool = False
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function applied to arguments; ``insensitive`` if its name was followed by ``~``.

    Attributes:
        function: The name as written.
        insensitive: Whether ``~`` followed the name.
        args: The arguments in order.
        span: The whole call.
        name_span: The function's name alone.
    """

    function: str
    args: tuple[Expression, ...]
    insensitive: bool = False
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
    name_span: Span = field(default=_NOWHERE, compare=False, repr=False)


class Sign(enum.Enum):
    """The signs that can stand before a value."""

    MINUS = "-"
    PLUS = "+"


@dataclass(frozen=True, slots=True)
class Signed:
    """A value with a sign before it."""

    sign: Sign
    operand: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


class ArithmeticOperator(enum.Enum):
    """The operators between numbers."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right``; chains lean to the left."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


class Comparator(enum.Enum):
    """The operators that compare two values."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right``; comparisons do not chain."""

    operator: Comparator
    left: Expression
    right: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """``operand [not] in (values)``, or ``in~``.

    Attributes:
        operand: What is looked for.
        values: Where; at least one.
        insensitive: ``in~``: letter case does not matter.
        negated: ``not in``.
        span: The whole.
    """

    operand: Expression
    values: tuple[Expression, ...]
    insensitive: bool = False
    negated: bool = False
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


class Matcher(enum.Enum):
    """The operators that match a text against patterns."""

    SEQ = ":"
    LIKE = "like"
    LIKE_INSENSITIVE = "like~"
    REGEX = "regex"
    REGEX_INSENSITIVE = "regex~"

    @property
    def insensitive(self) -> bool:
        """Whether letter case does not matter."""
        return self not in (Matcher.LIKE, Matcher.REGEX)

    @property
    def is_regex(self) -> bool:
        """Whether the patterns are regular expressions, not wildcards."""
        return self in (Matcher.REGEX, Matcher.REGEX_INSENSITIVE)


@dataclass(frozen=True, slots=True)
class Match:
    """``operand : "pattern"``, ``operand like ("a*", "b?")`` and the like; any pattern may match."""

    operator: Matcher
    operand: Expression
    patterns: tuple[Constant, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``not operand``."""

    operand: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """``a and b and ...``: two parts or more."""

    parts: tuple[Expression, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """``a or b or ...``: two parts or more."""

    parts: tuple[Expression, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


Constant = Null | Boolean | Integer | Decimal | String
Expression = Constant | Field | Call | Signed | Arithmetic | Comparison | Membership | Match | Not | And | Or


@dataclass(frozen=True, slots=True)
class EventFilter:
    """``category where condition``; the category is ``None`` for ``any``."""

    category: str | None
    condition: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


TIME_UNITS = ("ms", "s", "m", "h", "d")
"""The units of ``maxspan``."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: ``count`` (at least 1) of a unit of ``TIME_UNITS``."""

    count: int
    unit: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Term:
    """One bracketed query of a sequence or a sample.

    Attributes:
        filter: Which events.
        keys: Its own ``by`` fields.
        runs: How many times it is to be written out, 1 to 100.
        missing: ``![...]``: no such event may occur.
        span: From the bracket to the end of its options.
    """

    filter: EventFilter
    keys: tuple[Field, ...] = ()
    runs: int = 1
    missing: bool = False
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """``sequence [by keys] [with maxspan=...] term term+ [until term]``."""

    terms: tuple[Term, ...]
    keys: tuple[Field, ...] = ()
    maxspan: Duration | None = None
    until: Term | None = None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """``sample [by keys] term term+``."""

    terms: tuple[Term, ...]
    keys: tuple[Field, ...] = ()
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


PIPES = ("head", "tail", "count", "filter", "sort", "unique", "unique_count")
"""Names that may follow ``|``; Elasticsearch runs the first two."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """``| name args``."""

    name: str
    args: tuple[Expression, ...] = ()
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query.

    Attributes:
        body: What to look for.
        pipes: What to do with the results, in order.
        text: The text that the spans point into.
    """

    body: EventFilter | Sequence | Sample
    pipes: tuple[Pipe, ...] = ()
    text: str = field(default="", compare=False, repr=False)


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside an expression, in order."""
    match node:
        case Call(args=args):
            return args
        case Signed(operand=operand) | Not(operand=operand):
            return (operand,)
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            return (left, right)
        case Membership(operand=operand, values=values):
            return (operand, *values)
        case Match(operand=operand, patterns=patterns):
            return (operand, *patterns)
        case And(parts=parts) | Or(parts=parts):
            return parts
        case _:
            return ()


def fields_in(node: Expression) -> Iterator[Field]:
    """Every field that an expression names, in order, repeats included."""
    if isinstance(node, Field):
        yield node
    for child in children(node):
        yield from fields_in(child)
