from __future__ import annotations

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from dogwatch.cli.prompt import Conversation, coloured, completions, is_unfinished, problem, toolbar

FIELDS = {"process.args": "keyword", "process.name": "keyword", "process.pid": "long", "user.name": "keyword"}


@pytest.mark.parametrize(
    ("language", "before", "expected"),
    [
        ("eql", "process where process.", ["process.args", "process.name", "process.pid"]),
        ("eql", "process where starts", ["startsWith"]),
        ("eql", "process where PROCESS.P", ["process.pid"]),
        ("kql", "user.name: root and process.a", ["process.args"]),
        ("kql", "starts", []),
        ("eql", "process where ", []),
        ("eql", "process where process.name", []),
    ],
)
def test_the_word_before_the_cursor_is_completed(language: str, before: str, expected: list[str]) -> None:
    found = list(completions(language, before, FIELDS))
    assert [name for name, _, _ in found] == expected
    assert all(name.lower().startswith(before[len(before) - typed :].lower()) for name, typed, _ in found)


@pytest.mark.parametrize(
    ("language", "text", "unfinished"),
    [
        ("eql", "process where", True),
        ("eql", "process where true", False),
        ("eql", "sequence by host.id\n  [process where true]", True),
        ("eql", "sequence [any where true] [any where true]", False),
        ("eql", "process where a = 1 and b == 2", False),
        ("eql", 'process where a in ("x",', True),
        ("kql", "process.name:", True),
        ("kql", "process.name: nc", False),
        ("kql", "(process.name: nc or", True),
        ("fortisiem", "procName =", False),
    ],
)
def test_enter_goes_on_where_a_query_breaks_off(language: str, text: str, unfinished: bool) -> None:
    assert is_unfinished(language, text) == unfinished


def test_an_error_is_told_while_typing_and_a_beginning_is_none() -> None:
    assert "==" in toolbar("eql", "process where a = 1 and true")
    assert toolbar("eql", "process where") == ""
    assert toolbar("eql", "") == ""
    assert toolbar("kql", ".language eql") == ""
    assert problem("fortisiem", "(((") is None


@pytest.mark.parametrize(
    "text",
    ["", 'process where x == "a" and startsWith~(y, "b") // no\n| head 5', "process where \x00", "a 'b", "]["],
)
@pytest.mark.parametrize("language", ["eql", "kql", "fortisiem"])
def test_colours_lose_no_character(language: str, text: str) -> None:
    assert "".join(piece for _, piece in coloured(language, text)) == text


def test_keywords_strings_functions_and_errors_have_colours() -> None:
    found = {piece: style for style, piece in coloured("eql", 'any where length(x) == 2 and y == "s" \'')}
    assert found["where"] == "class:keyword"
    assert found["length"] == "class:function"
    assert found["2"] == "class:number"
    assert found['"s"'] == "class:string"
    assert found[" '"] == "class:error"


def _held(keys: str) -> tuple[list[tuple[str, str, int]], list[str]]:
    asked: list[tuple[str, str, int]] = []
    said: list[str] = []
    conversation = Conversation(
        "eql", 100, FIELDS, ("eql", "kql"), lambda *query: asked.append(query), said.append
    )
    with create_pipe_input() as source:
        source.send_text(keys)
        conversation.hold(source, DummyOutput())
    return asked, said


def test_queries_are_answered_one_after_the_other_until_the_end() -> None:
    asked, said = _held("any where true\r.language kql\r.size 7\rprocess.name: nc\r.quit\r")
    assert asked == [("eql", "any where true", 100), ("kql", "process.name: nc", 7)]
    assert said == []


def test_an_unfinished_query_goes_on_in_the_next_line() -> None:
    asked, _ = _held("any where\rtrue\r.quit\r")
    assert asked == [("eql", "any where\ntrue", 100)]


def test_a_strange_command_is_explained_and_costs_nothing() -> None:
    asked, said = _held(".size many\r.language sql\r.nonsense \x1b\r.help\rany where true\r.exit\r")
    assert asked == [("eql", "any where true", 100)]
    assert len(said) == 4
    assert "eql, kql" in said[1]


def test_control_d_ends_it() -> None:
    assert _held("\x04") == ([], [])
