"""Which data belong to a file of cases: a folder's manifest says so, else what is known of published suites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from conformance.lenient import read_toml
from conformance.model import DEFAULT_READING, Reading, SuiteError, Table

MANIFEST = "conformance.toml"
"""The name of a folder's manifest."""

_DATA_SUFFIXES = (".data", ".json", ".ndjson")

_READING_KEYS = ("id", "category", "timestamp", "tiebreaker", "size")
_KEYS = frozenset({*_READING_KEYS, "data", "mapping", "convert", "unstable"})


@dataclass(frozen=True, slots=True)
class Profile:
    """What the cases of a file run on.

    Attributes:
        data: Names of the files of events.
        mappings: Names of the files of mappings; those that cannot be found count as empty.
        mapping: A mapping that goes before theirs.
        reading: How the events are read.
        convert: A name of ``conformance.data.CONVERSIONS``: how events get their ``@timestamp``.
        unstable: By a case's name, why upstream itself holds it to fail.
        any_data: Whether the first of the files that can be found will do; else all must be found, and the events
            of all are searched together.
    """

    data: tuple[str, ...]
    mappings: tuple[str, ...] = ()
    mapping: Table = field(default_factory=dict)
    reading: Reading = DEFAULT_READING
    convert: str | None = None
    unstable: Mapping[str, str] = field(default_factory=dict)
    any_data: bool = False


_ENDGAME = Profile(
    ("test_data.json",),
    mapping={"source_address": "ip", "destination_address": "ip", "@timestamp": "date"},
    reading=Reading("serial_event_id", "event_type", tiebreaker="serial_event_id"),
    convert="filetime",
)
_BY_SEQUENCE = Reading("sequence", "event_type", tiebreaker="sequence")
_BY_ID = Reading("id", "event_type")

_PUBLISHED = (
    ("test_queries_date_nanos*.toml", replace(_ENDGAME, convert="filetime-nanos")),
    ("test_queries*.toml", _ENDGAME),
    ("additional_test_queries*.toml", _ENDGAME),
    ("test_extra*.toml", Profile(("extra.data",), ("extra.mapping",), reading=_BY_SEQUENCE)),
    (
        "test_missing_events*.toml",
        Profile(("missing-events.data",), ("missing-events.mapping",), reading=_BY_SEQUENCE),
    ),
    ("test_sample_multi*.toml", Profile(("sample-multi.data",), ("sample-multi.mapping",), reading=_BY_ID)),
    (
        "test_sample*.toml",
        Profile(
            ("sample1.data", "sample2.data", "sample3.data"),
            ("sample1.mapping", "sample2.mapping", "sample3.mapping"),
            reading=_BY_ID,
        ),
    ),
)
"""Elasticsearch's and Endgame's published suites, by the names of their files; the first that fits counts."""


def profile_for(path: Path, root: Path) -> Profile:
    """What the cases of a file run on.

    Args:
        path: The file.
        root: The folder that was asked for; manifests above it do not count.

    Raises:
        SuiteError: The manifest says something else than it may.
    """
    stated = _from_manifest(path, root)
    if stated is not None:
        return stated
    for pattern, profile in _PUBLISHED:
        if fnmatch(path.name, pattern):
            return profile
    stem = path.stem.removeprefix("test_")
    return Profile(tuple(f"{stem}{suffix}" for suffix in _DATA_SUFFIXES), (f"{stem}.mapping",), any_data=True)


def _from_manifest(path: Path, root: Path) -> Profile | None:
    folder = path.parent
    while True:
        manifest = folder / MANIFEST
        if manifest.is_file():
            table = read_toml(manifest)
            own = table.get("files", {}).get(path.name)
            defaults = table.get("defaults")
            if own is not None or defaults is not None:
                return _profile(manifest, {**(defaults or {}), **(own or {})})
        if folder == root or folder == folder.parent:
            return None
        folder = folder.parent


def _profile(manifest: Path, table: dict[str, Any]) -> Profile:
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise SuiteError(f"{manifest}: unknown key `{unknown[0]}`; known are {', '.join(sorted(_KEYS))}")
    data = table.get("data")
    if not isinstance(data, list) or not data:
        raise SuiteError(f"{manifest}: `data` must list at least one file of events")
    mapping = table.get("mapping", [])
    return Profile(
        tuple(data),
        tuple(mapping) if isinstance(mapping, list) else (),
        mapping if isinstance(mapping, dict) else {},
        Reading(**{key: table[key] for key in _READING_KEYS if key in table}),
        table.get("convert"),
        table.get("unstable", {}),
    )
