"""Random documents, batches of them, and random predicates over their fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Place
from dogwatch.base.text import Fold
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch, Document
from dogwatch.logic.predicate import (
    And,
    AnyWord,
    Between,
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
    Listed,
    Literal,
    Mapped,
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
    Within,
    Words,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

Sample = Mapping[FieldRef, Sequence[Scalar]]
"""A document as the evaluators see it: the values of each field."""

KEYWORD, OTHER, TEXT = (
    FieldRef("name", FieldType.KEYWORD),
    FieldRef("other", FieldType.KEYWORD),
    FieldRef("message", FieldType.TEXT),
)
LONG, DOUBLE = FieldRef("pid", FieldType.LONG), FieldRef("score", FieldType.DOUBLE)
BOOLEAN, DATE = FieldRef("elevated", FieldType.BOOLEAN), FieldRef("created", FieldType.DATE)
IP, VERSION = FieldRef("source.ip", FieldType.IP), FieldRef("agent.version", FieldType.VERSION)
OBJECT = FieldRef("answers", FieldType.OBJECT)
FIELDS = (KEYWORD, OTHER, TEXT, LONG, DOUBLE, BOOLEAN, DATE, IP, VERSION, OBJECT)

TEXTS = st.text("aAbBkK1 ./*?\n_éİ\u0131\u017fßK😀", max_size=6)
"""Few letters, so that they often meet; among them some that fold in odd ways."""

_LONGS = st.one_of(st.integers(-3, 3), st.sampled_from([2**53 + 1, 2**63 - 1, -(2**63)]))
_DOUBLES = st.one_of(
    st.sampled_from([-1.5, -0.0, 0.0, 1.0, 2.5, 2.0**53, 1e300]), st.floats(allow_nan=False, allow_infinity=False)
)
_ADDRESSES = st.sampled_from(["10.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fe80::1", "2001:db8::5"])
_NETWORKS = st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "::/0", "fe80::/10", "0.0.0.0/0"])
_VERSIONS = st.sampled_from(["1.5.0", "1.11.3", "2.0.0-rc.1", "2.0.0", "2.0.0-rc.1.2", "not a version"])
_VALUES: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.KEYWORD: TEXTS,
    FieldType.TEXT: TEXTS,
    FieldType.LONG: _LONGS,
    FieldType.DOUBLE: _DOUBLES,
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.one_of(_LONGS, st.integers(-(10**18), 10**18)),
    FieldType.IP: _ADDRESSES,
    FieldType.VERSION: _VERSIONS,
    FieldType.OBJECT: st.fixed_dictionaries(
        {}, optional={"name": st.none() | TEXTS | st.lists(TEXTS, max_size=2), "data": TEXTS}
    ).map(lambda value: json.dumps(value, sort_keys=True)),
}
_REGEXES = {
    RegexDialect.LUCENE: ("a.*", "[a-k]+", "~(a)", "(a|b)*1?", ".*k.*", "<1-12>", "@", "[^a]", "A{1,2}.?"),
    RegexDialect.JAVA: ("a.*", "[a-b]+", "a|1_?", r"\p{Alpha}*", "(?s).*b", r"[^\n]{1,2}", r"\w?K"),
    RegexDialect.PERL: ("a.*b", "^a", "[a-b]$", "1|_", r"\bb", "a?", "A{1,2}"),
}


class NoSource:
    """A batch's way back where there are no documents."""

    def document(self, row: int) -> Document:
        raise NotImplementedError(row)

    def event_id(self, row: int) -> tuple[str, bool]:
        return str(row), True

    def place(self, row: int) -> Place | None:
        raise NotImplementedError(row)


def values_of(sample: Sample) -> Callable[[FieldRef], Sequence[Scalar]]:
    """The sample's values, as the reference evaluator asks for them."""
    return lambda ref: sample.get(ref, ())


def batch_of(samples: Sequence[Sample], fields: Sequence[FieldRef] = FIELDS) -> Batch:
    """The samples as a batch; a column is a list where some row has several values."""
    columns = {ref: _column(ref.type, [list(sample.get(ref, ())) for sample in samples]) for ref in fields}
    return batch_of_columns(columns, len(samples))


def batch_of_columns(columns: Mapping[FieldRef, pa.Array[Any]], length: int) -> Batch:
    """A batch of columns alone."""
    return Batch(
        length=length,
        columns=columns,
        time=np.full(length, NO_TIME, np.int64),
        tiebreak=np.full(length, NO_TIEBREAK, np.int64),
        first_arrival=0,
        index=pa.nulls(length, pa.string()).dictionary_encode(),
        source=NoSource(),
    )


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """A document: each field missing, or with one value or some."""
    return {
        ref: draw(st.one_of(st.just([]), st.lists(_VALUES[ref.type], min_size=1, max_size=3))) for ref in FIELDS
    }


