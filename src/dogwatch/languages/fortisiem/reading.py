"""What filters and aggregates share while they are lowered: attributes become fields, problems are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity, Span
from dogwatch.base.fieldpath import MAX_NAMES, is_too_deep
from dogwatch.base.message import shortened
from dogwatch.base.time import MILLISECOND
from dogwatch.languages.fortisiem.ast import (
    Address,
    And,
    Attribute,
    Condition,
    Expression,
    FunctionCall,
    Not,
    Number,
    Or,
    Text,
)
from dogwatch.languages.fortisiem.attributes import attribute_path, suggest_attribute
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions, Strictness
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.fortisiem.tokens import is_address
from dogwatch.languages.lowering import TypeOf
from dogwatch.logic.predicate import Field
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.fortisiem import attribute_types

_MOST_ERRORS = 20
"""Errors after which reading a hopeless text stops."""

_MOST_SUGGESTIONS = 20

Constant = Text | Number | Address
"""What a field can be compared with."""

KINDS = {
    FieldType.KEYWORD: "texts",
    FieldType.TEXT: "texts",
    FieldType.LONG: "numbers",
    FieldType.DOUBLE: "numbers",
    FieldType.BOOLEAN: "`true` or `false`",
    FieldType.DATE: "dates",
    FieldType.IP: "addresses",
    FieldType.VERSION: "versions",
    FieldType.OBJECT: "objects",
}
"""What values of a type are, in messages."""

_HINTS = {
    FieldType.DATE: 'write "2026-01-31T12:00:00Z", or the milliseconds since 1970',
    FieldType.IP: "write an address such as 10.1.2.3, or a block such as 10.0.0.0/8",
}

_LONGEST_SHOWN = 40


@dataclass(slots=True)
class Report:
    """The problems met so far, over all texts of one clause.

    Attributes:
        errors: What makes it impossible to run.
        notes: Warnings and notices.
        unknown: The attributes that nobody defines.
        missing: What no file describes, by the warning's code and its name.
        branches: How many ``IF`` were written out.
    """

    errors: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    missing: set[tuple[str, str]] = field(default_factory=set)
    branches: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """One text being lowered.

    Attributes:
        source: The text that spans point into.
        type_of: The schema of the events; asked before FortiSIEM's own table of attributes.
        report: Where problems go.
        resources: What groups, tables, limits and profiles hold.
        options: The switches.
        met: All problems of the text, for each to be kept once.
    """

    source: str
    type_of: TypeOf
    report: Report
    resources: Resources = NO_RESOURCES
    options: FortisiemOptions = VENDOR
    met: set[Diagnostic] = field(default_factory=set, compare=False)

    def of(self, source: str) -> Reading:
        """Another text of the same clause."""
        return replace(self, source=source, met=set())

    def is_defined(self, attribute: Attribute) -> bool:
        """Whether FortiSIEM defines an attribute, or the events have it."""
        return attribute.name in attribute_types() or self.type_of(attribute_path(attribute.name)) is not None

    def known_type(self, attribute: Attribute, hint: str | None = None) -> FieldType | None:
        """The attribute's type; ``None``, with a warning, for one that FortiSIEM does not define.

        The hint is given with the warning if no defined attribute resembles it.
        """
        kind = self.type_of(attribute_path(attribute.name)) or attribute_types().get(attribute.name)
        if kind is None and attribute.name not in self.report.unknown:
            self.report.unknown.add(attribute.name)
            likely = None
            if len(self.report.unknown) <= _MOST_SUGGESTIONS:
                likely = suggest_attribute(attribute.name)
            self.note(
                "unknown-attribute",
                f"`{attribute.name}` is no attribute that FortiSIEM defines",
                attribute.span,
                f"did you mean `{likely}`?" if likely else hint,
            )
        return kind

    def field(self, attribute: Attribute, otherwise: FieldType = FieldType.KEYWORD) -> Field:
        """The attribute under its own type, an undefined one under the type given."""
        return self.field_as(attribute, self.known_type(attribute) or otherwise)

    def field_as(self, attribute: Attribute, kind: FieldType) -> Field:
        """The attribute read under a type; with an error if its name is absurd."""
        if is_too_deep(attribute.name):
            self.error("field-too-deep", f"the attribute's name has more than {MAX_NAMES} parts", attribute.span)
        return Field(FieldRef(attribute_path(attribute.name), kind), blank_is_missing=True)

    def scalar(self, constant: Constant, kind: FieldType, of: Expression | None = None) -> Scalar | None:
        """A constant as a value of a type; ``None``, with an error, if it is none.

        A whole number stays an integer; a fraction stays one even where the field holds integers.

        Args:
            constant: The constant.
            kind: The type.
            of: What it is compared with, to name it.
        """
        text = constant.value if isinstance(constant, Text) else constant.text
        if kind.is_number:
            whole, number = coerce(text, FieldType.LONG), coerce(text, FieldType.DOUBLE)
            # Not by way of the double, which holds integers up to 2**53 only.
            exact = kind is FieldType.LONG and isinstance(whole, int) and whole == Decimal(text)
            value = whole if exact else number
        elif kind is FieldType.DATE and isinstance(constant, Number):
            # Always milliseconds, where the general coercion takes four digits for a year.
            value = coerce(int(constant.value * MILLISECOND), FieldType.LONG)
        else:
            value = coerce(text, kind)
        if not isinstance(value, Missing):
            return value
        holder = "the attribute" if of is None else self.described(of)
        verb = "gives" if isinstance(of, FunctionCall) else "holds"
        message = f"{holder} {verb} {KINDS[kind]}, which `{shown(text)}` is not"
        hint = _HINTS.get(kind)
        if kind is FieldType.IP and is_address(text):
            hint = "a block is compared by = and IN of a filter only"
        self.error("fortisiem-type", message, constant.span, hint)
        return None

    def text_of(self, node: Expression | Condition) -> str:
        """What the author wrote for a node, cut if it is long."""
        return shown(self.source[node.span.start : node.span.end])

    def described(self, node: Expression) -> str:
        """An operand by its name."""
        return f"`{shown(node.name)}`" if isinstance(node, Attribute | FunctionCall) else "this"

    def missing(self, code: str, name: str, message: str, span: Span, hint: str) -> None:
        """Keep once that no file describes something: a warning, or an error if that is asked for."""
        if (code, name.lower()) in self.report.missing:
            return
        self.report.missing.add((code, name.lower()))
        keep = self.error if Strictness.GROUPS in self.options else self.note
        keep(code, message, span, hint)

    def never(self, message: str, span: Span, hint: str | None = None) -> None:
        """Warn of what cannot hold for any event."""
        self.note("fortisiem-never-holds", message, span, hint)

    def precedence_notes(self, condition: Condition) -> None:
        """Warn wherever AND and OR meet without brackets: FortiSIEM's documents do not say which binds tighter."""
        pending = [condition]
        while pending:
            node = pending.pop()
            match node:
                case Or(parts=parts):
                    for part in parts:
                        if isinstance(part, And) and not part.bracketed:
                            self.note(
                                "fortisiem-precedence",
                                "AND and OR meet without brackets; AND is taken to bind tighter",
                                part.span,
                                "put brackets around what belongs together",
                            )
                    pending += reversed(parts)
                case And(parts=parts):
                    pending += reversed(parts)
                case Not(part=part):
                    pending.append(part)

    def note(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Keep a warning."""
        warning = Severity.WARNING
        self._keep(self.report.notes, Diagnostic(code, message, warning, source=self.source, span=span, hint=hint))

    def error(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Keep an error.

        Raises:
            DogwatchError: There are so many that looking on is no use.
        """
        self._keep(self.report.errors, Diagnostic(code, message, source=self.source, span=span, hint=hint))
        if len(self.report.errors) >= _MOST_ERRORS:
            raise DogwatchError(self.report.errors)

    def _keep(self, kept: list[Diagnostic], diagnostic: Diagnostic) -> None:
        """Add a problem that was not met before, as it is where a part of a text is read several times."""
        if diagnostic not in self.met:
            self.met.add(diagnostic)
            kept.append(diagnostic)


def shown(text: str) -> str:
    """A text of the author's as messages show it."""
    return shortened(text, _LONGEST_SHOWN)
