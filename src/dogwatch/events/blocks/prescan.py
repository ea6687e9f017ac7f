"""What the raw bytes of a block show before they are parsed, in one pass of Hyperscan.

Two things: which of the wanted keys are in the block at all, so that only fields that may have values are asked
for; and which lines the native parser might read otherwise than ``dogwatch.events.readers.ndjson`` says that JSON
is read. Both may err on the side of too much: a text that looks like a key, a good line that is suspected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import hyperscan

_BLANK = r"[ \t\r]*"
_NO_NUMBERS = rf"[:\[,]{_BLANK}[-+]?(?:[nN][aA][nN]|[iI][nN][fF][a-zA-Z]{{0,5}}){_BLANK}[,\]}}]"
_SUSPECT = (
    # Blank lines, and whatever does not begin as an object.
    r"^[^{]",
    _NO_NUMBERS,
    # The parser takes commas before closing brackets,
    rf",{_BLANK}[\]}}]",
    # numbers that may be beyond the doubles, even with an exponent of two digits,
    r"[0-9]{200}",
    # and blanks that are none in JSON.
    r"[\x0b\x0c]",
    # Behind an escape in a key there may be any other key.
    rf'\\[^\n][^"\\\n]*"{_BLANK}:',
)
_EXPONENT = rf"[0-9][eE]\+?[0-9]{{3,}}{_BLANK}[,\]}}]"
"""How a number that may be beyond the doubles ends. Hyperscan is fast with it alone, and slow among others."""

_ACTION = rf'^\{{{_BLANK}"(?:index|create|update|delete)"{_BLANK}:'
"""How an action of a ``_bulk`` body begins."""

LONGEST_KEY = 1000
"""Characters of a key that Hyperscan looks for."""

_SEVERAL = hyperscan.HS_FLAG_MULTILINE
_ONCE = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE


_FEW_SUSPECTS = 1000
_SUSPECT_BYTES = 32
"""There may be a few suspect places in any block, and one in so many bytes."""


class TooManyError(Exception):
    """There are too many suspect places in a block."""


@dataclass(slots=True)
class Found:
    """What a block shows.

    Attributes:
        keys: The keys looked for that may be in it.
        beginnings: The first components looked for with which keys in it may begin that have several.
        suspects: Places in the lines that must be looked at, in no order; lines may have several.
        actions: Whether a line may be an action of a ``_bulk`` body.
    """

    keys: set[str] = field(default_factory=set)
    beginnings: set[str] = field(default_factory=set)
    suspects: list[int] = field(default_factory=list)
    actions: bool = False


def _compiled(expressions: list[bytes], flags: list[int]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=list(range(len(flags))), elements=len(flags), flags=flags)
    return database


class Prescan:
    """Looks for some keys and for suspect lines.

    Args:
        keys: The keys to look for. Those that no document can hold without an escape are never found.
        telling: Keys of which an explicit null makes a line suspect.
        beginnings: First components of keys with dots to look for, of at most ``LONGEST_KEY`` plain characters.

    Attributes:
        keys: The keys looked for.

    Raises:
        hyperscan.error: There are too many keys to look for at once.
    """

    def __init__(self, keys: Iterable[str], telling: Collection[str], beginnings: Iterable[str] = ()) -> None:
        self.keys = frozenset(key for key in keys if is_plain(key))
        self._keys = [key for key in self.keys if len(key) <= LONGEST_KEY]
        self._long = [key for key in self.keys if len(key) > LONGEST_KEY]
        self._beginnings = list(beginnings)
        expressions = [b'"%b"' % _literal(key.encode()) for key in self._keys]
        expressions += [b'"%b\\.' % _literal(each.encode()) for each in self._beginnings]
        names = b"|".join(_literal(key.encode()) for key in sorted(telling))
        nulls = [b'"(?:%b)"%b:%bnull' % (names, _BLANK.encode(), _BLANK.encode())] if names else []
        suspect = [*(each.encode() for each in _SUSPECT), *nulls]
        flags = [_ONCE] * len(expressions) + [_SEVERAL] * len(suspect) + [_ONCE]
        expressions += [*suspect, _ACTION.encode()]
        self._action = len(expressions) - 1
        self._database = _compiled(expressions, flags)
        self._exponents = _compiled([_EXPONENT.encode()], [_SEVERAL])

    def scan(self, data: bytes) -> Found:
        """What the bytes of a block show.

        Raises:
            TooManyError: So many places are suspect that to note them takes longer than to read the lines.
        """
        found = Found()
        keys, beginnings, action = self._keys, self._beginnings, self._action
        suspects = found.suspects
        most = _FEW_SUSPECTS + len(data) // _SUSPECT_BYTES

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            if number < len(keys):
                found.keys.add(keys[number])
            elif number < len(keys) + len(beginnings):
                found.beginnings.add(beginnings[number - len(keys)])
            elif number == action:
                found.actions = True
            else:
                suspects.append(end - 1)
            return len(suspects) > most

        def suspect(_number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            suspects.append(end - 1)
            return len(suspects) > most

        try:
            self._database.scan(data, match_event_handler=note)
            self._exponents.scan(data, match_event_handler=suspect)
        except hyperscan.ScanTerminated:
            raise TooManyError from None
        found.keys.update(key for key in self._long if b'"%b"' % key.encode() in data)
        return found


def is_plain(key: str) -> bool:
    """Whether JSON writes the key as it is; another one stands behind an escape, which is suspect anyway."""
    return not any(char < " " or char in '"\\' or "\ud800" <= char <= "\udfff" for char in key)


def _literal(key: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in key)
