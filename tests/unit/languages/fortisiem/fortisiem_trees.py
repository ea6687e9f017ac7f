"""Random trees of FortiSIEM's language, every one of which some text has."""

import string

from hypothesis import strategies as st

from dogwatch.languages.fortisiem.ast import (
    Address,
    And,
    Arithmetic,
    Attribute,
    Between,
    Compare,
    Condition,
    Contain,
    Expression,
    FunctionCall,
    Group,
    Holds,
    In,
    IsNull,
    Negative,
    Not,
    Number,
    Or,
    Regexp,
    Star,
    Text,
)

NAMES = st.sampled_from(["user", "srcIpAddr", "count", "fe80", "_x9", "inner", "android"])
_ATTRIBUTES = st.builds(Attribute, NAMES)
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("\"'\\\n,()@ ")
TEXTS = st.builds(Text, st.text(_CHARACTERS, max_size=6))
_REGEX_UNITS = st.sampled_from([r"\\", r"\.", r"\d", '"', "'", ".*", "|", "^", "x", "(a)", "\n"])
PATTERNS = st.builds(Text, st.lists(_REGEX_UNITS, max_size=5).map("".join))
NUMBERS = st.builds(Number, st.sampled_from(["0", "7", "-3", "1.5", "-.5", "2.", "1e3", "007"]))
ADDRESSES = st.builds(Address, st.sampled_from(["10.1.1.1", "10.0.0.0/8", "fe80::1", "::1", "2001:db8::/32"]))
GROUPS = st.builds(Group, st.text(string.ascii_letters + "_-:", min_size=1, max_size=8))
_CONSTANTS = st.one_of(TEXTS, NUMBERS, ADDRESSES)
_FLAGS = st.booleans()
_OPS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def _calls(args: st.SearchStrategy[Expression | Condition], *, over_groups: bool) -> st.SearchStrategy[Expression]:
    plain: st.SearchStrategy[Expression] = st.builds(
        FunctionCall,
        st.sampled_from(["LEN", "IF", "AVG", "LookupTableGet", "DeviceToCMDBAttr", "sub_str"]),
        st.lists(args, max_size=3).map(tuple),
    )
    extract: st.SearchStrategy[Expression] = st.builds(
        lambda name, text, regex: FunctionCall(name, (text, regex)),
        st.sampled_from(["EXTRACT", "extract"]),
        args,
        PATTERNS,
    )
    if not over_groups:
        return plain | extract
    star = st.just((Star(),))
    return st.one_of(
        plain,
        extract,
        st.builds(FunctionCall, st.just("COUNT"), star),
        st.builds(FunctionCall, st.just("COUNT"), _ATTRIBUTES.map(lambda attribute: (attribute,)), st.just(True)),
        st.builds(
            FunctionCall,
            st.just("STAT_AVG"),
            _ATTRIBUTES.map(lambda attribute: (attribute,)),
            st.just(False),
            st.integers(0, 999),
        ),
    )


def _expressions(*, over_groups: bool) -> st.SearchStrategy[Expression]:
    base: st.SearchStrategy[Expression] = st.one_of(_ATTRIBUTES, _CONSTANTS)
    condition = st.builds(Compare, _OPS, base, base)
    return st.recursive(
        base,
        lambda inner: st.one_of(
            st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
            st.builds(Negative, inner),
            _calls(inner, over_groups=over_groups),
            st.builds(lambda test, one, other: FunctionCall("If", (test, one, other)), condition, inner, inner),
        ),
        max_leaves=5,
    )


def trees(*, over_groups: bool) -> st.SearchStrategy[Condition]:
    """Filters, or aggregates."""
    values = _expressions(over_groups=over_groups)
    items = st.lists(st.one_of(_CONSTANTS, GROUPS), min_size=1, max_size=3).map(tuple)
    leaves: st.SearchStrategy[Condition] = st.one_of(
        st.builds(Compare, _OPS, values, values),
        st.builds(In, values, items, _FLAGS),
        st.builds(Between, values, values, values, _FLAGS),
        st.builds(IsNull, values, _FLAGS),
        st.builds(Contain, values, TEXTS | _ATTRIBUTES | _calls(_ATTRIBUTES, over_groups=False), _FLAGS),
        st.builds(Regexp, values, PATTERNS, _FLAGS),
    )
    if not over_groups:
        names = st.sampled_from(["LookupTableHas", "IF", "LEN"])
        leaves |= st.builds(
            lambda name, args: Holds(FunctionCall(name, args)), names, st.lists(values, max_size=3).map(tuple)
        )

    def larger(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(st.builds(And, parts), st.builds(Or, parts), st.builds(Not, inner))

    return st.recursive(leaves, larger, max_leaves=6)
