"""Rules of the shape of real rule sets, as files in Elastic's form: our own words, the same from the same seed.

The proportions are those of a public corpus of a thousand rules that Dogwatch can run: of a hundred 55 are EQL
rules about single events, 32 KQL rules and 13 sequences, mostly of two stages; half of the rules hold at most
seven questions and a tenth more than eighteen; of all questions two fifths are different ones; a fifth of the
rules ask for data streams that the streams of ``stream`` do not have, as rules for clouds do.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.generate.conditions import Eql, Kql, Language, Maker, Subject, subjects_of

SEED = 1700
"""The seed of the published figures."""

_EQL, _KQL = 0.55, 0.87
_ELSEWHERE = 0.65
_SEVERITIES = (("low", 21), ("medium", 47), ("high", 73), ("critical", 99))
_KEYS = ("host.id, process.entity_id", "host.id", "host.id, user.id", "process.entity_id", "host.id, process.pid")
_SPANS = ("15s", "30s", "1m", "5m", "10m", "1h")


@dataclass(frozen=True, slots=True)
class MadeRule:
    """One rule.

    Attributes:
        rule_id: A UUID.
        name: What it is called.
        language: ``eql`` or ``kuery``.
        index: The data streams that it names.
        query: Its text.
        severity: How bad it is, with a score from 0 to 100.
    """

    rule_id: str
    name: str
    language: str
    index: tuple[str, ...]
    query: str
    severity: tuple[str, int]

    def toml(self) -> str:
        """The rule as a file."""
        level, score = self.severity
        return (
            "[metadata]\n"
            'maturity = "production"\n\n'
            "[rule]\n"
            'author = ["Generated"]\n'
            f'description = "A generated rule to measure with: {self.name}."\n'
            f"index = {json.dumps(list(self.index))}\n"
            f'language = "{self.language}"\n'
            'license = "Apache-2.0"\n'
            f'name = "{self.name}"\n'
            f"risk_score = {score}\n"
            f'rule_id = "{self.rule_id}"\n'
            f'severity = "{level}"\n'
            f'type = "{"eql" if self.language == "eql" else "query"}"\n\n'
            f"query = '''\n{self.query}\n'''\n"
        )


def made_rules(count: int, seed: int = SEED) -> Iterator[MadeRule]:
    """The first rules of an endless row."""
    random = Random(seed)  # noqa: S311 - repeatable rules are the purpose
    maker = Maker(random)
    for number in range(count):
        kind = random.random()
        is_kql = _EQL <= kind < _KQL
        subject = random.choice(subjects_of(elsewhere=is_kql and random.random() < _ELSEWHERE))
        if is_kql:
            query = _event(maker, subject, Kql())
        else:
            query = _event(maker, subject, Eql()) if kind < _EQL else _sequence(maker, subject)
        language = "kuery" if is_kql else "eql"
        name = f"{subject.title} {random.choice(_ADJECTIVES)} {number:04d}"
        identifier = str(uuid.UUID(int=random.getrandbits(128), version=4))
        yield MadeRule(identifier, name, language, subject.index, query, random.choice(_SEVERITIES))


def write_rules(folder: Path, count: int, seed: int = SEED) -> None:
    """Write the first rules as one file each into a folder that exists."""
    for number, rule in enumerate(made_rules(count, seed)):
        (folder / f"made_{number:04d}.toml").write_text(rule.toml(), encoding="utf-8")


_ADJECTIVES = (
    "by an Unusual Parent",
    "from a Writable Folder",
    "with Odd Arguments",
    "at an Odd Time",
    "by Proxy",
)


def _event(maker: Maker, subject: Subject, language: Language) -> str:
    return language.query(subject.category, maker.conditions(subject), maker.exclusions(subject))


def _sequence(maker: Maker, subject: Subject) -> str:
    random = maker.random
    stages = 2 if random.random() < 0.82 else 3 if random.random() < 0.6 else random.randrange(4, 11)
    same_system = [each for each in subjects_of(elsewhere=False) if each.windows == subject.windows]
    parts: Sequence[Subject] = [subject, *(random.choice(same_system) for _ in range(stages - 1))]
    bodies = (f"  [{_event(maker, each, Eql())}]" for each in parts)
    key = random.choice(_KEYS)
    return f"sequence by {key} with maxspan={random.choice(_SPANS)}\n" + "\n".join(bodies)
