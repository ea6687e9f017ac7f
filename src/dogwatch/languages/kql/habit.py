"""Ways of other query languages that people bring along, and how KQL says the same."""

from __future__ import annotations

import re

_COLON = "KQL compares with a colon: `field: value`, or `not field: value`"
_LIKE = "KQL compares with a colon, and `*` stands for any text: `field: *part*`"
_MOST_LOOKED_AT = 1000

_HABITS = (
    (re.compile(r"\A\w+\s+where\b", re.IGNORECASE), "this looks like EQL; a KQL query is the condition alone"),
    (
        re.compile(r"\bis\s+(?:not\s+)?null\b|[=!]=?\s*null\b", re.IGNORECASE),
        "KQL asks with `field: *` whether a field is there, and with `not field: *` whether it is missing",
    ),
    (re.compile(r"[\w\])}\"']\s*(?:==?~?|!=|=~|:=|<>)(?:\s|\Z|[\w\"'])"), _COLON),
    (re.compile(r"\s(?:r?like|ilike|matches|contains|regex)\s*~?\s*\Z", re.IGNORECASE), _LIKE),
    (re.compile(r"\s(?:r?like|ilike|matches|contains|regex)\s*~?\s+\S", re.IGNORECASE), _LIKE),
    (re.compile(r"\sin\s*~?\s*\Z", re.IGNORECASE), "KQL lists values behind a colon: `field: (one or two)`"),
    (re.compile(r"&&|\|\|"), "KQL joins conditions with `and` and `or`"),
    (re.compile(r"\A!\s*[\w@]"), "KQL negates with `not`"),
)

_DANGLING = re.compile(r"\A(?:and|or|not)(?=[ \t\r\n\xa0]|\Z)|[ \t\r\n\xa0](?:and|or|not)\Z", re.IGNORECASE)


def habit_hint(text: str) -> str | None:
    """How KQL would put what a text says in another language's way; ``None`` if it does not look so.

    Examples:
        >>> habit_hint("process.name ==")
        'KQL compares with a colon: `field: value`, or `not field: value`'
    """
    looked_at = text[:_MOST_LOOKED_AT]
    return next((hint for pattern, hint in _HABITS if pattern.search(looked_at)), None)


def dangles(text: str) -> bool:
    """Whether a value begins or ends in ``and``, ``or`` or ``not``, which has nothing to join there.

    Examples:
        >>> dangles("curl and"), dangles("sand")
        (True, False)
    """
    return bool(_DANGLING.search(text))
