"""Suites found beneath folders: every file of cases with its data, and every file run."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from conformance.cases import fold_cases, is_library_dialect, query_cases, series_cases
from conformance.data import Finder, load_data
from conformance.lenient import read_toml
from conformance.model import Case, CaseFile, FileOutcome, Mismatch, Outcome, Status, SuiteError
from conformance.profile import MANIFEST, profile_for
from conformance.run import run_case

_SERIES_SUFFIX = ".series-spec"


def run_suites(paths: Sequence[Path], more: Sequence[Path] = ()) -> Iterator[FileOutcome]:
    """Run every file of cases beneath some folders, in order, and give each when it is done.

    Args:
        paths: Folders, or single files.
        more: Folders in which data are looked for after the suite's own.
    """
    seen: set[Path] = set()
    for path in paths:
        suite = path if path.is_dir() else path.parent
        for file in _files(path):
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            try:
                loaded = load_cases(file, Finder(suite, tuple(more)))
            except SuiteError as error:
                broken = Outcome(
                    Case("(the file)", "", ()),
                    Status.FAILED,
                    (Mismatch("loading", "a file of cases and its data", str(error)),),
                )
                yield FileOutcome(file, [broken])
                continue
            if loaded is not None:
                yield FileOutcome(file, [run_case(case, data) for case, data in loaded.cases])


def load_cases(path: Path, finder: Finder) -> CaseFile | None:
    """The cases of a file with their data, or ``None`` if it holds no cases.

    Raises:
        SuiteError: It holds cases, but they cannot be read, or their data cannot.
    """
    if path.suffix == _SERIES_SUFFIX:
        return CaseFile(path, tuple(series_cases(path.read_text(encoding="utf-8"))))
    table = read_toml(path)
    queries = table.get("queries")
    if not isinstance(queries, list):
        folds = tuple(fold_cases(table)) if _has_folds(table) else ()
        return CaseFile(path, folds) if folds else None
    profile = profile_for(path, finder.suite)
    data = load_data(profile, finder, path)
    if is_library_dialect(queries):
        # The library knows no size of a request.
        data = replace(data, reading=replace(data.reading, size=None))
    return CaseFile(path, tuple((case, data) for case in query_cases(queries, profile.unstable, path)))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = (each for each in path.rglob("*") if each.suffix in (".toml", _SERIES_SUFFIX))
    return sorted(each for each in found if each.is_file() and each.name != MANIFEST and not _is_foreign(each))


def _is_foreign(path: Path) -> bool:
    """Whether a TOML file is of another kind: it is well-formed, and has neither queries nor foldings."""
    if path.suffix == _SERIES_SUFFIX:
        return False
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return "queries" not in table and not _has_folds(table)


def _has_folds(table: dict[str, object]) -> bool:
    return any(isinstance(group, dict) and ("fold" in group or "verifier" in group) for group in table.values())
