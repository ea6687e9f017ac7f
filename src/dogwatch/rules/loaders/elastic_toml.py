"""Rules in the TOML of Elastic's detection-rules repository.

One rule a file: ``[metadata]``, ``[rule]`` and ``[[rule.threat]]``. Dogwatch adds an optional table
``[dogwatch]`` with ``origin``, ``release``, ``added_in``, ``response`` and ``[[dogwatch.history]]``.

Format: https://github.com/elastic/detection-rules/blob/main/CONTRIBUTING.md
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from dogwatch.base.diagnostic import Diagnostic, Place, line_and_column
from dogwatch.rules.loaders.elastic_fields import read_elastic_rule
from dogwatch.rules.loaders.fields import Fields
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.loaders.toml_places import KeyPlace, key_places

# tomllib takes quadratic time over such a key.
_DEEP_KEY = re.compile(r"^[ \t]*\[{0,2}(?:[ \t]*[\w\"'-]+[ \t]*\.){100}", re.MULTILINE)
_AT = re.compile(r"\(at line (\d+), column (\d+)\)\Z")
_AT_END = re.compile(r"\(at end of document\)\Z")


def load(text: str, file: str) -> Loaded:
    """The rule of one TOML file, or the reasons why there is none.

    Args:
        text: The file's text.
        file: Its name, for diagnostics and places.
    """
    if deep := _DEEP_KEY.search(text):
        place = Place(file, *line_and_column(text, deep.start()))
        return Loaded(diagnostics=[Diagnostic("toml-syntax", "a key of more than 100 names", place=place)])
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Loaded(diagnostics=[_syntax(text, file, str(error))])
    except RecursionError:
        return Loaded(diagnostics=[Diagnostic("toml-syntax", "nested too deeply", place=Place(file))])
    places = key_places(text)
    table = document.get("rule")
    if not isinstance(table, Mapping):
        return Loaded(
            diagnostics=[
                Diagnostic(
                    "not-a-rule",
                    "this TOML file has no `[rule]` table",
                    place=Place(file, 1),
                    hint="an Elastic rule has the tables `[metadata]` and `[rule]`",
                )
            ]
        )
    rule = Fields(table, lambda key: _place(text, file, places, "rule", key), "rule")
    own_table = document.get("dogwatch")
    own = Fields(
        own_table if isinstance(own_table, Mapping) else {},
        lambda key: _place(text, file, places, "dogwatch", key),
        "dogwatch",
    )
    begin = places.get("rule")
    query = places.get("rule.query")
    result = read_elastic_rule(
        rule,
        own,
        place=_at(text, file, begin.key) if begin else Place(file, 1),
        query_place=_at(text, file, query.value) if query else None,
        query_steps=tuple((count, _at(text, file, at)) for count, at in (query and query.escapes) or ()),
        extra=_extra(document),
    )
    return Loaded([result] if result else [], [*rule.problems, *own.problems])


def _extra(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("rule", "dogwatch")}


def _place(text: str, file: str, places: Mapping[str, KeyPlace], table: str, key: str) -> Place:
    found = places.get(f"{table}.{key}") or places.get(table)
    return _at(text, file, found.key) if found else Place(file)


def _at(text: str, file: str, offset: int) -> Place:
    return Place(file, *line_and_column(text, offset))


def _syntax(text: str, file: str, message: str) -> Diagnostic:
    if found := _AT.search(message):
        place = Place(file, int(found[1]), int(found[2]))
        message = message[: found.start()]
    elif found := _AT_END.search(message):
        place = Place(file, *line_and_column(text, len(text)))
        message = f"{message[: found.start()]}at the end of the file"
    else:
        place = Place(file)
    return Diagnostic(
        "toml-syntax",
        f"this file is not TOML: {message.strip()}",
        place=place,
        hint="look for an unclosed quote or bracket at this line or just before it",
    )
