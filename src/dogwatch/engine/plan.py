"""Many predicates as one plan: what they share is worked out once for a batch.

A predicate's answer is needed only where it is true, so the plan narrows sets of rows instead of keeping
three-valued masks: asked where a node is true (or, below a negation, false), a conjunction hands the rows
that survive one part to the next, the cheap and selective parts first. A row whose answer is unknown is in
neither set, which is Kleene's logic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.fieldpath import MAX_NAMES, is_too_deep
from dogwatch.base.text import Fold, printable
from dogwatch.engine.kernels.column import Columns
from dogwatch.engine.kernels.leaf import CHEAP, LeafKernel, compile_leaf
from dogwatch.engine.kernels.mask import Flags, Mask, Rows
from dogwatch.engine.kernels.together import PatternGroups
from dogwatch.engine.kernels.wildcard import is_too_long
from dogwatch.engine.reference.functions import FUNCTIONS as BEHAVIOURS
from dogwatch.engine.regex.capture import compile_capture
from dogwatch.engine.regex.compiled import MAX_COST, compile_regex, cost_of, too_costly
from dogwatch.events.batch import Batch
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
from dogwatch.schema.field import FieldRef

_NOBODY: Rows = np.zeros(0, np.int64)
_LONGEST_SHOWN = 200
_FEW = 8
"""A cheap leaf asked about less than one row in so many answers for these alone."""


class Plan:
    """Predicates compiled together; the answers come in their order.

    Args:
        predicates: What will be asked of every batch.

    Attributes:
        fields: The columns that a batch must have.

    Raises:
        DogwatchError: Some leaves cannot be evaluated; use ``check`` to find whose they are.
    """

    def __init__(self, predicates: Sequence[Predicate]) -> None:
        compiler = _Compiler()
        self._roots = [compiler.compile(predicate) for predicate in predicates]
        if compiler.problems:
            raise DogwatchError(compiler.problems)
        self._shared = compiler.shared()
        self.fields: frozenset[FieldRef] = frozenset(
            field.ref for predicate in predicates for field in fields_of(predicate)
        )

    def evaluate(self, batch: Batch, wanted: Sequence[Flags | None] | None = None) -> list[Flags]:
        """For each predicate, which rows of the batch satisfy it.

        Args:
            batch: Events with a column for each of ``fields``.
            wanted: For each predicate, the rows that it is asked about (``None``: all); others do not match.
        """
        flags = []
        for rows in self.select(batch, wanted):
            matched = np.zeros(batch.length, np.bool_)
            matched[rows] = True
            flags.append(matched)
        return flags

    def select(self, batch: Batch, wanted: Sequence[Flags | None] | None = None) -> list[Rows]:
        """The same as row numbers, ascending: cheaper where few rows match."""
        run = _Run(Columns(batch.length, batch.columns), self._shared)
        asked = wanted if wanted is not None else [None] * len(self._roots)
        starts: dict[int, Rows] = {}
        found = []
        for root, flags in zip(self._roots, asked, strict=True):
            if flags is None:
                rows = run.everybody
            elif id(flags) in starts:
                rows = starts[id(flags)]
            else:
                rows = starts[id(flags)] = np.flatnonzero(flags)
            found.append(run.select(root, rows, answer=True))
        return found


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


@dataclass(frozen=True, slots=True, eq=False)
class _Leaf:
    kernel: LeafKernel
    cost: int


@dataclass(frozen=True, slots=True, eq=False)
class _Combination:
    """The conjunction or disjunction of its parts."""

    cheap: tuple[_Node, ...]
    costly: tuple[_Node, ...]
    disjunctive: bool
    cost: int


@dataclass(frozen=True, slots=True, eq=False)
class _Negation:
    part: _Node
    cost: int


@dataclass(frozen=True, slots=True, eq=False)
class _Certain:
    part: _Node
    cost: int


@dataclass(frozen=True, slots=True, eq=False)
class _Fixed:
    value: bool | None
    cost: int = 0


_Node = _Leaf | _Combination | _Negation | _Certain | _Fixed


class _Compiler:
    """Turns predicates into nodes, equal ones into one."""

    def __init__(self) -> None:
        self.problems: list[Diagnostic] = []
        self._groups = PatternGroups()
        self._nodes: dict[Predicate, _Node] = {}
        self._uses: Counter[_Node] = Counter()

    def compile(self, predicate: Predicate) -> _Node:
        node = self._nodes.get(predicate)
        if node is None:
            node = self._nodes[predicate] = self._make(predicate)
        self._uses[node] += 1
        return node

    def shared(self) -> frozenset[_Node]:
        """The nodes that are asked for more than once and cost enough to be remembered."""
        return frozenset(node for node, uses in self._uses.items() if uses > 1 and node.cost > CHEAP)

    def _make(self, predicate: Predicate) -> _Node:
        match predicate:
            case Constant(value=value):
                return _Fixed(value)
            case And(parts=parts) | Or(parts=parts):
                nodes = sorted((self.compile(part) for part in parts), key=lambda node: node.cost)
                cheap = tuple(node for node in nodes if _as_leaf(node) is not None)
                costly = tuple(node for node in nodes if _as_leaf(node) is None)
                cost = max((node.cost for node in nodes), default=0) + (1 if len(nodes) > 1 else 0)
                return _Combination(cheap, costly, isinstance(predicate, Or), cost)
            case Not(part=part):
                node = self.compile(part)
                return _Negation(node, node.cost)
            case IsTrue(part=part):
                node = self.compile(part)
                return _Certain(node, node.cost)
            case _:
                return self._leaf(predicate)

    def _leaf(self, leaf: Leaf) -> _Node:
        problems = _problems_of(leaf, None)
        if problems:
            self.problems += problems
            return _Fixed(None)
        kernel = compile_leaf(leaf, self._groups)
        return _Leaf(kernel, kernel.cost)


class _Run:
    """One batch's answers."""

    def __init__(self, columns: Columns, shared: frozenset[_Node]) -> None:
        self.everybody: Rows = np.arange(columns.length)
        self._columns = columns
        self._shared = shared
        self._scratch = np.zeros(columns.length, np.bool_)
        self._masks: dict[_Leaf, Mask] = {}
        self._estimates: dict[_Leaf, int] = {}
        self._known: dict[tuple[_Node, bool], tuple[Flags, Flags]] = {}

    def select(self, node: _Node, rows: Rows, *, answer: bool) -> Rows:
        """Those of ``rows`` for which the node's answer is ``answer``."""
        if not len(rows):
            return rows
        if node not in self._shared:
            return self._select(node, rows, answer=answer)
        asked, found = self._known.setdefault((node, answer), (np.zeros_like(self._scratch), self._scratch.copy()))
        fresh = rows[~asked[rows]]
        if len(fresh):
            found[self._select(node, fresh, answer=answer)] = True
            asked[fresh] = True
        return rows[found[rows]]

    def _select(self, node: _Node, rows: Rows, *, answer: bool) -> Rows:
        match node:
            case _Leaf():
                return rows[self._mask(node, rows).where(answer=answer)]
            case _Combination(disjunctive=disjunctive):
                # An "and" is true, and an "or" false, where all parts agree.
                if answer is not disjunctive:
                    return self._chain(node, rows, answer=answer)
                return self._any(node, rows, answer=answer)
            case _Negation(part=part):
                return self.select(part, rows, answer=not answer)
            case _Certain(part=part):
                found = self.select(part, rows, answer=True)
                return found if answer else self._without(rows, found)
            case _Fixed(value=value):
                return rows if value is answer else _NOBODY

    def _chain(self, node: _Combination, rows: Rows, *, answer: bool) -> Rows:
        """The rows for which every part has the answer."""
        for part in (*self._by_selectivity(node.cheap, answer=answer), *node.costly):
            rows = self.select(part, rows, answer=answer)
            if not len(rows):
                break
        return rows

    def _any(self, node: _Combination, rows: Rows, *, answer: bool) -> Rows:
        """The rows for which any part has the answer; each part is asked about those that no other had."""
        found = []
        rest = rows
        for part in (*node.cheap, *node.costly):
            hits = self.select(part, rest, answer=answer)
            if len(hits):
                found.append(hits)
                rest = self._without(rest, hits)
                if not len(rest):
                    break
        if len(found) < 2:
            return found[0] if found else _NOBODY
        return np.sort(np.concatenate(found))

    def _by_selectivity(self, parts: tuple[_Node, ...], *, answer: bool) -> Sequence[_Node]:
        if len(parts) < 2:
            return parts
        return sorted(parts, key=lambda part: self._estimate(part, answer=answer))

    def _estimate(self, node: _Node, *, answer: bool) -> int:
        leaf = _as_leaf(node)
        if leaf is None:
            return self._columns.length
        likely = self._estimates.get(leaf)
        if likely is None:
            likely = self._estimates[leaf] = leaf.kernel.estimate(self._columns)
        return likely if answer is _polarity(node) else self._columns.length - likely

    def _mask(self, leaf: _Leaf, rows: Rows) -> Mask:
        mask = self._masks.get(leaf)
        if mask is None:
            if leaf.cost > CHEAP or len(rows) * _FEW < self._columns.length:
                return leaf.kernel.evaluate(self._columns, None if rows is self.everybody else rows)
            mask = self._masks[leaf] = leaf.kernel.evaluate(self._columns, None)
        return mask if rows is self.everybody else mask.take(rows)

    def _without(self, rows: Rows, others: Rows) -> Rows:
        if not len(others):
            return rows
        if len(others) == len(rows):
            return _NOBODY
        self._scratch[others] = True
        rest = rows[~self._scratch[rows]]
        self._scratch[others] = False
        return rest


def _as_leaf(node: _Node) -> _Leaf | None:
    """The cheap leaf that a node is, possibly negated or made certain."""
    while isinstance(node, _Negation | _Certain):
        node = node.part
    return node if isinstance(node, _Leaf) and node.cost <= CHEAP else None


def _polarity(node: _Node) -> bool:
    """Whether the node is true where its leaf is."""
    positive = True
    while isinstance(node, _Negation | _Certain):
        positive ^= isinstance(node, _Negation)
        node = node.part
    return positive


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
