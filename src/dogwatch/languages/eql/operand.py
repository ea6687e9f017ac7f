"""What the sides of a comparison and the arguments of a function have become, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Diagnostic, Severity, Span
from dogwatch.base.text import printable
from dogwatch.languages.lowering import TypeOf
from dogwatch.logic.predicate import Call, Expression, Field, Literal, Predicate, fields_of
from dogwatch.schema.field import FieldRef, FieldType, Scalar

Suggest = Callable[[str], str | None]
"""From the path of a field that no schema knows to a hint, or ``None``."""

TEXTS = frozenset({FieldType.KEYWORD, FieldType.TEXT})
"""The types that EQL's text operators and functions take."""

MAX_ERRORS = 50
"""Most errors that one query is told about."""

_MOST_SUGGESTIONS = 20
"""Unknown fields of one query for which a known name is looked for, which takes its time."""

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the query or folded from it; null has no type."""

    value: Scalar | None
    type: FieldType | None
    span: Span


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the event; no type if no schema knows it, so that what it meets decides."""

    path: str
    type: FieldType | None
    optional: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Computed:
    """A function's value; ``type`` is KEYWORD, DOUBLE or BOOLEAN for text, numbers and truth."""

    call: Call
    type: FieldType
    span: Span


@dataclass(frozen=True, slots=True)
class Answer:
    """A condition used as a value: three-valued, its null not yet made false."""

    predicate: Predicate
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that hangs on a condition, because a function was given one as its argument."""

    condition: Predicate
    when_true: Operand
    when_false: Operand
    when_null: Operand
    span: Span


Operand = Constant | Column | Computed | Answer | Choice


@dataclass(slots=True)
class Analysis:
    """One lowering under way: what it knows, and the problems that it has met.

    Attributes:
        text: The query, for the diagnostics' spans.
        type_of: The schema.
        suggest: Hints for unknown fields, if there is somebody to ask.
        now: What ``now`` means in dates, nanoseconds since 1970 UTC; ``None`` if nobody said.
        errors: Problems that keep the query from running.
        notes: Warnings and notices.
        splits: How many conditions have been given to functions as arguments.
    """

    text: str
    type_of: TypeOf
    suggest: Suggest | None = None
    now: int | None = None
    errors: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    splits: int = 0
    _unknown: set[str] = field(default_factory=set)

    def fail(self, span: Span, message: str, hint: str | None = None, *, code: str = "eql-verification") -> None:
        """Remember an error; the caller goes on with something harmless so that later errors are found too."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(Diagnostic(code, message, source=self.text, span=span, hint=hint))

    def warn(
        self, code: str, span: Span, message: str, hint: str | None = None, *, field: str | None = None
    ) -> None:
        """Remember a warning: the query runs, though perhaps not as meant."""
        warning = Diagnostic(code, message, Severity.WARNING, source=self.text, span=span, hint=hint, field=field)
        self.notes.append(warning)

    def refuse(self, span: Span, message: str, hint: str | None = None) -> Constant:
        """Remember an error and go on with null, which fits everywhere."""
        self.fail(span, message, hint)
        return Constant(None, None, span)

    def column(self, path: str, span: Span, *, optional: bool) -> Column:
        """The field as an operand, with a warning the first time that an unknown one is met unmarked."""
        kind = self.type_of(path)
        if kind is None and not optional and path not in self._unknown:
            self._unknown.add(path)
            hint = self.suggest(path) if self.suggest and len(self._unknown) <= _MOST_SUGGESTIONS else None
            self.warn("unknown-field", span, f"`{path}` is not in the event schema", hint, field=path)
        return Column(path, kind, optional, span)

    def exact_column(self, path: str, span: Span, *, optional: bool) -> Operand:
        """The field as something to compare or compute with: analysed text only by its exact sub-field.

        An index keeps the whole text of an analysed field in that sub-field alone. The values are the same, so the
        field itself is read.
        """
        column = self.column(path, span, optional=optional)
        if column.type is not FieldType.TEXT or self.type_of(f"{path}.keyword") is FieldType.KEYWORD:
            return column
        return self.refuse(
            span,
            f"`{printable(path)}` is analysed text without an exact sub-field, which EQL cannot compare",
            f"map it as a keyword, or with a sub-field `{printable(path)}.keyword`",
        )


def field_of(column: Column, otherwise: FieldType) -> Field:
    """The column as an expression, of type ``otherwise`` if no schema knows it."""
    return Field(FieldRef(column.path, column.type or otherwise))


def expression_of(operand: Constant | Column | Computed, otherwise: FieldType) -> Expression:
    """The operand as the engine's expression; ``otherwise`` is the type of an unknown field or of null."""
    match operand:
        case Constant(value=value, type=kind):
            return Literal(value, kind or otherwise)
        case Column():
            return field_of(operand, otherwise)
        case Computed(call=call):
            return call


def has_fields(operand: Operand) -> bool:
    """Whether the operand's value depends on the event."""
    match operand:
        case Constant():
            return False
        case Computed(call=call):
            return next(fields_of(call), None) is not None
        case _:
            return True


def is_null(operand: Operand) -> bool:
    """Whether the operand is the constant null."""
    return isinstance(operand, Constant) and operand.value is None


def describe(operand: Operand) -> str:
    """The operand in a message: what it is, and of which type."""
    match operand:
        case Constant(value=None):
            return "null"
        case Constant(value=bool() as value):
            return f"the boolean {str(value).lower()}"
        case Constant(value=str() as value):
            return f'the string "{printable(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")}"'
        case Constant(value=value):
            return f"the number {value}"
        case Column(path=path, type=kind):
            return f"`{printable(path)}` ({_NAMES[kind]})" if kind else f"`{printable(path)}`"
        case Computed(type=kind):
            return f"this function's value ({_NAMES[kind]})"
        case Answer():
            return "a condition (a boolean)"
        case Choice(when_true=value):
            return describe(value)


_NAMES = {
    FieldType.KEYWORD: "text",
    FieldType.TEXT: "text",
    FieldType.LONG: "a whole number",
    FieldType.DOUBLE: "a number",
    FieldType.BOOLEAN: "a boolean",
    FieldType.DATE: "a date",
    FieldType.IP: "an IP address",
    FieldType.VERSION: "a version",
}