def predicates(*, lists: bool = False) -> st.SearchStrategy[Predicate]:
    """Any predicate over ``FIELDS``; with questions about the watch lists of ``LISTS`` if ``lists``."""
    return st.recursive(
        st.one_of(_leaves(), _listed(_fields(*FIELDS))) if lists else _leaves(),
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(IsTrue, inner),
            st.builds(lambda parts: And(tuple(parts)), st.lists(inner, min_size=1, max_size=4)),
            st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, min_size=1, max_size=4)),
        ),
        max_leaves=8,
    )


def _leaves() -> st.SearchStrategy[Predicate]:
    text = _operands()
    return st.one_of(
        st.builds(Constant, st.sampled_from([True, False, None])),
        st.builds(Exists, _fields(*FIELDS)),
        _comparisons(),
        _members(),
        st.builds(_like, text, st.lists(_patterns(), max_size=3), _FOLDS),
        st.builds(_contains, text, TEXTS, _FOLDS, st.booleans()),
        *(
            st.builds(_regex, text, st.sampled_from(patterns), st.just(dialect), st.sampled_from(list(Fold)))
            for dialect, patterns in _REGEXES.items()
        ),
        st.builds(lambda field, blocks: InNetwork(field, tuple(blocks)), _fields(IP), st.lists(_NETWORKS)),
        st.builds(
            lambda field, words, phrase: Words(field, tuple(words), phrase),
            _fields(TEXT, KEYWORD),
            st.lists(st.sampled_from(["a", "b", "ab", "1"]), max_size=2),
            st.booleans(),
        ),
        st.builds(Truth, _tests()),
        st.builds(
            lambda operand: Truth(Call("is_null", (operand,))),
            st.one_of(text, _numbers(), _tests()).filter(lambda operand: isinstance(operand, Call)),
        ),
        *(
            st.builds(
                lambda field, ends, low, high, fold: Between(
                    field,
                    Literal(min(ends), field.ref.type),
                    Literal(max(ends), field.ref.type),
                    with_low=low,
                    with_high=high,
                    fold=fold,
                ),
                _fields(ref),
                st.lists(_VALUES[ref.type], min_size=2, max_size=2),
                st.booleans(),
                st.booleans(),
                _FOLDS,
            )
            for ref in (LONG, DOUBLE, DATE, IP, KEYWORD)
        ),
        st.builds(Within, _fields(OBJECT), _inner()),
        _clocked(),
    )


LISTS = ("bad", "worse")


def _listed(operands: st.SearchStrategy[Field]) -> st.SearchStrategy[Predicate]:
    leaf = st.builds(Listed, operands, st.sampled_from(LISTS), _FOLDS)
    inner = st.builds(
        Listed, st.just(Field(FieldRef(f"{OBJECT.path}.name", FieldType.KEYWORD))), st.sampled_from(LISTS)
    )
    return st.one_of(
        leaf,
        leaf,
        st.builds(Within, _fields(OBJECT), st.one_of(inner, st.builds(Not, inner))),
        st.builds(AnyWord, _fields(TEXT, KEYWORD), st.one_of(inner, st.builds(Not, inner))),
    )


def _inner() -> st.SearchStrategy[Predicate]:
    """Predicates over the fields of one object."""
    ref = FieldRef(f"{OBJECT.path}.name", FieldType.KEYWORD)
    leaf = st.one_of(
        st.builds(Exists, st.just(Field(ref))),
        st.builds(
            Compare, st.just(Order.EQ), st.just(Field(ref)), st.builds(Literal, TEXTS, st.just(FieldType.KEYWORD))
        ),
    )
    return st.one_of(leaf, st.builds(Not, leaf), st.builds(lambda a, b: Or((a, b)), leaf, leaf))


_FOLDS = st.sampled_from(list(Fold))


def _column(kind: FieldType, rows: list[list[Scalar]]) -> pa.Array[Any]:
    storage: dict[FieldType, pa.DataType] = {
        FieldType.LONG: pa.int64(),
        FieldType.DATE: pa.int64(),
        FieldType.DOUBLE: pa.float64(),
        FieldType.BOOLEAN: pa.bool_(),
    }
    flat_type = storage.get(kind, pa.string())
    if all(len(row) <= 1 for row in rows):
        plain = pa.array([row[0] if row else None for row in rows], flat_type)
        return plain.dictionary_encode() if kind.is_text else plain
    flat = pa.array([value for row in rows for value in row], flat_type)
    offsets = pa.array(np.cumsum([0, *(len(row) for row in rows)]), pa.int32())
    mask = pa.array([not row for row in rows])
    values: pa.Array[Any] = flat.dictionary_encode() if kind.is_text else flat
    return pa.ListArray.from_arrays(offsets, values, mask=mask)


