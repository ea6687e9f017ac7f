"""Elasticsearch's own cases of its functions and arithmetic, read where they lie."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base.text import Fold
from dogwatch.engine.reference.functions import call
from dogwatch.engine.reference.value import Value

_SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))
_CASES = _SHARED / "conformance/eql/elastic__elasticsearch/x-pack/plugin/eql/src/test/resources"
_CONSTANTS: dict[str, Value] = {"null": None, "true": True, "false": False}
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Mod: "modulo",
    ast.USub: "negate",
}


def value_of(node: ast.AST, fold: Fold) -> Value:
    """The value of an expression of literals; its syntax is near enough to Python's."""
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.Name(id=name):
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand):
            return call(_OPERATORS[type(op)], [value_of(operand, fold)], fold)
        case ast.BinOp(left=left, op=op, right=right):
            return call(_OPERATORS[type(op)], [value_of(left, fold), value_of(right, fold)], fold)
        case ast.Call(func=ast.Name(id=name), args=args):
            snake = re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)
            return call(snake, [value_of(arg, fold) for arg in args], fold)
    raise AssertionError(ast.dump(node))


def cases(file: str) -> list[dict[str, Any]]:
    path = _CASES / file
    if not path.exists():
        pytest.skip(f"the shared conformance cases are not here: {file}")
    groups = tomllib.loads(path.read_text())
    if file == "test_folding.toml":
        groups = {"arithmetic": groups["arithmetic"]}
    return [
        case
        for group in groups.values()
        for case in (*group.get("fold", {}).get("tests", ()), *group.get("tests", ()))
    ]


@pytest.mark.parametrize("file", ["test_string_functions.toml", "test_folding.toml"])
def test_vendor_cases(file: str) -> None:
    found = cases(file)
    assert found
    wrong = {}
    for case in found:
        text = case["expression"]
        fold = Fold.UNICODE if "~(" in text else Fold.NONE
        tree = ast.parse(text.replace("~(", "("), mode="eval")
        value = value_of(tree.body, fold)
        if value != case.get("expected"):
            wrong[text] = value
    assert not wrong
