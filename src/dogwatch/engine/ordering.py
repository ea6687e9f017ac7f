"""How values of each field type are ordered where text order would be wrong: addresses and versions."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from dogwatch.schema.field import FieldType

_MAPPED = 0xFFFF << 32
"""IPv4 addresses lie in IPv6's mapped block, so that both kinds share one order."""

SortKey = str | int | tuple[object, ...]
"""What a text is compared by; keys of one field type compare with each other."""


def sort_key(text: str, kind: FieldType) -> SortKey | None:
    """What ``text`` is ordered by as a value of type ``kind``; ``None`` if it has no place in the order.

    Keywords are ordered by code point, addresses as numbers, versions as semantic versions.
    """
    match kind:
        case FieldType.IP:
            return address_number(text)
        case FieldType.VERSION:
            return version_key(text)
        case _:
            return text


@lru_cache(maxsize=65536)
def address_number(text: str) -> int | None:
    """The address as a 128-bit number (IPv4 in the mapped block), or ``None`` if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return int(address) + (_MAPPED if address.version == 4 else 0)


def network_range(text: str) -> tuple[int, int] | None:
    """The first and last address number of a CIDR block, or ``None`` if ``text`` is none.

    Bits of the address beyond the prefix are ignored, as Elasticsearch ignores them.
    """
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    shift = _MAPPED if network.version == 4 else 0
    return int(network.network_address) + shift, int(network.broadcast_address) + shift


def version_key(text: str) -> tuple[object, ...]:
    """The place of a version: releases by number, a pre-release below its release, what is no version last.

    Examples:
        >>> version_key("1.5.0") < version_key("1.11.3")
        True
        >>> version_key("2.0.0-rc.1") < version_key("2.0.0")
        True
    """
    body, _, build = text.partition("+")
    main, dash, pre = body.partition("-")
    numbers = main.split(".")
    identifiers = pre.split(".") if dash else []
    if not all(_is_number(number) for number in numbers) or not all(identifiers):
        return (1, text)
    release = tuple(int(number) for number in numbers)
    # A numeric identifier stands before a textual one; the markers 0 and 1 keep int and str apart.
    ranks = tuple((0, int(part), "") if _is_number(part) else (1, 0, part) for part in identifiers)
    return (0, release, 0 if dash else 1, ranks, build)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
