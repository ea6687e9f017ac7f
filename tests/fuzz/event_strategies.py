"""Events as strangers send them: absent, null, many-valued, of the wrong type, in odd letters."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_TEXTS = st.one_of(
    st.sampled_from(
        ["a", "b", "ab", "a b", "A", "aXb", "k", "K", "\u017f", "1", "", "*", "a\nb", "a\0", "\ud800", "😀b"]
    ),
    st.text("abAB *?\n", max_size=5),
)
_NUMBERS = st.one_of(st.integers(-2, 4), st.sampled_from([2**63, -(2**70), 1.5, 1e300, "1", "0x1", "one"]))
_ODD: st.SearchStrategy[Any] = st.sampled_from([None, [], [None], {}, {"x": 1}, [[["a"]]], True, [1, "a", None]])
_ADDRESSES = st.sampled_from(["10.0.0.1", "::1", "::ffff:10.0.0.1", "10.0.0.999", "fe80::1%eth0", ""])


def _values(plain: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(plain, plain, plain, st.lists(plain, max_size=3), _ODD)


_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "process.name": _values(_TEXTS),
    "process.args": _values(_TEXTS),
    "process.pid": _values(_NUMBERS),
    "process.elevated_token": _values(st.sampled_from([True, False, "true", "no", 1])),
    "source.ip": _values(_ADDRESSES),
    "user.name": _values(st.sampled_from(["a", "b"])),
    "message": _values(_TEXTS),
}
_STAMPS = st.one_of(
    st.integers(0, 5).map("2026-01-01T00:00:0{}Z".format),
    st.sampled_from([1767225601000, "2026-01-01T00:00:01.5+01:00", "soon", None]),
)
_CATEGORIES = st.sampled_from(["process", "network", ["process", "network"], [], None])


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {"@timestamp": draw(_STAMPS), "event": {"category": draw(_CATEGORIES)}}
    for path in draw(st.lists(st.sampled_from(sorted(_FIELDS)), unique=True)):
        value = draw(_FIELDS[path])
        if draw(st.booleans()) and "." in path:
            parent, _, name = path.partition(".")
            document.setdefault(parent, {})[name] = value
        else:
            document[path] = value
    return document


def events() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Some events. Each has its number in ``n``, and as ``event.sequence``, which orders those of one time."""
    return st.lists(_documents(), max_size=9).map(_numbered)


def _numbered(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for number, document in enumerate(documents):
        document["n"] = number
        document["event"]["sequence"] = number
    return documents
