"""The fields of an Elastic rule, the same in TOML and in Kibana's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dogwatch.base.diagnostic import Diagnostic, Place, Severity, Steps
from dogwatch.base.time import parse_date_math, parse_duration
from dogwatch.rules.attack import FRAMEWORK, Tactic, Technique, Threat, tactic_named, technique_page
from dogwatch.rules.loaders.fields import Fields
from dogwatch.rules.model import (
    RULE_TYPES,
    Change,
    ChangeKind,
    ElasticRule,
    HistoryEntry,
    Level,
    instance_id,
)

_WITHOUT_QUERY = frozenset({"machine_learning"})


def read_elastic_rule(
    rule: Fields,
    own: Fields,
    *,
    place: Place,
    query_place: Place | None,
    query_steps: Steps = (),
    extra: Mapping[str, Any],
) -> ElasticRule | None:
    """The rule that a table holds, or ``None`` if one of its problems is an error.

    Problems are left in ``rule.problems`` and ``own.problems``.

    Args:
        rule: The rule's table.
        own: Dogwatch's additions to it (origin, history, response); an empty table if there are none.
        place: Where the rule begins.
        query_place: Where the query's text begins, if that is known.
        query_steps: Where it goes on after each escape.
        extra: What else the file says; the rule's unread keys join it.
    """
    rule_id = rule.required_text("rule_id", hint="a UUID that stays with the rule; make one with `uuidgen`")
    name = rule.required_text("name")
    description = rule.required_text("description")
    kind = rule.required_text("type", hint=f"one of {', '.join(RULE_TYPES)}")
    language = _language(rule, kind)
    query = "" if kind in _WITHOUT_QUERY or kind not in RULE_TYPES else rule.required_text("query")
    severity, risk_score = _severity(rule), _risk_score(rule)
    threat = _threat(rule)
    result = ElasticRule(
        instance_id=instance_id(rule_id),
        rule_id=rule_id,
        version=rule.integer("version", 1, low=1),
        name=name,
        description=description.strip(),
        severity=severity,
        risk_score=risk_score,
        enabled=rule.boolean("enabled", True),
        tags=rule.texts("tags", describes=True),
        references=rule.texts("references", describes=True),
        false_positives=tuple(_unindented(text) for text in rule.texts("false_positives", describes=True)),
        authors=rule.texts("author", describes=True),
        license=rule.text("license", describes=True),
        threat=threat,
        note=rule.text("note", describes=True).strip(),
        setup=rule.text("setup", describes=True).strip(),
        type=kind,
        language=language,
        query=query or rule.text("query"),
        index=rule.texts("index"),
        interval=_interval(rule),
        from_=_date_math(rule, "from", "now-6m"),
        to=_date_math(rule, "to", "now"),
        max_signals=rule.integer("max_signals", 100, low=1),
        timestamp_override=rule.optional_text("timestamp_override"),
        timestamp_override_fallback_disabled=rule.boolean("timestamp_override_fallback_disabled", False),
        event_category_override=rule.optional_text("event_category_override"),
        tiebreaker_field=rule.optional_text("tiebreaker_field"),
        timestamp_field=rule.optional_text("timestamp_field"),
        building_block_type=rule.optional_text("building_block_type"),
        alert_suppression=rule.table("alert_suppression") or None,
        filters=rule.tables("filters"),
        exceptions_list=rule.tables("exceptions_list"),
        origin=own.text("origin", describes=True).strip(),
        wording_license=own.text("wording_license", describes=True),
        release=own.optional_text("release"),
        added_in=own.optional_text("added_in"),
        response=own.text("response", describes=True).strip(),
        history=_history(own),
        place=place,
        query_place=query_place,
        query_steps=query_steps,
        extra={**extra, **rule.rest(), **({"dogwatch": rest} if (rest := own.rest()) else {})},
    )
    if kind and kind not in RULE_TYPES:
        rule.problems.append(
            Diagnostic(
                "rule-type-unknown",
                f"`{kind}` is no known rule type; this rule is kept and never run",
                severity=Severity.WARNING,
                place=place,
                hint=f"known are {', '.join(RULE_TYPES)}",
            )
        )
    return None if rule.failed or own.failed else result


def _language(rule: Fields, kind: str) -> str:
    language = rule.text("language")
    known = RULE_TYPES.get(kind)
    if known is None:
        return language
    if not language:
        return known[0] if known else ""
    if known and language not in known:
        rule.error(
            "rule-language-unknown",
            f"a rule of type `{kind}` cannot have its query in `{language}`",
            "language",
            hint=f"use {' or '.join(f'`{each}`' for each in known)}",
        )
    return language


def _severity(rule: Fields) -> Level:
    word = rule.required_text("severity", hint="one of low, medium, high, critical")
    level = Level.from_word(word)
    if word.strip() and level is None:
        rule.error(
            "rule-severity-unknown",
            f"`{word}` is no severity",
            "severity",
            hint="one of low, medium, high, critical",
        )
    return level or Level.LOW


def _risk_score(rule: Fields) -> float:
    value = rule.value("risk_score")
    if value is None:
        rule.missing("risk_score", hint="a number from 0 to 100")
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        rule.error("rule-field-range", "`risk_score` must be a number from 0 to 100", "risk_score")
    else:
        return value
    return 0


def _unindented(text: str) -> str:
    """A text without the indentation that TOML's layout gave it."""
    return "\n".join(line.strip() for line in text.strip().split("\n"))


