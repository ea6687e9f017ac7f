"""The words of a Lucene query string without their backslashes."""

from __future__ import annotations

from dogwatch.base.diagnostic import Span
from dogwatch.languages.lucene.tokens import syntax_error
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import Wild

_WILDS = {wild.value: wild for wild in Wild}
_HEX = frozenset("0123456789abcdefABCDEF")
_BACKSLASH_HINT = "write `\\\\` for a backslash"


def plain_text(image: str, source: str, span: Span, *, quoted: bool = False) -> Text:
    r"""A word or the inside of a phrase: a backslash makes the next character ordinary, ``\u0041`` is ``A``.

    Raises:
        DogwatchError: ``lucene-syntax`` for half an escape.
    """
    literal = _unescaped(image, source, span)
    return Text((literal,) if literal else (), quoted, span)


def wild_text(image: str, source: str, span: Span) -> Text:
    r"""A word with wildcards ``*`` and ``?``, those behind a backslash being ordinary.

    As in Lucene, ``\u0041`` is ``A`` only where the one wildcard is a star at the end.

    Raises:
        DogwatchError: ``lucene-syntax`` for half an escape.
    """
    pieces: list[str | Wild] = []
    literal = ""
    position = 0
    while position < len(image):
        char = image[position]
        if wild := _WILDS.get(char):
            pieces += [literal, wild] if literal else [wild]
            literal = ""
        else:
            if char == "\\":
                position += 1
            literal += image[position]
        position += 1
    if literal:
        pieces.append(literal)
    if len(pieces) == 2 and isinstance(pieces[0], str) and pieces[1] is Wild.ANY:
        pieces[0] = _unescaped(image[:-1], source, span)
    return Text(tuple(pieces), False, span)


def field_text(image: str, source: str, span: Span) -> Text:
    r"""The name of a field: a star behind a backslash stands for any run of characters, as in ``host.\*:x``.

    Raises:
        DogwatchError: ``lucene-syntax`` for half an escape.
    """
    name = _unescaped(image, source, span)
    pieces: list[str | Wild] = []
    for number, literal in enumerate(name.split("*")):
        pieces += [Wild.ANY] if number else []
        pieces += [literal] if literal else []
    return Text(tuple(pieces), False, span)


def _unescaped(image: str, source: str, span: Span) -> str:
    first, *rest = image.split("\\")
    parts = [first]
    pieces = iter(rest)
    for piece in pieces:
        if piece.startswith("u"):
            digits = piece[1:5]
            if len(digits) < 4 or not _HEX.issuperset(digits):
                raise syntax_error(source, span, "`\\u` needs four hexadecimal digits behind it", _BACKSLASH_HINT)
            parts += [chr(int(digits, 16)), piece[5:]]
        elif piece:
            parts.append(piece)
        else:
            # Two backslashes in a row: the second one is an ordinary character.
            following = next(pieces, None)
            if following is None:
                raise syntax_error(source, span, "the backslash escapes nothing", _BACKSLASH_HINT)
            parts += ["\\", following]
    try:
        return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise syntax_error(source, span, "the value holds half of a surrogate pair") from error
