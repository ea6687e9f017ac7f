import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.events.index import IndexPatterns, data_stream_of, index_of

STREAM = {"type": "logs", "dataset": "endpoint.events.process", "namespace": "default"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auditbeat-8.9", "auditbeat-8.9"),
        (".ds-logs-x-default-2024.01.01-000001", "logs-x-default"),
        (".ds-logs-x-default-2024.01.01-1000001", "logs-x-default"),
        (".ds-logs-x-default-000001", "logs-x-default"),
        ("partial-.ds-logs-x-default-2024.01.01-000001", "logs-x-default"),
        ("eu:.ds-logs-x-default-2024.01.01-000001", "logs-x-default"),
        ("eu:auditbeat-8.9", "auditbeat-8.9"),
        ("partial-logs", "partial-logs"),
        (".ds-odd", ".ds-odd"),
        (".ds-logs-2024.1.1-abc", ".ds-logs-2024.1.1-abc"),
        (".ds--000001", ".ds--000001"),
    ],
)
def test_the_data_stream_of_an_index(name: str, expected: str) -> None:
    assert data_stream_of(name) == expected


def test_who_names_the_index() -> None:
    hit = ".ds-logs-a-b-2024.01.01-000001"
    assert index_of({"data_stream": STREAM}, hit, "mine") == "mine"
    assert index_of({"data_stream": STREAM}, hit) == "logs-a-b"
    assert index_of({"data_stream": STREAM}) == "logs-endpoint.events.process-default"
    dotted = {f"data_stream.{name}": value for name, value in STREAM.items()}
    assert index_of(dotted) == "logs-endpoint.events.process-default"
    assert index_of({"data_stream": [STREAM]}) == "logs-endpoint.events.process-default"
    assert index_of({}) is None
    assert index_of({}, 7) is None
    assert index_of({"data_stream": {**STREAM, "namespace": None}}) is None
    assert index_of({"data_stream": "logs"}) is None


@pytest.mark.parametrize(
    ("patterns", "name", "expected"),
    [
        (["auditbeat-*"], "auditbeat-8.9", True),
        (["auditbeat-*"], "xauditbeat-8.9", False),
        (["auditbeat-*"], "Auditbeat-8.9", False),
        (["logs-*,auditbeat-*"], "auditbeat-8.9", True),
        ([" logs-* , auditbeat-* "], "auditbeat-8.9", True),
        (["*:auditbeat-*"], "auditbeat-8.9", True),
        (["eu:auditbeat-*"], "auditbeat-8.9", True),
        (["logs-*", "-logs-x*"], "logs-xy", False),
        (["logs-*", "-logs-x*"], "logs-y", True),
        (["logs-*", "-*:logs-x*"], "logs-xy", False),
        (["-logs-x*", "logs-*"], "logs-xy", True),
        (["-logs-x*"], "logs-y", False),
        (["logs-*-a-*-b"], "logs-1-a-2-b", True),
        (["logs-*-a-*-b"], "logs-1-a-b", False),
        (["ab*ba"], "aba", False),
        (["exact"], "exact", True),
        (["exact"], "exactly", False),
        (["*"], "", True),
        (["_all"], "anything", True),
        ([], "anything", False),
        ([","], "anything", False),
        (["a.c"], "abc", False),
        (["*"], "a\nb", True),
    ],
)
def test_patterns(patterns: list[str], name: str, expected: bool) -> None:
    assert IndexPatterns(patterns).matches(name) is expected


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=8))
def test_a_pattern_matches_as_the_textbook_table_says(pattern: str, name: str) -> None:
    reachable = {0}
    for char in pattern:
        if char == "*":
            reachable = set(range(min(reachable), len(name) + 1)) if reachable else set()
        else:
            reachable = {at + 1 for at in reachable if at < len(name) and name[at] == char}
    assert IndexPatterns([pattern]).matches(name) is (len(name) in reachable)


def test_a_hostile_name_costs_little() -> None:
    assert not IndexPatterns(["*a" * 50 + "b"]).matches("a" * 100_000)
