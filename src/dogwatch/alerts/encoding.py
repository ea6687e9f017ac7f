"""Documents as JSON text: what the ledger keeps and what machine output prints."""

from __future__ import annotations

from typing import Any

import msgspec

from dogwatch.alerts.model import AlertDocument

DEEPEST = 100
"""Objects and lists within one another that are kept. Elasticsearch's own limit of mapped objects is 20."""

_TOO_DEEP = "(nested too deep)"

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(dict[str, Any])


def encode(document: AlertDocument) -> bytes:
    """A document as one line of valid UTF-8 JSON, whatever its event held.

    A lone surrogate, which UTF-8 cannot write, becomes U+FFFD; a number that JSON cannot write becomes null;
    what is nested deeper than ``DEEPEST`` becomes a text that says so, as it could not be read everywhere.
    """
    try:
        line = _ENCODER.encode(document)
    except (UnicodeEncodeError, RecursionError):
        return _ENCODER.encode(_well_formed(document, DEEPEST))
    # Looking at every value is slow, so only a document that could be deep at all is looked at.
    if line.count(b"{") + line.count(b"[") <= DEEPEST:
        return line
    return _ENCODER.encode(_well_formed(document, DEEPEST))


def decode(text: str | bytes) -> AlertDocument:
    """The document that ``encode`` wrote."""
    return _DECODER.decode(text)


def _well_formed(value: object, levels: int) -> object:
    match value:
        case str():
            if value.isascii():
                return value
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case dict() | list() | tuple() if levels == 0:
            return _TOO_DEEP
        case dict():
            return {_well_formed(key, 0): _well_formed(item, levels - 1) for key, item in value.items()}
        case list() | tuple():
            return [_well_formed(item, levels - 1) for item in value]
        case _:
            return value
