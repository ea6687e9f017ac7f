"""From what a filter compares to values of the engine: attributes, calculations, functions."""

from __future__ import annotations

from dataclasses import dataclass

from dogwatch.base.text import Fold
from dogwatch.base.time import MILLISECOND
from dogwatch.languages.fortisiem import ast
from dogwatch.languages.fortisiem.ast import Address, Attribute, Expression, FunctionCall, Number, Text
from dogwatch.languages.fortisiem.functions import (
    ALL_FUNCTIONS,
    DEVICE_LIMIT,
    IF,
    LOOKUP_GET,
    LOOKUP_HAS,
    SHAPES,
    FilterFunction,
    function_named,
    suggest_function,
)
from dogwatch.languages.fortisiem.lookup import Column, column_of, find_column, limits_of, presence_of
from dogwatch.languages.fortisiem.measures import is_measure
from dogwatch.languages.fortisiem.reading import KINDS, Constant, Reading, shown
from dogwatch.logic import predicate as logic
from dogwatch.logic.predicate import Call, Field, Literal, Mapped
from dogwatch.schema.field import FieldType, Scalar

_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


@dataclass(frozen=True, slots=True)
class Operands:
    """How the operands of one filter are lowered.

    Attributes:
        reading: The filter's text and where its problems go.
        fold: How letter case is treated in texts.
    """

    reading: Reading
    fold: Fold

    def kind(self, node: Expression) -> FieldType | None:
        """The type of a value; ``None`` if it may be any, as an attribute's that nobody defines."""
        match node:
            case Attribute():
                return self.reading.known_type(node)
            case Number() | ast.Arithmetic() | ast.Negative():
                return FieldType.DOUBLE
            case Text():
                return FieldType.KEYWORD
            case Address():
                return FieldType.IP
            case FunctionCall(name=name):
                function = function_named(name)
                if function is not None:
                    return function.gives
                if name.upper() == DEVICE_LIMIT:
                    return FieldType.DOUBLE
                column = find_column(node, self.reading.resources) if name.upper() == LOOKUP_GET else None
                return column.type if column else None
            case ast.Star():
                return None

    def value(self, node: Expression, wanted: FieldType | None = None) -> logic.Expression | None:
        """An operand as a value, of a type if one is wanted; ``None`` after an error.

        An attribute that nobody defines is of the type that is wanted, or a text. A text is wanted of an attribute
        of any type: it is what the event holds.
        """
        match node:
            case Attribute():
                return self._attribute(node, wanted)
            case Text() | Number() | Address():
                return self._constant(node, wanted)
            case ast.Arithmetic(op=op, left=left, right=right):
                one, other = self.value(left, FieldType.DOUBLE), self.value(right, FieldType.DOUBLE)
                self._note_zero(node)
                # Of integers the engine makes integers, as EQL does: no fraction, and nothing above 2**63.
                one = _call("to_double", one) if op in "*/" else one
                return self._fitting(_call(_ARITHMETIC[op], one, other), node, wanted)
            case ast.Negative(operand=operand):
                return self._fitting(_call("negate", self.value(operand, FieldType.DOUBLE)), node, wanted)
            case FunctionCall():
                return self._fitting(self._call(node, wanted), node, wanted)
            case ast.Star():
                self.reading.error("fortisiem-type", "a star stands in COUNT(*) only", node.span)
                return None

    def condition_call(self, call: FunctionCall) -> logic.Expression | None:
        """A call that is true or false; ``None`` after an error."""
        if call.name.upper() == LOOKUP_HAS:
            return self._has(call)
        if function_named(call.name) is None and call.name.upper() not in SHAPES:
            self._unknown(call)
            return None
        self.reading.error(
            "fortisiem-type",
            f"`{call.name}` gives a value, which a condition compares with another",
            call.span,
            f"write {call.name}(...) = value",
        )
        return None

    def _attribute(self, node: Attribute, wanted: FieldType | None) -> Field | None:
        kind = self.reading.known_type(node)
        if kind is None or wanted in (None, kind, FieldType.KEYWORD):
            return self.reading.field_as(node, wanted or kind or FieldType.KEYWORD)
        if kind.is_number and wanted.is_number:
            return self.reading.field_as(node, kind)
        self._mismatch(f"`{node.name}` holds {KINDS[kind]}", node, kind, wanted)
        return None

    def _constant(self, node: Constant, wanted: FieldType | None) -> Literal | None:
        match node:
            case Number(value=number) if wanted is None or wanted.is_number:
                return literal(number, FieldType.DOUBLE if isinstance(number, float) else FieldType.LONG)
            case Text() if wanted is not None and wanted.is_number:
                self.reading.error("fortisiem-type", "a text cannot be calculated with", node.span)
                return None
            case _:
                kind = wanted or FieldType.KEYWORD
                value = self.reading.scalar(node, kind)
                return None if value is None else literal(value, kind)

    def _call(self, call: FunctionCall, wanted: FieldType | None) -> logic.Expression | None:
        match call.name.upper():
            case name if (function := function_named(name)) is not None:
                return self._known_function(call, function)
            case name if name == LOOKUP_GET:
                return self._get(call, wanted)
            case name if name == DEVICE_LIMIT:
                return self._limit(call)
            case name if name == LOOKUP_HAS:
                self.reading.error("fortisiem-type", f"`{call.name}` is true or false", call.span, "use it alone")
            case _:
                self._unknown(call)
        return None

    def _known_function(self, call: FunctionCall, function: FilterFunction) -> logic.Expression | None:
        if not function.accepts(len(call.args)):
            self._wrong_shape(call, function.shape)
            return None
        args: list[logic.Expression | None] = []
        for place, (arg, wanted) in enumerate(zip(call.args, function.takes, strict=False)):
            if isinstance(arg, ast.Condition):
                self.reading.error("fortisiem-type", f"`{call.name}` takes no condition", arg.span)
                args.append(None)
            elif function.regex is not None and place >= function.regex and not isinstance(arg, Text | Number):
                message = "a regular expression and its group are constants"
                self.reading.error("fortisiem-type", message, arg.span, f"write {function.shape}")
                args.append(None)
            else:
                args.append(_in_millis(self.value(arg, wanted)) if wanted is None else self.value(arg, wanted))
        return _call(function.engine, *args, fold=self.fold if function.regex is not None else Fold.NONE)

    def _get(self, call: FunctionCall, wanted: FieldType | None) -> logic.Expression | None:
        if len(call.args) < 3:
            self._wrong_shape(call, SHAPES[LOOKUP_GET])
            return None
        column = column_of(call, self.reading)
        keys = self._keys(call.args[1:-1])
        return None if column is None or keys is None else _looked_up(column, keys, column.type or wanted)

    def _has(self, call: FunctionCall) -> logic.Expression | None:
        if len(call.args) < 2:
            self._wrong_shape(call, SHAPES[LOOKUP_HAS])
            return None
        column = presence_of(call, self.reading)
        keys = self._keys(call.args[1:])
        return None if column is None or keys is None else _looked_up(column, keys, FieldType.BOOLEAN)

    def _limit(self, call: FunctionCall) -> logic.Expression | None:
        if len(call.args) not in (2, 3):
            self._wrong_shape(call, SHAPES[DEVICE_LIMIT])
            return None
        column = limits_of(call, self.reading)
        keys = self._keys(call.args[:-1])
        return None if column is None or keys is None else _looked_up(column, keys, FieldType.DOUBLE, nested=True)

    def _keys(self, args: tuple[Expression | ast.Condition, ...]) -> list[logic.Expression] | None:
        keys: list[logic.Expression] = []
        for arg in args:
            if isinstance(arg, ast.Condition):
                self.reading.error("fortisiem-type", "a condition is no key", arg.span)
                return None
            key = self.value(arg)
            if key is None:
                return None
            keys.append(key)
        return keys

    def _fitting(
        self, value: logic.Expression | None, node: Expression, wanted: FieldType | None
    ) -> logic.Expression | None:
        if value is None or wanted is None or isinstance(value, Literal):
            return value
        kind = kind_of(value)
        if kind is wanted or (kind.is_number and wanted.is_number):
            return value
        self._mismatch(f"{self.reading.described(node)} gives {KINDS[kind]}", node, kind, wanted)
        return None

    def _mismatch(self, what: str, node: Expression, kind: FieldType, wanted: FieldType | None) -> None:
        written = self.reading.text_of(node)
        hint = None
        if wanted is FieldType.KEYWORD:
            hint = f"TO_STRING({written}) gives its text"
        elif wanted is not None and wanted.is_number and kind is FieldType.KEYWORD:
            hint = f"TO_DOUBLE({written}) reads a text as a number"
        needed = "" if wanted is None else f", and {KINDS[wanted]} are needed here"
        self.reading.error("fortisiem-type", what + needed, node.span, hint)

    def _note_zero(self, node: ast.Arithmetic) -> None:
        if node.op == "/" and isinstance(node.right, Number) and node.right.value == 0:
            self.reading.never("a division by zero has no value, so this never holds", node.span)

    def _wrong_shape(self, call: FunctionCall, shape: str) -> None:
        count = len(call.args)
        message = f"`{call.name}` has {count} argument{'' if count == 1 else 's'} here"
        self.reading.error("fortisiem-type", message, call.span, f"write {shape}")

    def _unknown(self, call: FunctionCall) -> None:
        name = call.name
        if name.upper() == IF:
            self._wrong_shape(call, SHAPES[IF])
        elif is_measure(name):
            message = f"`{name}` is computed over a group of events, and a filter looks at single ones"
            self.reading.error(
                "fortisiem-unsupported", message, call.span, "it belongs in the subpattern's aggregate"
            )
        else:
            likely = suggest_function(name)
            hint = f"did you mean `{likely}`?" if likely else None
            self.reading.error("fortisiem-unsupported", f"there is no function `{shown(name)}`", call.span, hint)


