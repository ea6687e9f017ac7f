"""From a Lucene query string to a predicate over events, with the meaning that Elasticsearch gives it.

Elastic's detection engine runs it as a ``query_string`` query (``QueryStringQueryParser``): the default operator
is ``OR``, wildcards on analysed text are analysed, dates are read in UTC, and letter case counts on keywords.
Each leaf is true or false (``IsTrue``), so ``NOT`` takes in the events that lack the field.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from functools import partial

from dogwatch.base.diagnostic import DogwatchError, Severity, Span
from dogwatch.base.words import words_of
from dogwatch.languages.fields import Fields, Pieces
from dogwatch.languages.leaves import Unfit, UnfitValueError, any_of, between_leaf, match_leaf, range_leaf
from dogwatch.languages.lowering import Lowered, MappingOf, TypeOf
from dogwatch.languages.lucene import ast
from dogwatch.languages.lucene.ast import Occur
from dogwatch.languages.lucene.parser import parse
from dogwatch.languages.reading import Reading
from dogwatch.languages.value import Text
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    AnyWord,
    Exists,
    Field,
    IsTrue,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Wild,
    conjunction,
    disjunction,
    negation,
)
from dogwatch.schema.field import FieldRef, FieldType

_LONGEST_REGEXP = 1000
"""Characters of a regular expression; the default of Elasticsearch's ``index.max_regex_length``."""

_SMALL_OPERATORS = frozenset({"and", "or", "not"})

_Leaf = Callable[[FieldRef], Predicate | None]
"""A condition on one field; ``None`` if its text holds no word, so that Lucene passes over it."""


def lower_text(
    text: str,
    *,
    type_of: TypeOf,
    now: int | None = None,
    known_fields: Iterable[str] | None = None,
    mapping_of: MappingOf | None = None,
) -> Lowered:
    """What a Lucene query string looks for.

    Args:
        text: The query; a blank one matches every event.
        type_of: The schema. A field that it does not know is a keyword, with a warning.
        now: What ``now`` means in dates, in nanoseconds since 1970 UTC; without it such dates are refused.
        known_fields: Every field that a pattern of field names, or a value without a field, may look at; without
            it those are refused.
        mapping_of: The mapping types of fields: what lies in ``nested`` objects is out of a query string's reach.

    Raises:
        DogwatchError: ``lucene-syntax``; ``query-too-long``; ``lucene-type`` for values that the field cannot
            hold; ``lucene-unsupported`` for what we cannot run.
    """
    fields = Fields(type_of, mapping_of, known_fields)
    reading = Reading(text, fields, type_code="lucene-type", unsupported_code="lucene-unsupported")
    predicate = _Lowering(reading, now).query(parse(text))
    if reading.errors:
        raise DogwatchError((*reading.errors, *reading.notes))
    return Lowered(EventPattern(NEVER if predicate is None else predicate), tuple(reading.notes))


