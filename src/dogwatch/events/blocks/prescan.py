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
    # numbers beyond the doubles (written out for Hyperscan, which is twice as fast if it has texts to look for),
    *(rf"{digit}{e}[0-9]{{3,}}{_BLANK}[,\]}}]" for digit in range(10) for e in ("e", "E", r"e\+", r"E\+")),
    r"[0-9]{300}",
    # and blanks that are none in JSON.
    r"[\x0b\x0c]",
    # Behind an escape in a key there may be any other key.
    rf'\\[^\n][^"\\\n]*"{_BLANK}:',
)
_ACTION = rf'^\{{{_BLANK}"(?:index|create|update|delete)"{_BLANK}:'
"""How an action of a ``_bulk`` body begins."""

_LONGEST_KEY = 1000
"""Characters of a key that Hyperscan looks for."""

_SEVERAL = hyperscan.HS_FLAG_MULTILINE
_ONCE = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE


@dataclass(slots=True)
class Found:
    """What a block shows.

    Attributes:
        keys: The keys looked for that may be in it.
        suspects: Places in the lines that must be looked at, in no order; lines may have several.
        actions: Whether a line may be an action of a ``_bulk`` body.
    """

    keys: set[str] = field(default_factory=set)
    suspects: list[int] = field(default_factory=list)
    actions: bool = False


class Prescan:
    """Looks for some keys and for suspect lines.

    Args:
        keys: The keys to look for. Those that no document can hold without an escape are never found.
        telling: Keys of which an explicit null makes a line suspect.

    Attributes:
        keys: The keys looked for.

    Raises:
        hyperscan.error: There are too many keys to look for at once.
    """

    def __init__(self, keys: Iterable[str], telling: Collection[str]) -> None:
        self.keys = frozenset(key for key in keys if _is_plain(key))
        self._keys = [key for key in self.keys if len(key) <= _LONGEST_KEY]
        self._long = [key for key in self.keys if len(key) > _LONGEST_KEY]
        expressions = [b'"%b"' % _literal(key.encode()) for key in self._keys]
        names = b"|".join(_literal(key.encode()) for key in sorted(telling))
        nulls = [b'"(?:%b)"%b:%bnull' % (names, _BLANK.encode(), _BLANK.encode())] if names else []
        suspect = [*(each.encode() for each in _SUSPECT), *nulls]
        flags = [_ONCE] * len(expressions) + [_SEVERAL] * len(suspect) + [_ONCE]
        expressions += [*suspect, _ACTION.encode()]
        self._action = len(expressions) - 1
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=expressions, ids=list(range(len(flags))), elements=len(flags), flags=flags
        )

    def scan(self, data: bytes) -> Found:
        """What the bytes of a block show."""
        found = Found()
        keys, action = self._keys, self._action

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            if number < len(keys):
                found.keys.add(keys[number])
            elif number == action:
                found.actions = True
            else:
                found.suspects.append(end - 1)

        self._database.scan(data, match_event_handler=note)
        found.keys.update(key for key in self._long if b'"%b"' % key.encode() in data)
        return found


def _is_plain(key: str) -> bool:
    """Whether JSON writes the key as it is; another one stands behind an escape, which is suspect anyway."""
    return not any(char < " " or char in '"\\' or "\ud800" <= char <= "\udfff" for char in key)


def _literal(key: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in key)
