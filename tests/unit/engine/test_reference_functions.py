"""What the functions compute: nulls, ends, signs, and what cannot be computed."""

from __future__ import annotations

import doctest
import math
from types import ModuleType

import pytest

from dogwatch.base.text import Fold
from dogwatch.base.time import parse_instant
from dogwatch.engine import ordering
from dogwatch.engine.reference import functions
from dogwatch.engine.reference.functions import FUNCTIONS, Value, call
from dogwatch.logic.functions import FUNCTIONS as SIGNATURES

LINE = "curl to the server"

CASES: list[tuple[str, tuple[Value, ...], Value]] = [
    ("between", (LINE, None, "server"), None),
    ("between", (LINE, "curl", None), None),
    ("between", (None, "curl", "server"), None),
    ("between", (LINE, "curl", "e", None), None),
    ("between", (LINE, "curl", "server"), " to the "),
    ("between", (LINE, "curl", "client"), None),
    ("between", (LINE, "curl", "e", False), " to th"),
    ("between", (LINE, "curl", "e", True), " to the serv"),
    ("between", (LINE, "", "", True), LINE),
    ("between", (LINE, "", "", False), ""),
    ("between", ("aa", "a", "a"), ""),
    ("concat", ("pid ", 1, ":", True), "pid 1:true"),
    ("concat", ("a", None), None),
    ("ends_with", ("abc", ""), True),
    ("ends_with", ("abc", None), None),
    ("starts_with", ("abc", ""), True),
    ("starts_with", ("abc", 1), None),
    ("string_contains", ("abc", ""), False),
    ("string_contains", ("abc", "bc"), True),
    ("index_of", ("netcat", "t", None), 2),
    ("index_of", ("netcat", "t", 3), 5),
    ("index_of", ("netcat", "t", -5), 2),
    ("index_of", ("netcat", "t", 100), None),
    ("index_of", ("netcat", "T"), None),
    ("index_of", ("abc", "", 3), 3),
    ("index_of", ("😀x", "x"), 2),
    ("index_of", ("😀xx", "x", 3), 3),
    ("length", ("",), 0),
    ("length", ("😀",), 2),
    ("length", (None,), None),
    ("length", (5,), None),
    ("substring", ("/bin/bash", None, None), "/bin/bash"),
    ("substring", ("/bin/bash", 5, -1), "bas"),
    ("substring", ("/bin/bash", -60, 4), "/bin"),
    ("substring", ("/bin/bash", 8, 2), ""),
    ("substring", ("😀ab", 2, 3), "a"),
    ("substring", ("a", 1.5), None),
    ("string", (1e10,), "1.0E10"),
    ("string", (1.0,), "1.0"),
    ("string", (0.001,), "0.001"),
    ("string", (-1.25e-7,), "-1.25E-7"),
    ("string", (9999999.5,), "9999999.5"),
    ("string", (math.inf,), "Infinity"),
    ("string", (2.1828,), "2.1828"),
    ("string", (1e7,), "1.0E7"),
    ("string", (1e21,), "1.0E21"),
    ("string", (1.7976931348623157e308,), "1.7976931348623157E308"),
    ("string", (0.0009,), "9.0E-4"),
    ("string", (-0.0,), "-0.0"),
    ("string", (100.0,), "100.0"),
    ("string", (2**63 - 1,), "9223372036854775807"),
    ("string", (False,), "false"),
    ("number", ("8080",), 8080),
    ("number", (" -0.25 ",), -0.25),
    ("number", ("0x1f90",), 8080),
    ("number", ("-0x10",), -16),
    ("number", ("0x1f90", 16), 8080),
    ("number", ("0755", 8), 493),
    ("number", ("64", 7), 46),
    ("number", ("1e3",), 1000.0),
    ("number", ("ff", 16), 255),
    ("number", ("ff",), None),
    ("number", ("",), None),
    ("number", ("+",), None),
    ("number", ("1_000",), None),
    ("number", ("٣",), None),
    ("number", ("inf",), None),
    ("number", ("nan",), None),
    ("number", ("1e999",), None),
    ("number", ("--1",), None),
    ("number", ("9223372036854775808",), 2.0**63),
    ("number", ("9223372036854775808", 10), 2.0**63),
    ("number", ("8000000000000000", 16), None),
    ("number", ("9" * 300,), float("9" * 300)),
    ("number", ("9" * 10_000,), None),
    ("number", ("0x",), None),
    ("number", ("0x10", 10), None),
    ("number", ("10", 16.0), None),
    ("number", ("52403", None), 52403),
    ("number", (".5",), 0.5),
    ("number", ("\t7\n",), 7),
    ("number", (None,), None),
    ("is_null", (None,), True),
    ("is_null", ("",), False),
    ("is_null", (False,), False),
    ("date_string", (parse_instant("2024-05-06T10:20:30.123Z"),), "2024-05-06T10:20:30.123Z"),
    ("date_string", (parse_instant("2024-05-06T10:20:30.1234Z"),), "2024-05-06T10:20:30.123400Z"),
    ("date_string", (parse_instant("2024-05-06T10:20:30.123456789Z"),), "2024-05-06T10:20:30.123456789Z"),
    ("date_string", (parse_instant("2024-05-06T10:20:30Z"),), "2024-05-06T10:20:30Z"),
    ("date_string", (parse_instant("2024-05-06T10:20:00.5Z"),), "2024-05-06T10:20:00.500Z"),
    ("date_string", (parse_instant("2024-05-06T10:00:00Z"),), "2024-05-06T10:00Z"),
    ("date_string", (0,), "1970-01-01T00:00Z"),
    ("date_string", (-1,), "1969-12-31T23:59:59.999999999Z"),
    ("date_string", (None,), None),
    ("date_string", (True,), None),
    ("number", ("12", 37), None),
    ("add", (9, -4), 5),
    ("add", (2**63 - 1, 1), None),
    ("add", (True, 1), None),
    ("subtract", (7, None), None),
    ("multiply", (-4, 2.5), -10.0),
    ("divide", (7, 3), 2),
    ("divide", (-7, 3), -2),
    ("divide", (7, 2.0), 3.5),
    ("divide", (7, 0), None),
    ("divide", (7.0, 0.0), None),
    ("divide", (-(2**63), -1), None),
    ("modulo", (-11, -4), -3),
    ("modulo", (-7, 3), -1),
    ("modulo", (7, -3), 1),
    ("modulo", (-7.5, 2), -1.5),
    ("modulo", (7, 0), None),
    ("negate", (-(2**63),), None),
    ("negate", (2.5,), -2.5),
    ("negate", ("2",), None),
]