class _Lowering:
    def __init__(self, reading: Reading, now: int | None) -> None:
        self._reading = reading
        self._known = reading.fields
        self._now = now

    def query(self, node: ast.Query) -> Predicate | None:
        """The predicate, or ``None`` for what Lucene passes over."""
        match node:
            case ast.MatchAll():
                return ALWAYS
            case ast.Term(field=field, value=value, span=span):
                self._check_words(value, span)
                return self._fields(field, partial(_term, value=value, now=self._now), span)
            case ast.Exists(field=field, span=span):
                return self._exists(field, span)
            case ast.Regexp(field=field, pattern=pattern, span=span):
                return self._fields(field, partial(_regexp, pattern=pattern), span)
            case ast.Range(field=field, span=span):
                return self._fields(field, partial(_range, node=node, now=self._now), span)
            case ast.Ignored(query=query, span=span):
                self._reading.note(
                    "lucene-ignored",
                    "a boost, or `~` behind a wildcard, changes no answer",
                    span,
                    Severity.NOTICE,
                )
                return self.query(query)
            case ast.Bool(clauses=clauses):
                return self._bool(clauses)

    def _bool(self, clauses: tuple[ast.Clause, ...]) -> Predicate | None:
        asked: list[tuple[Occur, Predicate, Span]] = []
        for clause in clauses:
            predicate = self.query(clause.query)
            if clause.joined and asked and asked[-1][0] is Occur.SHOULD:
                asked[-1] = (Occur.MUST, *asked[-1][1:])
            if predicate is not None:
                asked.append((clause.occur, predicate, clause.query.span))
        required, optional, barred = (
            [each for each in asked if each[0] is occur] for occur in (Occur.MUST, Occur.SHOULD, Occur.MUST_NOT)
        )
        parts = [predicate for _, predicate, _ in required]
        if not required and optional:
            parts.append(any_of([predicate for _, predicate, _ in optional]))
        parts += [negation(predicate) for _, predicate, _ in barred]
        for _, _, span in optional if required else ():
            self._reading.note(
                "lucene-optional",
                "beside conditions that must hold (`AND`, `+`) this one changes no answer",
                span,
                hint="Lucene's operators have no precedence: put brackets around what belongs together",
            )
        return conjunction(parts) if parts else None

    def _check_words(self, value: Text, span: Span) -> None:
        """Warn of `and`, `or` and `not` in small letters, which are words to search for."""
        words = self._reading.source[value.span.start : value.span.end].split()
        if value.quoted or (len(words) == 1 and span.start < value.span.start):
            return
        found = next((word for word in words if word in _SMALL_OPERATORS), None)
        if found is not None:
            self._reading.note(
                "lucene-words",
                f"`{found}` is a word here, and a keyword is compared with `{' '.join(words)}` as a whole",
                value.span,
                hint=f"operators are in capitals: `{found.upper()}`",
            )

    def _exists(self, field: Text, span: Span) -> Predicate:
        if not field.has_wildcard and self._known.ref(field.literal) is None:
            # The name of an object asks for any field below it.
            below = self._within_reach((f"{field.literal}.", Wild.ANY))
            if below:
                return disjunction([Exists(Field(ref)) for ref in below])
        return self._fields(field, _has_value, span) or NEVER

    def _fields(self, field: Text | None, leaf: _Leaf, span: Span) -> Predicate | None:
        if field is not None and not field.has_wildcard:
            return self._one(field.literal, leaf, field.span, span)
        what = "a value without a field" if field is None else "a pattern of field names"
        if not self._reading.may_be_wide(what, span):
            return NEVER
        pieces = (Wild.ANY,) if field is None else field.pieces
        refs = self._within_reach(pieces)
        if not refs:
            name = Text(pieces).literal
            self._reading.note("unknown-field", f"no event can match this: no known field fits `{name}`", span)
            return NEVER
        leaves: list[Predicate | None] = []
        for ref in refs:
            # Elasticsearch asks leniently here: a field whose type cannot hold the value just does not match.
            with contextlib.suppress(UnfitValueError):
                leaves.append(leaf(ref))
        asked = [each for each in leaves if each is not None]
        if leaves and not asked:
            self._passed_over(span)
            return None
        return any_of(asked)

    def _within_reach(self, pieces: Pieces) -> list[FieldRef]:
        return [ref for ref in self._known.matching(pieces) if self._known.home(ref.path) is None]

    def _one(self, path: str, leaf: _Leaf, name: Span, span: Span) -> Predicate | None:
        home = path if self._known.is_nested(path) else self._known.home(path)
        if home is not None:
            message = (
                f"no event can match this: `{home}` holds nested objects, which Lucene's syntax cannot ask about"
            )
            self._reading.note(
                "lucene-nested", message, span, hint="write the rule in KQL: `path: { field: value }`"
            )
            return NEVER
        if not self._reading.may_be_asked(path, name):
            return NEVER
        ref = self._known.ref(path)
        if ref is None:
            self._reading.unknown_field(path, name)
        try:
            predicate = leaf(ref or FieldRef(path, FieldType.KEYWORD))
        except UnfitValueError as misfit:
            self._reading.misfit(misfit, span)
            return NEVER
        if predicate is None:
            self._passed_over(span)
        return predicate

    def _passed_over(self, span: Span) -> None:
        self._reading.note("lucene-ignored", "this holds no word that could be found, so it is passed over", span)


def _term(ref: FieldRef, value: Text, now: int | None) -> Predicate | None:
    match value.pieces:
        case (str(start), Wild.ANY) if ref.type is FieldType.TEXT:
            return _prefix(ref, start, now)
    predicate = match_leaf(ref, _as_word(value), now)
    # Text without a word in it gives no query, and a clause without a query is left out of its group.
    return None if predicate == NEVER and ref.type is FieldType.TEXT and not value.has_wildcard else predicate


def _prefix(ref: FieldRef, start: str, now: int | None) -> Predicate | None:
    """The beginning of a word of analysed text; it is analysed, and only its last word goes on."""
    words = list(words_of(start))
    texts = [*(Text((word,)) for word in words[:-1]), *(Text((word, Wild.ANY)) for word in words[-1:])]
    return any_of([match_leaf(ref, text, now) for text in texts]) if texts else None


def _has_value(ref: FieldRef) -> Predicate:
    return Exists(Field(ref))


def _range(ref: FieldRef, node: ast.Range, now: int | None) -> Predicate:
    match node.low, node.high:
        case None, None:
            return Exists(Field(ref))
        case Text() as low, None:
            return range_leaf(ref, Order.GE if node.include_low else Order.GT, _as_word(low), now)
        case None, Text() as high:
            return range_leaf(ref, Order.LE if node.include_high else Order.LT, _as_word(high), now)
        case Text() as low, Text() as high:
            return between_leaf(
                ref, _as_word(low), _as_word(high), now, with_low=node.include_low, with_high=node.include_high
            )
    raise AssertionError("an end of a range is a text or open")


def _as_word(text: Text) -> Text:
    """The text with ``null`` a word like any other, which it is not in KQL."""
    return Text(text.pieces, True, text.span) if text.pieces == ("null",) else text


def _regexp(ref: FieldRef, pattern: str) -> Predicate:
    if len(pattern) > _LONGEST_REGEXP:
        raise UnfitValueError(Unfit.TYPE, f"a regular expression has at most {_LONGEST_REGEXP:,} characters")
    match ref.type:
        case FieldType.KEYWORD | FieldType.VERSION:
            return IsTrue(Regex(Field(ref), (pattern,), RegexDialect.LUCENE))
        case FieldType.TEXT:
            word = Field(FieldRef(ref.path, FieldType.KEYWORD))
            return IsTrue(AnyWord(Field(ref), Regex(word, (pattern,), RegexDialect.LUCENE)))
        case _:
            raise UnfitValueError(
                Unfit.TYPE,
                f"`{ref.path}` holds values of type {ref.type.value}, and regular expressions match text only",
            )
