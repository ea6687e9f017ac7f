from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Place
from dogwatch.rules.fortisiem_model import (
    ClearCondition,
    IncidentDefinition,
    Operator,
    PatternClause,
    QuietClear,
    SubPattern,
    WatchListAddition,
)
from dogwatch.rules.model import Change, ChangeKind, ElasticRule, FortisiemRule, HistoryEntry, Level
from dogwatch.rules.ruleset import rule_set
from dogwatch.rules.versions import (
    ListChange,
    Piece,
    PieceKind,
    TextChange,
    ValueChange,
    diff,
    history,
    query_text,
    query_tokens,
)

RULE = ElasticRule(
    instance_id="i",
    rule_id="r",
    version=1,
    name="N",
    description="d",
    severity=Level.LOW,
    type="eql",
    language="eql",
    query="process where a == 1",
    risk_score=1,
    place=Place("a.toml", 1),
)
FORTISIEM = FortisiemRule(
    instance_id="i",
    rule_id="f",
    version=1,
    name="N",
    description="d",
    severity=Level.LOW,
    incident=IncidentDefinition("PH_RULE_f", 3),
    clause=PatternClause(
        300,
        (SubPattern("A", "x = 1", ("u",), filter_place=Place("a", 1)), SubPattern("B", "y = 1")),
        (Operator("FOLLOWED_BY"),),
    ),
)


def test_a_rule_differs_in_nothing_from_itself_elsewhere() -> None:
    assert diff(RULE, replace(RULE, place=None, query_place=Place("b", 2), instance_id="j")) == ()
    moved = replace(FORTISIEM.subpatterns[0], filter_place=None)
    clause = replace(FORTISIEM.clause, subpatterns=(moved, FORTISIEM.subpatterns[1]))
    assert diff(FORTISIEM, replace(FORTISIEM, clause=clause)) == ()


def test_values_and_lists() -> None:
    new = replace(RULE, name="M", tags=("a", "b"), risk_score=2, extra={"k": {"x": 1}})
    assert diff(replace(RULE, tags=("b", "c"), extra={"k": {"y": 2}}), new) == (
        ValueChange("name", "N", "M"),
        ListChange("tags", ("a",), ("c",)),
        ValueChange("extra.k.y", 2, None),
        ValueChange("extra.k.x", None, 1),
        ValueChange("risk_score", 1, 2),
    )


def test_a_list_in_another_order() -> None:
    assert diff(replace(RULE, tags=("a", "b")), replace(RULE, tags=("b", "a"))) == (ListChange("tags", (), ()),)


def test_a_query_is_compared_by_tokens() -> None:
    (change,) = diff(RULE, replace(RULE, query='process where a == 2 and b : "x y"'))
    assert change == TextChange(
        "query",
        (
            Piece(PieceKind.SAME, "process where a =="),
            Piece(PieceKind.REMOVED, "1"),
            Piece(PieceKind.ADDED, '2 and b : "x y"'),
        ),
    )


def test_a_query_laid_out_anew_is_formatting() -> None:
    (change,) = diff(RULE, replace(RULE, query="process\n  where a==1"))
    assert isinstance(change, TextChange)
    assert change.formatting_only


def test_a_long_text_is_compared_by_lines() -> None:
    (change,) = diff(replace(RULE, note="a\nb\nc"), replace(RULE, note="a\nc\nd"))
    assert change == TextChange(
        "note",
        (
            Piece(PieceKind.SAME, "a"),
            Piece(PieceKind.REMOVED, "b"),
            Piece(PieceKind.SAME, "c"),
            Piece(PieceKind.ADDED, "d"),
        ),
    )


def test_subpatterns_are_compared_by_name() -> None:
    clause = replace(FORTISIEM.clause, subpatterns=(FORTISIEM.subpatterns[0], SubPattern("B", "y = 2")))
    (change,) = diff(FORTISIEM, replace(FORTISIEM, clause=clause))
    assert change.field == "clause.subpatterns.B.filter"


def clause_changes(**changes: object) -> list[tuple[str, object, object]]:
    clause = replace(FORTISIEM.clause, **changes)  # type: ignore[arg-type] # a test names the fields
    return [
        (each.field, each.old, each.new)
        if isinstance(each, ValueChange)
        else (each.field, each.removed, each.added)
        for each in diff(FORTISIEM, replace(FORTISIEM, clause=clause))
        if not isinstance(each, TextChange)
    ]


def test_the_parts_of_a_clause_are_compared_one_by_one() -> None:
    first, second = FORTISIEM.subpatterns
    assert clause_changes(window=60) == [("clause.window", 300, 60)]
    assert clause_changes(operators=(Operator("AND", 1),)) == [
        ("clause.operators", ("FOLLOWED_BY",), ("AND (rank 1)",))
    ]
    assert clause_changes(subpatterns=(replace(first, group_by=()), second)) == [
        ("clause.subpatterns.A.group_by", ("u",), ())
    ]
    # Their order is what FOLLOWED_BY goes by.
    assert clause_changes(subpatterns=(second, first)) == [("clause.subpatterns", (), ())]
    assert ("clause.subpatterns.C.filter", None, "z = 1") in clause_changes(
        subpatterns=(first, second, SubPattern("C", "z = 1"))
    )


