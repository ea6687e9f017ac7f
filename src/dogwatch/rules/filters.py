"""The Query DSL filters that a rule may carry beside its query, as predicates.

Kibana's filter bar and rule authors write few of the DSL's clauses: those are read here, and others refused.
A filter takes events away before anything is matched, from every step of a sequence alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.text import Fold
from dogwatch.languages.lowering import TypeOf
from dogwatch.logic.pattern import Pattern
from dogwatch.logic.predicate import (
    ALWAYS,
    Exists,
    Field,
    IsTrue,
    Like,
    Member,
    Not,
    Predicate,
    Wild,
    WildcardPattern,
    conjunction,
    disjunction,
)
from dogwatch.logic.rewrite import with_predicates
from dogwatch.schema.field import FieldRef, FieldType, Scalar

_WILDS = {wild.value: wild for wild in Wild}


def filters_predicate(filters: Iterable[Mapping[str, Any]], type_of: TypeOf) -> Predicate:
    """Whether an event passes all the filters; disabled ones are passed over.

    Args:
        filters: As the rule's file has them: each with ``meta`` and ``query`` (or, in the old style, the
            clause itself beside ``meta``).
        type_of: The schema; a field that it does not know is a keyword.

    Raises:
        DogwatchError: ``filter-unsupported`` for a clause that is not run here.
    """
    return conjunction([_filter(each, type_of) for each in filters if not _meta(each).get("disabled")])


def restricted(pattern: Pattern, allowed: Predicate) -> Pattern:
    """The pattern over those events only that satisfy ``allowed``."""
    if allowed == ALWAYS:
        return pattern
    return with_predicates(pattern, lambda predicate: conjunction([allowed, predicate]))


def _meta(query_filter: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = query_filter.get("meta")
    return meta if isinstance(meta, Mapping) else {}


def _filter(query_filter: Mapping[str, Any], type_of: TypeOf) -> Predicate:
    clause = query_filter.get("query")
    if clause is None:
        clause = {key: value for key, value in query_filter.items() if key not in ("meta", "$state")}
    found = _clause(clause, type_of)
    return Not(found) if _meta(query_filter).get("negate") else found


def _clause(clause: object, type_of: TypeOf) -> Predicate:
    match clause:
        case {"match_all": _, **rest} if not rest:
            return ALWAYS
        case {"exists": {"field": str(path)}, **rest} if not rest:
            return Exists(_field(path, type_of))
        case {"bool": Mapping() as parts, **rest} if not rest:
            return _bool(parts, type_of)
        case {"wildcard": Mapping() as body, **rest} if not rest:
            path, value, fold = _single(body, ("value", "wildcard"))
            return _like(path, tuple(_pieces(value, fold)), fold, type_of)
        case {"prefix": Mapping() as body, **rest} if not rest:
            path, value, fold = _single(body, ("value",))
            return _like(path, (fold.apply(str(value)), Wild.ANY), fold, type_of)
        case {"term": Mapping() as body, **rest} if not rest:
            path, value, fold = _single(body, ("value",))
            return _member(path, [value], fold, type_of)
        case {"match_phrase": Mapping() as body, **rest} if not rest:
            path, value, fold = _single(body, ("query",))
            return _member(path, [value], fold, type_of)
        case {"terms": Mapping() as body, **rest} if not rest and len(body) == 1:
            ((path, values),) = body.items()
            return _member(path, values if isinstance(values, list) else [values], Fold.NONE, type_of)
        case _:
            raise _unsupported(f"a clause of {_names(clause)}")


def _bool(parts: Mapping[str, Any], type_of: TypeOf) -> Predicate:
    known = {"must", "filter", "should", "must_not", "minimum_should_match"}
    if parts.keys() - known or parts.get("minimum_should_match", 1) not in (1, "1"):
        raise _unsupported(f"a `bool` of {_names(parts)}")
    needed = [_clause(each, type_of) for key in ("must", "filter") for each in _listed(parts.get(key))]
    barred = [Not(_clause(each, type_of)) for each in _listed(parts.get("must_not"))]
    choices = [_clause(each, type_of) for each in _listed(parts.get("should"))]
    # Beside `must` or `filter`, `should` only raises the score, unless a minimum is asked for.
    if choices and (not needed or "minimum_should_match" in parts):
        needed.append(disjunction(choices))
    return conjunction([*needed, *barred])


def _listed(value: object) -> list[object]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _single(body: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, object, Fold]:
    """The field, value and case folding of a clause on one field: ``{field: value}``, or a table in its place."""
    if len(body) != 1:
        raise _unsupported(f"a clause on {len(body)} fields")
    ((path, value),) = body.items()
    if not isinstance(value, Mapping):
        return path, value, Fold.NONE
    named = [key for key in keys if key in value]
    if not named or value.keys() - {named[0], "case_insensitive", "boost"}:
        raise _unsupported(f"a clause with {_names(value)}")
    return path, value[named[0]], Fold.ASCII if value.get("case_insensitive") is True else Fold.NONE


def _pieces(value: object, fold: Fold) -> Iterator[str | Wild]:
    """A Lucene wildcard in pieces: a backslash makes the next character an ordinary one."""
    literal = ""
    chars = iter(str(value))
    for char in chars:
        if char in _WILDS:
            if literal:
                yield fold.apply(literal)
            literal = ""
            yield _WILDS[char]
        else:
            literal += next(chars, char) if char == "\\" else char
    if literal:
        yield fold.apply(literal)


def _like(path: str, pieces: tuple[str | Wild, ...], fold: Fold, type_of: TypeOf) -> Predicate:
    field = _field(path, type_of)
    if field.ref.type is not FieldType.KEYWORD:
        raise _unsupported(f"a wildcard on `{path}`, which is of type {field.ref.type.value},")
    return IsTrue(Like(field, (WildcardPattern(pieces),), fold))


def _member(path: str, values: list[object], fold: Fold, type_of: TypeOf) -> Predicate:
    field = _field(path, type_of)
    return IsTrue(Member(field, frozenset(_scalar(value, field.ref, fold) for value in values), fold))


def _scalar(value: object, ref: FieldRef, fold: Fold) -> Scalar:
    match ref.type, value:
        case FieldType.KEYWORD, bool():
            return str(value).lower()
        case FieldType.KEYWORD, str() | int() | float():
            return fold.apply(str(value))
        case FieldType.BOOLEAN, bool():
            return value
        case FieldType.LONG, int(number) if not isinstance(value, bool):
            return number
        case FieldType.DOUBLE, int(number) | float(number) if not isinstance(value, bool):
            return number
    raise _unsupported(f"the value {value!r} for `{ref}`, which is of type {ref.type.value},")


def _field(path: str, type_of: TypeOf) -> Field:
    return Field(FieldRef(path, type_of(path) or FieldType.KEYWORD))


def _names(clause: object) -> str:
    return ", ".join(f"`{key}`" for key in clause) if isinstance(clause, Mapping) and clause else "no known form"


def _unsupported(what: str) -> DogwatchError:
    return DogwatchError(
        Diagnostic("filter-unsupported", f"one of this rule's filters has {what} which is not run here")
    )
