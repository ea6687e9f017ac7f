"""Why a predicate cannot be part of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.fieldpath import MAX_NAMES, is_too_deep
from dogwatch.base.text import Fold, printable
from dogwatch.engine.kernels.wildcard import is_too_long
from dogwatch.engine.reference.functions import FUNCTIONS as BEHAVIOURS
from dogwatch.engine.regex.capture import compile_capture
from dogwatch.engine.regex.compiled import MAX_COST, compile_regex, cost_of, too_costly
from dogwatch.logic.functions import FUNCTIONS
from dogwatch.logic.predicate import (
    MAX_WILDCARD,
    And,
    AnyWord,
    Call,
    Compare,
    Constant,
    Exists,
    Expression,
    Field,
    IsTrue,
    Leaf,
    Like,
    Listed,
    Literal,
    Mapped,
    Not,
    Or,
    Predicate,
    Regex,
    RegexDialect,
    Truth,
    Within,
    fields_of,
)

_LONGEST_SHOWN = 200


def check(*predicates: Predicate) -> tuple[Diagnostic, ...]:
    """Why the predicates of one rule cannot be part of a plan; empty if they can."""
    allowance = _Allowance(MAX_COST)
    leaves = dict.fromkeys(leaf for predicate in predicates for leaf in _leaves(predicate))
    return tuple(problem for leaf in leaves for problem in _problems_of(leaf, allowance))


@dataclass(slots=True)
class _Allowance:
    """What the regular expressions of a rule may still cost; nothing is compiled once it is spent.

    Attributes:
        left: The cost.
        paid: Regular expressions that are paid for: one asked of many fields is compiled once.
    """

    left: int
    paid: set[tuple[tuple[str, ...], RegexDialect, Fold]] = field(default_factory=set)


def _shown(field: Field) -> str:
    name = str(field.ref)
    return f"`{name}`" if len(name) <= _LONGEST_SHOWN else f"`{name[:_LONGEST_SHOWN]}...`"


def _leaves(predicate: Predicate) -> Iterator[Leaf]:
    match predicate:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part=part) | IsTrue(part=part):
            yield from _leaves(part)
        case Constant():
            return
        case _:
            yield predicate


def problems_of(leaf: Leaf) -> list[Diagnostic]:
    """Why one leaf cannot be evaluated; empty if it can. Its regular expressions may cost what they like."""
    return _problems_of(leaf, None)


def _problems_of(leaf: Leaf, allowance: _Allowance | None) -> list[Diagnostic]:
    """Why a leaf cannot be evaluated, within an allowance for its regular expressions if there is one."""
    problems = [problem for operand in _operands(leaf) for problem in _problems(operand)]
    problems += _excesses(leaf)
    match leaf:
        case Within() | AnyWord():
            problems += [found for inner in _leaves(leaf.predicate) for found in _problems_of(inner, allowance)]
        case Regex():
            problems += _regex_problems(leaf, allowance)
        case Listed(list=name):
            message = f"what is on the watch list `{printable(name)}` is known only while events pass"
            problems.append(Diagnostic("watch-list-asked", message, hint="ask about it in a rule"))
    if not problems:
        return problems
    paths = ", ".join(sorted({_shown(field) for field in fields_of(leaf)})) or "constants"
    return [replace(found, message=f"{found.message} (asked of {paths})") for found in problems]


def _regex_problems(leaf: Regex, allowance: _Allowance | None) -> Sequence[Diagnostic]:
    if allowance is not None:
        if allowance.left < 0:
            return ()
        regex = (leaf.patterns, leaf.dialect, leaf.fold)
        if regex not in allowance.paid:
            allowance.paid.add(regex)
            allowance.left -= cost_of(*regex)
        if allowance.left < 0:
            return (too_costly(),)
    try:
        compile_regex(leaf.patterns, leaf.dialect, leaf.fold)
    except DogwatchError as error:
        return error.diagnostics
    return ()


def _operands(leaf: Leaf) -> tuple[Expression, ...]:
    match leaf:
        case Exists(field=field):
            return (field,)
        case Compare(left=left, right=right):
            return (left, right)
        case Truth(call=call):
            return (call,)
        case _:
            return (leaf.operand,)


def _excesses(leaf: Leaf) -> list[Diagnostic]:
    """What is so large that only an attacker would ask it."""
    problems = []
    if isinstance(leaf, Like) and any(map(is_too_long, leaf.patterns)):
        message = f"a wildcard pattern has more than {MAX_WILDCARD:,} characters"
        problems.append(Diagnostic("pattern-too-long", message, hint="ask for parts of the text, each by itself"))
    if any(is_too_deep(field.ref.path) for field in fields_of(leaf)):
        problems.append(Diagnostic("field-too-deep", f"the field's path has more than {MAX_NAMES} names"))
    return problems


def _problems(expression: Expression) -> list[Diagnostic]:
    """The calls that no function answers: an unknown name, or a wrong number of arguments."""
    if not isinstance(expression, Call | Mapped):
        return []
    problems = [problem for arg in expression.args for problem in _problems(arg)]
    if isinstance(expression, Mapped):
        return problems
    signature = FUNCTIONS.get(expression.function)
    if signature is None or expression.function not in BEHAVIOURS:
        return [*problems, Diagnostic("unknown-function", f"there is no function `{expression.function}`")]
    count = len(expression.args)
    least = sum(not parameter.optional for parameter in signature.parameters)
    if count < least or (count > len(signature.parameters) and not signature.variadic):
        problems.append(Diagnostic("wrong-arguments", f"`{expression.function}` does not take {count} arguments"))
    elif expression.function == "extract":
        problems += _extraction_problems(expression)
    return problems


def _extraction_problems(call: Call) -> Sequence[Diagnostic]:
    """What is wrong with the regular expression of ``extract``, which must be the rule's, not an event's."""
    match call.args[1:]:
        case (Literal(value=str() as pattern),):
            group = None
        case (Literal(value=str() as pattern), Literal(value=int() as group)):
            pass
        case _:
            hint = "write the regular expression, and the number of its group, as constants"
            return (
                Diagnostic("wrong-arguments", "`extract` takes its regular expression from a field", hint=hint),
            )
    try:
        compile_capture(pattern, group, call.fold)
    except DogwatchError as error:
        return error.diagnostics
    return ()
