"""EQL's functions: their names, what they take, and what they are to the engine."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dogwatch.base.text import Fold
from dogwatch.languages.cidr import block_of
from dogwatch.languages.eql import ast
from dogwatch.languages.eql.operand import (
    TEXTS,
    Analysis,
    Answer,
    Choice,
    Column,
    Computed,
    Constant,
    Operand,
    describe,
    expression_of,
    is_null,
)
from dogwatch.logic.functions import FUNCTIONS as SIGNATURES
from dogwatch.logic.functions import Parameter, Signature, ValueKind
from dogwatch.logic.predicate import Call, Expression, InNetwork, Literal
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldType

MAX_SPLITS = 6
"""Most conditions that may stand as arguments of functions in one query: each triples the predicate around it."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as EQL knows it.

    Attributes:
        name: As the documentation spells it; a query may use any letter case.
        signature: What it takes and gives.
        insensitive: Whether ``~`` may follow its name.
    """

    name: str
    signature: Signature
    insensitive: bool = False


CIDR_MATCH = Function(
    "cidrMatch",
    Signature(
        "cidr_match",
        (Parameter("source", ValueKind.ANY), Parameter("block", ValueKind.TEXT)),
        ValueKind.BOOLEAN,
        variadic=True,
    ),
)
"""``cidrMatch(ip, "10.0.0.0/8", ...)``: to the engine a leaf of its own."""

WILDCARD = Function(
    "wildcard",
    Signature(
        "wildcard",
        (Parameter("source", ValueKind.TEXT), Parameter("pattern", ValueKind.TEXT)),
        ValueKind.BOOLEAN,
        variadic=True,
    ),
    insensitive=True,
)
"""``wildcard(field, "pattern", ...)``: the older form of ``like``."""

_SPELLINGS = (
    *("add", "subtract", "multiply", "divide", "modulo", "number", "length", "string", "concat", "between"),
    *("substring", "indexOf", "startsWith", "endsWith", "stringContains"),
)


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


FUNCTIONS: dict[str, Function] = {
    function.name.lower(): function
    for function in (
        *(Function(name, SIGNATURES[_snake(name)], SIGNATURES[_snake(name)].folds) for name in _SPELLINGS),
        CIDR_MATCH,
        WILDCARD,
    )
}
"""Every function by its name in lower case."""

_ANY_VALUE = "a comparison asks all values of a field: `field == ...`"
_OLD = {
    "match": 'write `field regex "..."`',
    "matchlite": 'write `field regex "..."`',
    "arraycontains": _ANY_VALUE,
    "arraysearch": _ANY_VALUE,
    "arraycount": _ANY_VALUE,
    "exists": "write `field != null`",
    "safe": "leave it out: what cannot be computed is null",
}
"""What to write instead of functions that an older EQL had, or that people expect."""

_RESULTS = {
    ValueKind.TEXT: FieldType.KEYWORD,
    ValueKind.NUMBER: FieldType.DOUBLE,
    ValueKind.BOOLEAN: FieldType.BOOLEAN,
}
_TAKES = {
    ValueKind.TEXT: ("text", TEXTS),
    # Arithmetic is worked out elsewhere; the numbers that come here are positions and bases.
    ValueKind.NUMBER: ("a whole number", frozenset({FieldType.LONG})),
    ValueKind.BOOLEAN: ("a boolean", frozenset({FieldType.BOOLEAN})),
}
_ORDINALS = ("first", "second", "third", "fourth")


def find_function(analysis: Analysis, call: ast.Call) -> Function | None:
    """The function that a call names, or ``None`` after an error was noted: no such name, ``~`` or arity."""
    function = FUNCTIONS.get(call.function.lower())
    if function is None:
        name = call.function.lower()[:64]
        close = difflib.get_close_matches(name, FUNCTIONS, 1)
        hint = _OLD.get(name) or (f"did you mean `{FUNCTIONS[close[0]].name}`?" if close else None)
        analysis.fail(call.name_span, f"there is no function `{call.function}`", hint)
        return None
    if call.insensitive and not function.insensitive:
        takers = ", ".join(f"`{taker.name}`" for taker in FUNCTIONS.values() if taker.insensitive)
        analysis.fail(
            call.name_span,
            f"`{function.name}` takes no `~`",
            f"write `{function.name}(...)`; `~` may follow {takers}",
        )
        return None
    least, most = _arity(function.signature)
    given = len(call.args)
    if given < least or (most is not None and given > most):
        analysis.fail(call.span, f"`{function.name}` takes {_counted(least, most)}, not {given}", _usage(function))
        return None
    return function


def apply(analysis: Analysis, function: Function, call: ast.Call, args: Sequence[Operand]) -> Operand:
    """The value of a call whose arguments are known. ``WILDCARD`` is not handled here: it is a ``like``."""
    split = [index for index, arg in enumerate(args) if isinstance(arg, Answer | Choice)]
    if split:
        return _split(analysis, function, call, args, split)
    for index, arg in enumerate(args):
        if not _fits(analysis, function, index, arg):
            return Constant(None, None, call.span)
    plain = [arg for arg in args if isinstance(arg, Constant | Column | Computed)]
    if any(is_null(arg) and _spreads_null(function, index) for index, arg in enumerate(plain)):
        return Constant(None, None, call.span)
    if function is CIDR_MATCH:
        return _cidr_match(analysis, call, plain)
    expressions = tuple(_argument(function, i, arg, plain) for i, arg in enumerate(plain))
    fold = Fold.UNICODE if call.insensitive else Fold.NONE
    return Computed(
        Call(function.signature.name, expressions, fold), _RESULTS[function.signature.result], call.span
    )


def _arity(signature: Signature) -> tuple[int, int | None]:
    least = sum(not parameter.optional for parameter in signature.parameters)
    return least, None if signature.variadic else len(signature.parameters)


def _counted(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} argument{'s' if least > 1 else ''}"
    return f"{least} argument{'s' if least > 1 else ''}" if least == most else f"{least} or {most} arguments"


def _usage(function: Function) -> str:
    names = [f"[{part.name}]" if part.optional else part.name for part in function.signature.parameters]
    return f"`{function.name}({', '.join(names)}{', ...' if function.signature.variadic else ''})`"


def _parameter(function: Function, index: int) -> Parameter:
    parameters = function.signature.parameters
    return parameters[min(index, len(parameters) - 1)]


def _spreads_null(function: Function, index: int) -> bool:
    return not _parameter(function, index).takes_null


def _fits(analysis: Analysis, function: Function, index: int, arg: Operand) -> bool:
    """Whether the argument may stand there; otherwise an error is noted."""
    kind = _parameter(function, index).kind
    if kind is ValueKind.ANY or is_null(arg) or not isinstance(arg, Constant | Column | Computed):
        return True
    wanted, types = _TAKES[kind]
    if arg.type is None or arg.type in types or (kind is ValueKind.NUMBER and _is_computed_number(arg)):
        return True
    place = f"{_ORDINALS[index]} argument" if index < len(_ORDINALS) else f"argument {index + 1}"
    hint = None
    if kind is ValueKind.TEXT and not isinstance(arg, Constant):
        hint = f"`string({analysis.text[arg.span.start : arg.span.end]})` is its text"
    analysis.fail(arg.span, f"`{function.name}` takes {wanted} as its {place}, not {describe(arg)}", hint)
    return False


def _is_computed_number(arg: Constant | Column | Computed) -> bool:
    return isinstance(arg, Computed) and arg.type is FieldType.DOUBLE


def _missing_type(function: Function, index: int, args: Sequence[Constant | Column | Computed]) -> FieldType:
    """The type of an unknown field, or of null, as this argument."""
    match _parameter(function, index).kind:
        case ValueKind.NUMBER:
            floats = any(isinstance(arg, Constant) and arg.type is FieldType.DOUBLE for arg in args)
            return FieldType.DOUBLE if floats else FieldType.LONG
        case ValueKind.BOOLEAN:
            return FieldType.BOOLEAN
        case _:
            return FieldType.KEYWORD


def _argument(
    function: Function, index: int, arg: Constant | Column | Computed, args: Sequence[Constant | Column | Computed]
) -> Expression:
    expression = expression_of(arg, _missing_type(function, index, args))
    if isinstance(arg, Column) and arg.type is FieldType.DATE:
        # Only what takes any value comes here with a date, and it wants the text.
        return Call("date_string", (expression,))
    return expression


def _split(
    analysis: Analysis, function: Function, call: ast.Call, args: Sequence[Operand], split: Sequence[int]
) -> Operand:
    """A call with a condition among its arguments: its value for each of the condition's three answers."""
    index, arg = split[0], args[split[0]]
    if isinstance(arg, Answer) and _parameter(function, index).kind not in (ValueKind.ANY, ValueKind.BOOLEAN):
        wanted = _TAKES[_parameter(function, index).kind][0]
        return analysis.refuse(arg.span, f"`{function.name}` takes {wanted}, not {describe(arg)}")
    analysis.splits += isinstance(arg, Answer)
    if len(split) > 1 or analysis.splits > MAX_SPLITS:
        analysis.fail(call.span, "too many conditions stand as arguments of functions", code="eql-unsupported")
        return Constant(None, None, call.span)
    if isinstance(arg, Answer):
        truth = Constant(True, FieldType.BOOLEAN, arg.span)
        arg = Choice(arg.predicate, truth, replace(truth, value=False), Constant(None, None, arg.span), arg.span)
    assert isinstance(arg, Choice)  # noqa: S101 - the two kinds that are split

    def with_argument(branch: Operand) -> Operand:
        return apply(analysis, function, call, [*args[:index], branch, *args[index + 1 :]])

    return Choice(
        arg.condition,
        with_argument(arg.when_true),
        with_argument(arg.when_false),
        with_argument(arg.when_null),
        call.span,
    )


def _cidr_match(analysis: Analysis, call: ast.Call, args: Sequence[Constant | Column | Computed]) -> Operand:
    source, *blocks = args
    address = coerce(source.value, FieldType.IP) if isinstance(source, Constant) else None
    strange = isinstance(address, Missing) if address is not None else source.type not in (None, FieldType.IP)
    if strange or isinstance(source, Computed):
        return analysis.refuse(source.span, f"`cidrMatch` takes an IP address, not {describe(source)}")
    networks: dict[str, None] = {}
    for block in blocks:
        if not isinstance(block, Constant):
            return analysis.refuse(block.span, "the blocks of `cidrMatch` are constants", 'such as "10.0.0.0/8"')
        network = block_of(str(block.value).strip())
        if network is None:
            return analysis.refuse(
                block.span, f"{describe(block)} is not a block of addresses", 'such as "10.0.0.0/8"'
            )
        networks[network] = None
    operand = Literal(address, FieldType.IP) if isinstance(address, str) else expression_of(source, FieldType.IP)
    return Answer(InNetwork(operand, tuple(networks)), call.span)
