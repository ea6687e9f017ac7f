"""From a filter's tree to a predicate.

A comparison with an absent attribute is unknown and so is its negation; only ``IS NULL`` is true of
absence. Texts are compared without regard to letter case unless asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dogwatch.base.text import Fold
from dogwatch.languages.fortisiem import ast
from dogwatch.languages.fortisiem.ast import Address, Attribute, Expression, FunctionCall, Number, Text
from dogwatch.languages.fortisiem.attributes import RAW_MESSAGE
from dogwatch.languages.fortisiem.branches import first_if, with_value
from dogwatch.languages.fortisiem.compare import Comparisons, display_hint
from dogwatch.languages.fortisiem.functions import IF, LOOKUP_HAS, SHAPES
from dogwatch.languages.fortisiem.options import Strictness
from dogwatch.languages.fortisiem.reading import Constant, Reading
from dogwatch.logic import predicate as logic
from dogwatch.logic.predicate import (
    NEVER,
    Call,
    Compare,
    Contains,
    Exists,
    IsTrue,
    Literal,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Truth,
    conjunction,
    disjunction,
    negation,
)
from dogwatch.schema.field import FieldType

MAX_BRANCHES = 64
"""Times that an ``IF`` is written out in one clause."""

MAX_WRITTEN_OUT = 5_000
"""Comparisons that an ``IF`` may stand for, written out."""

_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})


@dataclass(frozen=True, slots=True)
class FilterLowering:
    """How one filter is lowered.

    Attributes:
        comparisons: How its comparisons are.
    """

    comparisons: Comparisons

    @classmethod
    def of(cls, reading: Reading) -> FilterLowering:
        """As the reading's options ask."""
        fold = Fold.NONE if Strictness.CASE in reading.options else Fold.UNICODE
        return cls(Comparisons(reading, fold, Strictness.MISSING_DIFFERS in reading.options))

    @property
    def reading(self) -> Reading:
        """The filter's text and where its problems go."""
        return self.comparisons.reading

    def predicate(self, node: ast.Condition) -> Predicate:
        """The predicate that a condition asks for; errors go to the reading's report."""
        match node:
            case ast.And(parts=parts):
                return conjunction([self.predicate(part) for part in parts])
            case ast.Or(parts=parts):
                return disjunction([self.predicate(part) for part in parts])
            case ast.Not(part=part):
                return logic.Not(self.predicate(part))
            case _:
                call = first_if(node)
                return self._leaf_of(node) if call is None else self._written_out(node, call)

    def _leaf_of(self, node: ast.Leaf) -> Predicate:
        match node:
            case ast.Compare():
                return self._compare(node)
            case ast.In(negated=negated):
                return _negated(self.comparisons.member(node), negated)
            case ast.Between(negated=negated):
                return _negated(self.comparisons.between(node), negated)
            case ast.IsNull(operand=operand, negated=negated):
                return _negated(self._is_null(operand), negated)
            case ast.Contain(negated=negated):
                return _negated(self._contain(node), negated)
            case ast.Regexp(operand=operand, pattern=pattern, negated=negated):
                return _negated(self._regexp(operand, pattern), negated)
            case ast.Holds(call=call):
                return self._holds(call)

    def _written_out(self, node: ast.Leaf, call: FunctionCall) -> Predicate:
        """A comparison with ``IF`` as two: where its condition holds, and where it does not."""
        report = self.reading.report
        report.branches += 1
        test = call.args[0] if call.args else None
        condition = ast.Holds(test) if isinstance(test, FunctionCall) else test
        values = [value for value in call.args[1:] if not isinstance(value, ast.Condition)]
        if not isinstance(condition, ast.Condition) or len(values) != 2 or len(call.args) != 3:
            message = "IF takes a condition and two values"
            self.reading.error("fortisiem-type", message, call.span, f"write {SHAPES[IF]}")
            return NEVER
        if report.branches > MAX_BRANCHES:
            message = f"more than {MAX_BRANCHES} comparisons with IF have to be written out"
            self.reading.error("fortisiem-unsupported", message, call.span)
            return NEVER
        asked = FilterLowering(replace(self.comparisons, in_branch=False)).predicate(condition)
        branch = FilterLowering(replace(self.comparisons, in_branch=True))
        one, other = (branch.predicate(with_value(node, call, value)) for value in values)
        # The last part is unknown where the condition is, and else false: without it the negation could be true.
        refused = logic.Not(asked)
        written = disjunction(
            [conjunction([asked, one]), conjunction([refused, other]), conjunction([asked, refused])]
        )
        if _is_large(written):
            message = f"written out, this IF stands for more than {MAX_WRITTEN_OUT:,} comparisons"
            self.reading.error("fortisiem-unsupported", message, call.span)
            return NEVER
        return written

    def _compare(self, node: ast.Compare) -> Predicate:
        for call, word in ((node.left, node.right), (node.right, node.left)):
            if isinstance(call, FunctionCall) and call.name.upper() == LOOKUP_HAS:
                return self._answer(call, node.op, word, node)
        return _negated(self.comparisons.compare(node), node.op == "!=")

    def _is_null(self, operand: Expression) -> Predicate:
        match operand:
            case Attribute():
                return logic.Not(Exists(self.reading.field(operand)))
            case Text() | Number() | Address():
                if not self.comparisons.in_branch:
                    self.reading.error("fortisiem-type", "a constant is never NULL", operand.span)
                return NEVER
            case _:
                value = self.comparisons.operands.value(operand)
                return NEVER if value is None else IsTrue(Truth(Call("is_null", (value,))))

    def _contain(self, node: ast.Contain) -> Predicate:
        operand = self._text(node.operand, "CONTAIN")
        if operand is None:
            return NEVER
        at_word_start = isinstance(node.operand, Attribute) and node.operand.name == RAW_MESSAGE
        if isinstance(node.text, Text):
            text = self.comparisons.fold.apply(node.text.value)
            # What begins with neither letter nor digit never begins inside a word: "/etc/", " -e", "=root".
            return self.comparisons.asked(
                Contains(operand, text, self.comparisons.fold, at_word_start and text[:1].isalnum())
            )
        if isinstance(node.text, Attribute) and not self.reading.is_defined(node.text):
            message = f"`{node.text.name}` is no attribute that FortiSIEM defines"
            self.reading.error("fortisiem-type", message, node.text.span, "put texts in double quotes")
            return NEVER
        if at_word_start:
            message = f"in {RAW_MESSAGE} only constant texts are looked for"
            self.reading.error("fortisiem-unsupported", message, node.text.span)
            return NEVER
        wanted = self.comparisons.operands.value(node.text, FieldType.KEYWORD)
        if wanted is None:
            return NEVER
        return self.comparisons.asked(Truth(Call("string_contains", (operand, wanted), self.comparisons.fold)))

    def _regexp(self, operand: Expression, pattern: Text) -> Predicate:
        value = self._text(operand, "REGEXP")
        if value is None:
            return NEVER
        return self.comparisons.asked(Regex(value, (pattern.value,), RegexDialect.PERL, self.comparisons.fold))

    def _text(self, operand: Expression, operator: str) -> logic.Expression | None:
        """An operand as the text that the event holds, also of a number or an address."""
        if isinstance(operand, Constant) and not self.comparisons.in_branch:
            message = f"{operator} needs an attribute on its left"
            self.reading.error("fortisiem-type", message, operand.span, display_hint(operand))
            return None
        return self.comparisons.operands.value(operand, FieldType.KEYWORD)

    def _holds(self, call: FunctionCall) -> Predicate:
        value = self.comparisons.operands.condition_call(call)
        if value is None:
            return NEVER
        return self.comparisons.asked(Compare(Order.EQ, value, Literal(True, FieldType.BOOLEAN)))

    def _answer(self, call: FunctionCall, op: str, right: Expression, node: ast.Compare) -> Predicate:
        """A call that is true or false, compared with one of the two."""
        word = _word(right)
        if word not in _TRUE | _FALSE or op not in ("=", "!="):
            message = f"`{call.name}` is true or false"
            self.reading.error("fortisiem-type", message, node.span, f'write {call.name}(...) = "true"')
            return NEVER
        return _negated(self._holds(call), (word in _FALSE) is not (op == "!="))


def _negated(predicate: Predicate, negated: bool) -> Predicate:
    return negation(predicate) if negated else predicate


def _word(node: Expression) -> str:
    match node:
        case Attribute(name=text) | Text(value=text) | Number(text=text):
            return text.lower()
        case _:
            return ""


def _is_large(node: Predicate) -> bool:
    """Whether a predicate has more leaves than may be written out; looks at no more than that."""
    pending, leaves = [node], 0
    while pending and leaves <= MAX_WRITTEN_OUT:
        match pending.pop():
            case logic.And(parts=parts) | logic.Or(parts=parts):
                pending += parts
            case logic.Not(part=part) | IsTrue(part=part):
                pending.append(part)
            case _:
                leaves += 1
    return leaves > MAX_WRITTEN_OUT