def kind_of(expression: logic.Expression) -> FieldType:
    """The type of a value."""
    match expression:
        case Field(ref=ref):
            return ref.type
        case Literal(type=kind) | Mapped(type=kind):
            return kind
        case Call(function=function):
            return _GIVEN.get(function, FieldType.DOUBLE)


def literal(value: Scalar, kind: FieldType) -> Literal:
    """A constant of a type; a fraction compared with integers stays a fraction."""
    return Literal(value, FieldType.DOUBLE if isinstance(value, float) else kind)


_GIVEN = {function.engine: function.gives for function in ALL_FUNCTIONS}


def _call(function: str, *args: logic.Expression | None, fold: Fold = Fold.NONE) -> Call | None:
    given = tuple(arg for arg in args if arg is not None)
    return Call(function, given, fold) if len(given) == len(args) else None


def _in_millis(value: logic.Expression | None) -> logic.Expression | None:
    """A date as FortiSIEM counts it, the engine counts nanoseconds; any other value as it is."""
    if value is None or kind_of(value) is not FieldType.DATE:
        return value
    return Call("divide", (value, Literal(MILLISECOND, FieldType.LONG)))


def _looked_up(
    column: Column, keys: list[logic.Expression], kind: FieldType | None, *, nested: bool = False
) -> Mapped:
    return Mapped(
        tuple(keys), column.table, column.name, column.values, kind or FieldType.KEYWORD, column.otherwise, nested
    )
