"""Rules as data: what the Elastic and FortiSIEM formats say, whichever file it came from.

A rule is read once and never changed. What the engine acts on and what a person needs to judge an alert are
fields; whatever else the file held is kept under ``extra``, so that a rule can be written back whole.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dogwatch.base.diagnostic import Place, Steps
from dogwatch.rules.attack import Threat
from dogwatch.rules.fortisiem_model import (
    ClearCondition,
    IncidentDefinition,
    Operator,
    PatternClause,
    SubPattern,
    WatchListAddition,
)

_INSTANCES = uuid.UUID("5b1f8f7c-3c1e-5d7a-9a56-2f0c7f0f3b11")


class Level(enum.IntEnum):
    """Kibana's four words for how much an alert matters, in order."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The word as rules and alerts spell it: ``medium``."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Level | None:
        """The level of a word, without regard to case, or ``None``."""
        return next((level for level in cls if level.word == word.lower()), None)

    @classmethod
    def from_fortisiem(cls, severity: int) -> Level:
        """The level of a FortiSIEM severity: 0-4 is low, 5-8 medium, 9-10 high."""
        return cls.LOW if severity <= 4 else cls.MEDIUM if severity <= 8 else cls.HIGH


class ChangeKind(enum.Enum):
    """What a new version of a rule touched."""

    QUERY = "query"
    """What the rule looks for."""
    FORMATTING = "formatting"
    """Only how its text is laid out."""
    METADATA = "metadata"
    """What is said about it: name, guide, tags, indices, scores."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a version changed.

    Attributes:
        kind: What was touched.
        before: The text that the version replaced, if known.
        after: The text that it put there, if known.
    """

    kind: ChangeKind
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One version of a rule in its history.

    Attributes:
        version: The version that this entry tells of.
        release: The product release that brought it (``7.10.0``), if known.
        date: When, as ISO 8601 text, if known.
        summary: What changed, in a sentence.
        changes: Each change; empty for a first version.
    """

    version: int
    release: str | None = None
    date: str | None = None
    summary: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCommon:
    """What every rule has, whosever format it is written in.

    Attributes:
        instance_id: The installed rule that alerts belong to; see ``instance_id``.
        rule_id: The author's id: a UUID for Elastic, ``PH_Rule_TH_Linux_23`` for FortiSIEM.
        version: The author's version number.
        name: One line.
        description: What it finds and why that matters.
        severity: How much its alerts matter.
        enabled: Whether its file says that it should run.
        tags: Labels, as written.
        references: Addresses of background reading.
        false_positives: Harmless ways to fire it.
        authors: Who wrote the logic.
        license: The licence that its author states for it.
        wording_license: The licence of the descriptive texts of this file, where they are not the author's.
        origin: Where its facts were taken from, and what was done to them.
        threat: ATT&CK tactics and techniques.
        note: Investigation guide, Markdown.
        response: What to do about a true positive, Markdown.
        setup: What must be collected for it to see anything, Markdown.
        release: Product release that this version came with.
        added_in: Product release in which the rule first appeared.
        history: Earlier versions and what each changed, newest first, as the file tells it.
        place: File and line where the rule begins.
        query_place: Where the text of its (first) query begins, if that is known.
        query_steps: Where that text goes on after each escape.
        extra: Everything else in the file, by key.
    """

    instance_id: str
    rule_id: str
    version: int
    name: str
    description: str
    severity: Level
    enabled: bool = True
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    license: str = ""
    wording_license: str = ""
    origin: str = ""
    threat: tuple[Threat, ...] = ()
    note: str = ""
    response: str = ""
    setup: str = ""
    release: str | None = None
    added_in: str | None = None
    history: tuple[HistoryEntry, ...] = ()
    place: Place | None = None
    query_place: Place | None = None
    query_steps: Steps = ()
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """Id and version, as the command line takes them: ``rule_id@5``."""
        return f"{self.rule_id}@{self.version}"


RULE_TYPES: Mapping[str, tuple[str, ...]] = {
    "eql": ("eql",),
    "query": ("kuery", "lucene"),
    "saved_query": ("kuery", "lucene"),
    "threshold": ("kuery", "lucene"),
    "threat_match": ("kuery", "lucene"),
    "new_terms": ("kuery", "lucene"),
    "esql": ("esql",),
    "machine_learning": (),
}
"""The detection engine's rule types, each with its query languages, the default one first."""

