"""What generated rules ask: conditions on fields that the events have, written as EQL or as KQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Protocol

from benchmarks.generate import words


@dataclass(frozen=True, slots=True)
class Condition:
    """A field and what it is compared with.

    Attributes:
        field: The field's path.
        values: One of these is to be the value; stars in them match anything if ``wild``.
        wild: Whether stars are wildcards and letter case does not count.
        operator: ``is``, ``exists``, ``>=`` or ``within`` (one of some networks).
        negative: Whether the condition is denied.
    """

    field: str
    values: tuple[str, ...] = ()
    wild: bool = False
    operator: str = "is"
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule is about.

    Attributes:
        title: For the rule's name.
        category: The event category.
        windows: The operating system; ``None`` for data of no host.
        index: The data streams that a rule names.
        base: Conditions that nearly every such rule begins with.
        texts: Fields of long texts, which are asked with wildcards.
        names: Fields of short names, which are asked for one of some values.
        numbers: Fields that are numbers.
    """

    title: str
    category: str
    windows: bool | None
    index: tuple[str, ...]
    base: tuple[Condition, ...]
    texts: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...] = ()


class Language(Protocol):
    """A language in which queries are written."""

    def query(self, category: str, conditions: Sequence[Condition], exclusions: Sequence[Condition]) -> str:
        """The query for events that satisfy all conditions and none of the exclusions."""
        ...


class Eql:
    """EQL."""

    def query(self, category: str, conditions: Sequence[Condition], exclusions: Sequence[Condition]) -> str:
        """The query, beginning with its category."""
        parts = [self.condition(each) for each in conditions]
        if exclusions:
            parts.append(f"not ({' or '.join(self.condition(each) for each in exclusions)})")
        return f"{category} where {' and '.join(parts) or 'true'}"

    def condition(self, asked: Condition) -> str:
        """One condition."""
        return f"not {self._positive(asked)}" if asked.negative else self._positive(asked)

    def _positive(self, asked: Condition) -> str:
        values = [f'"{each}"' if chr(92) not in each else f'"{_escaped(each)}"' for each in asked.values]
        if asked.operator == "exists":
            return f"{asked.field} != null"
        if asked.operator == ">=":
            return f"{asked.field} >= {asked.values[0]}"
        if asked.operator == "within":
            return f"cidrmatch({asked.field}, {', '.join(values)})"
        listed = values[0] if len(values) == 1 else f"({', '.join(values)})"
        if asked.wild:
            return f"{asked.field} : {listed}"
        return f"{asked.field} == {listed}" if len(values) == 1 else f"{asked.field} in {listed}"


class Kql:
    """KQL, Kibana's query language."""

    def query(self, category: str, conditions: Sequence[Condition], exclusions: Sequence[Condition]) -> str:
        """The query, beginning with its category."""
        first = Condition("event.category", (category,)) if category != "any" else None
        parts = [self.condition(each) for each in ([first] if first else []) + list(conditions)]
        if exclusions:
            parts.append(f"not ({' or '.join(self.condition(each) for each in exclusions)})")
        return " and ".join(parts)

    def condition(self, asked: Condition) -> str:
        """One condition."""
        return f"not {self._positive(asked)}" if asked.negative else self._positive(asked)

    def _positive(self, asked: Condition) -> str:
        if asked.operator == "exists":
            return f"{asked.field}:*"
        if asked.operator == ">=":
            return f"{asked.field} >= {asked.values[0]}"
        values = [_kql_value(each, wild=asked.wild) for each in asked.values]
        listed = values[0] if len(values) == 1 else f"({' or '.join(values)})"
        return f"{asked.field}:{listed}"


