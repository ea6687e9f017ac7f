"""Rules that can be written in Sigma and in EQL alike: about starts of processes, single events, plain words."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.generate import words
from benchmarks.generate.conditions import Condition, Eql
from benchmarks.generate.rules import MadeRule

SEED = 300
"""The seed of the published figures."""

_NAMES = ("process.name", "process.parent.name", "user.name")
_TEXTS = ("process.command_line", "process.executable", "process.parent.command_line")
_BASE = (Condition("event.category", ("process",)), Condition("event.type", ("start",)))


@dataclass(frozen=True, slots=True)
class Detection:
    """What is looked for, in no language.

    Attributes:
        rule_id: A UUID.
        name: What it is called.
        conditions: All of them must hold.
        exclusions: None of them may hold.
    """

    rule_id: str
    name: str
    conditions: tuple[Condition, ...]
    exclusions: tuple[Condition, ...]

    def rule(self) -> MadeRule:
        """As a rule of Elastic's form, in EQL."""
        query = Eql().query("process", (*_BASE[1:], *self.conditions), self.exclusions)
        return MadeRule(self.rule_id, self.name, "eql", ("logs-*",), query, ("low", 21))

    def sigma(self) -> str:
        """As a Sigma rule (JSON is YAML)."""
        detection: dict[str, object] = {
            "selection": {each.field: list(each.values) for each in (*_BASE, *self.conditions)},
            "condition": "selection",
        }
        if self.exclusions:
            detection["filter"] = [{each.field: list(each.values)} for each in self.exclusions]
            detection["condition"] = "selection and not filter"
        return json.dumps(
            {
                "title": self.name,
                "id": self.rule_id,
                "status": "test",
                "logsource": {"category": "process_creation", "product": "linux"},
                "detection": detection,
            }
        )


def made_detections(count: int, seed: int = SEED) -> Iterator[Detection]:
    """The first detections of an endless row."""
    random = Random(seed)  # noqa: S311 - repeatable rules are the purpose
    for number in range(count):
        fields = random.sample((*_NAMES, *_TEXTS), k=random.choice((1, 2, 2, 3)))
        conditions = tuple(_condition(random, field) for field in fields)
        exclusions = tuple(_condition(random, random.choice(_TEXTS)) for _ in range(random.choice((0, 0, 1, 3))))
        identifier = str(uuid.UUID(int=random.getrandbits(128), version=4))
        yield Detection(identifier, f"Detection {number:04d}", conditions, exclusions)


def _condition(random: Random, field: str) -> Condition:
    size = random.choice((1, 1, 2, 4, 8))
    if field in _NAMES:
        pool: Sequence[str] = words.LINUX_USERS if field == "user.name" else _PROGRAMS
        return Condition(field, tuple(dict.fromkeys(random.choice(pool) for _ in range(size))))
    shapes = ("*{}*", "*{}", "{}*")
    parts = (random.choice(shapes).format(random.choice(_PARTS)) for _ in range(size))
    return Condition(field, tuple(dict.fromkeys(parts)), wild=True)


_PROGRAMS = tuple(each.name for each in (*words.LINUX, *words.ODD_LINUX))
_PARTS = tuple(
    sorted(
        {
            part.strip("'\"")
            for program in (*words.LINUX, *words.ODD_LINUX)
            for text in (*program.commands, program.executable)
            for part in text.split(" ")
            if len(part) > 4 and part.strip("'\"").replace("/", "").replace(".", "").replace("-", "").isalnum()
        }
    )
)
