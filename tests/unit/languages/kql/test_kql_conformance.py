"""Public conformance data of Kibana and of Elastic's rule checker, read in place, on both evaluators."""

from __future__ import annotations

import json
import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kql_events import kql, selected

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.languages.eql import lower_text as lower_eql
from dogwatch.languages.kql.ast import And, Is, MatchAll, Nested, Not, Or, Query, Range
from dogwatch.languages.kql.parser import parse
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import Predicate
from dogwatch.schema.schema import Schema

_SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[4].parent / "shared"))
_DATA = _SHARED / "conformance" / "kuery"
_CHECKER, _KIBANA = "elastic__detection-rules", "elastic__kibana"

pytestmark = pytest.mark.skipif(not _DATA.is_dir(), reason="the conformance data is not beside this checkout")

_WORDS = [
    "value",
    "value2",
    "a",
    "b",
    "c",
    "d",
    "e",
    "y",
    "x",
    "v1",
    "v4",
    "hello",
    "jpg",
    "true",
    "1",
    "2",
    "Win 7",
]


def _cases(source: str, name: str) -> list[dict[str, Any]]:
    path = _DATA / source / f"{name}.json"
    if not path.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return cases


def _ids(case: dict[str, Any]) -> str:
    return str(case.get("query") or f"{case.get('field')}: {case.get('value')}")


def _field_names(query: str) -> list[str]:
    """The fields that a query names; brackets and quotes of the cases are simple enough for this."""
    return sorted(set(re.findall(r"([\w.@]+)\"?\s*(?::|<=?|>=?)", re.sub(r"\\.", "", query)))) or ["field"]


def _values_like(query: str) -> list[str]:
    """Values that stand in a query, and some that nearly do."""
    plain = re.sub(r"\\(.)", r"\1", query)
    words = re.findall(r"[^\s():\"{}<>]+", plain)
    texts = {text.replace("*", middle) for text in words for middle in ("", "x", " y z ", "*")}
    after = {part.strip().strip('"').replace("*", "x") for part in re.split(r":", plain)[1:]}
    return sorted({*texts, *after, *_WORDS})


def _documents(fields: list[str], values: list[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    held = st.lists(st.sampled_from(values), max_size=3)
    return st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, held)), min_size=4, max_size=12)


# --- evaluate.json


def test_documents_are_selected_as_the_rule_checker_selects_them() -> None:
    data = json.loads((_DATA / _CHECKER / "evaluate.json").read_text(encoding="utf-8"))
    mappings = {
        "number": "long",
        "number_list": "long",
        "boolean": "boolean",
        "boolean_list": "boolean",
        "ip": "ip",
        "structured": "nested",
        "structured.a": "nested",
        "string": "keyword",
        "string_list": "keyword",
        "deltas": "nested",
        "deltas.action": "keyword",
        "deltas.role": "keyword",
    }
    flat = {**mappings, "structured": "object", "structured.a": "object", "structured.a.b": "long"}
    assert len(data["cases"]) == 66
    for case in data["cases"]:
        document = data["documents"][case["document"]]
        # The checker reads one and the same list as nested and as flat; an index maps it as one of them.
        braces = "{" in case["query"]
        predicate = kql(case["query"], {**mappings, "structured.a.b": "long"} if braces else flat)
        assert selected(predicate, [document]) == [case["matches"]], case["query"]


# --- lint_equivalences.json


@pytest.mark.parametrize(
    "case", [case for case in _cases(_CHECKER, "lint_equivalences") if "equivalent" in case], ids=_ids
)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_equivalent_queries_select_the_same_events(case: dict[str, Any], data: st.DataObject) -> None:
    fields = _field_names(case["query"])
    mappings = dict.fromkeys(fields, "keyword")
    documents = data.draw(_documents(fields, _values_like(case["query"])))
    found = selected(kql(case["query"], mappings), documents)
    assert found == selected(kql(case["equivalent"], mappings), documents)


@pytest.mark.parametrize(
    "query",
    [case["query"] for case in _cases(_CHECKER, "lint_equivalences") if case.get("normalize_kql_keywords")],
)
def test_keywords_are_taken_in_any_letter_case(query: str) -> None:
    """The checker refuses capitals unless told otherwise; Kibana takes them."""
    mappings = dict.fromkeys("abc", "keyword")
    lower = re.sub(r"\b(AND|OR|NOT)\b", lambda match: match[0].lower(), query)
    assert kql(query, mappings) == kql(lower, mappings)


# --- the Query DSL, as far as the cases use it, over documents of keywords


