"""Texts made out of texts. Null, and anything but text, gives null."""

from __future__ import annotations

from dogwatch.base.text import Fold
from dogwatch.engine.reference.value import Value, cut, integer, units
from dogwatch.engine.regex.capture import compile_capture

MAX_RESULT = 1 << 20
"""Characters of the longest text that ``replace`` gives: replacements of replacements multiply."""

_BLANKS = " \t\n\v\f\r"


def trim_left(source: Value) -> Value:
    """The text without the blanks (spaces, tabs, line ends) that it begins with.

    Examples:
        >>> trim_left("  nc -l ")
        'nc -l '
    """
    return source.lstrip(_BLANKS) if isinstance(source, str) else None


def trim_right(source: Value) -> Value:
    """The text without the blanks that it ends with.

    Examples:
        >>> trim_right("  nc -l ")
        '  nc -l'
    """
    return source.rstrip(_BLANKS) if isinstance(source, str) else None


def trim(source: Value) -> Value:
    """The text without the blanks at both ends.

    Examples:
        >>> trim("  nc -l ")
        'nc -l'
    """
    return source.strip(_BLANKS) if isinstance(source, str) else None


def lower(source: Value) -> Value:
    """The text in lower case.

    Examples:
        >>> lower("CMD.EXE")
        'cmd.exe'
    """
    return source.lower() if isinstance(source, str) else None


def upper(source: Value) -> Value:
    """The text in upper case.

    Examples:
        >>> upper("cmd.exe")
        'CMD.EXE'
    """
    return source.upper() if isinstance(source, str) else None


def replace(source: Value, searched: Value, replacement: Value) -> Value:
    """The text with each occurrence of another, from the left, replaced; an empty one occurs nowhere.

    It is null if the result would be longer than ``MAX_RESULT``.

    Examples:
        >>> replace("a/b/c", "/", "::")
        'a::b::c'
    """
    if not (isinstance(source, str) and isinstance(searched, str) and isinstance(replacement, str)):
        return None
    if not searched:
        return source
    length = len(source) + source.count(searched) * (len(replacement) - len(searched))
    return None if length > MAX_RESULT else source.replace(searched, replacement)


def sub_str(source: Value, start: Value, *length: Value) -> Value:
    """As many UTF-16 units as ``length`` says (all, if it is left out), from the one numbered ``start``, from 0.

    What lies beyond the end is left out. A negative number gives null: no public text says what it means.

    Examples:
        >>> sub_str("/usr/bin/nc", 5, 3)
        'bin'
    """
    first = integer(start)
    if not isinstance(source, str) or first is None or first < 0:
        return None
    count = integer(length[0]) if length else units(source)
    return None if count is None or count < 0 else cut(source, first, first + count)


def extract(source: Value, regex: Value, group: Value = None, *, fold: Fold) -> Value:
    r"""What a regular expression's group matched in its leftmost match; null if there is none, or without it.

    Args:
        source: The text; of a long one no more than the beginning is searched (``capture.MAX_TEXT``).
        regex: The expression, in RE2's syntax.
        group: The group's number, 0 for the whole match. Unless given, the first group, or else the whole.
        fold: Under any but ``NONE`` letter case does not count.

    Raises:
        DogwatchError: The expression cannot be compiled or has no such group (``regex-unsupported``).

    Examples:
        >>> extract("uid=1000(alice) gid=0", r"uid=(\d+)", fold=Fold.NONE)
        '1000'
    """
    number = integer(group)
    if not (isinstance(source, str) and isinstance(regex, str)) or (number is None and group is not None):
        return None
    return compile_capture(regex, number, fold).find(source)
