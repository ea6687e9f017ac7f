"""Where each key of a TOML file stands: the decoder of the standard library does not say.

The scanner runs over text that the decoder has already accepted, so it need only find its way past strings,
comments and brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+(?=[ \t]*([=\]]))", re.ASCII)
_PLAIN_VALUE = re.compile(r"[^'\"#\[\]{}\n]+")
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\r?\n[ \t\r\n]*|.)", re.DOTALL)
_QUOTES = re.compile("'''|\"\"\"|'|\"")


Escapes = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Offsets of a key and of its value in the file's text.

    Attributes:
        key: Where the key (or a table's header) begins.
        value: Where the value begins; within the quotes if it is a text.
        escapes: For each escape of a text, the number of characters that the text has up to its end, and the
            offset behind it; ``None`` if the value is no text.
    """

    key: int
    value: int
    escapes: Escapes | None = None


def key_places(text: str) -> dict[str, KeyPlace]:
    """The place of every table and key, by dotted path; of an array of tables the first one counts."""
    return dict(_Scanner(text).run())


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.places: dict[str, KeyPlace] = {}

    def run(self) -> dict[str, KeyPlace]:
        prefix = ""
        while self._skip_blank():
            start = self.at
            if self.text[self.at] == "[":
                prefix = self._header()
                self.places.setdefault(prefix, KeyPlace(start, start))
                continue
            parts = self._key("=")
            path = ".".join([prefix, *parts] if prefix else parts)
            self.at += 1
            while self.text[self.at] in " \t":
                self.at += 1
            value = self._value_place(start)
            self.places.setdefault(path, value)
            self._skip_rest()
        return self.places

    def _skip_blank(self) -> bool:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                self._skip_line()
            elif char in " \t\r\n":
                self.at += 1
            else:
                return True
        return False

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _header(self) -> str:
        while self.text[self.at] == "[":
            self.at += 1
        path = ".".join(self._key("]"))
        while self.at < len(self.text) and self.text[self.at] == "]":
            self.at += 1
        return path

    def _key(self, end: str) -> list[str]:
        if (plain := _PLAIN_KEY.match(self.text, self.at)) and plain[1] == end:
            self.at = plain.start(1)
            return plain[0].split(".")
        parts: list[str] = []
        bare = ""
        while (char := self.text[self.at]) != end:
            if char in "'\"":
                start = self.at + 1
                self._skip_string(self._quote())
                parts.append(self.text[start : self.at - 1])
                continue
            if char == ".":
                if bare:
                    parts.append(bare)
                bare = ""
            elif char not in " \t":
                bare += char
            self.at += 1
        return [*parts, bare] if bare else parts

    def _value_place(self, key: int) -> KeyPlace:
        """Where the value that begins here stands; a text is skipped."""
        quote = self._quote()
        if not quote:
            return KeyPlace(key, self.at)
        start = self.at + len(quote)
        if len(quote) == 3:
            # A line end right after the opening quotes is no part of the text.
            start += self.text.startswith("\r\n", start) * 2 or self.text.startswith("\n", start)
        self._skip_string(quote)
        end = self.at - len(quote)
        return KeyPlace(key, start, () if quote[0] == "'" else self._escapes(start, end))

    def _escapes(self, start: int, end: int) -> Escapes:
        if self.text.find("\\", start, end) < 0:
            return ()
        found: list[tuple[int, int]] = []
        count, before = 0, start
        for escape in _ESCAPE.finditer(self.text, start, end):
            # The decoder makes one character of both kinds of line end.
            count += escape.start() - before - self.text.count("\r\n", before, escape.start())
            # A backslash at the end of a line takes the white space after it away.
            count += not escape[0][1:].isspace()
            before = escape.end()
            found.append((count, before))
        return tuple(found)

    def _quote(self) -> str:
        """The quotes that stand here; empty if there are none."""
        found = _QUOTES.match(self.text, self.at)
        return found[0] if found else ""

    def _skip_string(self, quote: str) -> None:
        at = self.text.index(quote, self.at + len(quote))
        if quote[0] == '"':
            escape = self.text.find("\\", self.at + len(quote))
            while 0 <= escape < at:
                at = self.text.index(quote, max(at, escape + 2))
                escape = self.text.find("\\", escape + 2)
        self.at = at + len(quote)
        # Up to two quotes may stand right before the closing three.
        while len(quote) == 3 and self.text.startswith(quote[0], self.at):
            self.at += 1

    def _skip_rest(self) -> None:
        """To the end of the line after a value, or after what is left of it."""
        depth = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if plain := _PLAIN_VALUE.match(self.text, self.at):
                self.at = plain.end()
                continue
            if char in "'\"":
                self._skip_string(self._quote())
                continue
            if char == "#":
                self._skip_line()
                continue
            depth += (char in "[{") - (char in "]}")
            if char == "\n" and depth <= 0:
                return
            self.at += 1