def _texts(document: dict[str, Any], field: str) -> list[str]:
    held = document.get(field, [])
    return [_text(value) for value in (held if isinstance(held, list) else [held])]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dsl(query: dict[str, Any], document: dict[str, Any]) -> bool:
    ((kind, body),) = query.items()
    match kind:
        case "match_all":
            return True
        case "bool":
            return _bool(body, document)
        case "exists":
            return bool(_texts(document, body["field"]))
        case "match" | "match_phrase" | "term":
            ((field, value),) = body.items()
            return _text(value["value"] if isinstance(value, dict) else value) in _texts(document, field)
        case "multi_match":
            return any(_text(body["query"]) in _texts(document, field) for field in document)
        case "wildcard":
            ((field, value),) = body.items()
            return any(fnmatchcase(text, _glob(value["value"])) for text in _texts(document, field))
        case "query_string" if body["query"] == "*":
            return True
        case "query_string":
            fields = body.get("fields", list(document))
            parts = body["query"].split(" ")
            return any(
                fnmatchcase(text, _glob(part))
                for field in fields
                for text in _texts(document, field)
                for part in parts
            )
        case "range":
            ((field, ends),) = body.items()
            return any(all(_in_order(text, end) for end in ends.items()) for text in _texts(document, field))
    raise AssertionError(f"no such clause is expected: {kind}")


def _bool(body: dict[str, Any], document: dict[str, Any]) -> bool:
    def asked(key: str) -> list[bool]:
        return [_dsl(part, document) for part in body.get(key, [])]

    least = body.get("minimum_should_match", 0 if body.get("filter") else 1)
    should = asked("should")
    enough = not should or sum(should) >= least
    return all(asked("filter")) and not any(asked("must_not")) and enough


def _in_order(text: str, end: tuple[str, Any]) -> bool:
    bound = _text(end[1])
    return {"lt": text < bound, "lte": text <= bound, "gt": text > bound, "gte": text >= bound}[end[0]]


def _glob(pattern: str) -> str:
    """A Lucene wildcard without ``?`` as one of ``fnmatch``, where brackets escape."""
    parts = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    return "".join(
        f"[{escaped}]" if escaped in "*?[" and escaped else escaped or plain for escaped, plain in parts
    )


def _has_nested(node: object) -> bool:
    return '"nested"' in json.dumps(node)


@pytest.mark.parametrize(
    "case",
    [case for case in _cases(_CHECKER, "to_dsl") if "dsl_bool" in case and not _has_nested(case["dsl_bool"])],
    ids=_ids,
)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_queries_select_what_the_checkers_dsl_selects(case: dict[str, Any], data: st.DataObject) -> None:
    if case["query"] == "null":
        pytest.skip(
            "Kibana takes null as the literal, which Elasticsearch refuses; the checker takes it for a word"
        )
    fields = _field_names(case["query"])
    # Not exactly keywords: the checker knows no mapping and writes `match` and `query_string`.
    predicate = kql(case["query"], dict.fromkeys(fields, "wildcard"))
    documents = data.draw(_documents(fields, _values_like(case["query"])))
    assert selected(predicate, documents) == [_dsl({"bool": case["dsl_bool"]}, document) for document in documents]


_NESTED = {
    "top": "nested",
    "top.a": "keyword",
    "top.b": "keyword",
    "top.middle": "nested",
    "top.middle.bool": "boolean",
}


def _nested_dsl(query: dict[str, Any], holder: dict[str, Any], path: str) -> bool:
    """A clause about one object; names in it are whole paths, and the object's own are relative to ``path``."""
    ((kind, body),) = query.items()
    if kind == "nested":
        objects = holder.get(body["path"].removeprefix(path), [])
        return any(_nested_dsl(body["query"], each, f"{body['path']}.") for each in objects)
    if kind == "bool":
        parts = {
            key: [_nested_dsl(part, holder, path) for part in body.get(key, [])] for key in ("filter", "should")
        }
        return all(parts["filter"]) and (not parts["should"] or any(parts["should"]))
    ((field, value),) = body.items()
    return _text(value) in _texts(holder, field.removeprefix(path))


_MIDDLES = st.lists(st.fixed_dictionaries({}, optional={"bool": st.booleans()}), max_size=3)
_TOPS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "a": st.sampled_from(["ADD", "hello", ["ADD", "x"]]),
            "b": st.sampled_from(["x", "y", "z", ["z", "x"]]),
            "middle": _MIDDLES,
        },
    ),
    max_size=3,
)


