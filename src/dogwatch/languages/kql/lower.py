"""From a KQL tree to a predicate over events, with the meaning that Kibana's detection engine gives it.

Matching is case-sensitive, wildcards included. Each leaf is true or false (``IsTrue``), so ``not`` takes
in the events that lack the field. A wildcard on a keyword applies to the whole value, blanks included.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterable
from functools import partial

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity, Span
from dogwatch.languages.kql.ast import And, Is, MatchAll, Nested, Not, Or, Query, Range
from dogwatch.languages.kql.parser import parse
from dogwatch.languages.leaves import Unfit, UnfitValueError, any_of, match_leaf, range_leaf
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.languages.value import Text
from dogwatch.logic import predicate as logic
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import ALWAYS, NEVER, Predicate, Wild
from dogwatch.schema.field import FieldRef, FieldType

_MOST_ERRORS = 20
"""Errors after which reading a hopeless query stops."""

_MOST_WIDE = 100
"""Conditions on patterns of field names: each is written out for every known field."""

_MOST_SUGGESTIONS = 20
_LONGEST_SUGGESTED = 100
_LENGTHS_APART = 3
_LIKENESS = 0.75

_CODES = {Unfit.TYPE: "kql-type", Unfit.UNSUPPORTED: "kql-unsupported"}

_Leaf = Callable[[FieldRef], Predicate]


def lower_text(
    text: str, *, type_of: TypeOf, now: int | None = None, known_fields: Iterable[str] | None = None
) -> Lowered:
    """What a KQL query looks for.

    Args:
        text: The query; a blank one matches every event.
        type_of: The schema. A field that it does not know is a keyword, with a warning.
        now: What ``now`` means in dates, in nanoseconds since 1970 UTC; without it such dates are refused.
        known_fields: Every field that a wildcard in a field name, or a value without a field, may look at;
            without it those are refused.

    Raises:
        DogwatchError: ``kql-syntax``; ``kql-type`` for values that the field cannot hold;
            ``kql-unsupported`` for what we cannot run.
    """
    lowering = _Lowering(text, type_of, now, None if known_fields is None else tuple(known_fields))
    predicate = lowering.query(parse(text), "")
    if lowering.errors:
        raise DogwatchError(lowering.errors)
    return Lowered(EventPattern(predicate), tuple(lowering.notes))


class _Lowering:
    def __init__(self, source: str, type_of: TypeOf, now: int | None, known: tuple[str, ...] | None) -> None:
        self._source = source
        self._type_of = type_of
        self._now = now
        self._known = known
        self._unknown: set[str] = set()
        self._wide = 0
        self.errors: list[Diagnostic] = []
        self.notes: list[Diagnostic] = []

    def query(self, node: Query, prefix: str) -> Predicate:
        match node:
            case MatchAll():
                return ALWAYS
            case Is(field=field, value=value, span=span):
                return self._is(field, value, span, prefix)
            case Range(field=field, op=op, value=value, span=span):
                return self._fields(field, partial(range_leaf, op=op, value=value, now=self._now), span, prefix)
            case Nested(path=path, query=inner):
                return self._nested(path, inner, prefix)
            case Not(part=part):
                return _complement(self.query(part, prefix))
            case And(parts=parts):
                return logic.conjunction([self.query(part, prefix) for part in parts])
            case Or(parts=parts):
                return any_of([self.query(part, prefix) for part in parts])

    def _is(self, field: Text | None, value: Text, span: Span, prefix: str) -> Predicate:
        everywhere = field is None or (field.is_star and not field.quoted)
        if everywhere and value.is_star and not value.quoted:
            return ALWAYS
        return self._fields(field, partial(match_leaf, value=value, now=self._now), span, prefix)

    def _fields(self, field: Text | None, leaf: _Leaf, span: Span, prefix: str) -> Predicate:
        if field is not None and not field.has_wildcard:
            return self._one(prefix + field.literal, leaf, field.span, span)
        if self._known is None:
            what = "a value without a field" if field is None else "a wildcard in a field name"
            self._error(
                "kql-unsupported",
                f"{what} looks at every field, and the fields of the events are not known",
                span,
                "name the field",
            )
            return NEVER
        self._wide += 1
        if self._wide > _MOST_WIDE:
            self._error(
                "kql-unsupported",
                f"more than {_MOST_WIDE} conditions look at every field",
                span,
                "name the fields",
            )
            return NEVER
        pieces: tuple[str | Wild, ...] = (prefix, *((Wild.ANY,) if field is None else field.pieces))
        kinds = ((path, self._type_of(path)) for path in self._known if _matches(pieces, path))
        refs = [FieldRef(path, kind) for path, kind in kinds if kind is not None]
        if not refs:
            self._note("unknown-field", "no field of the event schema fits this name", span)
            return NEVER
        leaves: list[Predicate] = []
        for ref in refs:
            # Kibana asks leniently here: a field whose type cannot hold the value just does not match.
            with contextlib.suppress(UnfitValueError):
                leaves.append(leaf(ref))
        return self._checked(any_of(leaves), span)

    def _one(self, path: str, leaf: _Leaf, name: Span, span: Span) -> Predicate:
        kind = self._type_of(path)
        if kind is None:
            self._unknown_field(path, name)
        try:
            predicate = leaf(FieldRef(path, kind or FieldType.KEYWORD))
        except UnfitValueError as misfit:
            self._error(_CODES[misfit.reason], misfit.message, span, misfit.hint)
            return NEVER
        return self._checked(predicate, span)

    def _nested(self, path: Text, query: Query, prefix: str) -> Predicate:
        if path.has_wildcard:
            self._error("kql-unsupported", "a nested query needs one path without wildcards", path.span)
            return NEVER
        self._note(
            "kql-nested",
            f"the conditions inside `{path.literal}: {{ }}` may be met by different elements of the list",
            path.span,
            Severity.NOTICE,
        )
        return self.query(query, f"{prefix}{path.literal}.")

    def _checked(self, predicate: Predicate, span: Span) -> Predicate:
        if predicate == NEVER:
            self._note("kql-never", "no event can match this: it holds no word that could be found", span)
        return predicate

    def _unknown_field(self, path: str, span: Span) -> None:
        if path in self._unknown:
            return
        self._unknown.add(path)
        hint = None
        if self._known and len(self._unknown) <= _MOST_SUGGESTIONS and len(path) <= _LONGEST_SUGGESTED:
            close = difflib.get_close_matches(path, self._alike(path), 1, _LIKENESS)
            hint = f"did you mean `{close[0]}`?" if close else None
        self._note(
            "unknown-field", f"`{path}` is not in the event schema; it is read as a keyword", span, hint=hint
        )

    def _alike(self, path: str) -> list[str]:
        # Measuring likeness is slow, and a mistyped name still begins or ends as the right one does.
        begin, end = path[:2], path[-2:]
        return [
            name
            for name in self._known or ()
            if (name.startswith(begin) or name.endswith(end)) and abs(len(name) - len(path)) <= _LENGTHS_APART
        ]

    def _note(
        self,
        code: str,
        message: str,
        span: Span,
        severity: Severity = Severity.WARNING,
        hint: str | None = None,
    ) -> None:
        self.notes.append(Diagnostic(code, message, severity, source=self._source, span=span, hint=hint))

    def _error(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.errors.append(Diagnostic(code, message, source=self._source, span=span, hint=hint))
        if len(self.errors) >= _MOST_ERRORS:
            raise DogwatchError(self.errors)


def _complement(predicate: Predicate) -> Predicate:
    match predicate:
        case logic.Constant(value=bool() as value):
            return logic.Constant(not value)
        case logic.Not(part=part):
            return part
        case _:
            return logic.Not(predicate)


def _matches(pieces: tuple[str | Wild, ...], path: str) -> bool:
    """Whether a path matches a pattern of literal pieces and stars from end to end."""
    literals = [""]
    for piece in pieces:
        if isinstance(piece, Wild):
            literals.append("")
        else:
            literals[-1] += piece
    if len(literals) == 1:
        return path == literals[0]
    first, *middle, last = literals
    if len(path) < len(first) + len(last) or not path.startswith(first) or not path.endswith(last):
        return False
    position, end = len(first), len(path) - len(last)
    for literal in middle:
        found = path.find(literal, position, end)
        if found < 0:
            return False
        position = found + len(literal)
    return True
