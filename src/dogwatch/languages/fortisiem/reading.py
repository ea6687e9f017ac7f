"""What filters and aggregates share while they are lowered: attributes become fields, problems are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity, Span
from dogwatch.base.fieldpath import MAX_NAMES, is_too_deep
from dogwatch.languages.fortisiem.ast import (
    Address,
    And,
    Attribute,
    Condition,
    FunctionCall,
    Not,
    Number,
    Or,
    Text,
)
from dogwatch.languages.fortisiem.attributes import attribute_path, attribute_types, suggest_attribute
from dogwatch.languages.lowering import TypeOf
from dogwatch.logic.predicate import Field
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldRef, FieldType, Scalar

_MOST_ERRORS = 20
"""Errors after which reading a hopeless text stops."""

_MOST_SUGGESTIONS = 20
_NANOS_PER_MILLI = 1_000_000

Constant = Text | Number | Address
"""What a field can be compared with."""

_KINDS = {
    FieldType.LONG: "numbers",
    FieldType.DOUBLE: "numbers",
    FieldType.BOOLEAN: "`true` or `false`",
    FieldType.DATE: "dates",
    FieldType.IP: "addresses",
}

_NEEDS = {
    "DEVICETOCMDBATTR": "the thresholds of each device, which no source gives yet",
    "LOOKUPTABLEGET": "a lookup table, which no source gives yet",
    "LOOKUPTABLEHAS": "a lookup table, which no source gives yet",
    "STAT_AVG": "a baseline profile, which no source gives yet",
    "STAT_STDDEV": "a baseline profile, which no source gives yet",
}


@dataclass(slots=True)
class Report:
    """The problems met so far, over all texts of one subpattern."""

    errors: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Reading:
    """One text being lowered.

    Attributes:
        source: The text that spans point into.
        type_of: The schema of the events; asked before FortiSIEM's own table of attributes.
        report: Where problems go.
    """

    source: str
    type_of: TypeOf
    report: Report

    def known_type(self, attribute: Attribute) -> FieldType | None:
        """The attribute's type; ``None``, with a warning, for one that FortiSIEM does not define."""
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
                f"did you mean `{likely}`?" if likely else None,
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

    def scalar(self, constant: Constant, kind: FieldType) -> Scalar | None:
        """A constant as a value of a type; ``None``, with an error, if it is none.

        A whole number stays an integer; a fraction stays one even where the field holds integers.
        """
        text = constant.value if isinstance(constant, Text) else constant.text
        if kind.is_number:
            whole, number = coerce(text, FieldType.LONG), coerce(text, FieldType.DOUBLE)
            exact = kind is FieldType.LONG and isinstance(whole, int) and whole == number
            value = whole if exact else number
        elif kind is FieldType.DATE and isinstance(constant, Number):
            # Always milliseconds, where the general coercion takes four digits for a year.
            value = coerce(int(constant.value * _NANOS_PER_MILLI), FieldType.LONG)
        else:
            value = coerce(text, kind)
        if not isinstance(value, Missing):
            return value
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        self.error("fortisiem-type", f"the attribute holds {_KINDS[kind]}, which `{shown}` is not", constant.span)
        return None

    def unsupported_call(self, call: FunctionCall) -> None:
        """Keep the error that a function cannot run here, with what it would need."""
        needs = _NEEDS.get(call.name.upper())
        message = f"`{call.name}` needs {needs}" if needs else f"the function `{call.name}` is not supported here"
        self.error("fortisiem-unsupported", message, call.span)

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
        self.report.notes.append(Diagnostic(code, message, warning, source=self.source, span=span, hint=hint))

    def error(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Keep an error.

        Raises:
            DogwatchError: There are so many that looking on is no use.
        """
        self.report.errors.append(Diagnostic(code, message, source=self.source, span=span, hint=hint))
        if len(self.report.errors) >= _MOST_ERRORS:
            raise DogwatchError(self.report.errors)
