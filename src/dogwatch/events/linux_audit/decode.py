"""The values inside a record: fields, hexadecimal text, argument vectors, socket addresses, error names.

A field's token keeps its quotes until it is decoded, because they say what it is: in ``a2="6E63"`` the
argument is 6E63, in ``a2=6E63`` it is nc. Only fields that hold text from outside the kernel are ever decoded
so; ``a0=6E63`` of a SYSCALL record is a number.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dogwatch.events.linux_audit.tables import errors

UNTRUSTED = frozenset(
    {
        "acct", "cmd", "comm", "cwd", "data", "dir", "exe", "file", "grp", "key", "name", "new_group",
        "ocomm", "path", "proctitle", "unit", "vm", "watch",
    }
)  # fmt: skip
"""Fields that hold text chosen by somebody: quoted if plain, hexadecimal if not."""

_FAMILIES = {
    0: "unspec",
    1: "unix",
    2: "ipv4",
    10: "ipv6",
    16: "netlink",
    17: "packet",
    31: "bluetooth",
    38: "alg",
    40: "vsock",
}
_CONTEXT = ("user", "role", "domain", "level", "category")
_LAST_FAMILY = 46
_UPPER_HEX = frozenset("0123456789ABCDEF")
_MAX_INDEX_DIGITS = 7
_REMEMBERED = 1024
"""The same few users and groups come again and again."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of an ``execve``.

    Attributes:
        values: Those that were recorded, in order.
        complete: Whether they are all there, with every piece of the long ones.
    """

    values: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where a socket was bound or connected, as far as its family has such a thing.

    Attributes:
        family: ``ipv4``, ``ipv6``, ``unix``, ``netlink``, ``unspec``, another name, or the family's number.
        address: The IP address; an IPv4 address mapped into IPv6 is given as IPv4.
        port: The port of an IP socket.
        path: The path of a UNIX socket; an abstract name begins with ``@``.
    """

    family: str
    address: str | None = None
    port: int | None = None
    path: str | None = None


def split_fields(text: str) -> dict[str, str]:
    """The fields of a record's body: name -> token, quotes kept. Of a repeated name the first counts.

    Words that belong to no field are passed over; a quote without its end reaches to the end of the text.
    """
    if "'" not in text and "{" not in text:
        plain = _split_plain(text)
        if plain is not None:
            return plain
    return _split_any(text)


def literal(token: str) -> str:
    """A token's text, its quotes taken off, nothing decoded."""
    if token[:1] in ('"', "'"):
        return token[1:-1] if len(token) > 1 and token[-1] == token[0] else token[1:]
    return token


def untrusted(token: str) -> str | None:
    """The text of a token that is quoted if plain and hexadecimal if not; ``None`` for a bare ``(null)``.

    Examples:
        >>> untrusted('"6E63"'), untrusted("6E63"), untrusted("(null)"), untrusted('"(null)"')
        ('6E63', 'nc', None, '(null)')
    """
    if token[:1] == '"':
        return literal(token)
    if token == "(null)":  # noqa: S105 - what the kernel writes for a null pointer
        return None
    raw = unhex(token)
    return token if raw is None else _text(raw)


def unhex(token: str) -> bytes | None:
    """The bytes that a bare upper-case hexadecimal token stands for; ``None`` if it is not one."""
    if not token or len(token) % 2 or not _UPPER_HEX.issuperset(token):
        return None
    return bytes.fromhex(token)


def inner_fields(token: str) -> dict[str, str]:
    """The fields inside ``msg='...'``, which a program and not the kernel wrote."""
    text = literal(token)
    if "(hostname=" in text:
        # As PAM wrote it before 2010: (hostname=?, addr=?, terminal=cron res=success)
        text = text.replace("(hostname=", "hostname=").replace(", ", " ").removesuffix(")")
    return split_fields(text)


def arguments(bodies: Sequence[str]) -> Arguments:
    """The argument vector that the bodies of one event's EXECVE records hold together, in any order."""
    if len(bodies) == 1 and (plain := _plain_arguments(split_fields(bodies[0]))) is not None:
        return Arguments(plain, complete=True)
    return _pieced_arguments(bodies)


