"""Random KQL trees, every one of which some text has."""

from hypothesis import strategies as st

from dogwatch.languages.kql.ast import And, Is, MatchAll, Nested, Not, Or, Query, Range
from dogwatch.languages.kql.tokens import TRIMMED
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import Order, Wild

_CHARACTERS = st.one_of(
    st.sampled_from([*' \t\n\xa0\\():<>"*{}?nu0é\u2003', "and", " or ", "not ", " not", "\\u0041"]),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
_LITERALS = st.lists(_CHARACTERS, min_size=1, max_size=8).map("".join)


@st.composite
def _unquoted(draw: st.DrawFn, *, wildcards: bool = True) -> Text:
    pieces: list[str | Wild] = []
    for piece in draw(
        st.lists(st.one_of(_LITERALS, st.just(Wild.ANY)) if wildcards else _LITERALS, min_size=1, max_size=4)
    ):
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    if isinstance(pieces[0], str):
        pieces[0] = pieces[0].lstrip(TRIMMED)
    if isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip(TRIMMED)
    return Text(tuple(piece for piece in pieces if piece) or ("x",))


_QUOTED = st.one_of(st.just(""), _LITERALS).map(lambda text: Text((text,) if text else (), quoted=True))
TEXTS = st.one_of(_unquoted(), _QUOTED)

_LEAVES: st.SearchStrategy[Query] = st.one_of(
    st.builds(Is, st.none(), TEXTS),
    st.builds(Is, TEXTS, TEXTS),
    st.builds(Range, TEXTS, st.sampled_from([Order.LT, Order.LE, Order.GT, Order.GE]), TEXTS),
)


def _larger(queries: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    parts = st.lists(queries, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, parts), st.builds(Or, parts), st.builds(Not, queries), st.builds(Nested, TEXTS, queries)
    )


TREES: st.SearchStrategy[Query] = st.one_of(st.just(MatchAll()), st.recursive(_LEAVES, _larger, max_leaves=10))
