"""Typed reading of a decoded table (TOML or JSON) that collects problems instead of stopping."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from dogwatch.base.diagnostic import Diagnostic, Place, Severity

_T = TypeVar("_T")

_NAMES = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


class Fields:
    """One table, read key by key.

    A value of the wrong type is reported where it stands. What decides when the rule fires is an error
    then; what merely describes it is a warning, and counts as absent.

    Args:
        table: The decoded table.
        place: Where a key stands in the file; for an absent key, where the table begins.
        path: The table's own name in messages, such as ``rule``; empty for the outermost.
    """

    def __init__(self, table: Mapping[str, Any], place: Callable[[str], Place], path: str = "") -> None:
        self._table = table
        self._place = place
        self._path = path
        self._read: set[str] = set()
        self.problems: list[Diagnostic] = []

    @property
    def failed(self) -> bool:
        """Whether a problem met so far is an error."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def text(self, key: str, default: str = "", *, describes: bool = False) -> str:
        """A text, or ``default`` if absent."""
        return self._typed(key, str, default, describes=describes)

    def optional_text(self, key: str) -> str | None:
        """A text, or ``None`` if absent or null."""
        return self.text(key) or None if key in self._table else None

    def required_text(self, key: str, *, hint: str | None = None) -> str:
        """A text that must be there and say something; else an error, and the empty text."""
        value = self.text(key)
        found = self._table.get(key)
        if found is None:
            self.missing(key, hint)
        elif isinstance(found, str) and not value.strip():
            self.error("rule-field-empty", f"`{self._dotted(key)}` is empty", key, hint)
        return value

    def texts(self, key: str, *, describes: bool = False) -> tuple[str, ...]:
        """A list of texts, empty if absent; a single text counts as a list of one."""
        value = self.value(key)
        if isinstance(value, str):
            return (self.text(key, describes=describes),)
        items: list[Any] = self._typed(key, list, [], describes=describes)
        for item in items:
            if not isinstance(item, str) or not _is_unicode(item):
                self._wrong(key, "a list of texts", item, describes=describes)
                return ()
        return tuple(items)

    def boolean(self, key: str, default: bool) -> bool:
        """True or false, or ``default`` if absent."""
        return self._typed(key, bool, default)

    def integer(self, key: str, default: int, *, low: int, high: int = 2**31 - 1) -> int:
        """A whole number within bounds, or ``default`` if absent."""
        value = self._typed(key, int, default)
        if not low <= value <= high:
            self.error("rule-field-range", f"`{self._dotted(key)}` must be from {low} to {high}", key)
            return default
        return value

    def tables(self, key: str, *, describes: bool = False) -> tuple[Mapping[str, Any], ...]:
        """A list of tables, empty if absent."""
        items: list[Any] = self._typed(key, list, [], describes=describes)
        for item in items:
            if not isinstance(item, dict):
                self._wrong(key, "a list of tables", item, describes=describes)
                return ()
        return tuple(items)

    def table(self, key: str) -> Mapping[str, Any]:
        """A table, empty if absent."""
        empty: dict[str, Any] = {}
        return self._typed(key, dict, empty)

    def value(self, key: str) -> object:
        """Whatever stands under the key, or ``None``; it counts as read."""
        self._read.add(key)
        return self._table.get(key)

    def rest(self) -> dict[str, Any]:
        """Every key that nobody asked for, with its value."""
        return {key: value for key, value in self._table.items() if key not in self._read}

    def missing(self, key: str, hint: str | None = None) -> None:
        """Report that the key must be there; a key that looks like it is suggested."""
        near = difflib.get_close_matches(key, self._table.keys() - self._read, n=1)
        self.problems.append(
            Diagnostic(
                "rule-field-missing",
                f"`{self._dotted(key)}` is missing",
                place=self._place(key),
                hint=f"did you mean `{near[0]}` to be `{key}`?" if near else hint or f"add `{key} = ...`",
            )
        )

    def error(self, code: str, message: str, key: str, hint: str | None = None) -> None:
        """Report an error at a key."""
        self.problems.append(Diagnostic(code, message, place=self._place(key), hint=hint))

    def _typed(self, key: str, kind: type[_T], default: _T, *, describes: bool = False) -> _T:
        value = self.value(key)
        if value is None:
            return default
        # A boolean is an int to Python and never one to a rule.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            if not isinstance(value, str) or _is_unicode(value):
                return value
            self._wrong(key, "Unicode text", value, describes=describes)
            return default
        self._wrong(key, _NAMES[kind], value, describes=describes)
        return default

    def _wrong(self, key: str, wanted: str, value: object, *, describes: bool) -> None:
        found = _NAMES.get(type(value), type(value).__name__)
        if isinstance(value, str) and not _is_unicode(value):
            found = "text with half a character (a lone surrogate)"
        self.problems.append(
            Diagnostic(
                "rule-field-type",
                f"`{self._dotted(key)}` must be {wanted}, not {found}",
                severity=Severity.WARNING if describes else Severity.ERROR,
                place=self._place(key),
            )
        )

    def _dotted(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def _is_unicode(text: str) -> bool:
    """Whether the text can be written: JSON's escapes can spell surrogates that stand alone."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
