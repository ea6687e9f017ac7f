"""From a KQL tree to a predicate over events, with the meaning that Kibana's detection engine gives it.

Matching is case-sensitive, wildcards included. Each leaf is true or false (``IsTrue``), so ``not`` takes
in the events that lack the field. A wildcard on a keyword applies to the whole value, blanks included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from dogwatch.base.diagnostic import DogwatchError, Severity, Span
from dogwatch.base.fieldpath import MAX_NAMES, is_too_deep
from dogwatch.languages.fields import Fields, Pieces
from dogwatch.languages.kql.ast import And, Is, MatchAll, Nested, Not, Or, Query, Range
from dogwatch.languages.kql.habit import dangles, habit_hint
from dogwatch.languages.kql.parser import parse
from dogwatch.languages.kql.tokens import BLANKS, tokens
from dogwatch.languages.leaves import UnfitValueError, any_of, match_leaf, range_leaf, refuse_null
from dogwatch.languages.lowering import Lowered, MappingOf, TypeOf
from dogwatch.languages.reading import Reading
from dogwatch.languages.source import check_size
from dogwatch.languages.value import Text
from dogwatch.logic import predicate as logic
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import ALWAYS, NEVER, Field, IsTrue, Predicate, Wild, Within
from dogwatch.schema.field import FieldRef, FieldType

_Leaf = Callable[[FieldRef], Predicate]


def lower_text(
    text: str,
    *,
    type_of: TypeOf,
    now: int | None = None,
    known_fields: Iterable[str] | None = None,
    mapping_of: MappingOf | None = None,
) -> Lowered:
    """What a KQL query looks for.

    Args:
        text: The query; a blank one matches every event.
        type_of: The schema. A field that it does not know is a keyword, with a warning.
        now: What ``now`` means in dates, in nanoseconds since 1970 UTC; without it such dates are refused.
        known_fields: Every field that a wildcard in a field name, or a value without a field, may look at;
            without it those are refused.
        mapping_of: The mapping types of fields, for what Kibana does by them: conditions on ``nested`` objects
            are met by one and the same object, and wildcards for texts other than ``keyword`` are split at
            their blanks. Without it no field is nested and every text is a keyword.

    Raises:
        DogwatchError: ``kql-syntax``; ``query-too-long``; ``kql-type`` for values that the field cannot hold;
            ``kql-unsupported`` for what we cannot run.
    """
    check_size(text, (token.span for token in tokens(text)))
    fields = Fields(type_of, mapping_of, known_fields)
    reading = Reading(text, fields, type_code="kql-type", unsupported_code="kql-unsupported")
    predicate = _Lowering(reading, now).query(parse(text), _Scope())
    if reading.errors:
        raise DogwatchError((*reading.errors, *reading.notes))
    return Lowered(EventPattern(predicate), tuple(reading.notes))


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a condition stands.

    Attributes:
        prefix: What its field names are relative to: nothing, or a path and a dot.
        nested: The nested objects whose fields alone can be asked about, or ``None`` for the event's own.
    """

    prefix: str = ""
    nested: str | None = None