def _fields(*refs: FieldRef) -> st.SearchStrategy[Field]:
    return st.builds(Field, st.sampled_from(refs), st.booleans(), st.sampled_from([0, 0, 0, 1]))


@st.composite
def _operands(draw: st.DrawFn) -> Expression:
    """A text, in one of many ways; drawn here, so that the description of the strategies stays short."""
    return draw(_TEXT_OPERANDS)


def _text_operands() -> st.SearchStrategy[Expression]:
    field = _fields(KEYWORD, OTHER, TEXT)
    literal = st.builds(lambda text: Literal(text, FieldType.KEYWORD), st.one_of(TEXTS, st.none()))
    inner = st.one_of(field, literal)
    computed = st.one_of(
        st.builds(lambda a, b: Call("concat", (a, b)), inner, inner),
        st.builds(
            lambda source, start, end: Call("substring", (source, _long(start), _long(end))),
            inner,
            st.integers(-4, 4),
            st.one_of(st.none(), st.integers(-4, 4)),
        ),
        st.builds(
            lambda a, b, c, greedy, fold: Call("between", (a, b, c, Literal(greedy, FieldType.BOOLEAN)), fold),
            inner,
            inner,
            inner,
            st.booleans(),
            _FOLDS,
        ),
        # A field without values is null to these, and null is an answer to them.
        st.builds(
            lambda source, start, end: Call("substring", (source, start, end)), inner, _fields(LONG), _fields(DATE)
        ),
        st.builds(lambda value: Call("string", (value,)), _fields(LONG, DOUBLE, BOOLEAN)),
        st.builds(lambda value: Call("date_string", (value,)), _fields(DATE)),
        st.builds(
            lambda name, source: Call(name, (source,)),
            st.sampled_from(["trim_left", "trim_right", "trim", "lower", "upper"]),
            inner,
        ),
        st.builds(lambda a, b, c: Call("replace", (a, b, c)), inner, inner, inner),
        st.builds(
            lambda source, *numbers: Call("sub_str", (source, *numbers)),
            inner,
            st.one_of(_fields(LONG), st.integers(-1, 4).map(_long)),
            st.one_of(_fields(DATE), st.integers(-1, 4).map(_long)),
        ),
        st.builds(
            lambda source, regex, fold: Call("extract", (source, Literal(regex, FieldType.KEYWORD)), fold),
            inner,
            st.sampled_from(["a(.)", "(k)|b", "[^a]+", "1?(b*)", ".$"]),
            _FOLDS,
        ),
        _mapped(inner, FieldType.KEYWORD, TEXTS),
    )
    return st.one_of(field, field, field, computed)


def _mapped(
    text: st.SearchStrategy[Expression], kind: FieldType, values: st.SearchStrategy[Any]
) -> st.SearchStrategy[Mapped]:
    """Values looked up in small tables by one or two arguments."""
    arg = st.one_of(text, text, _fields(LONG, DOUBLE, BOOLEAN))
    key = st.one_of(TEXTS.map(str.lower), st.sampled_from(["0", "1", "-1", "true", "false"]))
    return st.one_of(
        st.builds(
            lambda arg, rows, otherwise: Mapped((arg,), "table", "column", rows, kind, otherwise),
            arg,
            st.dictionaries(st.tuples(key), values, max_size=4),
            st.one_of(st.none(), values),
        ),
        st.builds(
            lambda args, rows, nested: Mapped(args, "table", "column", rows, kind, nested=nested),
            st.tuples(arg, arg),
            st.dictionaries(st.lists(key, max_size=2).map(tuple), values, max_size=4),
            st.booleans(),
        ),
    )


def _long(value: int | None) -> Literal:
    return Literal(value, FieldType.LONG)


@st.composite
def _numbers(draw: st.DrawFn) -> Expression:
    """A number, in one of many ways."""
    return draw(_NUMBER_OPERANDS)


