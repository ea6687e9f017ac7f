"""What a plan tells of itself: its leaves, what answers them, what they cost, and which predicates are heavy."""

from __future__ import annotations

import pytest
from predicate_strategies import DATE, IP, KEYWORD, LONG, OTHER, Sample, batch_of

from dogwatch.base.text import Fold
from dogwatch.engine.plan import Plan
from dogwatch.engine.planning import families
from dogwatch.engine.profile import PlanProfile
from dogwatch.logic.predicate import (
    And,
    Compare,
    Contains,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Like,
    Literal,
    Member,
    Or,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Wild,
    WildcardPattern,
)

NAME, PID = Field(KEYWORD), Field(LONG)
ANY = Wild.ANY


def equals(text: str) -> Compare:
    return Compare(Order.EQ, NAME, Literal(text, KEYWORD.type))


def many(count: int, *, within: bool = False) -> Like:
    middle = (ANY,) if within else ()
    return Like(NAME, tuple(WildcardPattern((ANY, f"p{i}", *middle, "x", ANY)) for i in range(count)))


def test_leaves_in_order_of_appearance_with_their_ways() -> None:
    found: list[Predicate] = [
        And((equals("a"), Exists(NAME))),
        Or((Contains(NAME, "b", Fold.ASCII), equals("a"), InNetwork(Field(IP), ("10.0.0.0/8",)))),
        And((Compare(Order.GT, PID, Literal(1, LONG.type)), Compare(Order.GT, PID, Field(DATE)))),
        Regex(NAME, ("a.*",), RegexDialect.LUCENE),
    ]
    plan = Plan(found)
    outline = plan.outline()
    assert [each.leaf for each in outline] == list(plan.leaves)
    assert [(each.way, each.predicates) for each in outline] == [
        ("look-up", 2),
        ("presence", 1),
        ("patterns", 1),
        ("blocks", 1),
        ("numbers", 1),
        ("combinations", 1),
        ("values", 1),
    ]
    assert outline[0].text == 'name == "a"'
    assert outline[0].group == "one look-up over name"
    assert outline[2].group == "one Hyperscan pass over name"
    assert outline[2].members == 1
    assert outline[1].group is None
    assert outline[5].fields == (PID, Field(DATE))


def test_groups_are_of_one_column() -> None:
    found: list[Predicate] = [
        Contains(NAME, "a"),
        Contains(NAME, "b", Fold.ASCII),
        Contains(Field(OTHER), "a"),
        Contains(NAME, "c", Fold.UNICODE),
    ]
    assert [(each.group, each.members) for each in Plan(found).outline()] == [
        ("one Hyperscan pass over name", 2),
        ("one Hyperscan pass over name", 2),
        ("one Hyperscan pass over other", 1),
        ("one Hyperscan pass over name", 1),
    ]


def test_heavy_predicates_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "MOST_ALONE", 3000)
    found: list[Predicate] = [
        equals("a"),
        And((equals("a"), many(2500))),
        many(3_500),
        many(600, within=True),
        Or(tuple(Member(PID, frozenset({i})) for i in range(1500))),
    ]
    heavy = Plan(found, checked=True).heavy
    assert [each.predicate for each in heavy] == [1, 2, 3, 4]
    assert "2,500 wildcard patterns" in heavy[0].reason
    assert "too many to compile" in heavy[1].reason
    assert "1,500 different questions" in heavy[3].reason
    assert all(each.milliseconds > 0 for each in heavy)


def test_a_large_leaf_stands_apart_from_the_others() -> None:
    plan = Plan([many(2500), Contains(NAME, "a"), Contains(NAME, "b")], checked=True)
    assert [each.members for each in plan.outline()] == [1, 2, 2]
    documents: list[Sample] = [{KEYWORD: ["p7x"]}, {KEYWORD: ["ab"]}]
    assert [rows.tolist() for rows in plan.select(batch_of(documents))] == [[0], [1], [1]]


def test_a_profile_counts_rows_and_values() -> None:
    rare = Regex(NAME, ("a.*",), RegexDialect.LUCENE)
    plan = Plan(
        [And((IsTrue(Member(NAME, frozenset({"ab", "b"}))), rare)), equals("z"), Exists(NAME)], profile=True
    )
    documents: list[Sample] = [{KEYWORD: [text]} for text in ("ab", "b", "c", "ab")]
    plan.select(batch_of(documents))
    profile = plan.profile
    assert profile is not None
    assert [(cost.asked, cost.matched) for cost in profile.predicates] == [(4, 2), (4, 0), (4, 4)]
    assert [(cost.asked, cost.matched) for cost in profile.leaves] == [(4, 3), (3, 2), (0, 0), (4, 4)]
    assert profile.leaves[1].decided == 2
    assert sum(cost.nanoseconds for cost in profile.leaves) > 0
    plan.select(batch_of(documents))
    assert [(cost.asked, cost.matched) for cost in profile.predicates] == [(8, 4), (8, 0), (8, 8)]
    assert profile.leaves[1].decided == 2


def test_profiles_of_the_same_plan_add_up() -> None:
    plans = [Plan([equals("a"), Exists(NAME)], profile=True) for _ in range(2)]
    for plan, count in zip(plans, (3, 5), strict=True):
        plan.select(batch_of([{KEYWORD: ["a"]}] * count))
    whole, other = (plan.profile for plan in plans)
    assert isinstance(whole, PlanProfile)
    assert isinstance(other, PlanProfile)
    whole.merge([other])
    assert [cost.matched for cost in whole.predicates] == [8, 8]


def test_without_a_profile_nothing_is_counted() -> None:
    assert Plan([equals("a")]).profile is None
