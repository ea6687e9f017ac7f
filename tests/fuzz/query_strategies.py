"""Queries in every language: valid ones, fragments of grammar thrown together, and valid ones damaged."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

_EQL_LEAVES = (
    'process.name == "a"',
    'process.name != "b"',
    'process.name : "A*"',
    'process.name : ("a?", "*B", "ab")',
    'process.name like "*a?b*"',
    'process.name like~ ("?B*", "k")',
    'process.name regex "a.*|[^b]"',
    'process.name regex~ ("(a|b)+", "~(a.*)", "<1-12>")',
    'process.name in ("a", "b*")',
    'process.name not in~ ("A", "\u017f")',
    "process.name == null",
    "process.args != null",
    'process.args : "*b*"',
    'not process.args == "a"',
    "process.pid > 1",
    "process.pid <= 2.5",
    "process.pid in (1, 2, 3)",
    "process.pid != 1",
    "process.pid + 1 == 2",
    "process.pid % 2 == 1 or process.pid / 2 > 0",
    "-process.pid < 0",
    "length(process.name) > 1",
    'startsWith~(process.name, "A")',
    'endsWith(process.name, "b")',
    'stringContains~(process.args, "A")',
    'concat(process.name, ":", process.pid) : "*:1"',
    'substring(process.name, 0, 1) == "a"',
    'substring(process.name, -1) regex "[ab]"',
    'between(process.name, "a", "b") == ""',
    'indexOf(process.name, "b") == 1',
    'number(process.name) == 1 or string(process.pid) == "1"',
    "process.elevated_token",
    'cidrMatch(source.ip, "10.0.0.0/8", "::/8")',
    'source.ip == "10.0.0.1"',
    '?no.such.field != "x"',
    '?no.such.field : "x"',
    "null == (process.pid > 1)",
    '@timestamp > "2026-01-01T00:00:01Z"',
    "startsWith(process.name, user.name)",
    "true",
    "false",
)
_KQL_LEAVES = (
    "process.name: a",
    'process.name: "a"',
    "process.name: a*b*",
    "process.name: *",
    "process.name: (a or b)",
    "process.args: (a and not b)",
    "process.pid: 1",
    "process.pid >= 2",
    "process.pid < 3",
    "source.ip: 10.0.0.0/8",
    "source.ip: 10.0.0.1",
    "message: a b",
    'message: "a b"',
    "message: a*",
    "user.*: b",
    '@timestamp >= "2026-01-01T00:00:01Z"',
    "no.such.field: x",
    "process: { name: a and pid: 1 }",
    "*: *",
)
_LUCENE_LEAVES = (
    "process.name:a",
    'process.name:"a b"',
    "process.name:a*b?",
    "process.name:/a.*|b/",
    "process.name:(a OR b)",
    "+process.name:a -process.args:b",
    "process.pid:[1 TO 2]",
    "process.pid:{1 TO *}",
    "process.pid:>1",
    "_exists_:process.name",
    "message:(a b)",
    'message:"a b"',
    "source.ip:10.0.0.0\\/8",
    "NOT user.name:b",
    "*:*",
)
_FORTISIEM_LEAVES = (
    'procName = "a"',
    'procName != "b"',
    'procName CONTAIN "b"',
    'procName REGEXP "a.*b"',
    'procName IN ("a", "b")',
    "procName IS NULL",
    "eventSeverity > 1",
    "eventSeverity BETWEEN (1, 2)",
    'user NOT CONTAIN "a"',
    "srcIpAddr = 10.0.0.1",
    "LEN(procName) BETWEEN (1, eventSeverity)",
    'IF(eventSeverity > 1, procName, "c") IN ("a", "c")',
    "eventSeverity / 2 < eventSeverity",
    'TO_UPPER(SUB_STR(procName, 0, 1)) = "A"',
    'EXTRACT(procName, "(a)b?") IS NULL',
    "procName CONTAIN user",
    "user IN (Group@unknown)",
)
_MARKS = list("()[]{}<>:=!~*?\"'`\\/|&+-^@#.,;$%_ \t\n\r\0\xa0\ud800😀é0")
_WORDS = [
    *("and", "or", "not", "AND", "OR", "NOT", "in", "in~", "like", "like~", "regex", "regex~", "where", "with"),
    *("sequence", "sample", "until", "by", "maxspan", "=", "5s", "runs", "any", "true", "null", "| head 5"),
    *("IN", "BETWEEN", "IS NULL", "CONTAIN", "REGEXP", "COUNT(*)", "TO", "_exists_", "![", '"""', "/*", "//"),
    *("concat(", "length(", "cidrMatch(", "\\u0041", "\\u{41}", "1e400", "99999999999999999999", "0x10", "^3"),
    *("<1-12>", "(a+)+", "[^a]", "{2,1}", "{9}", "&&", "||", "now-1d/d", "10.0.0.0/8", "a*?b", "process.name"),
]  # fmt: skip


