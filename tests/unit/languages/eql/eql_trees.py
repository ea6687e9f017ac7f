"""Hypothesis strategies for EQL's syntax trees: every tree that they give can be written as text."""

from __future__ import annotations

from hypothesis import strategies as st

from dogwatch.languages.eql import ast

_LONG_MAX = 2**63 - 1

texts = st.text(max_size=12)
names = st.one_of(
    st.sampled_from(["process", "name", "sequence", "null", "a_1", "@timestamp", "runs", "like", "any"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
        lambda name: "." not in name
    ),
)
paths = st.lists(names, min_size=1, max_size=3).map(".".join)
fields = st.builds(ast.Field, paths, st.booleans())
constants = st.one_of(
    st.builds(ast.Null),
    st.builds(ast.Boolean, st.booleans()),
    st.builds(ast.Integer, st.integers(0, _LONG_MAX)),
    st.builds(ast.Decimal, st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(abs)),
    st.builds(ast.String, texts),
)
functions = st.sampled_from(["length", "CONCAT", "startsWith", "made_up"])


def _grow(inner: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(ast.Or, several),
        st.builds(ast.And, several),
        st.builds(ast.Not, inner),
        st.builds(ast.Comparison, st.sampled_from(ast.Comparator), inner, inner),
        st.builds(ast.Arithmetic, st.sampled_from(ast.ArithmeticOperator), inner, inner),
        st.builds(ast.Signed, st.sampled_from(ast.Sign), inner),
        st.builds(ast.Call, functions, st.lists(inner, max_size=3).map(tuple), st.booleans()),
        st.builds(
            ast.Membership, inner, st.lists(inner, min_size=1, max_size=3).map(tuple), st.booleans(), st.booleans()
        ),
        st.builds(
            ast.Match,
            st.sampled_from(ast.Matcher),
            inner,
            st.lists(constants, min_size=1, max_size=3).map(tuple),
        ),
    )


expressions: st.SearchStrategy[ast.Expression] = st.recursive(st.one_of(constants, fields), _grow, max_leaves=12)
filters = st.builds(ast.EventFilter, st.none() | texts | st.sampled_from(["process", "where"]), expressions)
keys = st.lists(fields, max_size=2).map(tuple)
durations = st.builds(ast.Duration, st.integers(1, 100_000), st.sampled_from(ast.TIME_UNITS))
terms = st.builds(ast.Term, filters, keys, st.integers(1, 100), st.booleans())
present = st.builds(ast.Term, filters, keys, st.integers(1, 100))
sequences = st.builds(
    lambda first, rest, by, maxspan, until: ast.Sequence((first, *rest), by, maxspan, until),
    present,
    st.lists(terms, min_size=1, max_size=3),
    keys,
    durations,
    st.none() | st.builds(ast.Term, filters, keys),
)
samples = st.builds(
    ast.Sample,
    st.lists(st.builds(ast.Term, filters, keys), min_size=2, max_size=5).map(tuple),
    st.lists(fields, min_size=1, max_size=2).map(tuple),
)
pipes = st.builds(ast.Pipe, st.sampled_from(ast.PIPES), st.lists(expressions, max_size=2).map(tuple))
queries = st.one_of(
    st.builds(ast.Query, filters | sequences, st.lists(pipes, max_size=2).map(tuple)),
    st.builds(ast.Query, samples),
)
