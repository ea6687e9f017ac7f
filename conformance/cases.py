"""Cases of every published shape: queries with ids, foldings of constants, series of sequences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.data import data_of
from conformance.library import OtherDialectError, respelled, translated_expression, translated_query
from conformance.model import Case, Data, Reading, SuiteError, Table
from dogwatch.languages.eql import ast
from dogwatch.languages.eql.printer import print_expression

_FOUND = (("0",),)
"""The answer of a query that holds for the one event of a folding, which has an id and nothing else."""
_VALUE_OF = {"null": "null", "bool": "true", "int": "7", "float": "7.5", "string": '"seven"'}


def is_library_dialect(tables: list[Table]) -> bool:
    """Whether queries are in the Endgame library's dialect: its suite alone gives its cases no names."""
    return not any("name" in table for table in tables)


@dataclass(frozen=True, slots=True)
class _Fold:
    """A constant expression, its value, whether letter case matters if that is said, and must it be refused."""

    expression: str
    expected: Any
    case_sensitive: bool | None
    refused: bool


def query_cases(tables: list[Table], unstable: Table, path: Path) -> Iterator[Case]:
    """The cases of ``[[queries]]`` tables.

    Raises:
        SuiteError: A table lacks its query, or its answer.
    """
    library = is_library_dialect(tables)
    for number, table in enumerate(tables, 1):
        name = str(table.get("name", f"query {number}"))
        query, expected = table.get("query"), table.get("expected_event_ids")
        refused = table.get("refused") is True
        if not isinstance(query, str) or isinstance(expected, list) == refused:
            raise SuiteError(
                f"{path}: `{name}` needs a query, and either `expected_event_ids` or `refused = true`"
            )
        skip = None
        if library:
            try:
                query = translated_query(query, _case_sensitive(table))
            except OtherDialectError as error:
                skip = f"other dialect: {error}"
        keys = table.get("join_keys")
        yield Case(
            name,
            query,
            () if expected is None else _answers(expected),
            None if keys is None else tuple(keys),
            table.get("size"),
            table.get("max_samples_per_key", 1),
            skip,
            unstable.get(name),
        )


def fold_cases(table: Table) -> Iterator[tuple[Case, Data]]:
    """The cases of a file of constant expressions with their values, and of those that must be refused."""
    data = data_of([{"id": 0}], {}, Reading(size=None))
    folds = list(_folds(table, None))
    library = any("'" in fold.expression for fold in folds)
    for number, fold in enumerate(folds, 1):
        text, skip = fold.expression, None
        try:
            if _is_method(text):
                skip = "other dialect: a method"
            elif fold.case_sensitive is False or library:
                text = translated_expression(text, fold.case_sensitive)
        except OtherDialectError as error:
            skip = f"other dialect: {error}"
        query = f"any where ({text}) == {_constant(fold.expected)}"
        yield Case(f"{number}: {fold.expression}", query, () if fold.refused else _FOUND, skip=skip), data


def series_cases(text: str) -> Iterator[tuple[Case, Data]]:
    """The cases of a drawing of series: a name, a line of events for each stage, and the sequences found.

    An event's number is its time; what stands before its ``|`` is its key.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    # A name, then the drawing up to a semicolon, then the answer up to another.
    blocks = "\n".join(lines).split(";")
    for drawing, answer in zip(blocks[::2], blocks[1::2], strict=False):
        name, *stages = [line.strip() for line in drawing.splitlines() if line.strip()]
        documents = []
        for stage, line in enumerate(stages, 1):
            for token in line.split():
                key, _, event = token.rpartition("|")
                time = int("".join(char for char in event if char.isdecimal()))
                # X only makes the drawing wider: it matches no stage.
                kind = "filler" if event.startswith("X") else f"stage{stage}"
                document = {"id": event, "@timestamp": time, "category": kind}
                documents.append({**document, "key": key} if key else document)
        found = [line.split() for line in answer.splitlines() if line.strip()]
        keyed = any("key" in document for document in documents)
        terms = " ".join(f"[stage{number} where true]" for number in range(1, len(stages) + 1))
        ids = tuple(token.rpartition("|")[2] for sequence in found for token in sequence)
        keys = tuple(sequence[0].rpartition("|")[0] for sequence in found) if keyed else ()
        yield (
            Case(name, f"sequence {'by key ' if keyed else ''}{terms}", (ids,), keys),
            data_of(documents, {"@timestamp": "date"}, Reading(category="category")),
        )


def _is_method(expression: str) -> bool:
    """Whether a text literal is followed by a function's name, as in ``"abc":length()``."""
    return '":' in respelled(expression).replace(" ", "")


def _answers(expected: list[Any]) -> tuple[tuple[str, ...], ...]:
    lists = expected if any(isinstance(each, list) for each in expected) else [expected]
    return tuple(tuple(str(id_) for id_ in each) for each in lists)


def _case_sensitive(table: Table) -> bool | None:
    if table.get("case_sensitive"):
        return True
    return False if table.get("case_insensitive") else None


def _folds(node: Any, case_sensitive: bool | None) -> Iterator[_Fold]:  # noqa: ANN401 - a TOML value
    match node:
        case dict():
            marked = _case_sensitive(node)
            case_sensitive = case_sensitive if marked is None else marked
            for name, inner in node.items():
                if name in ("tests", "failures") and isinstance(inner, list):
                    refused = name == "failures"
                    yield from (
                        _Fold(each["expression"], each.get("expected"), case_sensitive, refused) for each in inner
                    )
                elif name == "loop":
                    for loop in inner:
                        yield from _looped(loop, case_sensitive)
                else:
                    yield from _folds(inner, case_sensitive)
        case list():
            for inner in node:
                yield from _folds(inner, case_sensitive)


def _looped(loop: Table, case_sensitive: bool | None) -> Iterator[_Fold]:
    """The tests of a loop, once for a value of each of its types."""
    name = f"${loop['param']['name']}"
    for fold in _folds({"fold": loop["fold"]}, case_sensitive):
        for kind in loop["param"]["type"]:
            yield replace(fold, expression=fold.expression.replace(name, _VALUE_OF[kind]))


def _constant(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case _:
            return print_expression(ast.String(str(value)))