def _number_operands() -> st.SearchStrategy[Expression]:
    literal = st.one_of(
        st.builds(Literal, st.one_of(_LONGS, st.just(10**30), st.none()), st.just(FieldType.LONG)),
        st.builds(
            Literal, st.one_of(_DOUBLES, st.sampled_from([float("inf"), float("-inf")])), st.just(FieldType.DOUBLE)
        ),
    )
    field = _fields(LONG, DOUBLE, DATE)
    inner = st.one_of(field, literal)
    arithmetic = st.builds(
        lambda name, left, right: Call(name, (left, right)),
        st.sampled_from(["add", "subtract", "multiply", "divide", "modulo"]),
        inner,
        inner,
    )
    measured = st.builds(
        lambda name, args: Call(name, tuple(args[:1] if name in ("length", "number") else args)),
        st.sampled_from(["length", "number", "index_of"]),
        st.lists(_fields(KEYWORD, OTHER), min_size=2, max_size=2),
    )
    optional = st.builds(
        lambda name, source, other, place: Call(
            name, (source, place) if name == "number" else (source, other, place)
        ),
        st.sampled_from(["number", "index_of"]),
        _fields(KEYWORD),
        _fields(KEYWORD, OTHER),
        _fields(LONG),
    )
    converted = st.one_of(
        st.builds(lambda value: Call("log", (value,)), inner),
        st.builds(
            lambda name, value: Call(name, (value,)),
            st.sampled_from(["to_double", "to_integer"]),
            _fields(KEYWORD, LONG, DOUBLE, BOOLEAN),
        ),
        _mapped(_fields(KEYWORD, OTHER), FieldType.LONG, _LONGS),
    )
    return st.one_of(field, literal, arithmetic, measured, optional, converted)


def _clocked() -> st.SearchStrategy[Predicate]:
    """Questions about the hour or the day of a date."""
    part = st.builds(
        lambda name, field: Call(name, (field,)),
        st.sampled_from(["hour_of_day", "day_of_week"]),
        _fields(DATE, LONG, DOUBLE),
    )
    number = st.integers(0, 23)
    return st.one_of(
        st.builds(Compare, st.sampled_from(list(Order)), part, number.map(_long)),
        st.builds(Compare, st.sampled_from(list(Order)), number.map(_long), part),
        st.builds(Member, part, st.frozensets(number, max_size=12)),
    )


def _comparisons() -> st.SearchStrategy[Predicate]:
    sides: list[tuple[st.SearchStrategy[Expression], st.SearchStrategy[Expression]]] = [
        (_operands(), st.one_of(st.builds(Literal, TEXTS, st.just(FieldType.KEYWORD)), _operands())),
        (_numbers(), _numbers()),
        (_fields(BOOLEAN), st.builds(Literal, st.booleans(), st.just(FieldType.BOOLEAN))),
        (_fields(IP), st.builds(Literal, _ADDRESSES, st.just(FieldType.IP))),
        (_fields(VERSION), st.builds(Literal, _VERSIONS, st.just(FieldType.VERSION))),
    ]
    orders = st.sampled_from(list(Order))
    straight = [st.builds(Compare, orders, left, right, _FOLDS) for left, right in sides]
    flipped = [st.builds(Compare, orders, right, left, _FOLDS) for left, right in sides]
    return st.one_of(*straight, *flipped)


def _members() -> st.SearchStrategy[Predicate]:
    numbers: st.SearchStrategy[frozenset[Scalar]] = st.frozensets(st.one_of(_LONGS, _DOUBLES), max_size=3)
    return st.one_of(
        st.builds(
            lambda operand, values, fold: Member(operand, frozenset(fold.apply(v) for v in values), fold),
            _operands(),
            st.frozensets(TEXTS, max_size=3),
            _FOLDS,
        ),
        st.builds(Member, _fields(LONG, DOUBLE, DATE), numbers),
    )


def _patterns() -> st.SearchStrategy[WildcardPattern]:
    pieces = st.one_of(TEXTS, st.sampled_from([Wild.ANY, Wild.ONE, Wild.ANY]))
    return st.builds(lambda parts: WildcardPattern(tuple(parts)), st.lists(pieces, max_size=5))


def _like(operand: Expression, patterns: list[WildcardPattern], fold: Fold) -> Like:
    folded = tuple(
        WildcardPattern(tuple(fold.apply(piece) if isinstance(piece, str) else piece for piece in pattern.pieces))
        for pattern in patterns
    )
    return Like(operand, folded, fold)


def _contains(operand: Expression, text: str, fold: Fold, at_word_start: bool) -> Contains:
    return Contains(operand, fold.apply(text), fold, at_word_start)


def _regex(operand: Expression, pattern: str, dialect: RegexDialect, fold: Fold) -> Regex:
    return Regex(operand, (pattern,), dialect, fold)


def _tests() -> st.SearchStrategy[Call]:
    return st.builds(
        lambda name, left, right, fold: Call(name, (left, right), fold),
        st.sampled_from(["starts_with", "ends_with", "string_contains", "concat"]),
        _operands(),
        _operands(),
        _FOLDS,
    )


_TEXT_OPERANDS = _text_operands()
_NUMBER_OPERANDS = _number_operands()
