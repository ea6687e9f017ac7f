"""One case, asked of both evaluators in every way that may not change the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.evaluator import Answer, Engine, Reference
from conformance.model import Case, Data, Mismatch, Outcome, Status
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.time import parse_instant
from dogwatch.logic.pattern import End
from dogwatch.schema.coerce import coerce
from dogwatch.schema.field import FieldType

_BATCH_ROWS = (1, 7, 8192)


def run_case(case: Case, data: Data) -> Outcome:
    """How the case goes."""
    if case.skip is not None:
        return Outcome(case, Status.SKIPPED, reason=case.skip)
    mismatches = tuple(_mismatches(case, data))
    if case.fails is None:
        return Outcome(case, Status.FAILED if mismatches else Status.PASSED, mismatches)
    if mismatches:
        return Outcome(case, Status.SKIPPED, reason=f"unstable upstream: {case.fails}")
    unexpected = Mismatch("both", f"a failure ({case.fails})", "the expected answer")
    return Outcome(case, Status.FAILED, (unexpected,))


def same_key(expected: object, got: object) -> bool:
    """Whether a join key is the expected one: by value, with instants and ``null`` in any spelling."""
    if _spelled(expected) == _spelled(got):
        return True
    instant = parse_instant(got) if isinstance(got, str) and "T" in got else None
    return instant is not None and coerce(expected, FieldType.DATE) == instant


def _mismatches(case: Case, data: Data) -> Iterator[Mismatch]:
    size = data.reading.size if case.size is None else case.size
    try:
        reference = Reference(case, data)
        cut_off = size is not None and reference.answer(size, End.TAIL) != reference.answer(None, End.TAIL)
        # Where the request's size cuts something off, the answer depends on the end, and the last is the default.
        ends = (End.TAIL,) if cut_off else (End.TAIL, End.HEAD)
        for end in ends:
            yield from _compared(case, f"reference, {end.value}", reference.answer(size, end))
    except DogwatchError as error:
        yield from _refused(case, "reference", error)
        ends = (End.TAIL,)
    try:
        engine = Engine(case, data)
        for end in ends:
            for rows in _BATCH_ROWS if end is End.TAIL else _BATCH_ROWS[-1:]:
                name = f"engine, {end.value}, batches of {rows}"
                yield from _compared(case, name, engine.answer(size, end, rows))
    except DogwatchError as error:
        yield from _refused(case, "engine", error)


def _refused(case: Case, evaluator: str, error: DogwatchError) -> Iterator[Mismatch]:
    if case.answers:
        first = error.diagnostics[0]
        yield Mismatch(evaluator, _expected(case), f"refused ({first.code}: {first.message})")


def _compared(case: Case, evaluator: str, answer: Answer) -> Iterator[Mismatch]:
    keys = case.join_keys
    if not case.answers:
        yield Mismatch(evaluator, "a refusal", _shown(answer.ids))
    elif answer.ids not in case.answers:
        yield Mismatch(evaluator, _expected(case), _shown(answer.ids))
    elif keys is not None and not _same_keys(keys, answer.join_keys):
        yield Mismatch(evaluator, f"join keys {_shown(keys)}", f"join keys {_shown(answer.join_keys)}")


def _same_keys(expected: tuple[Any, ...], got: tuple[Any, ...]) -> bool:
    return len(expected) == len(got) and all(map(same_key, expected, got))


def _spelled(key: object) -> str:
    match key:
        case None:
            return "null"
        case bool():
            return str(key).lower()
        case _:
            return str(key)


def _expected(case: Case) -> str:
    return " or ".join(_shown(each) for each in case.answers)


def _shown(values: tuple[Any, ...]) -> str:
    return f"[{', '.join(_spelled(value) for value in values)}]"