def _interval(rule: Fields) -> str:
    interval = rule.text("interval", "5m")
    if not parse_duration(interval):
        rule.error("rule-time", f"`{interval}` is no length of time", "interval", hint="such as `5m` or `1h`")
    return interval


def _date_math(rule: Fields, key: str, default: str) -> str:
    expression = rule.text(key, default)
    if parse_date_math(expression, now=0) is None:
        rule.error("rule-time", f"`{expression}` is no date math", key, hint="such as `now-9m`")
    return expression


def _threat(rule: Fields) -> tuple[Threat, ...]:
    threats: list[Threat] = []
    for table in rule.tables("threat", describes=True):
        tactic = table.get("tactic")
        if not isinstance(tactic, Mapping):
            _describing(rule, "`threat` has an entry without a tactic; the entry is left out")
            continue
        name = _word(tactic.get("name"))
        known = tactic_named(name)
        threats.append(
            Threat(
                _word(table.get("framework")) or FRAMEWORK,
                Tactic(
                    _word(tactic.get("id")) or (known.id if known else ""),
                    name,
                    _word(tactic.get("reference")) or (known.reference if known else ""),
                ),
                _techniques(table.get("technique"), "subtechnique"),
            )
        )
    return tuple(threats)


def _techniques(tables: object, below: str | None) -> tuple[Technique, ...]:
    if not isinstance(tables, Sequence) or isinstance(tables, str):
        return ()
    return tuple(
        Technique(
            technique_id,
            _word(table.get("name")),
            _word(table.get("reference")) or technique_page(technique_id),
            _techniques(table.get(below), None) if below else (),
        )
        for table in tables
        if isinstance(table, Mapping) and (technique_id := _word(table.get("id")))
    )


def _history(own: Fields) -> tuple[HistoryEntry, ...]:
    entries: list[HistoryEntry] = []
    for table in own.tables("history", describes=True):
        version = table.get("version")
        if isinstance(version, bool) or not isinstance(version, int):
            _describing(own, "`history` has an entry without a version number; the entry is left out")
            continue
        changes = table.get("changes", [])
        entries.append(
            HistoryEntry(
                version,
                _word(table.get("release")) or None,
                _word(table.get("date")) or None,
                _word(table.get("summary")),
                tuple(
                    Change(kind, _word(change.get("before")) or None, _word(change.get("after")) or None)
                    for change in (changes if isinstance(changes, list) else [])
                    if isinstance(change, Mapping) and (kind := _change_kind(own, change.get("kind")))
                ),
            )
        )
    return tuple(sorted(entries, key=lambda entry: -entry.version))


def _change_kind(own: Fields, word: object) -> ChangeKind | None:
    try:
        return ChangeKind(word)
    except ValueError:
        kinds = ", ".join(kind.value for kind in ChangeKind)
        _describing(own, f"`history` has a change of unknown kind; known are {kinds}")
        return None


def _describing(fields: Fields, message: str) -> None:
    fields.problems.append(Diagnostic("rule-field-type", message, Severity.WARNING))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