def plain_arguments(body: str) -> tuple[str, ...] | None:
    """The argument vector of a body that holds all of it; ``None`` if it does not.

    Gives what ``arguments`` gives, sooner where every argument is quoted.
    """
    pieces = body.split('"')
    if len(pieces) % 2 and len(pieces) > 1 and not pieces[-1] and pieces[:-1:2] == _between(len(pieces) // 2):
        return tuple(pieces[1::2])
    found = arguments([body])
    return found.values if found.complete else None


def process_title(token: str) -> str:
    """The process title, its arguments joined by blanks. It may be cut, and may be an older one."""
    if token[:1] == '"':
        return literal(token)
    raw = unhex(token.upper())
    if raw is None:
        return token
    return _text(raw.rstrip(b"\0").replace(b"\0", b" "))


def socket_address(token: str) -> SocketAddress | None:
    """What a ``saddr=`` value names; ``None`` if it is no address at all."""
    raw = unhex(token)
    if raw is None or len(raw) < 2:
        return None
    # The kernel writes the family in its own byte order and everything else in the network's.
    number = int.from_bytes(raw[:2], "little")
    if number > _LAST_FAMILY and int.from_bytes(raw[:2], "big") <= _LAST_FAMILY:
        number = int.from_bytes(raw[:2], "big")
    family = _FAMILIES.get(number, str(number))
    match family:
        case "ipv4" if len(raw) >= 8:
            port = int.from_bytes(raw[2:4], "big")
            return SocketAddress(family, str(ipaddress.IPv4Address(raw[4:8])), port)
        case "ipv6" if len(raw) >= 24:
            port = int.from_bytes(raw[2:4], "big")
            address = ipaddress.IPv6Address(raw[8:24])
            return SocketAddress(family, str(address.ipv4_mapped or address), port)
        case "unix":
            return SocketAddress(family, path=_unix_path(raw[2:]))
        case _:
            return SocketAddress(family)


def exit_text(token: str) -> str:
    """A system call's result: a number as it stands, or the name of the error for a negative one that has one."""
    if token[:1] == "-" and (number := natural(token[1:])) is not None:
        return errors().get(number, token)
    return token


def natural(text: str) -> int | None:
    """The number that up to seven ASCII digits write (process ids, counts), else ``None``."""
    if len(text) <= _MAX_INDEX_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    return None


@lru_cache(maxsize=_REMEMBERED)
def names(enrichment: bytes) -> Mapping[str, str]:
    """The names that auditd resolved: ``{"UID": "root", ...}``; unset and unknown ones are left out."""
    tokens = split_fields(enrichment.decode("utf-8", "replace"))
    found = {key: literal(token) for key, token in tokens.items()}
    return {
        key: name for key, name in found.items() if name not in ("unset", "?") and not name.startswith("unknown(")
    }


@lru_cache(maxsize=64)
def _between(count: int) -> list[str]:
    """What stands before each of ``count`` quoted arguments."""
    return [f" a{index}=" if index else f"argc={count} a0=" for index in range(count)]


def _plain_arguments(fields: Mapping[str, str]) -> tuple[str, ...] | None:
    """The arguments if one record holds them all and nothing else; the usual case."""
    count = natural(fields.get("argc", ""))
    if count is None or len(fields) != count + 1:
        return None
    values = tuple([untrusted(fields.get(f"a{index}", "")) or "" for index in range(count)])
    return values if all(f"a{index}" in fields for index in range(count)) else None


def _pieced_arguments(bodies: Iterable[str]) -> Arguments:
    whole: dict[int, str] = {}
    pieces: dict[int, dict[int, str]] = {}
    count: int | None = None
    for body in bodies:
        for key, token in split_fields(body).items():
            if key == "argc":
                count = natural(token)
                continue
            name, bracket, rest = key.partition("[")
            index = natural(name[1:]) if name[:1] == "a" else None
            if index is None:
                continue
            if not bracket:
                whole.setdefault(index, token)
            elif (piece := natural(rest.removesuffix("]"))) is not None:
                pieces.setdefault(index, {}).setdefault(piece, token)
    intact = all(max(parts) == len(parts) - 1 for parts in pieces.values())
    for index, parts in pieces.items():
        tokens = [parts[piece] for piece in sorted(parts)]
        # All pieces of an argument are quoted, or all are hexadecimal and may part inside a character.
        quoted = tokens[0][:1] == '"'
        joined = "".join(literal(token) for token in tokens)
        whole.setdefault(index, f'"{joined}"' if quoted else joined)
    values = tuple(untrusted(whole[index]) or "" for index in sorted(whole))
    contiguous = not whole or max(whole) == len(whole) - 1
    return Arguments(values, intact and contiguous and count == len(values))


def _split_plain(text: str) -> dict[str, str] | None:
    """The fields of a body as the kernel writes them, quickly; ``None`` if it is not of that kind."""
    parts = text.split('"')
    if not len(parts) % 2:
        return None
    pairs: list[list[str]] = []
    for index in range(0, len(parts) - 1, 2):
        before = parts[index]
        if before[-1:] != "=":
            return None
        pairs += [word.split("=", 1) for word in before.split(" ") if "=" in word]
        if pairs[-1][1]:
            return None
        pairs[-1][1] = f'"{parts[index + 1]}"'
    pairs += [word.split("=", 1) for word in parts[-1].split(" ") if "=" in word]
    fields: dict[str, str] = dict(pairs)
    if len(fields) != len(pairs) or "" in fields:
        return None
    return fields


def _split_any(text: str) -> dict[str, str]:
    """The fields of any body, one after the other."""
    fields: dict[str, str] = {}
    find = text.find
    length = len(text)
    position = 0
    while (equals := find("=", position)) >= 0:
        key = text[position:equals]
        if " " in key:
            key = key[key.rfind(" ") + 1 :]
        start = equals + 1
        first = text[start : start + 1]
        if first == '"':
            end = find('"', start + 1) + 1 or length
        elif first == "'":
            # The text inside may hold apostrophes of its own: the last one closes it.
            end = text.rfind("'", start + 1) + 1 or length
        elif first == "{":
            end = find("}", start + 1) + 1 or length
        else:
            end = find(" ", start)
            if end < 0:
                end = length
        if key and key not in fields:
            fields[key] = text[start:end]
        position = end
    return fields


def is_unset(number: str) -> bool:
    """Whether an id or session is the kernel's -1, which stands for none."""
    return number in ("4294967295", "-1", "unset")


def security_context(text: str) -> dict[str, str]:
    """The parts of an SELinux context, as far as there are: user, role, domain, level, category."""
    return dict(zip(_CONTEXT, text.split(":", 4), strict=False))


def _unix_path(raw: bytes) -> str | None:
    if raw[:1] == b"\0":
        name = raw[1:].partition(b"\0")[0]
        return f"@{_text(name)}" if name else None
    path = raw.partition(b"\0")[0]
    return _text(path) if path else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
