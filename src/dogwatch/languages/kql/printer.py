"""From a KQL tree back to text: ``parse(format_query(tree)) == tree``."""

from __future__ import annotations

import re

from dogwatch.languages.kql.ast import And, Is, MatchAll, Nested, Not, Or, Query, Range
from dogwatch.languages.kql.tokens import KEYWORDS, SPECIAL
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import Wild

_WORD = re.compile(r"[^ \t\r\n\xa0]+")
_ESCAPES = str.maketrans({char: f"\\{char}" for char in SPECIAL})


def format_query(query: Query) -> str:
    """The query as KQL text, with lower-case keywords and no more brackets than it needs."""
    match query:
        case MatchAll():
            return ""
        case Is(field=field, value=value):
            return f"{format_text(field)}: {format_text(value)}" if field else format_text(value)
        case Range(field=field, op=op, value=value):
            return f"{format_text(field)} {op.value} {format_text(value)}"
        case Nested(path=path, query=inner):
            return f"{format_text(path)}: {{ {format_query(inner)} }}"
        case Not(part=part):
            return f"not {_bracketed(part, And, Or)}"
        case And(parts=parts):
            return " and ".join(_bracketed(part, And, Or) for part in parts)
        case Or(parts=parts):
            return " or ".join(_bracketed(part, Or) for part in parts)


def format_text(text: Text) -> str:
    """A field name or a value as KQL writes it."""
    if text.quoted:
        escaped = text.literal.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "".join(piece.value if isinstance(piece, Wild) else _unquoted(piece) for piece in text.pieces)


def _bracketed(part: Query, *kinds: type[Query]) -> str:
    text = format_query(part)
    return f"({text})" if isinstance(part, kinds) else text


def _unquoted(piece: str) -> str:
    return _WORD.sub(lambda word: _word(word[0]), piece)


def _word(word: str) -> str:
    return f"\\{word}" if word.lower() in KEYWORDS else word.translate(_ESCAPES)