class _Lowering:
    def __init__(self, reading: Reading, now: int | None) -> None:
        self._reading = reading
        self._known = reading.fields
        self._now = now

    def query(self, node: Query, scope: _Scope) -> Predicate:
        match node:
            case MatchAll():
                return ALWAYS
            case Is(field=field, value=value, span=span):
                return self._is(field, value, span, scope)
            case Range(field=field, op=op, value=value, span=span):
                return self._fields(field, partial(range_leaf, op=op, value=value, now=self._now), span, scope)
            case Nested(path=path, query=inner):
                return self._nested(path, inner, scope)
            case Not(part=part):
                return logic.negation(self.query(part, scope))
            case And(parts=parts):
                return logic.conjunction([self.query(part, scope) for part in parts])
            case Or(parts=parts):
                return any_of([self.query(part, scope) for part in parts])

    def _is(self, field: Text | None, value: Text, span: Span, scope: _Scope) -> Predicate:
        self._look_for_habits(field, value, span, scope)
        anywhere = value.is_star and not value.quoted
        if anywhere and (scope.nested is None if field is None else field.is_star and not field.quoted):
            return ALWAYS
        leaf = partial(self._match, value=value, everywhere=field is None)
        if field is None:
            if scope.nested is not None:
                # Kibana joins the path and the missing name to one that no field has.
                message = "no event can match this: inside nested objects a value needs its field"
                self._reading.note("kql-never", message, span, hint="name the field")
                return NEVER
            try:
                refuse_null(value)
            except UnfitValueError as misfit:
                self._reading.misfit(misfit, span)
                return NEVER
        elif anywhere and not field.has_wildcard and self._known.holds_objects(scope.prefix + field.literal):
            # Objects have no values of their own: any field below will do.
            if not self._reading.may_be_wide("the name of an object", span):
                return NEVER
            return self._many((scope.prefix, *field.pieces, ".", Wild.ANY), leaf, span, scope, wrapped=False)
        return self._fields(field, leaf, span, scope)

    def _match(self, ref: FieldRef, *, value: Text, everywhere: bool) -> Predicate:
        split = everywhere or not self._known.is_exact(ref.path)
        return match_leaf(ref, value, self._now, split=split)

    def _fields(self, field: Text | None, leaf: _Leaf, span: Span, scope: _Scope) -> Predicate:
        if field is not None and not field.has_wildcard:
            return self._one(scope.prefix + field.literal, leaf, field.span, span, scope)
        what = "a value without a field" if field is None else "a wildcard in a field name"
        if not self._reading.may_be_wide(what, span):
            return NEVER
        pieces = (scope.prefix, *((Wild.ANY,) if field is None else field.pieces))
        return self._many(pieces, leaf, span, scope, wrapped=field is not None and scope.nested is None)

    def _many(self, pieces: Pieces, leaf: _Leaf, span: Span, scope: _Scope, *, wrapped: bool) -> Predicate:
        """Any of the fields whose names match: of one object, or, if ``wrapped``, each of an object of its own."""
        by_home: dict[str | None, list[Predicate]] = {}
        found = False
        misfit: UnfitValueError | None = None
        for ref in self._known.matching(pieces):
            home = self._known.home(ref.path)
            if home != scope.nested and not wrapped:
                continue
            found = True
            # Kibana asks leniently here: a field whose type cannot hold the value just does not match.
            try:
                by_home.setdefault(home, []).append(leaf(ref))
            except UnfitValueError as error:
                misfit = error
        if not found:
            name = Text(pieces).literal
            self._reading.note("unknown-field", f"no event can match this: no known field fits `{name}`", span)
            return NEVER
        if misfit is not None and not any(by_home.values()):
            self._reading.note("kql-never", f"no event can match this: {misfit.message}", span, hint=misfit.hint)
            return NEVER
        own = by_home.pop(scope.nested, [])
        return self._checked(
            any_of([*own, *(_within(home, any_of(leaves)) for home, leaves in by_home.items() if home)]), span
        )

    def _one(self, path: str, leaf: _Leaf, name: Span, span: Span, scope: _Scope) -> Predicate:
        if is_too_deep(path):
            self._reading.error("field-too-deep", f"the field's path has more than {MAX_NAMES} names", name)
            return NEVER
        if not all(path.split(".")):
            self._reading.note("unknown-field", "no event has a field of this name: a part of it is empty", name)
            return NEVER
        home = self._known.home(path)
        if home != scope.nested:
            return self._out_of_reach(path, home or "", scope, span)
        if self._known.is_nested(path):
            return self._out_of_reach(f"{path}.name", path, scope, span)
        if not self._reading.may_be_asked(path, name):
            return NEVER
        ref = self._known.ref(path)
        if ref is None:
            self._reading.unknown_field(path, name, _habit(path))
        try:
            predicate = leaf(ref or FieldRef(path, FieldType.KEYWORD))
        except UnfitValueError as misfit:
            self._reading.misfit(misfit, span)
            return NEVER
        return self._checked(predicate, span)

    def _out_of_reach(self, path: str, home: str, scope: _Scope, span: Span) -> Predicate:
        message = f"no event can match this: `{home}` holds nested objects, whose fields need braces"
        hint = f"write `{home.removeprefix(scope.prefix)}: {{ {path[len(home) + 1 :]}: ... }}`"
        self._reading.note("kql-nested", message, span, hint=hint)
        return NEVER

    def _nested(self, path: Text, query: Query, scope: _Scope) -> Predicate:
        if path.has_wildcard:
            message = "a nested query needs one path without wildcards"
            self._reading.error("kql-unsupported", message, path.span)
            return NEVER
        full = f"{scope.prefix}{path.literal}"
        if self._known.is_nested(full):
            return _within(full, self.query(query, _Scope(f"{full}.", full)))
        self._reading.note(
            "kql-nested",
            f"the conditions inside `{path.literal}: {{ }}` may be met by different elements of the list",
            path.span,
            Severity.NOTICE,
        )
        return self.query(query, _Scope(f"{full}.", scope.nested))

    def _look_for_habits(self, field: Text | None, value: Text, span: Span, scope: _Scope) -> None:
        if value.quoted:
            return
        hint = habit_hint(value.literal) if field is None else None
        if hint is not None:
            self._reading.note(
                "kql-habit", "this text is looked for in every field, as it stands", span, hint=hint
            )
        elif dangles(value.literal):
            message = "the `and`, `or` or `not` at the end of this value is a part of it"
            self._reading.note(
                "kql-habit", message, span, hint="put the value in double quotes, or say what is joined"
            )
        elif _is_single_quoted(value.literal):
            message = "single quotes do not quote in KQL: they are a part of this value"
            self._reading.note("kql-habit", message, span, hint="use double quotes")
        elif field is not None and _is_split(value) and not self._known.is_exact(scope.prefix + field.literal):
            message = "Kibana splits this wildcard at its blanks, and any one part is enough to match"
            self._reading.note(
                "kql-split", message, span, hint="write `*` for each blank to keep the parts together"
            )

    def _checked(self, predicate: Predicate, span: Span) -> Predicate:
        if predicate == NEVER:
            self._reading.note("kql-never", "no event can match this: it holds no word that could be found", span)
        return predicate


def _within(path: str, predicate: Predicate) -> Predicate:
    """One of the nested objects under a path satisfies the predicate."""
    if predicate == NEVER:
        return NEVER
    return IsTrue(Within(Field(FieldRef(path, FieldType.OBJECT)), predicate))


def _habit(path: str) -> str | None:
    """What an unknown field's name was probably meant to say."""
    if dangles(path):
        return "`and`, `or` and `not` stand between blanks and join what is on both sides of them"
    return habit_hint(path)


def _is_single_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] == "'"


def _is_split(value: Text) -> bool:
    return value.has_wildcard and any(blank in value.literal for blank in BLANKS)