class Maker:
    """Makes conditions about subjects.

    Args:
        random: Decides.
    """

    def __init__(self, random: Random) -> None:
        self.random = random

    def conditions(self, subject: Subject) -> list[Condition]:
        """What events must satisfy."""
        random = self.random
        found = [each for each in subject.base if random.random() < 0.9]
        # Without one that is rarely true a rule would match all day.
        found.append(self._text(subject) if random.random() < 0.4 else self._decisive(subject))
        size = int(random.expovariate(0.45))
        found += [self._text(subject) if random.random() < 0.35 else self._name(subject) for _ in range(size)]
        if subject.numbers and random.random() < 0.1:
            found.append(
                Condition(random.choice(subject.numbers), (str(random.randrange(2, 2000)),), operator=">=")
            )
        if random.random() < 0.1:
            found.append(Condition(random.choice(subject.names), operator="exists"))
        return list({each.field: each for each in reversed(found)}.values())[::-1]

    def exclusions(self, subject: Subject) -> list[Condition]:
        """What is known to be harmless."""
        random = self.random
        if random.random() < 0.45:
            return []
        size = min(2 + int(random.expovariate(0.2)), 60)
        return [self._text(subject) if random.random() < 0.45 else self._name(subject) for _ in range(size)]

    def _decisive(self, subject: Subject) -> Condition:
        field = subject.names[0]
        pool = [each for each in _pool(field, subject) if each not in _FREQUENT]
        size = 1 if self.random.random() < 0.5 else min(2 + int(self.random.expovariate(0.25)), 60)
        return Condition(field, tuple(dict.fromkeys(self.random.choice(pool) for _ in range(size))))

    def _name(self, subject: Subject) -> Condition:
        random = self.random
        field = random.choice(subject.names)
        if field.endswith(".ip"):
            return Condition(field, (f"10.{random.randrange(64)}.0.0/16",), operator="within")
        size = 1 if random.random() < 0.75 else min(2 + int(random.expovariate(0.25)), 60)
        return Condition(field, self._values(field, subject, size))

    def _text(self, subject: Subject) -> Condition:
        random = self.random
        field = random.choice(subject.texts)
        size = 1 if random.random() < 0.6 else min(2 + int(random.expovariate(0.3)), 128)
        return Condition(field, tuple(dict.fromkeys(self._wildcard(subject) for _ in range(size))), wild=True)

    def _values(self, field: str, subject: Subject, size: int) -> tuple[str, ...]:
        pool = _pool(field, subject)
        return tuple(dict.fromkeys(self.random.choice(pool) for _ in range(size)))

    def _wildcard(self, subject: Subject) -> str:
        """Mostly a part that no harmless command line has; sometimes an odd command line's own."""
        random = self.random
        if random.random() < 0.15:
            programs = words.ODD_WINDOWS if subject.windows else words.ODD_LINUX
            text = random.choice(random.choice(programs).commands).partition("@")[0]
            middle = max((part for part in text.split(" ") if _is_plain(part)), key=len, default="")
            if len(middle) > 3:
                return f"*{middle}*"
        parts = [_word(random.randrange(800)) for _ in range(1 if random.random() < 0.7 else 2)]
        slash = "\\" if subject.windows else "/"
        shape = random.choice(("*{}*", "*{}", "{}*", f"*{slash}{{}}{slash}*", f"{slash}opt{slash}{{}}{slash}*"))
        return shape.format("*".join(parts))


def subjects_of(*, elsewhere: bool) -> tuple[Subject, ...]:
    """What rules are about: data that the streams have, or data of services that they do not have."""
    return _CLOUDS if elsewhere else _HERE


def _linux(title: str, category: str, kind: str, *fields: str, texts: tuple[str, ...]) -> Subject:
    base = (Condition("host.os.type", ("linux",)), Condition("event.type", (kind,)))
    index = (f"logs-endpoint.events.{category}*", "auditbeat-*", "logs-auditd_manager.auditd-*")
    return Subject(title, category, False, index, base, texts, fields, ("process.args_count", "process.pid"))


def _windows(title: str, category: str, kind: str, *fields: str, texts: tuple[str, ...]) -> Subject:
    base = (Condition("host.os.type", ("windows",)), Condition("event.type", (kind,)))
    index = (f"logs-endpoint.events.{category}*", "winlogbeat-*", "logs-windows.sysmon_operational-*")
    return Subject(title, category, True, index, base, texts, fields, ("process.args_count", "process.pid"))


