"""Texts of a plain column that could be a string or another JSON value, where the two mean different things."""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dogwatch.events.storage import Flags, Numbers, text_bytes


class Reading(enum.Flag):
    """What a path is read for, besides what any path may be."""

    VALUES = 0
    DATES = enum.auto()
    """A number of four characters is a year only if it has been written as a text."""
    NAMES = enum.auto()
    """Only a string counts."""
    TYPES = enum.auto()
    """It has to be known what is a string and what is not; a plain column cannot tell."""


_NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\z"
_EXPONENT = r"^-?\d+(?:\.\d+)?[eE]"
_YEAR = r"^[1-9]\d{3}\z"
_WORD = r"^(?:true|false)\z"
_SURE_LENGTH = 100
"""A number of so many characters without an exponent is in the range of every decoder."""

_BRACKETS = frozenset(b"[{")
_NUMERIC = np.zeros(256, np.bool_)
_NUMERIC[list(b"-0123456789")] = True


def in_doubt(texts: pa.Array[Any], reading: Reading) -> Flags:
    """Which texts may be two things that mean different things.

    Such are lists and objects, and numbers with exponents. A number stands in a plain column as ``repr`` writes
    it, so that what looks otherwise is a string; and what looks so means the same as that string.
    """
    doubt = np.full(len(texts), Reading.TYPES in reading)
    filled, first = _first_bytes(texts)
    for bracket in _BRACKETS:
        doubt[filled[first == bracket]] = True
    numeric = filled[_NUMERIC[first]]
    if len(numeric):
        some = texts.take(pa.array(numeric, pa.int64()))
        sizes = np.diff(text_bytes(some)[0])
        doubt[numeric] |= _unsure_numbers(some, sizes)
        if Reading.DATES in reading:
            doubt[numeric] |= (sizes == 4) & _matches(some, _NUMBER) & ~_matches(some, _YEAR)
        if Reading.NAMES in reading:
            doubt[numeric] |= _matches(some, _NUMBER)
    if Reading.NAMES in reading:
        doubt |= _matches(texts, _WORD)
    return doubt


def _unsure_numbers(texts: pa.Array[Any], sizes: npt.NDArray[np.int32]) -> Flags:
    """Which numbers have an exponent, or so many digits that a decoder may refuse them."""
    doubt = np.zeros(len(texts), np.bool_)
    candidates = np.flatnonzero((sizes > _SURE_LENGTH) | _matches(texts, _EXPONENT))
    if len(candidates):
        some = texts.take(pa.array(candidates, pa.int64()))
        numbers = np.flatnonzero(_matches(some, _NUMBER))
        kept = [place for place in numbers.tolist() if _may_be_number(some[place].as_py())]
        doubt[candidates[kept]] = True
    return doubt


def _may_be_number(text: str) -> bool:
    """Whether a number would be written so, or could not be written at all."""
    if text.removeprefix("-").isdecimal():
        return True
    number = float(text)
    return math.isinf(number) or repr(number) == text


def _first_bytes(texts: pa.Array[Any]) -> tuple[Numbers, npt.NDArray[np.uint8]]:
    """Which texts are not empty, and the first byte of each of those."""
    offsets, data = text_bytes(texts)
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    return filled, data[offsets[filled]]


def _matches(texts: pa.Array[Any], pattern: str) -> Flags:
    flags: Flags = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return flags