def eql_conditions() -> st.SearchStrategy[str]:
    """Conditions over the fields of ``event_strategies``."""
    return _combined(_EQL_LEAVES, "and", "or", "not")


def event_queries() -> st.SearchStrategy[tuple[str, str]]:
    """A language, and a valid query for single events in it."""
    return st.one_of(
        st.tuples(st.just("eql"), st.builds("{} where {}".format, _CATEGORIES, eql_conditions())),
        st.tuples(st.just("kql"), _combined(_KQL_LEAVES, "and", "or", "not")),
        st.tuples(st.just("lucene"), _combined(_LUCENE_LEAVES, "AND", "OR", "NOT")),
        st.tuples(st.just("fortisiem"), _combined(_FORTISIEM_LEAVES, "AND", "OR", "NOT")),
    )


@st.composite
def sequence_queries(draw: st.DrawFn) -> tuple[str, str]:
    """A valid EQL sequence, maybe with absences, runs, a span, an end and a limit."""
    key = draw(st.sampled_from(["", " by user.name", " by ?user.name", " by process.args, ?user.name"]))
    stages = draw(st.lists(_stages(), min_size=2, max_size=4))
    absences = draw(st.lists(st.tuples(st.integers(0, len(stages)), _stages()), max_size=1))
    parts = [f"{stage}{draw(_RUNS)}" for stage in stages]
    for place, stage in absences:
        parts.insert(place, f"!{stage}")
    is_short = draw(_FLAGS)
    span = f" with maxspan={draw(st.integers(1, 4))}s" if absences or is_short else ""
    has_end = draw(_FLAGS)
    until = f" until {draw(_stages())}" if has_end and not absences else ""
    return "eql", f"sequence{key}{span} {' '.join(parts)}{until}{draw(_PIPES)}"


@st.composite
def sample_queries(draw: st.DrawFn) -> tuple[str, str]:
    """A valid EQL sample."""
    key = draw(st.sampled_from(["user.name", "?user.name", "process.args"]))
    return "eql", f"sample by {key} {' '.join(draw(st.lists(_stages(), min_size=2, max_size=3)))}"


@st.composite
def damaged_queries(draw: st.DrawFn) -> tuple[str, str]:
    """A language, and a query that was valid before some of its text was cut, doubled, moved or replaced."""
    language, text = draw(st.one_of(event_queries(), sequence_queries(), sample_queries()))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        put = draw(st.one_of(st.just(""), st.just(text[start:end] * 3), st.sampled_from(_MARKS + _WORDS)))
        text = text[:start] + put + text[end:]
    return draw(st.sampled_from([language, language, language, "eql", "kql", "lucene", "fortisiem"])), text


def soup() -> st.SearchStrategy[tuple[str, str]]:
    """A language, and fragments of all grammars thrown together."""
    pieces = st.one_of(st.sampled_from(_MARKS), st.sampled_from(_WORDS), st.text(max_size=3))
    language = st.sampled_from(["eql", "kql", "lucene", "fortisiem"])
    return st.tuples(
        language, st.builds(" ".join, st.lists(pieces, max_size=25)) | st.builds("".join, st.lists(pieces))
    )


_FLAGS: st.SearchStrategy[bool] = st.booleans()
_CATEGORIES = st.sampled_from(["any", "process", '"network"'])
_RUNS = st.sampled_from(["", "", "", " with runs=2"])
_PIPES = st.sampled_from(["", "", " | head 2", " | tail 1"])


def _stages() -> st.SearchStrategy[str]:
    return st.builds("[{} where {}]".format, _CATEGORIES, st.sampled_from(_EQL_LEAVES))


def _combined(leaves: Sequence[str], both: str, either: str, negation: str) -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            st.builds(f"({{}} {both} {{}})".format, inner, inner),
            st.builds(f"({{}} {either} {{}})".format, inner, inner),
            st.builds(f"{negation} ({{}})".format, inner),
        ),
        max_leaves=5,
    )
