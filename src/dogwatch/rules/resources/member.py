"""One member of a group: a text, an address, a block or a range of addresses, or the beginning of texts."""

from __future__ import annotations

import ipaddress
import socket

from dogwatch.base.message import quoted
from dogwatch.languages.cidr import block_of
from dogwatch.logic.keytext import key_text
from dogwatch.rules.resources.problems import Source
from dogwatch.schema.coerce import coerce
from dogwatch.schema.field import FieldType

_DOTTED = frozenset("0123456789.")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF:.")
_DOTS = 3


def read_member(text: str, source: Source, line: int) -> str | None:
    """A member as groups keep it: addresses, blocks and ranges in canonical text, all else as written.

    ``None``, with a report, for a block or a range that is none.
    """
    if is_ipv4(text):
        return text
    if text.endswith("*"):
        if text != "*":
            return text
        source.error(
            "resource-value", "a lone `*` would stand for every value", line, "write what they begin with"
        )
        return None
    address, slash, _ = text.partition("/")
    if slash and _looks_like_address(address):
        return _block(text, source, line)
    low, dash, high = text.partition("-")
    if dash and _looks_like_address(low.strip()):
        return _range(low.strip(), high.strip(), source, line)
    canonical = address_of(text)
    if canonical is None and _looks_dotted(text):
        source.warning(
            "resource-value", f"{quoted(text)} looks like an address and is none; it is taken as text", line
        )
    return canonical or text


def address_of(text: str) -> str | None:
    """An address in canonical text, ``None`` if the text is none."""
    if is_ipv4(text):
        return text
    # Most texts are none, and an exception for each would take its time.
    if ":" not in text or not _HEXADECIMAL.issuperset(text):
        return None
    value = coerce(text, FieldType.IP)
    return value if isinstance(value, str) else None


def lookup_key(text: str) -> str:
    """A text as events are looked up by: an address in canonical form, else in lower case."""
    return address_of(text) or key_text(text)


def is_ipv4(text: str) -> bool:
    """Whether a text is an IPv4 address; one that is, is canonical."""
    if not text[:1].isdigit() or not _DOTTED.issuperset(text):
        return False
    try:
        socket.inet_pton(socket.AF_INET, text)
    except OSError:
        return False
    return True


def _block(text: str, source: Source, line: int) -> str | None:
    block = block_of(text)
    if block is None:
        source.error(
            "resource-value",
            f"{quoted(text)} is no block of addresses",
            line,
            "write an address and the length of its prefix, as in 10.0.0.0/8",
        )
    return block


def _range(low: str, high: str, source: Source, line: int) -> str | None:
    first, last = address_of(low), address_of(high)
    if first is not None and last is not None:
        ends = (ipaddress.ip_address(first), ipaddress.ip_address(last))
        if ends[0].version == ends[1].version and int(ends[0]) <= int(ends[1]):
            return f"{first}-{last}"
    source.error(
        "resource-value",
        f"{quoted(f'{low}-{high}')} is no range of addresses",
        line,
        "write the lowest and the highest address whole, as in 10.3.0.1-10.3.0.9",
    )
    return None


def _looks_like_address(text: str) -> bool:
    return _looks_dotted(text) or address_of(text) is not None or ("::" in text and _HEXADECIMAL.issuperset(text))


def _looks_dotted(text: str) -> bool:
    return text.count(".") == _DOTS and text[0] != "." and text[-1] != "." and _DOTTED.issuperset(text)