@pytest.mark.parametrize(
    "case", [case for case in _cases(_CHECKER, "to_dsl") if _has_nested(case.get("dsl_bool"))], ids=_ids
)
@settings(max_examples=20, deadline=None)
@given(tops=st.lists(_TOPS, min_size=1, max_size=6))
def test_nested_queries_select_what_the_checkers_dsl_selects(case: dict[str, Any], tops: list[Any]) -> None:
    documents = [{"top": objects} for objects in tops]
    expected = [_nested_dsl({"bool": case["dsl_bool"]}, document, "") for document in documents]
    assert selected(kql(case["query"], _NESTED), documents) == expected


_ELSEWHERE = {
    "caseInsensitive": "the detection engine does not ask for it",
    "dateFormatTZ": "the detection engine reads dates in UTC",
}
_IS_FIELDS = {
    "extension": "wildcard",
    "machine.os.keyword": "keyword",
    "@timestamp": "date",
    "nestedField": "nested",
    "nestedField.extension": "wildcard",
    "nestedField.nestedChild": "nested",
    "nestedField.nestedChild.doublyNestedChild": "wildcard",
}


@pytest.mark.parametrize("case", _cases(_KIBANA, "is_to_dsl"), ids=_ids)
def test_conditions_select_what_kibanas_dsl_selects(case: dict[str, Any]) -> None:
    for option, reason in _ELSEWHERE.items():
        if option in case.get("config", {}):
            pytest.skip(reason)
    value = _text(case["value"])
    field = case["field"]
    condition = value if field is None else f"{field}: {value}"
    texts = ["jpg", "jpg and more", "JPG", "win", "winner", "Win 7", "a\\b", "200", "foo", ""]
    dates = ["2018-04-03T19:04:17Z", "2018-04-03T19:04:17.900Z", "2018-04-03T19:04:18Z"]
    documents: list[dict[str, Any]] = [{}, {"extension": texts}]
    documents += [{name: text} for name in ("extension", "machine.os.keyword") for text in texts]
    if path := case.get("nested_path"):
        objects: list[dict[str, Any]] = [{path: [{"extension": text}, {}]} for text in texts]
        predicate = kql(f"{path}: {{ {condition} }}", _IS_FIELDS)
        inner = [_dsl(case["dsl"], {f"{path}.extension": text}) for text in texts]
        assert selected(predicate, objects) == inner
    elif "@timestamp" in json.dumps(case["dsl"]):
        # The upper end takes in the whole of the unit that was written last.
        found = selected(kql(condition, _IS_FIELDS), [{"@timestamp": date} for date in dates])
        assert found == [True, True, False]
    elif _has_nested(case["dsl"]):
        objects = [{"nestedField": [{"nestedChild": [{"doublyNestedChild": text}]}]} for text in texts]
        assert selected(kql(condition, _IS_FIELDS), objects) == [text == "foo" for text in texts]
    else:
        predicate = kql(condition, {name: kind for name, kind in _IS_FIELDS.items() if kind != "nested"})
        expected = [_dsl(case["dsl"], document) for document in documents]
        assert selected(predicate, documents) == expected


# --- to_eql.json

_NOT_COMPARED = {
    "top:{keyword : 1}": "EQL cannot query nested objects; KQL can",
    "top:{middle:{bool: true}}": "EQL cannot query nested objects; KQL can",
    'top.text : "hello"': "the checker's EQL has no analysed text; KQL matches its words",
    "top.text : 1 ": "the checker's EQL has no analysed text; KQL matches its words",
    "top.middle : 1": "a condition on nested objects themselves matches no event, with a warning",
}


def _guessed_mappings(expression: str) -> dict[str, str]:
    """Field types by the literals that an EQL expression compares them with."""
    found: dict[str, str] = {}
    for field, literal in re.findall(r"([\w.]+)\s*(?:[=!<>]+|in)\s*\(?('[^']*'|[\w.-]+)", expression):
        kind = "keyword"
        if literal in ("true", "false"):
            kind = "boolean"
        elif re.fullmatch(r"-?\d+", literal):
            kind = "long"
        elif re.fullmatch(r"-?\d+\.\d+", literal):
            kind = "double"
        found[field] = kind
    return found


def _eql(expression: str, mappings: dict[str, str]) -> Predicate:
    # The expressions are in an older dialect: single quotes, and `=` for `==`.
    today = re.sub(r"(?<![<>!=])=(?!=)", "==", expression).replace("'", '"')
    pattern = lower_eql(f"any where {today}", type_of=Schema(mappings).type_of).pattern
    assert isinstance(pattern, EventPattern)
    return pattern.predicate


