"""The events of a suite: found, read, given their times and the types of their fields."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conformance.dynamic import dynamic_mapping
from conformance.lenient import read_documents, read_json
from conformance.model import Data, Reading, SuiteError
from conformance.profile import Profile
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.time import format_instant
from dogwatch.events.batch import Document
from dogwatch.schema.field import TYPE_OF_MAPPING
from dogwatch.schema.schema import Schema

_FILETIME_EPOCH = 11_644_473_600
"""Seconds from 1601, where Windows counts from, to 1970."""
_NOT_FIELDS = frozenset({"object", "nested", "alias", "geo_point", "binary"})


def shared_folder() -> Path:
    """Where published suites lie beside a checkout: under ``DOGWATCH_SHARED``, else ``../shared``."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("DOGWATCH_SHARED", beside)) / "conformance" / "eql"


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for files of data by their names.

    Attributes:
        suite: The folder of the cases.
        more: Folders to search after it.
    """

    suite: Path
    more: tuple[Path, ...] = ()

    def find(self, name: str, near: Path) -> Path | None:
        """The file of that name nearest to some cases: beside them, in their suite, beside that, in ``more``."""
        return next((path for path in self._candidates(name, near) if path.is_file()), None)

    def _candidates(self, name: str, near: Path) -> Iterator[Path]:
        for folder in (near.parent, near.parent / "data"):
            yield folder / name
        yield from sorted(self.suite.rglob(name))
        beside = self.suite.parent
        for folder in (beside, beside / "data"):
            yield folder / name
        yield from sorted(beside.glob(f"*/{name}"))
        for folder in self.more:
            yield from sorted(folder.rglob(name))


def load_data(profile: Profile, finder: Finder, near: Path) -> Data:
    """The events that the cases of a file run on.

    Raises:
        SuiteError: They cannot be found or read.
    """
    found = {name: finder.find(name, near) for name in profile.data}
    paths = tuple(path for path in found.values() if path is not None)
    if profile.any_data:
        paths = paths[:1]
    elif len(paths) < len(found):
        paths = ()
    if not paths:
        missing = ", ".join(name for name, path in found.items() if path is None)
        raise SuiteError(f"{near}: its events are not to be found ({missing})")
    mappings = [path for name in profile.mappings if (path := finder.find(name, near)) is not None]
    documents, schema = _loaded(paths, tuple(mappings), profile.convert)
    return Data(documents, _with_mapping(schema, profile.mapping, near), profile.reading)


def data_of(documents: list[Document], mapping: Mapping[str, Any], reading: Reading) -> Data:
    """Events that are already at hand, with the types that their mapping and their values give them."""
    return Data(tuple(documents), _schema(documents, [mapping], Path()), reading)


@lru_cache(maxsize=16)
def _loaded(
    paths: tuple[Path, ...], mappings: tuple[Path, ...], convert: str | None
) -> tuple[tuple[Document, ...], Schema]:
    documents = [document for path in paths for document in read_documents(path)]
    if convert is not None:
        conversion = CONVERSIONS.get(convert)
        if conversion is None:
            raise SuiteError(f"no conversion is called `{convert}`; known are {', '.join(CONVERSIONS)}")
        documents = [conversion(document) for document in documents]
    tables = [table for path in mappings for table in read_json(path)]
    return tuple(documents), _schema(documents, tables, paths[0])


def _schema(documents: list[Document], mappings: list[Any], near: Path) -> Schema:
    merged: dict[str, Any] = {}
    for mapping in mappings:
        merged = _merged(merged, _properties(mapping))
    return _with_mapping(Schema({}).with_mapping(dynamic_mapping(documents)), merged, near)


def _with_mapping(schema: Schema, mapping: Mapping[str, Any], near: Path) -> Schema:
    try:
        return schema.with_mapping(mapping)
    except DogwatchError as error:
        raise SuiteError(f"{near}: {error}") from error


def _properties(mapping: Any) -> dict[str, Any]:  # noqa: ANN401 - decoded JSON
    while isinstance(mapping, dict) and len(mapping) == 1 and next(iter(mapping)) in ("mappings", "properties"):
        (mapping,) = mapping.values()
    if not isinstance(mapping, dict):
        raise SuiteError("a mapping is an object of fields")
    return {name: _known(definition) for name, definition in mapping.items()}


def _known(definition: Any) -> Any:  # noqa: ANN401 - decoded JSON
    """The definition; a type that a test harness would have filled in (``[random_keyword_type]``) is keyword."""
    if not isinstance(definition, dict):
        return definition
    kind = definition.get("type")
    known = kind is None or kind in TYPE_OF_MAPPING or kind in _NOT_FIELDS
    inner = definition.get("properties")
    return {
        **definition,
        **({} if known else {"type": "keyword"}),
        **(
            {"properties": {name: _known(each) for name, each in inner.items()}} if isinstance(inner, dict) else {}
        ),
    }


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two indices' mappings as one: a field that both have keeps the first type and takes both formats."""
    result = dict(one)
    for name, definition in other.items():
        before = result.get(name)
        if not isinstance(before, dict) or not isinstance(definition, dict):
            result.setdefault(name, definition)
            continue
        result[name] = {**definition, **before}
        if "properties" in before and "properties" in definition:
            result[name]["properties"] = _merged(before["properties"], definition["properties"])
        if before.get("format") != definition.get("format"):
            formats = (
                each.get("format", "strict_date_optional_time||epoch_millis") for each in (before, definition)
            )
            result[name]["format"] = "||".join(formats)
    return result


def _filetime(document: Document) -> Document:
    # As Elasticsearch's loader does, to whole milliseconds.
    millis = int(document["timestamp"]) // 10_000 - _FILETIME_EPOCH * 1000
    return {**document, "@timestamp": millis}


def _filetime_nanos(document: Document) -> Document:
    nanos = (int(document["timestamp"]) - _FILETIME_EPOCH * 10_000_000) * 100
    return {**document, "@timestamp": format_instant(nanos)}


CONVERSIONS: Mapping[str, Callable[[Document], Document]] = {
    "filetime": _filetime,
    "filetime-nanos": _filetime_nanos,
}
"""Ways to give an event its ``@timestamp``: from ``timestamp``, hundreds of nanoseconds since 1601."""
