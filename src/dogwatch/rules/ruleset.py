"""Rules loaded together: from files and folders, sorted, each version an instance of its own.

Loading files again that hold what they held is quick: the rules are kept (``rules.cache``).
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path

from dogwatch.base import keep
from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Severity
from dogwatch.base.garbage import uncollected
from dogwatch.rules import cache
from dogwatch.rules.cache import Listed, Load, Origin, RuleFile
from dogwatch.rules.loaders.source import Loaded, read_bytes, text_of
from dogwatch.rules.model import Level, Rule, instance_id

BUILTIN = "builtin"
"""The name under which the library that comes with the package is loaded."""

_LIBRARY = Path(__file__).parent / "library"
_LOADERS = {
    ".toml": "elastic_toml",
    ".ndjson": "kibana",
    ".json": "kibana",
    ".xml": "fortisiem_xml",
    ".yml": "fortisiem_yaml",
    ".yaml": "fortisiem_yaml",
}
"""The modules that read files, by the ends of their names; each is imported for the first file of its kind."""
_MOST_KEPT = 256 * 1024 * 1024
"""Bytes of rule files that are held in memory together; of more, one file after the other, and nothing is kept."""
_SHOWN = 10
"""Rules named when a prefix fits several."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Some rules, and what went wrong while they were loaded.

    Attributes:
        rules: In the order of rule id, then version; an id and version occur once.
        errors: Every diagnostic of the load: errors, warnings and notices.
        origin: Where they came from, if more about them may be kept.
    """

    rules: tuple[Rule, ...] = ()
    errors: tuple[Diagnostic, ...] = field(default=())
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def installed(self) -> tuple[Rule, ...]:
        """The newest version of each rule."""
        return tuple({rule.rule_id: rule for rule in self.rules}.values())

    def is_installed(self, rule: Rule) -> bool:
        """Whether the rule is the newest of its id, not an older one pinned beside it."""
        return rule.instance_id == instance_id(rule.rule_id)

    def versions(self, rule_id: str) -> tuple[Rule, ...]:
        """Every version of one rule, oldest first."""
        return tuple(rule for rule in self.rules if rule.rule_id == rule_id)

    def by_id(self, rule_id: str, version: int | None = None) -> Rule | None:
        """The newest version of a rule, or the one asked for; ``None`` if it is not here."""
        found = [rule for rule in self.versions(rule_id) if version in (None, rule.version)]
        return found[-1] if found else None

    def by_name(self, name: str) -> tuple[Rule, ...]:
        """The installed rules of that name, without regard to case."""
        return tuple(rule for rule in self.installed if rule.name.lower() == name.lower())

    def at_least(self, level: Level) -> RuleSet:
        """Those whose severity is the level or a higher one."""
        return self.where(lambda rule: rule.severity >= level)

    def tagged(self, tag: str) -> RuleSet:
        """Those that carry the tag, without regard to case."""
        return self.where(lambda rule: tag.lower() in (each.lower() for each in rule.tags))

    def where(self, keep: Callable[[Rule], bool]) -> RuleSet:
        """Those that ``keep`` accepts, with all diagnostics."""
        return replace(self, rules=tuple(rule for rule in self.rules if keep(rule)))

    def find(self, selector: str) -> Rule:
        """The one rule that a person means.

        Args:
            selector: ``rule_id``, ``rule_id@5``, an instance id, a name, or the beginning of an id or a
                name that fits one rule only. Without a version the newest is meant.

        Raises:
            DogwatchError: ``rule-unknown``, or ``rule-ambiguous`` with the rules that it could be.
        """
        exact = next((rule for rule in self.rules if selector in (rule.label, rule.instance_id)), None)
        if exact is not None:
            return exact
        wanted, at, version = selector.rpartition("@")
        if not (at and version.isascii() and version.isdigit()):
            wanted, version = selector, ""
        found = self._candidates(wanted)
        if len(found) == 1 and not version:
            return found[0]
        if len(found) == 1:
            pinned = self.by_id(found[0].rule_id, int(version))
            if pinned is not None:
                return pinned
            known = ", ".join(str(rule.version) for rule in self.versions(found[0].rule_id))
            raise DogwatchError(
                Diagnostic(
                    "rule-unknown",
                    f"there is no version {version} of {found[0].name}",
                    hint=f"there are {known}",
                )
            )
        if not found:
            raise DogwatchError(
                Diagnostic("rule-unknown", f"no rule has the id or name `{selector}`", hint=self._near(selector))
            )
        names = ", ".join(f"{rule.rule_id} ({rule.name})" for rule in found[:_SHOWN])
        raise DogwatchError(
            Diagnostic("rule-ambiguous", f"`{selector}` fits {len(found)} rules", hint=f"it could be {names}")
        )

    def _candidates(self, wanted: str) -> Sequence[Rule]:
        by_id = self.by_id(wanted)
        if by_id is not None:
            return (by_id,)
        folded = wanted.lower()
        return self.by_name(wanted) or tuple(
            rule
            for rule in self.installed
            if folded and (rule.rule_id.lower().startswith(folded) or rule.name.lower().startswith(folded))
        )

    def _near(self, selector: str) -> str | None:
        inside = [
            rule.name for rule in self.installed if selector.strip() and selector.lower() in rule.name.lower()
        ]
        return f"names that hold it: {', '.join(inside[:_SHOWN])}" if inside else None


def load_rules(where: str | Path | Sequence[str | Path] = BUILTIN) -> RuleSet:
    """Every rule of some files and folders; a bad one is reported in ``errors`` and stops nothing.

    Args:
        where: Files, folders (read with all that is below them, but for names that begin with a dot), or
            ``builtin`` for the library; a folder of that name is ``./builtin``.
    """
    places = [where] if isinstance(where, str | Path) else list(where)
    listed = [each for place in places for each in _listed(place)]
    with uncollected():
        kept = _kept_set(listed)
        return _load_all(listed, read_bytes) if kept is None else kept


def _kept_set(listed: Listed) -> RuleSet | None:
    """The rules of files as they are kept, or are from now on; ``None`` if they cannot be kept."""
    if keep.folder() is None:
        return None
    began = time.time_ns()
    try:
        look = cache.look(listed)
    except OSError:
        return None
    key = cache.remembered_key(look)
    load = None if key is None else cache.kept_load(key)
    if key is None or load is None:
        if look.size > _MOST_KEPT:
            return None
        contents = {each.path: _contents(each.path) for each in listed if isinstance(each, RuleFile)}
        key = cache.contents_key(listed, contents)
        if not any(isinstance(each, DogwatchError) for each in contents.values()):
            cache.remember_key(look, key, began)
        load = cache.kept_load(key)
    if load is None:
        loaded = _load_all(listed, lambda path: _given(contents[path]))
        load = Load(loaded.rules, loaded.errors)
        cache.keep_load(key, load)
    return RuleSet(load.rules, load.errors, Origin(key, load.rules))


def _contents(path: Path) -> bytes | DogwatchError:
    try:
        return read_bytes(path)
    except DogwatchError as error:
        return error


def _given(contents: bytes | DogwatchError) -> bytes:
    if isinstance(contents, DogwatchError):
        raise contents
    return contents


def _load_all(listed: Listed, read: Callable[[Path], bytes]) -> RuleSet:
    rules: list[Rule] = []
    problems: list[Diagnostic] = []
    seen: set[Path] = set()
    for each in listed:
        if isinstance(each, Diagnostic):
            problems.append(each)
            continue
        real = each.path.resolve()
        if real not in seen:
            seen.add(real)
            loaded = _load(each, read)
            rules += loaded.rules
            problems += loaded.diagnostics
    return rule_set(rules, problems)


def rule_set(rules: Iterable[Rule], problems: Iterable[Diagnostic] = ()) -> RuleSet:
    """A set of rules: sorted, repeated ones reported and left out, older versions made instances of their own."""
    errors = list(problems)
    first: dict[tuple[str, int], Rule] = {}
    for rule in rules:
        known = first.setdefault((rule.rule_id, rule.version), rule)
        if known is not rule:
            errors.append(
                Diagnostic(
                    "duplicate-rule",
                    f"version {rule.version} of rule {rule.rule_id} is loaded already; this one is left out",
                    place=rule.place,
                    hint=f"the other one is at {known.place}",
                )
            )
    newest = dict(sorted(first))
    return RuleSet(
        tuple(
            _instance(rule, instance_id(rule_id, None if version == newest[rule_id] else version))
            for (rule_id, version), rule in sorted(first.items(), key=itemgetter(0))
        ),
        tuple(errors),
    )


def _instance(rule: Rule, identity: str) -> Rule:
    return rule if rule.instance_id == identity else replace(rule, instance_id=identity)


def _listed(where: str | Path) -> Iterator[RuleFile | Diagnostic]:
    path = _LIBRARY if where == BUILTIN else Path(where)
    if path.is_dir():
        yield from _below(path)
    elif not path.exists():
        yield Diagnostic(
            "rules-not-found",
            "there is no such file or folder",
            place=Place(str(where)),
            hint=f"give a file, a folder, or `{BUILTIN}` for the rules that come with Dogwatch",
        )
    elif path.suffix.lower() not in _LOADERS:
        yield Diagnostic(
            "rule-format-unknown",
            f"rules are not read from files named *{path.suffix}",
            place=Place(str(where)),
            hint=f"known are {', '.join(sorted(_LOADERS))}",
        )
    else:
        yield RuleFile(path, named=True)


def _below(root: Path) -> Iterator[RuleFile | Diagnostic]:
    unreadable: list[OSError] = []
    for folder, below, names in os.walk(root, onerror=unreadable.append):
        yield from _told(unreadable)
        below[:] = sorted(name for name in below if not name.startswith("."))
        inside = Path(folder)
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in _LOADERS:  # noqa: PTH122 - quick
                yield RuleFile(inside / name, named=False)
    yield from _told(unreadable)


def _told(unreadable: list[OSError]) -> Iterator[Diagnostic]:
    yield from map(_unreadable, unreadable)
    unreadable.clear()


def _load(file: RuleFile, read: Callable[[Path], bytes]) -> Loaded:
    try:
        text = text_of(read(file.path), str(file.path))
    except DogwatchError as error:
        return Loaded(diagnostics=error.diagnostics)
    loader = importlib.import_module(f"dogwatch.rules.loaders.{_LOADERS[file.path.suffix.lower()]}")
    loaded: Loaded = loader.load(text, str(file.path))
    if file.named:
        return loaded
    # A folder of rules may hold other files of the same kind: tests' events, a project's settings.
    return Loaded(
        loaded.rules,
        [
            replace(problem, severity=Severity.NOTICE) if problem.code == "not-a-rule" else problem
            for problem in loaded.diagnostics
        ],
    )


def _unreadable(error: OSError) -> Diagnostic:
    reason = error.strerror or type(error).__name__
    return Diagnostic(
        "rule-file-unreadable", f"this folder cannot be read: {reason}", place=Place(str(error.filename))
    )
