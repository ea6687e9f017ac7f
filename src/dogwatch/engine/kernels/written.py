"""Wildcard patterns in Hyperscan's language."""

from __future__ import annotations

from dataclasses import dataclass

import hyperscan

from dogwatch.base.text import Fold
from dogwatch.logic.predicate import Wild, WildcardPattern

_MOST_GAPS = 6
_MOST_ONES = 8
_LONGEST_PIECE = 200
_TELLING = 4
"""Characters of the shortest piece that hardly any text holds by chance."""
_LONGEST = 500
"""What is longer, or has more wildcards, is looked for by its beginning."""

MOST_EFFORT_OF_ONE = 2 + _MOST_GAPS + _MOST_ONES
"""More than that no pattern takes, see ``effort_of``."""

_ANYWHERE = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY

_BYTES = {byte: f"\\x{byte:02x}" for byte in range(256) if not (chr(byte).isascii() and chr(byte).isalnum())}
"""How bytes are written that could mean something."""


@dataclass(frozen=True, slots=True)
class Written:
    """A pattern as an expression that is searched anywhere in a text's UTF-8.

    Attributes:
        expression: The expression.
        flags: How Hyperscan is to read it.
        is_whole: Whether it matches exactly the texts that the pattern does; else all those and some more.
    """

    expression: bytes
    flags: int
    is_whole: bool


def write(pattern: WildcardPattern, fold: Fold) -> Written:
    """A pattern, already folded, over texts as they are; over texts in lower case under the Unicode fold."""
    pieces = [piece for piece in pattern.pieces if piece != ""]
    if not all(isinstance(piece, Wild) or _is_utf8(piece) for piece in pieces):
        return Written(b"^", _ANYWHERE, is_whole=False)
    starts_anywhere, ends_anywhere = pieces[:1] == [Wild.ANY], pieces[-1:] == [Wild.ANY]
    while pieces and pieces[0] is Wild.ANY:
        del pieces[0]
    while pieces and pieces[-1] is Wild.ANY:
        del pieces[-1]
    kept = _beginning(pieces)
    is_whole = kept == pieces
    # One character is several bytes, so that it must be read as UTF-8, where ignoring case is more than ASCII.
    as_utf8 = Wild.ONE in kept
    flags = _ANYWHERE
    if as_utf8:
        flags |= hyperscan.HS_FLAG_UTF8
    elif fold is Fold.ASCII:
        flags |= hyperscan.HS_FLAG_CASELESS
    written = "".join(_written(piece, as_utf8=as_utf8, fold=fold) for piece in kept)
    end = "" if ends_anywhere or not is_whole else r"\z"
    # Upper case in a pattern under a fold meets no folded text, but would meet one as it is.
    is_folded = fold is not Fold.ASCII or all(
        isinstance(piece, Wild) or fold.apply(piece) == piece for piece in kept
    )
    return Written(
        f"{'' if starts_anywhere else '^'}{written}{end}".encode() or b"^", flags, is_whole and is_folded
    )


def effort_of(pattern: WildcardPattern) -> int:
    """About how many milliseconds a pattern takes to compile: one for each fixed end or wildcard within."""
    pieces = pattern.pieces
    ends = (pieces[:1] != (Wild.ANY,)) + (pieces[-1:] != (Wild.ANY,))
    return ends + min(sum(isinstance(piece, Wild) for piece in pieces[1:-1]), _MOST_GAPS + _MOST_ONES)


def longest_piece(pattern: WildcardPattern) -> WildcardPattern:
    """A pattern for all texts that hold a pattern's longest plain piece, which compiles in next to no time.

    It matches all texts that the pattern does. A pattern without a piece that tells much is given back.
    """
    piece = max((piece for piece in pattern.pieces if isinstance(piece, str)), key=len, default="")
    if len(piece) < _TELLING:
        return pattern
    return WildcardPattern((Wild.ANY, piece[:_LONGEST_PIECE], Wild.ANY))


def _beginning(pieces: list[str | Wild]) -> list[str | Wild]:
    """As much of a pattern as Hyperscan takes easily."""
    kept: list[str | Wild] = []
    gaps = ones = length = 0
    for piece in pieces:
        gaps += piece is Wild.ANY
        ones += piece is Wild.ONE
        length += len(piece) if isinstance(piece, str) else 1
        if gaps > _MOST_GAPS or ones > _MOST_ONES or length > _LONGEST:
            if isinstance(piece, str):
                kept.append(piece[:_LONGEST_PIECE])
            break
        kept.append(piece)
    while kept and kept[-1] is Wild.ANY:
        del kept[-1]
    return kept


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _written(piece: str | Wild, *, as_utf8: bool, fold: Fold) -> str:
    if isinstance(piece, Wild):
        return ".*" if piece is Wild.ANY else "."
    if as_utf8:
        return "".join(_character(char, either_case=fold is Fold.ASCII) for char in piece)
    return piece.encode().decode("latin-1").translate(_BYTES)


def _character(char: str, *, either_case: bool) -> str:
    if not (char.isascii() and char.isalnum()):
        return f"\\x{{{ord(char):x}}}"
    return f"[{char}{char.upper()}]" if either_case and char.isalpha() else char
