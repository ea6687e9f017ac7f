"""Lines of plausible ECS documents, written byte by byte: nearly all of them can be read natively."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KINDS: Mapping[str, Sequence[str]] = {
    "KEYWORD": (
        "process.name", "process.command_line", "process.args", "process.parent.name", "event.category",
        "event.action", "host.name", "user.name", "file.path", "network.transport", "größe.名前", "tags",
    ),
    "LONG": ("process.pid", "source.port", "event.severity", "file.size"),
    "BOOLEAN": ("process.code_signature.trusted", "host.up"),
    "DATE": ("event.created", "process.start", "file.mtime"),
    "IP": ("host.ip", "source.ip"),
    "VERSION": ("agent.version",),
    "OBJECT": ("labels", "dns.answers"),
}  # fmt: skip
_NUMBERS = (
    "0", "-0", "-0.0", "1", "-1", "5", "80", "2026", "9999", "10000", "-999", "0.5", "1.50", "1.10", "2.0",
    "1e3", "1E3", "1e+3", "1e-3", "1e5", "1e16", "1E22", "12e1", "0e99", "1e00", "1e-7", "1e99", "0.0001",
    "0.00001",
    "0.1", "123456789012345678", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "20260101",
    "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890", "9007199254740993.0",
    "1767571200", "1767571200024", "1767571200024.5", "3.0000000000000001", "9" * 120, "1" + "0" * 150 + "e50",
    "0." + "0" * 150 + "1",
)  # fmt: skip
_DATES = (
    "2026-01-05", "2026-01-05T00:00:00Z", "2026-01-05T00:00:00.123456789Z", "2026-01-05T00:00:00.1234567891Z",
    "2026-01-05T00:00:00", "2026-01-05T00:00:00+02:00", "2026-01-05 00:00:00", "2026-02-30T00:00:00Z", "2026",
    "2026-01-05T23:59:60Z", "2026-1-5", "20260105", "1767571200024", "1900-01-01T00:00:00Z",
    "2300-01-01T00:00:00Z", "1600-01-01T00:00:00Z", "2026-01-05T00:00:00,5Z", " 2026-01-05T00:00:00Z", "yesterday",
)  # fmt: skip
_ADDRESSES = (
    "10.0.0.1", "10.0.0.01", "::1", "::ffff:1.2.3.4", "::FFFF:102:304", "FE80::0:1", "fe80::1%eth0", "1.2.3.4/24",
    "256.1.1.1", "1.2.3.4 ", "1::2::3", "",
)  # fmt: skip
_TEXTS = (
    "", "12", "007", "1e3", "1e+16", "-0", "+5", "12.50", "2026", "[1]", "[]", "{}", "[x", "{y", '["a"]',
    '{"a":1}', " [1]", "null", "true", "True", "NaN", "9223372036854775808", "1" * 150, "nc", "C:\\x\\cmd.exe",
    "\u017f", "K", "é", "日本語", "😀", "\u2028", "\ufeff", "a\0b", "\x01", "\x7f", "a\nb", "a\tb", '"', "\\",
    '": ', "a,b", "logs", *("y" * length for length in (4095, 4096, 4097)), "日" * 1400, "\\" * 4096,
)  # fmt: skip
_HOSTILE = (
    b"garbage", b"", b"  ", b"{", b'{"process":{"name":"a"},"process":{"pid":1}}',
    b'{"event":{"act\\u0069on":"x"}}', b'{"x":1e400}', b'{"tags":["a",]}', b'{"Process":{"name":"a"}}',
    b'{"_source":{"tags":"a"}}', b'{"tags":"\xff"}',
)  # fmt: skip
_SHORT = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r"}

Tree = dict[str, Any]


class Writer:
    """Writes the lines of one file, which have habits in common.

    Args:
        seed: Tells everything there is to choose.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311
        choice = self._random.choice
        self._strange, self._null, self._list = choice([0, 0.1, 0.5]), choice([0, 0.2]), choice([0, 0.2])
        self._object, self._escape = choice([0, 0, 0.1]), choice([0, 0.2])
        self._blank, self._shuffled, self._hostile = (
            choice(["", "", " ", "\t \r"]),
            choice([0, 1]),
            choice([0, 0.02]),
        )
        dotted = choice([0, 0, 0.5, 1])
        self._paths = [
            (kind, tuple(self._spelled(path, dotted))) for kind, paths in KINDS.items() for path in paths
        ]

    def lines(self, count: int) -> Iterator[bytes]:
        """So many lines, of which at most a few cannot be read natively."""
        for number in range(count):
            hostile = self._random.random() < self._hostile
            yield self._random.choice(_HOSTILE) if hostile else self._document(number).encode()

    def _spelled(self, path: str, dotted: float) -> list[str]:
        keys = path.split(".")
        while len(keys) > 1 and self._random.random() < dotted:
            keys[:2] = [".".join(keys[:2])]
        return keys

    def _document(self, number: int) -> str:
        tree: Tree = {"@timestamp": self._value("DATE")}
        event: Tree = tree.setdefault("event", {})
        if self._random.random() < 0.5:
            event["id"] = self._value("KEYWORD")
        if self._random.random() < 0.5:
            event["sequence"] = self._value("LONG")
        if self._random.random() < 0.5:
            tree["data_stream"] = {"type": '"logs"', "dataset": self._value("KEYWORD"), "namespace": '"x"'}
        for kind, (*above, last) in self._paths:
            if self._random.random() < 0.5:
                inner = tree
                for key in above:
                    inner = inner.setdefault(key, {})
                inner[last] = self._value(kind)
        tree["more"] = {f"key{number % 7}": self._value("KEYWORD")}
        return self._object_of(tree)

    def _object_of(self, tree: Tree) -> str:
        pairs = list(tree.items())
        if self._shuffled:
            self._random.shuffle(pairs)
        blank = self._blank
        parts = (
            f'"{key}"{blank}:{blank}{self._object_of(value) if isinstance(value, dict) else value}'
            for key, value in pairs
        )
        return "{" + f",{blank}".join(parts) + blank + "}"

    def _value(self, kind: str, depth: int = 0) -> str:
        chance = self._random.random
        if chance() < self._null:
            return "null"
        if depth < 3 and chance() < self._list:
            items = [self._value(kind, depth + 1) for _ in range(self._random.randrange(4))]
            return f"[{self._blank}" + f"{self._blank},".join(items) + f"{self._blank}]"
        if chance() < self._object:
            return self._object_of({"a": self._strange_value(), "b": "[1]"})
        return self._strange_value() if chance() < self._strange else self._usual_value(kind)

    def _usual_value(self, kind: str) -> str:
        number = self._random.randrange(50)
        usual = {
            "KEYWORD": f'"word {number}"',
            "LONG": str(number),
            "BOOLEAN": "true" if number % 2 else "false",
            "DATE": f'"2026-01-01T00:00:{number:02}.{number}Z"',
            "IP": f'"10.0.0.{number}"',
            "VERSION": f'"8.{number}.0"',
            "OBJECT": f'{{"a":{number},"b":["x"]}}',
        }
        return usual[kind]

    def _strange_value(self) -> str:
        kind = self._random.randrange(8)
        if kind == 0:
            return self._random.choice(["true", "false"])
        if kind <= 2:
            return self._random.choice(_NUMBERS)
        return self._string(self._random.choice(_DATES if kind == 3 else _ADDRESSES if kind == 4 else _TEXTS))

    def _string(self, text: str) -> str:
        return '"' + "".join(map(self._character, text)) + '"'

    def _character(self, character: str) -> str:
        code = ord(character)
        if code < 32:
            return "\\" + _SHORT.get(code, f"u{code:04x}")
        if character in '"\\':
            return "\\" + character
        if not self._escape or self._random.random() > self._escape:
            return character
        units = character.encode("utf-16-be").hex()
        return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