FOLDED: list[tuple[str, tuple[Value, ...], Fold, Value]] = [
    ("starts_with", ("CmdLine", "cmd"), Fold.NONE, False),
    ("starts_with", ("CmdLine", "CMD"), Fold.UNICODE, True),
    ("ends_with", ("CmdLineArg", "arg"), Fold.ASCII, True),
    ("string_contains", ("300\u212a", "k"), Fold.ASCII, False),
    ("string_contains", ("300\u212a", "k"), Fold.UNICODE, True),
    ("between", ("xSTARTyENDz", "start", "end"), Fold.UNICODE, "y"),
    # The dotted capital I folds to two characters; places are those of the text as it was.
    ("between", ("İİaXb", "A", "B"), Fold.UNICODE, "X"),
    ("index_of", ("İX", "x"), Fold.UNICODE, 1),
]


@pytest.mark.parametrize(("name", "args", "expected"), CASES)
def test_value(name: str, args: tuple[Value, ...], expected: Value) -> None:
    found = call(name, args, Fold.NONE)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("name", "args", "fold", "expected"), FOLDED)
def test_fold(name: str, args: tuple[Value, ...], fold: Fold, expected: Value) -> None:
    assert call(name, args, fold) == expected


def test_every_signature_has_a_behaviour_and_a_case() -> None:
    assert set(FUNCTIONS) == set(SIGNATURES)
    assert {name for name, *_ in CASES} == set(SIGNATURES)


@pytest.mark.parametrize("module", [functions, ordering])
def test_examples(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
