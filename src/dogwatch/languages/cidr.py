"""Blocks of addresses as queries write them."""

from __future__ import annotations

import ipaddress

_LONGEST = 64


def block_of(text: str) -> str | None:
    """A block of addresses in canonical text, or ``None`` if the text is none to Elasticsearch.

    A single address is a block of one. Zones (``%eth0``) and masks in the place of a length are not taken.

    Examples:
        >>> block_of("10.1.2.3/8"), block_of("10.0.0.0/255.0.0.0")
        ('10.0.0.0/8', None)
    """
    address, slash, length = text.partition("/")
    if len(text) > _LONGEST or "%" in address or (slash and not (length.isascii() and length.isdigit())):
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None
