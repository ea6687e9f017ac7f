"""TOML and JSON as Elasticsearch's test suites write them, which is not quite as the standards do."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.model import SuiteError

NULL = "null"
"""What a bare ``null`` in a list becomes: the suites write a null key either way."""

_QUOTES = ('"""', "'''", '"', "'")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's tables; a bare ``null`` in it is the text ``null``.

    Raises:
        SuiteError: It cannot be read.
    """
    text = _text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pass
    try:
        return tomllib.loads("".join(_with_quoted_nulls(text)))
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{path}: {error}") from error


def read_documents(path: Path) -> list[dict[str, Any]]:
    """The events of a file: a JSON array, or JSON objects one after another; ``//`` comments are passed over.

    Raises:
        SuiteError: It holds anything else.
    """
    values = read_json(path)
    found = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if not all(isinstance(item, dict) for item in found):
        raise SuiteError(f"{path}: an event is an object")
    return found


def read_json(path: Path) -> list[Any]:
    """The JSON values of a file, one after another; ``//`` comments are passed over.

    Raises:
        SuiteError: It holds anything else.
    """
    text = "".join(without_comments(_text(path)))
    decoder = json.JSONDecoder()
    values: list[Any] = []
    at = _past_blanks(text, 0)
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise SuiteError(f"{path}: {error}") from error
        values.append(value)
        at = _past_blanks(text, at)
    return values


def without_comments(text: str) -> Iterator[str]:
    """The pieces of a JSON text with each ``//`` comment, up to its line's end, left out."""
    at = 0
    while at < len(text):
        if text.startswith("//", at):
            at = _line_end(text, at)
        elif text[at] == '"':
            end = _string_end(text, at, '"')
            yield text[at:end]
            at = end
        else:
            yield text[at]
            at += 1


def _with_quoted_nulls(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        quote = next((quote for quote in _QUOTES if text.startswith(quote, at)), None)
        if quote is not None:
            end = _string_end(text, at, quote)
        elif text[at] == "#":
            end = _line_end(text, at)
        elif text[at].isalnum() or text[at] in "_-":
            end = at
            while end < len(text) and (text[end].isalnum() or text[end] in "_-"):
                end += 1
        else:
            end = at + 1
        piece = text[at:end]
        yield f'"{NULL}"' if piece == NULL else piece
        at = end


def _string_end(text: str, at: int, quote: str) -> int:
    end = at + len(quote)
    while end < len(text) and not text.startswith(quote, end):
        end += 2 if text[end] == "\\" and quote[0] == '"' else 1
    return min(len(text), end + len(quote))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: {error}") from error
