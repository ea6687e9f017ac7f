"""Files of resources become one set; what cannot be read costs only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.message import nearest, quoted
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.rules.loaders.yaml_documents import documents
from dogwatch.rules.loaders.yaml_nodes import YamlTable, YamlText, YamlValue, kind_of
from dogwatch.rules.resources import groups, profiles, thresholds
from dogwatch.rules.resources.entry import tell_faults
from dogwatch.rules.resources.exceptions import ExceptionReader
from dogwatch.rules.resources.files import CSV, MAX_VALUES, Found, Sheet, find_files, read_resource, read_sheet
from dogwatch.rules.resources.groups import GroupReader
from dogwatch.rules.resources.problems import Problems, Source, did_you_mean
from dogwatch.rules.resources.profiles import ProfileReader
from dogwatch.rules.resources.resource_set import ResourceSet
from dogwatch.rules.resources.tables import TableReader
from dogwatch.rules.resources.thresholds import ThresholdReader
from dogwatch.rules.resources.watch_lists import WatchListReader

BUILTIN = Path(__file__).parent / "builtin"
"""The groups that come with the package."""

_COLUMNS = "group,member; property,device,component,value; profile,...,hour,day,mean,stddev"


def load_resources(paths: Sequence[Path | str] = (), options: FortisiemOptions = VENDOR) -> ResourceSet:
    """Every resource of some files and folders, and the groups that come with the package.

    YAML files are read first, in the order given, a folder's by name; then CSV files that none of them names.
    What two files say of one group or watch list adds up; of two lookup tables, limits or rows of a profile the
    later counts.

    Args:
        paths: YAML and CSV files, and folders, which are read with all that is below them but for names that begin
            with a dot.
        options: How the conditions of exceptions are read.
    """
    problems = Problems()
    reader = _Reader(problems)
    found = find_files(paths, problems)
    sheets = [each for each in found if each.path.suffix.lower() in CSV]
    reader.read_all(Found(each, is_named=True) for each in sorted(BUILTIN.glob("*.yaml")))
    reader.read_all(each for each in found if each not in sheets)
    named = reader.named_files()
    reader.read_all(each for each in sheets if each.path.resolve() not in named)
    return reader.resources(options)


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._groups = GroupReader()
        self._tables = TableReader()
        self._watch_lists = WatchListReader()
        self._thresholds = ThresholdReader()
        self._profiles = ProfileReader()
        self._exceptions = ExceptionReader()
        self._kinds: dict[str, Callable[[YamlValue, Source], None]] = {
            "groups": self._groups.read,
            "tables": self._tables.read,
            "watch_lists": self._watch_lists.read,
            "thresholds": self._thresholds.read,
            "profiles": self._profiles.read,
            "exceptions": self._exceptions.read,
        }

    def read_all(self, files: Iterable[Found]) -> None:
        """Take all that some files say."""
        for each in files:
            source = Source(str(each.path), each.path.parent, self._problems)
            if each.path.suffix.lower() in CSV:
                self._read_sheet(each, source)
            else:
                self._read_yaml(each, source)

    def named_files(self) -> set[Path]:
        """The files that others name, and that so mean nothing by themselves."""
        readers = (self._groups, self._tables, self._watch_lists, self._thresholds, self._profiles)
        return set().union(*(reader.files for reader in readers))

    def resources(self, options: FortisiemOptions) -> ResourceSet:
        """All that was read."""
        found = ResourceSet(
            groups=self._groups.groups(),
            tables=self._tables.tables,
            watch_lists=self._watch_lists.watch_lists(),
            limits=self._thresholds.limits,
            limit_names=self._thresholds.names,
            profiles=self._profiles.profiles(),
        )
        exceptions = self._exceptions.exceptions(found, options, self._problems)
        return replace(found, exceptions=exceptions, diagnostics=self._problems.diagnostics())

    def _read_yaml(self, file: Found, source: Source) -> None:
        text = read_resource(file.path, source)
        if text is None:
            return
        try:
            for tree in documents(text, source.file, most=MAX_VALUES):
                self._read_document(tree, file, source)
        except DogwatchError as error:
            for diagnostic in error.diagnostics:
                self._problems.add(diagnostic)

    def _read_document(self, tree: YamlValue, file: Found, source: Source) -> None:
        if isinstance(tree, YamlText) and tree.is_null:
            return
        if not isinstance(tree, YamlTable):
            self._not_ours(file, source, f"it holds {kind_of(tree)}")
            return
        if not any(key in self._kinds or nearest(key, self._kinds) for key in tree.entries):
            self._not_ours(file, source, "it has none of the keys of resources")
            return
        tell_faults(tree, source)
        for key, below in tree.entries.items():
            read = self._kinds.get(key)
            if read is not None:
                read(below, source)
            else:
                source.warning(
                    "resource-key-unknown",
                    f"{quoted(key)} means nothing here",
                    tree.keys[key].line,
                    did_you_mean(key, self._kinds),
                )

    def _read_sheet(self, file: Found, source: Source) -> None:
        sheet = read_sheet(file.path, source)
        if sheet is None:
            return
        read = self._sheet_reader(sheet)
        if read is not None:
            read(sheet)
        else:
            self._not_ours(file, source, f"its columns are {quoted(','.join(sheet.header))}")

    def _sheet_reader(self, sheet: Sheet) -> Callable[[Sheet], None] | None:
        columns = tuple(each.lower() for each in sheet.header)
        if columns == groups.CSV_COLUMNS:
            return self._groups.read_sheet
        if columns == thresholds.CSV_COLUMNS:
            return self._thresholds.read_sheet
        if columns[0] == profiles.NUMBER_COLUMN and profiles.has_tail(sheet):
            return self._profiles.read_sheet
        return None

    def _not_ours(self, file: Found, source: Source, why: str) -> None:
        message = f"this file describes no resources: {why}"
        hint = (
            f"known columns are {_COLUMNS}"
            if file.path.suffix.lower() in CSV
            else f"known keys are {', '.join(self._kinds)}"
        )
        # A folder may hold other files of the same kind.
        tell = source.error if file.is_named else source.notice
        tell("not-a-resource", message, 1, hint)
