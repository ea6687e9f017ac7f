"""Rules as Kibana exports them: one JSON object a line, then exception lists, their items and a summary.

A file that is one JSON document (a rule, a list of rules, or a saved object of Elastic's rule package) is
read as well.

Format: https://www.elastic.co/guide/en/security/current/rules-api-export.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.rules.loaders.elastic_fields import read_elastic_rule
from dogwatch.rules.loaders.fields import Fields
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.model import ElasticRule

_RULE_KEYS = frozenset({"rule_id", "risk_score", "severity", "query", "language", "type", "name"})
_FEWEST_RULE_KEYS = 4


def load(text: str, file: str) -> Loaded:
    """The rules of one export, and a diagnostic for every line that gives none.

    Args:
        text: The file's text.
        file: Its name, for diagnostics and places.
    """
    rules: list[ElasticRule] = []
    problems: list[Diagnostic] = []
    skipped: Counter[str] = Counter()
    for line, value in _values(text, file, problems):
        value = _unwrapped(value)
        if not isinstance(value, dict) or len(_RULE_KEYS & value.keys()) < _FEWEST_RULE_KEYS:
            skipped[_kind(value)] += 1
            continue
        place = Place(file, line)
        rule = Fields(value, lambda _key, place=place: place)  # type: ignore[misc] # a default binds the loop's value
        own = Fields(_own(rule), lambda _key, place=place: place, "dogwatch")  # type: ignore[misc] # as above
        result = read_elastic_rule(rule, own, place=place, query_place=None, extra={})
        problems += [*rule.problems, *own.problems]
        if result is not None:
            rules.append(result)
    if skipped:
        problems.append(_notice(file, skipped, found=bool(rules)))
    return Loaded(rules, problems)


def _own(rule: Fields) -> Mapping[str, Any]:
    return rule.table("dogwatch")


def _values(text: str, file: str, problems: list[Diagnostic]) -> Iterator[tuple[int, object]]:
    """Each JSON value with the line on which it begins."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return
    first = lines[filled[0]]
    if not _is_json(decoder, first):
        try:
            whole = decoder.decode(text)
        except (ValueError, RecursionError) as error:
            if len(filled) == 1 or not any(_is_json(decoder, lines[number]) for number in filled[1:3]):
                problems.append(_syntax(file, 1, error))
                return
        else:
            for value in whole if isinstance(whole, list) else [whole]:
                yield filled[0] + 1, value
            return
    for number in filled:
        try:
            value = decoder.decode(lines[number])
        except (ValueError, RecursionError) as error:
            problems.append(_syntax(file, number + 1, error))
        else:
            # A list on one line is a whole document of rules.
            for each in value if isinstance(value, list) else [value]:
                yield number + 1, each


def _is_json(decoder: json.JSONDecoder, line: str) -> bool:
    try:
        decoder.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def _unwrapped(value: object) -> object:
    if isinstance(value, dict) and value.get("type") == "security-rule":
        return value.get("attributes")
    return value


def _kind(value: object) -> str:
    match value:
        case {"exported_count": _} | {"exported_rules_count": _}:
            return "summary"
        case {"list_id": _, "entries": _}:
            return "exception item"
        case {"list_id": _}:
            return "exception list"
        case {"attributes": {"actionTypeId": _}}:
            return "connector"
        case _:
            return "other"


def _notice(file: str, skipped: Counter[str], *, found: bool) -> Diagnostic:
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(skipped.items()))
    if not found and set(skipped) == {"other"}:
        return Diagnostic(
            "not-a-rule",
            f"this file holds no rule among its {skipped.total()} JSON values",
            place=Place(file, 1),
            hint="a rule has `rule_id`, `name`, `type`, `severity` and `risk_score`",
        )
    exceptions = skipped["exception item"] + skipped["exception list"]
    return Diagnostic(
        "kibana-lines-skipped",
        f"lines that are not rules were skipped: {counts}",
        Severity.NOTICE,
        Place(file),
        hint="exceptions are not applied: the rules may fire on what they exempt" if exceptions else None,
    )


def _syntax(file: str, line: int, error: Exception) -> Diagnostic:
    if isinstance(error, json.JSONDecodeError):
        return Diagnostic(
            "json-syntax",
            f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}",
            place=Place(file, line + error.lineno - 1, error.colno),
            hint="an export holds one rule a line, or one JSON document in all",
        )
    reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return Diagnostic("json-syntax", f"this is not JSON: {reason}", place=Place(file, line))