_PROCESS = ("process.name", "process.name", "process.parent.name", "process.args", "user.name", "event.action")
_PROCESS_TEXTS = ("process.command_line", "process.executable", "process.parent.executable", "process.args")
_HERE = (
    _linux("Shell", "process", "start", *_PROCESS, texts=_PROCESS_TEXTS),
    _linux("Interpreter", "process", "start", *_PROCESS, "user.id", texts=_PROCESS_TEXTS),
    _linux("Hidden File", "file", "creation", "file.name", "file.extension", "process.name", texts=("file.path",)),
    _linux("Connection", "network", "start", "process.name", "destination.ip", texts=("process.executable",)),
    _windows("Script Host", "process", "start", *_PROCESS, "process.pe.original_file_name", texts=_PROCESS_TEXTS),
    _windows(
        "Installer", "process", "start", *_PROCESS, "process.code_signature.subject_name", texts=_PROCESS_TEXTS
    ),
    _windows("Service", "process", "start", *_PROCESS, "user.domain", "event.code", texts=_PROCESS_TEXTS),
    _windows(
        "Dropped File", "file", "creation", "process.name", "file.extension", "file.name", texts=("file.path",)
    ),
    _windows("Autostart", "registry", "change", "process.name", "registry.value", texts=("registry.path",)),
    _windows("Library", "library", "start", "dll.name", "process.name", texts=("dll.path", "process.executable")),
    _windows("Lookup", "network", "protocol", "process.name", texts=("dns.question.name", "process.executable")),
)


def _cloud(number: int) -> Subject:
    name = f"cloud{number:02d}"
    fields = tuple(
        f"{name}.audit.{part}" for part in ("actor", "role", "target.kind", "request.verb", "realm", "app")
    )
    base = (
        Condition("data_stream.dataset", (f"{name}.audit",)),
        Condition("event.provider", (f"{name}.example.org",)),
        Condition("event.outcome", ("success",)),
    )
    names = ("event.action", "event.action", "user.name", "source.ip", *fields)
    texts = (f"{name}.audit.request.body", "user_agent.original")
    return Subject(f"Cloud {number}", "any", None, (f"logs-{name}.audit-*",), base, texts, names)


_CLOUDS = tuple(_cloud(number) for number in range(12))


@cache
def _pool(field: str, subject: Subject) -> tuple[str, ...]:
    """The values that a field is asked for: a few that occur, and many that do not."""
    rare = tuple(_word(len(field) * 400 + number) for number in range(60))
    odd = tuple(each.name for each in (words.ODD_WINDOWS if subject.windows else words.ODD_LINUX))
    often = tuple(each.name for each in (words.WINDOWS if subject.windows else words.LINUX))
    last = field.rpartition(".")[2]
    if field in ("process.name", "process.parent.name"):
        ending = ".exe" if subject.windows else ""
        return (*odd * 3, *often, *(each + ending for each in rare))
    if field == "event.action" and subject.windows is not None:
        return ("exec", "executed", "fork", "connection_attempted", "creation", "load", "modification")
    if field == "event.code":
        return ("1", "3", "7", "11", "13", "4688")
    if last == "extension":
        return ("exe", "dll", "sh", "ko", "service", "lnk", *words.EXTENSIONS)
    if field == "user.id":
        return ("0", "1000", "S-1-5-18", "S-1-5-19")
    return rare


_FREQUENT = frozenset(program.name for program in (*words.LINUX, *words.WINDOWS))
_SYLLABLES = (
    "ba",
    "cor",
    "den",
    "fil",
    "gra",
    "hul",
    "jin",
    "kas",
    "lom",
    "mer",
    "nav",
    "pol",
    "rus",
    "sit",
    "tev",
)


@cache
def _word(number: int) -> str:
    """One of some thousand invented words."""
    parts = []
    rest = number * 7 + 1
    for _ in range(3):
        rest, place = divmod(rest * 11 + 5, len(_SYLLABLES))
        parts.append(_SYLLABLES[place])
    return "".join(parts) + (str(number % 10) if number % 3 == 0 else "")


def _is_plain(text: str) -> bool:
    return all(each.isalnum() or each in "./-_" for each in text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _kql_value(text: str, *, wild: bool) -> str:
    if not wild:
        return json.dumps(text)
    return "".join(each if each.isalnum() or each in "*./-_" else f"\\{each}" for each in text)
