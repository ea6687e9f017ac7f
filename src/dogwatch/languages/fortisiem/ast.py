"""What a FortiSIEM filter or aggregate says, as a tree.

Filters and aggregates share one grammar. Spans, and whether a conjunction stood in brackets, do not take
part in equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Span

NOWHERE = Span(0, 0)
"""The span of a node that no source text holds."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An event attribute by its internal name, such as ``srcIpAddr``."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text or a bare word of a list; escapes are resolved, save those of a regular expression."""

    value: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written, with its sign."""

    text: str
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def value(self) -> int | float:
        """The number; an integer if it was written without point and exponent."""
        return float(self.text) if set(self.text) & set(".eE") else int(self.text)


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 or IPv6 address, or a CIDR block, without quotes."""

    text: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    """``Group@NAME``: the members of a group of the configuration database."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Star:
    """The star of ``COUNT(*)``."""

    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function or an aggregate.

    Attributes:
        name: As written; letter case does not matter.
        args: Its arguments.
        distinct: Whether it is over distinct values: ``COUNT(DISTINCT user)``.
        profile: The number of the baseline profile after a colon: ``STAT_AVG(AVG(x):116)``.
    """

    name: str
    args: tuple[Expression | Condition, ...]
    distinct: bool = False
    profile: int | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` with op one of ``+ - * /``."""

    op: str
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """``-(operand)``; the sign of a bare number belongs to the number."""

    operand: Expression
    span: Span = field(default=NOWHERE, compare=False)


Expression = Attribute | Text | Number | Address | Star | FunctionCall | Arithmetic | Negative


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right`` with op one of ``= != < <= > >=``."""

    op: str
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """``operand [NOT] IN (item, ...)``."""

    operand: Expression
    items: tuple[Text | Number | Address | Group, ...]
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Between:
    """``operand [NOT] BETWEEN (low, high)``, both ends inside."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class IsNull:
    """``operand IS [NOT] NULL``."""

    operand: Expression
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Contain:
    """``operand [NOT] CONTAIN text``."""

    operand: Expression
    text: Expression
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Regexp:
    """``operand [NOT] REGEXP pattern``; the pattern is the regular expression as it stands."""

    operand: Expression
    pattern: Text
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Holds:
    """A function call that is a condition by itself: ``LookupTableHas(countries, srcIpAddr)``."""

    call: FunctionCall

    @property
    def span(self) -> Span:
        """Where the call stands."""
        return self.call.span


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more parts; ``bracketed`` tells whether the author wrote brackets around them."""

    parts: tuple[Condition, ...]
    span: Span = field(default=NOWHERE, compare=False)
    bracketed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more parts."""

    parts: tuple[Condition, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT part``."""

    part: Condition
    span: Span = field(default=NOWHERE, compare=False)


Leaf = Compare | In | Between | IsNull | Contain | Regexp | Holds
Condition = Leaf | And | Or | Not
"""A filter or an aggregate as a whole."""

REGEX_ARGUMENT = {"EXTRACT": 1}
"""The place of the argument that is a regular expression, by the name of the function in upper case."""
