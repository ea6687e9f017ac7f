"""No file makes a loader raise: whatever it holds, there are rules or diagnostics."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Severity
from dogwatch.rules.loaders import elastic_toml, fortisiem_xml, kibana
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.ruleset import load_rules, rule_set

Load = Callable[[str, str], Loaded]
RULE: dict[str, Any] = {
    "rule_id": "r",
    "name": "n",
    "description": "d",
    "type": "query",
    "language": "kuery",
    "query": "a:1",
    "severity": "low",
    "risk_score": 1,
    "version": 1,
    "index": ["a-*"],
    "threat": [{"tactic": {"name": "Execution"}, "technique": [{"id": "T1059", "subtechnique": [{"id": "x"}]}]}],
    "filters": [{"meta": {}}],
    "dogwatch": {"history": [{"version": 1, "changes": [{"kind": "query"}]}]},
}
SHIPPED = {
    "toml": (elastic_toml.load, load_rules("builtin").find("adb961e0-cb74-42a0-af9e-29fc41f88f5f@5")),
    "xml": (fortisiem_xml.load, load_rules("builtin").find("PH_Rule_TH_Linux_23")),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def assert_sound(loaded: Loaded) -> None:
    rule_set(loaded.rules, loaded.diagnostics)
    for diagnostic in loaded.diagnostics:
        assert diagnostic.render()
        assert diagnostic.code


@given(st.sampled_from([elastic_toml.load, kibana.load, fortisiem_xml.load]), st.text())
def test_any_text(load: Load, text: str) -> None:
    assert_sound(load(text, "file"))


@given(st.sampled_from(sorted(SHIPPED)), st.data())
def test_a_rule_with_a_piece_replaced(kind: str, data: st.DataObject) -> None:
    load, rule = SHIPPED[kind]
    assert rule.place is not None
    text = Path(rule.place.file).read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    piece = data.draw(
        st.sampled_from(["", '"', "'", "'''", "[", "]]", "=", "\n", "<", ">", "&", "<a>", "\0", "-1"])
    )
    assert_sound(load(text[:start] + piece + text[end:], "file"))


def put(value: Any, path: list[int], new: Any) -> Any:
    """A copy of a JSON value with a part of it replaced: each number of the path chooses a child."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    children = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    chosen = children[path[0] % len(children)][0]
    changed = {key: put(child, path[1:], new) if key == chosen else child for key, child in children}
    return changed if isinstance(value, dict) else list(changed.values())


@given(st.lists(st.integers(0, 20), min_size=1, max_size=6), JSON)
def test_a_rule_with_a_value_of_any_type(path: list[int], new: object) -> None:
    loaded = kibana.load(json.dumps(put(RULE, path, new)), "file")
    assert_sound(loaded)
    assert loaded.rules or any(each.severity is Severity.ERROR for each in loaded.diagnostics)


@pytest.mark.parametrize("key", ["rule_id", "name", "query", "note", "tags"])
def test_half_a_character_is_a_diagnostic(key: str) -> None:
    loaded = kibana.load(json.dumps(RULE | {key: "\ud800"}), "file")
    assert_sound(loaded)
    assert loaded.diagnostics[0].code == "rule-field-type"
    assert bool(loaded.rules) == (key in ("note", "tags"))