def test_clear_conditions_and_watch_lists_are_compared() -> None:
    clear = ClearCondition(QuietClear(60))
    with_clear = replace(FORTISIEM, clear_condition=clear, watch_lists=(WatchListAddition("u", ("L",)),))
    assert diff(FORTISIEM, with_clear) == (
        ValueChange("clear_condition.when.quiet", None, 60),
        ValueChange("clear_condition.method", None, "Auto"),
        ListChange("watch_lists", ("u: L",), ()),
    )
    longer = replace(with_clear, clear_condition=ClearCondition(QuietClear(90)))
    assert diff(with_clear, longer) == (ValueChange("clear_condition.when.quiet", 60, 90),)


def test_a_change_of_the_clause_is_one_of_the_query() -> None:
    def kinds(new: FortisiemRule) -> list[ChangeKind]:
        rules = rule_set([FORTISIEM, replace(new, version=2)])
        return [change.kind for change in history(rules.rules[-1], rules)[0].changes]

    named = replace(FORTISIEM.subpatterns[0], display_name="Shown")
    assert kinds(replace(FORTISIEM, clause=replace(FORTISIEM.clause, window=60))) == [ChangeKind.QUERY]
    assert kinds(replace(FORTISIEM, clear_condition=ClearCondition(QuietClear(60)))) == [ChangeKind.METADATA]
    shown = replace(FORTISIEM.clause, subpatterns=(named, FORTISIEM.subpatterns[1]))
    assert kinds(replace(FORTISIEM, clause=shown)) == [ChangeKind.METADATA]


def test_rules_of_two_kinds_share_the_common_fields() -> None:
    changed = diff(RULE, FORTISIEM)
    assert [change.field for change in changed] == ["rule_id"]


def test_the_query_of_a_fortisiem_rule() -> None:
    joined = replace(FORTISIEM, clause=replace(FORTISIEM.clause, global_constraint="A.u = B.u"))
    assert query_text(joined) == query_text(FORTISIEM) + "\nwhere A.u = B.u"
    assert query_text(FORTISIEM) == "x = 1\nCOUNT(*) >= 1\nFOLLOWED_BY\ny = 1\nCOUNT(*) >= 1"


def test_history_of_versions_that_no_file_tells_of() -> None:
    rules = rule_set(
        [
            RULE,
            replace(RULE, version=2, query="process  where a == 1"),
            replace(RULE, version=4, query="process where a == 2", tags=("t",), release="8.1"),
        ]
    )
    entries = history(rules.rules[-1], rules)
    assert [(entry.version, entry.release, [change.kind for change in entry.changes]) for entry in entries] == [
        (4, "8.1", [ChangeKind.QUERY, ChangeKind.METADATA]),
        (2, None, [ChangeKind.FORMATTING]),
        (1, None, []),
    ]
    assert entries[0].changes[0] == Change(ChangeKind.QUERY, "process  where a == 1", "process where a == 2")
    assert entries[0].summary == "Differs from version 2 in query, tags."
    assert [entry.version for entry in history(rules.rules[1], rules)] == [2, 1]


def test_what_a_file_tells_comes_first_and_is_completed() -> None:
    told = (
        HistoryEntry(5, "2", summary="five", changes=(Change(ChangeKind.QUERY, before="q3"),)),
        HistoryEntry(3, "1", summary="three", changes=(Change(ChangeKind.QUERY, before="q2"),)),
    )
    rules = rule_set([replace(RULE, version=5, history=told)])
    five, three = history(rules.rules[0], rules)
    assert five.changes == (Change(ChangeKind.QUERY, "q3", "process where a == 1"),)
    assert three.changes == (Change(ChangeKind.QUERY, "q2", "q3"),)


def test_a_newer_file_tells_an_older_version_s_history() -> None:
    told = (HistoryEntry(2, summary="two"), HistoryEntry(1, summary="one"))
    rules = rule_set([RULE, replace(RULE, version=2, history=told)])
    assert [entry.summary for entry in history(rules.rules[0], rules)] == ["one"]


def test_a_rule_outside_the_set_has_a_history_too() -> None:
    assert [entry.version for entry in history(RULE, rule_set([]))] == [1]


def test_tokens() -> None:
    assert query_tokens('a.b:("x \\" y", z*) /* c */ <=3') == [
        "a.b", ":", "(", '"x \\" y"', ",", "z*", ")", "/*", "c", "*/", "<=", "3",
    ]  # fmt: skip
    assert query_tokens('"open') == ['"open']
    assert query_tokens('"\\') == ['"\\']


@given(st.text(alphabet="ab \"'\\=<()\n.*", max_size=40))
def test_tokens_hold_every_character_but_white_space(text: str) -> None:
    joined = "".join(query_tokens(text))
    assert "".join(joined.split()) == "".join(text.split())


_LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=2, max_size=6).map("\n".join)


@given(_LINES, _LINES)
def test_both_texts_can_be_read_off_a_diff(old: str, new: str) -> None:
    for change in diff(replace(RULE, note=old), replace(RULE, note=new)):
        assert isinstance(change, TextChange)
        for text, other in ((old, PieceKind.ADDED), (new, PieceKind.REMOVED)):
            kept = "\n".join(piece.text for piece in change.pieces if piece.kind is not other)
            assert kept == text