_HELD: dict[str, list[Any]] = {
    "keyword": ["value", "value2", "hello", "1", "a", "Value", ""],
    "long": [0, 1, 2, 3, 4, -1, -2],
    "double": [1.0, 0.5, 1.5, -1.0],
    "boolean": [True, False],
    "ip": ["192.168.255.255", "192.168.0.1", "10.0.0.1"],
}


@pytest.mark.parametrize(
    "case", [case for case in _cases(_CHECKER, "to_eql") if "eql_expression" in case], ids=_ids
)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_kql_and_its_eql_select_the_same_events(case: dict[str, Any], data: st.DataObject) -> None:
    expression = case["eql_expression"]
    # Kibana refuses a nested object's field outside braces, which the checker takes: here nothing is nested.
    given_types = {path: kind for path, kind in case.get("schema", {}).items() if kind != "nested"}
    mappings = given_types or _guessed_mappings(expression)
    used = [path for path in mappings if path in expression]
    documents = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {}, optional={path: st.lists(st.sampled_from(_HELD[mappings[path]]), max_size=3) for path in used}
            ),
            min_size=4,
            max_size=10,
        )
    )
    assert selected(kql(case["query"], mappings), documents) == selected(_eql(expression, mappings), documents)


@pytest.mark.parametrize(
    "case",
    [case for case in _cases(_CHECKER, "to_eql") if case.get("call") == "to_eql" and "schema" in case],
    ids=_ids,
)
def test_values_that_the_checker_refuses_for_a_type_are_refused(case: dict[str, Any]) -> None:
    if case["query"] in _NOT_COMPARED:
        kql(case["query"], case["schema"])
        return
    with pytest.raises(DogwatchError) as caught:
        kql(case["query"], case["schema"])
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["kql-type"]


# --- parse.json: trees, and what depends on types


def _checkers_tree(node: dict[str, Any]) -> tuple[Any, ...]:
    """A tree of the checker: its kinds of value (String, Number, Boolean) are one kind of text here."""
    args = node["args"]
    match node["node"]:
        case "AndExpr" | "OrExpr":
            return (node["node"][:-4].lower(), *map(_checkers_tree, args[0]))
        case "NotExpr":
            return ("not", _checkers_tree(args[0]))
        case "FieldComparison":
            return ("is", args[0]["args"][0], _checkers_value(args[1]))
        case "FreeText":
            return ("is", None, _checkers_value(args[0]))
        case "FieldRange":
            return ("range", args[0]["args"][0], args[1], _checkers_value(args[2]))
        case "NestedQuery":
            return ("nested", args[0]["args"][0], _checkers_tree(args[1]))
    raise AssertionError(f"no such node is expected: {node}")


def _checkers_value(node: dict[str, Any]) -> tuple[str, bool]:
    return _text(node["args"][0]), node["node"] == "Wildcard"


def _tree(query: Query) -> tuple[Any, ...]:
    match query:
        case And(parts=parts) | Or(parts=parts):
            return (type(query).__name__.lower(), *map(_tree, parts))
        case Not(part=part):
            return ("not", _tree(part))
        case Is(field=field, value=value):
            return ("is", field and field.literal, (value.literal, value.has_wildcard))
        case Range(field=field, op=op, value=value):
            return ("range", field.literal, op.value, (value.literal, value.has_wildcard))
        case Nested(path=path, query=inner):
            return ("nested", path.literal, _tree(inner))
        case MatchAll():
            return ("all",)


@pytest.mark.parametrize("case", [case for case in _cases(_CHECKER, "parse") if "ast" in case], ids=_ids)
def test_queries_are_read_as_the_checker_reads_them(case: dict[str, Any]) -> None:
    assert _tree(parse(case["query"])) == _checkers_tree(case["ast"])


_STRICTER = {
    "@time > 5": "Elasticsearch reads a number as milliseconds since 1970",
    'common.* : "hello"': "fields of other types behind a pattern are asked leniently",
    "leaf:{ a:1 }": "braces behind a field that is not nested are read as a prefix, with a notice",
    "top:{ bogus:1 }": "an unknown field is a keyword, with a warning",
}


@pytest.mark.parametrize(
    "case", [case for case in _cases(_CHECKER, "parse") if case.get("schema")], ids=lambda case: case["query"]
)
def test_queries_under_a_schema_are_taken_or_refused(case: dict[str, Any]) -> None:
    known = {path: "text" if kind == "annotated-text" else kind for path, kind in case["schema"].items()}
    if case["expect"] != "error" or case["query"] in _STRICTER:
        kql(case["query"], known, now=0)
        return
    with pytest.raises(DogwatchError):
        kql(case["query"], known, now=0)