_RUN_HERE = frozenset({("eql", "eql"), ("query", "kuery"), ("query", "lucene")})


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticRule(RuleCommon):
    """A rule of Elastic Security's detection engine.

    Attributes:
        type: Rule type, a key of ``RULE_TYPES`` (another one loads, and is not run).
        language: Query language; empty for machine learning rules.
        query: The query's text.
        risk_score: 0-100.
        index: Index patterns that it searches.
        interval: How often it runs.
        from_: Start of each run's stretch of time, date math.
        to: End of it.
        max_signals: The most alerts of one run.
        timestamp_override: The field that runs select by, instead of ``@timestamp``.
        timestamp_override_fallback_disabled: Whether events without that field are left out.
        event_category_override: The field that EQL takes the event category from.
        tiebreaker_field: The field that orders events of one instant.
        timestamp_field: The field that EQL takes the time from.
        building_block_type: Set if its alerts are material for other rules only.
        alert_suppression: Grouping of repeated alerts, as written.
        filters: Query DSL filters that its query is restricted by, as written.
        exceptions_list: Exception lists that it refers to, as written.
    """

    type: str
    language: str
    query: str
    risk_score: float
    index: tuple[str, ...] = ()
    interval: str = "5m"
    from_: str = "now-6m"
    to: str = "now"
    max_signals: int = 100
    timestamp_override: str | None = None
    timestamp_override_fallback_disabled: bool = False
    event_category_override: str | None = None
    tiebreaker_field: str | None = None
    timestamp_field: str | None = None
    building_block_type: str | None = None
    alert_suppression: Mapping[str, Any] | None = field(default=None, hash=False)
    filters: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    exceptions_list: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    @property
    def obstacle(self) -> str | None:
        """Why this rule cannot be run here, or ``None`` if it can."""
        if self.type not in RULE_TYPES:
            return f"`{self.type}` is no known rule type"
        if (self.type, self.language) not in _RUN_HERE:
            language = f" in {self.language}" if self.language else ""
            return f"rules of type `{self.type}`{language} are not run yet"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FortisiemRule(RuleCommon):
    """A correlation rule of FortiSIEM.

    Attributes:
        incident: What it raises.
        clause: What it looks for.
        groups: Rule groups that it is filed under.
        category: ``Security``, ``Availability``, ``Performance`` or ``Change`` (the XML's function).
        sub_function: A tactic's name, or a sub-category of another kind.
        techniques: Technique ids, as written.
        impacts: What an incident concerns: ``Server``, ``Network`` and others.
        data_sources: What must be collected, for people.
        detection_technology: ``Correlation``, ``Profiling`` and others.
        remediation: What the vendor advises; empty if it advises nothing.
        incident_title: Title of its incidents; ``$attribute`` stands for an attribute's value.
        triggered_attributes: Event attributes to show with an incident.
        clear_condition: When an incident clears by itself.
        watch_lists: What it adds to watch lists.
        notification_frequency: Seconds between notifications of a repeating incident; for whoever notifies.
    """

    incident: IncidentDefinition
    clause: PatternClause
    groups: tuple[str, ...] = ()
    category: str = ""
    sub_function: str = ""
    techniques: tuple[str, ...] = ()
    impacts: tuple[str, ...] = ()
    data_sources: tuple[str, ...] = ()
    detection_technology: str = ""
    remediation: str = ""
    incident_title: str = ""
    triggered_attributes: tuple[str, ...] = ()
    clear_condition: ClearCondition | None = None
    watch_lists: tuple[WatchListAddition, ...] = ()
    notification_frequency: int | None = None

    @property
    def window(self) -> int:
        """Length of its time window in seconds."""
        return self.clause.window

    @property
    def subpatterns(self) -> tuple[SubPattern, ...]:
        """What it looks for, one after the other."""
        return self.clause.subpatterns

    @property
    def operators(self) -> tuple[Operator, ...]:
        """How the subpatterns relate."""
        return self.clause.operators

    @property
    def global_constraint(self) -> str:
        """What must hold between attributes of different subpatterns, as written."""
        return self.clause.global_constraint

    @property
    def obstacle(self) -> str | None:
        """Why this rule cannot be run here: no such reason is known from the rule's kind alone."""
        return None


Rule = ElasticRule | FortisiemRule


def instance_id(rule_id: str, version: int | None = None) -> str:
    """The id of an installed rule, the same on every machine.

    Without a version it is the instance that follows the rule through its updates; with one it is that
    version, pinned beside it.
    """
    return str(uuid.uuid5(_INSTANCES, rule_id if version is None else f"{rule_id}@{version}"))
