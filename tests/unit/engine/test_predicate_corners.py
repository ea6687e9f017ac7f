"""The corners of every leaf: one table of cases, run on the reference evaluator and on the plan."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from predicate_strategies import batch_of, values_of

from dogwatch.base.text import Fold
from dogwatch.engine.plan import Plan
from dogwatch.engine.reference import evaluate
from dogwatch.logic.predicate import (
    And,
    Call,
    Compare,
    Constant,
    Contains,
    Exists,
    Expression,
    Field,
    InNetwork,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Truth,
    Wild,
    WildcardPattern,
    Words,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

T, F, U = True, False, None
ANY, ONE = Wild.ANY, Wild.ONE
HUGE = "a" * 300_000

TEXT = Field(FieldRef("name", FieldType.KEYWORD))
NOT_BLANK = Field(FieldRef("name", FieldType.KEYWORD), blank_is_missing=True)
ANALYSED = Field(FieldRef("name", FieldType.TEXT))
LONG = Field(FieldRef("name", FieldType.LONG))
DOUBLE = Field(FieldRef("name", FieldType.DOUBLE))
BOOLEAN = Field(FieldRef("name", FieldType.BOOLEAN))
ADDRESS = Field(FieldRef("name", FieldType.IP))
VERSION = Field(FieldRef("name", FieldType.VERSION))

Case = tuple[str, Predicate, list[tuple[Sequence[Scalar], bool | None]]]


def compare(op: Order, right: Scalar | None, left: Expression = TEXT, fold: Fold = Fold.NONE) -> Compare:
    kind = left.ref.type if isinstance(left, Field) else FieldType.KEYWORD
    return Compare(op, left, Literal(right, kind), fold)


def equal(right: Scalar | None, left: Expression = TEXT, fold: Fold = Fold.NONE) -> Compare:
    return compare(Order.EQ, right, left, fold)


def like(*pieces: str | Wild, fold: Fold = Fold.NONE) -> Like:
    return Like(TEXT, (WildcardPattern(pieces),), fold)


CASES: list[Case] = [
    ("exists", Exists(TEXT), [((), F), (("",), T), (("a", "b"), T)]),
    ("exists, blank is missing", Exists(NOT_BLANK), [((), F), (("",), F), (("", "a"), T)]),
    ("equal", equal("a"), [((), U), (("a",), T), (("A",), F), (("b", "a"), T), (("b", "c"), F), (("",), F)]),
    ("equal to the empty text", equal(""), [((), U), (("",), T), (("a",), F)]),
    ("equal, blank is missing", equal("a", NOT_BLANK), [(("",), U), (("", "b"), F), (("", "a"), T)]),
    ("equal to null", equal(None), [((), U), (("a",), U)]),
    ("equal is no pattern", equal("a*"), [(("a*",), T), (("ab",), F)]),
    ("flipped", Compare(Order.LT, Literal("b", FieldType.KEYWORD), TEXT), [(("c",), T), (("a",), F), ((), U)]),
    (
        "ASCII fold",
        equal("ki", fold=Fold.ASCII),
        [(("KI",), T), (("\u212ai",), F), (("k\u0131",), F), (("Kİ",), F)],
    ),
    ("Unicode fold", equal("k", fold=Fold.UNICODE), [(("K",), T), (("\u212a",), T), (("\u0131",), F)]),
    ("Unicode fold of the dotted I", equal("İ", fold=Fold.UNICODE), [(("i\u0307",), T), (("i",), F)]),
    ("sharp s", equal("ß", fold=Fold.UNICODE), [(("ẞ",), T), (("ss",), F)]),
    ("code-point order", compare(Order.GT, "Z"), [(("a",), T), (("A",), F), (("\uffff",), T), (("😀",), T)]),
    ("order past the basic plane", compare(Order.LT, "😀"), [(("\uffff",), T)]),
    ("order, many values", compare(Order.LE, "b"), [(("c", "b"), T), (("c", "d"), F), ((), U)]),
    ("version", compare(Order.LT, "1.11.3", VERSION), [(("1.5.0",), T), (("1.11.3",), F), (("1.11.3-rc1",), T)]),
    ("no version comes last", compare(Order.GT, "99.0", VERSION), [(("none",), T), (("",), T)]),
    ("address order", compare(Order.LT, "10.0.0.10", ADDRESS), [(("10.0.0.9",), T), (("10.0.0.11",), F)]),
    ("no address has no order", compare(Order.LT, "10.0.0.10", ADDRESS), [(("x",), U)]),
    ("integer and decimal", compare(Order.GT, 2.5, LONG), [((3,), T), ((2,), F), ((-3,), F), ((), U)]),
    ("integer equals decimal", equal(3.0, LONG), [((3,), T), ((4,), F)]),
    ("integer never equals a fraction", equal(3.5, LONG), [((3,), F), ((4,), F)]),
    ("exact beyond 2**53", equal(2.0**53, LONG), [((2**53,), T), ((2**53 + 1,), F)]),
    ("exact the other way", compare(Order.LT, 2**53 + 1, DOUBLE), [((2.0**53,), T), ((2.0**53 + 2,), F)]),
    ("bound beyond 64 bits", compare(Order.LE, 2**70, LONG), [((2**63 - 1,), T)]),
    ("bound below 64 bits", compare(Order.LE, -(2**70), LONG), [((-(2**63),), F)]),
    ("infinite bound", compare(Order.LT, float("inf"), LONG), [((2**63 - 1,), T), ((), U)]),
    ("boolean", equal(True, BOOLEAN), [((True,), T), ((False,), F), ((), U), ((True, False), T)]),
    ("member", Member(TEXT, frozenset({"a", "b"})), [(("b",), T), (("c", "a"), T), (("c",), F), ((), U)]),
    ("member of nothing", Member(TEXT, frozenset()), [(("b",), F), ((), U)]),
    ("member, folded", Member(TEXT, frozenset({"ab"}), Fold.ASCII), [(("AB",), T), (("Ab", "x"), T)]),
    ("member, numbers", Member(LONG, frozenset({1, 2.0, 2.5})), [((2,), T), ((3,), F), ((), U)]),
    ("like", like("a", ANY), [(("a",), T), (("abc",), T), (("ba",), F), (("b", "ab"), T), ((), U)]),
    ("like covers line ends", like("a", ANY, "b"), [(("a\n\nb",), T), (("a\nc",), F)]),
    ("one character", like(ONE), [(("",), F), (("\n",), T), (("😀",), T), (("ab",), F)]),
    ("literal star", like("a*b"), [(("a*b",), T), (("aXb",), F)]),
    ("literal star between wildcards", like(ANY, "*", ANY), [(("a*b",), T), (("ab",), F)]),
    ("empty pattern", like(), [(("",), T), (("a",), F), ((), U)]),
    ("star", like(ANY), [(("",), T), (("a",), T), ((), U)]),
    ("no pattern", Like(TEXT, ()), [(("a",), F), ((), U)]),
    ("like, ASCII fold", like("k", ANY, fold=Fold.ASCII), [(("KX",), T), (("\u212aX",), F)]),
    ("like, Unicode fold", like("k", ANY, fold=Fold.UNICODE), [(("\u212aX",), T)]),
    ("huge text", like(ANY, "a", ONE, "b"), [((HUGE,), F), ((HUGE + "b",), T)]),
    ("like asked of numbers", Like(LONG, (WildcardPattern((ANY,)),)), [((1,), F), ((), U)]),
    ("contains", Contains(TEXT, "bc"), [(("abcd",), T), (("b", "c"), F), ((), U)]),
    ("contains the empty text", Contains(TEXT, ""), [(("",), T), (("a",), T), ((), U)]),
    (
        "contains at a word's start",
        Contains(TEXT, "nc", Fold.ASCII, at_word_start=True),
        [(("nc",), T), (("/bin/NC -e",), T), (("rsync",), F), (("func nc",), T), (("_nc",), T), (("énc",), F)],
    ),
    ("repeats that overlap", Contains(TEXT, "a a", at_word_start=True), [(("ba a a",), T), (("ba a",), F)]),
    ("search anywhere", Regex(TEXT, ("b.d",), RegexDialect.PERL), [(("abcde",), T), (("b\nd",), F), ((), U)]),
    ("whole text", Regex(TEXT, ("b.d",), RegexDialect.LUCENE), [(("abcde",), F), (("b\nd",), T), ((), U)]),
    (
        "any of the patterns, any case",
        Regex(TEXT, ("x", "b+"), RegexDialect.LUCENE, Fold.ASCII),
        [(("BB",), T), (("X",), T), (("xb",), F), (("a", "B"), T)],
    ),
    (
        "network",
        InNetwork(ADDRESS, ("10.0.0.0/8", "fe80::/10")),
        [(("10.255.255.255",), T), (("11.0.0.0",), F), (("fe80::1",), T), (("11.0.0.0", "10.0.0.0"), T), ((), U)],
    ),
    ("mapped network", InNetwork(ADDRESS, ("::ffff:10.0.0.0/104",)), [(("10.1.1.1",), T), (("11.1.1.1",), F)]),
    ("every address", InNetwork(ADDRESS, ("::/0",)), [(("10.1.1.1",), T), (("::1",), T), (("no address",), F)]),
    ("network bits beyond the prefix", InNetwork(ADDRESS, ("10.1.2.3/8",)), [(("10.9.9.9",), T)]),
    ("words", Words(ANALYSED, ("denied", "failed")), [(("Access DENIED.",), T), (("deniedx",), F), ((), U)]),
    (
        "phrase",
        Words(ANALYSED, ("access", "denied"), phrase=True),
        [(("x Access-Denied",), T), (("denied access",), F), (("access", "denied"), F)],
    ),
    ("no words", Words(ANALYSED, (), phrase=True), [(("a",), F), ((), U)]),
    (
        "truth",
        Truth(Call("starts_with", (TEXT, Literal("a", FieldType.KEYWORD)))),
        [(("ab",), T), (("b",), F), ((), U), (("b", "ab"), T)],
    ),
    ("truth of a null", Truth(Call("starts_with", (TEXT, Literal(None, FieldType.KEYWORD)))), [(("a",), U)]),
    ("some answers null", equal(2, Call("number", (TEXT,))), [(("x",), U), (("x", "1"), F), (("x", "2"), T)]),
    ("a field twice", equal("aa", Call("concat", (TEXT, TEXT))), [(("a", "b"), T), (("b",), F)]),
    ("pairs are of one value", equal("ab", Call("concat", (TEXT, TEXT))), [(("a", "b"), F)]),
    ("no field at all", Compare(Order.LT, Literal(1, FieldType.LONG), Literal(2.5, FieldType.DOUBLE)), [((), T)]),
    ("not", Not(equal("a")), [((), U), (("a",), F), (("b",), T), (("a", "b"), F)]),
    ("complement", Not(IsTrue(equal("a"))), [((), T), (("a",), F), (("b",), T)]),
    ("false and unknown", And((Constant(F), equal("a"))), [((), F)]),
    ("true and unknown", And((Constant(T), equal("a"))), [((), U)]),
    ("true or unknown", Or((equal("a"), Constant(T))), [((), T)]),
    ("false or unknown", Or((Constant(F), equal("a"))), [((), U)]),
    ("nothing to satisfy", And(()), [((), T)]),
    ("nothing to choose", Or(()), [((), F)]),
    ("each leaf its own value", And((equal("a"), equal("b"))), [(("a", "b"), T), (("a",), F)]),
]


@pytest.mark.parametrize(("predicate", "rows"), [pytest.param(case, rows, id=name) for name, case, rows in CASES])
def test_case(predicate: Predicate, rows: list[tuple[Sequence[Scalar], bool | None]]) -> None:
    refs = [field.ref for field in (TEXT, ANALYSED, LONG, DOUBLE, BOOLEAN, ADDRESS, VERSION)]
    read = Plan([predicate]).fields
    documents = [{ref: values for ref in refs if ref in read} for values, _ in rows]
    expected = [answer for _, answer in rows]
    assert [evaluate(predicate, values_of(document)) for document in documents] == expected

    # Where a predicate is false, and not unknown, its negation is true.
    true, false = Plan([predicate, Not(predicate)]).evaluate(batch_of(documents, sorted(read)))
    assert true.tolist() == [answer is True for answer in expected]
    assert false.tolist() == [answer is False for answer in expected]
