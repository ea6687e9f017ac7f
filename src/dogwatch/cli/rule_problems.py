"""What is wrong with many rules, told so that nothing is lost in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from dogwatch.base.diagnostic import Diagnostic, Severity

_MOST_REPEATED = 3
"""Warnings of one kind that are told one by one."""


def has_errors(problems: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def by_place(problem: Diagnostic) -> tuple[str, int, int]:
    """A sort key: files by name, in each the order of its lines, what belongs to no file first."""
    place = problem.place
    return ("", 0, 0) if place is None else (place.file, place.line or 0, place.column or 0)


def told_once(problems: Iterable[Diagnostic], known_fields: Iterable[str]) -> Iterator[Diagnostic]:
    """The problems, where many warnings of one kind have become one that names the first place.

    Of one kind are warnings with the same words, and those about unknown fields under one name that the schema
    does not have at all, such as a vendor's: a mistyped name of a known field is not lost among them. Errors are
    never put together.

    Args:
        problems: In the order in which they are to be told; those put together come last.
        known_fields: The paths of all fields of the schema.
    """
    known = frozenset(map(_top, known_fields))
    groups: dict[tuple[str, ...], list[Diagnostic]] = {}
    ordered = list(problems)
    for problem in ordered:
        groups.setdefault(_kind(problem, known), []).append(problem)
    repeated = {kind for kind, members in groups.items() if _is_repeated(members)}
    yield from (problem for problem in ordered if _kind(problem, known) not in repeated)
    for kind, members in sorted(groups.items()):
        if kind in repeated:
            yield _together(members)


def facts(problem: Diagnostic) -> dict[str, object]:
    """A problem as an object for machines, whose lines and columns count from 1.

    It has ``severity``, ``code``, ``message`` and, where they are known, ``file``, ``line``, ``column``, ``field``
    and ``hint``.
    """
    place = problem.place
    found = {
        "severity": problem.severity.value,
        "code": problem.code,
        "message": problem.message,
        "file": place and place.file,
        "line": place and place.line,
        "column": place and place.column,
        "field": problem.field,
        "hint": problem.hint,
    }
    return {name: value for name, value in found.items() if value is not None}


def _kind(problem: Diagnostic, known: Collection[str]) -> tuple[str, ...]:
    if problem.field is not None and _top(problem.field) not in known:
        return problem.code, problem.severity.value, _top(problem.field)
    return problem.code, problem.severity.value, problem.message, problem.hint or ""


def _is_repeated(members: Sequence[Diagnostic]) -> bool:
    return len(members) > _MOST_REPEATED and members[0].severity is not Severity.ERROR


def _together(members: Sequence[Diagnostic]) -> Diagnostic:
    first = members[0]
    paths = {member.field for member in members if member.field is not None}
    message, hint = first.message, first.hint
    if len(paths) > 1 and first.field is not None:
        message = f"{len(paths):,} fields of `{_top(first.field)}` are not in the event schema"
        message, hint = f"{message}, such as `{first.field}`", None
    more = f"{message} (in {len(members):,} places, the first of them here)"
    return replace(first, message=more, hint=hint, source=None, span=None)


def _top(path: str) -> str:
    """The first name of a field's path, by which vendors keep their fields apart."""
    return path.partition(".")[0]
