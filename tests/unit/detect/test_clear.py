"""How incidents clear: by being quiet, and by a pattern that fits them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incident_samples import START, aggregate_pattern, cleared_by, hit, quiet, rule

from dogwatch.alerts.model import Cleared
from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.time import SECOND
from dogwatch.detect.clear import PatternClearer
from dogwatch.detect.incident import IncidentDetector
from dogwatch.rules.clearing import check_clear
from dogwatch.rules.fortisiem_model import PatternClear
from dogwatch.rules.logic import lower_clear
from dogwatch.schema.schema import Schema

UP = aggregate_pattern("Up")


def _seconds(time: int) -> int:
    return (time - START) // SECOND


def _detector(
    constraint: str = "Back.hostName = PH_RULE_Down.hostName", maps: str = "hostName = Up.hostName"
) -> tuple[IncidentDetector, PatternClearer]:
    made = rule(clear_condition=cleared_by(constraint, maps))
    assert made.clear_condition is not None
    assert isinstance(made.clear_condition.when, PatternClear)
    detector = IncidentDetector(made, aggregate_pattern())
    return detector, PatternClearer(detector, made.clear_condition.when, UP)


def _states(detector: IncidentDetector) -> list[tuple[str, int, int | None]]:
    return [
        (each.attributes["hostName"], len(each.triggers), _seconds(each.cleared.time) if each.cleared else None)
        for each in detector.incidents()
    ]


class TestQuiet:
    def test_it_clears_once_the_data_say_so(self) -> None:
        detector = IncidentDetector(rule(clear_condition=quiet(10)), aggregate_pattern())
        detector.trigger(hit(1, "a", "u"))
        detector.trigger(hit(5, "b", "u"))
        assert detector.advance(START + 11 * SECOND) == []
        assert [each.attributes["hostName"] for each in detector.advance(START + 12 * SECOND)] == ["a"]
        assert detector.advance(START + 12 * SECOND) == []
        assert _states(detector) == [("a", 1, 11), ("b", 1, None)]

    def test_a_trigger_in_the_future_does_not_move_the_clock(self) -> None:
        detector = IncidentDetector(rule(clear_condition=quiet(10)), aggregate_pattern())
        detector.trigger(hit(1, "a", "u"))
        detector.trigger(hit(100, "b", "u"))
        assert detector.advance(START + 11 * SECOND) == []
        assert _states(detector) == [("a", 1, None), ("b", 1, None)]

    def test_a_trigger_tells_of_the_incident_that_had_been_quiet_before_it(self) -> None:
        detector = IncidentDetector(rule(clear_condition=quiet(10)), aggregate_pattern())
        first, second = (detector.trigger(hit(at, "a", "u")) for at in (1, 12))
        assert first is not None
        assert second is not None
        assert detector.quieted(first) is None
        over = detector.quieted(second)
        assert over is not None
        assert (over.uuid, over.cleared) == (first.uuid, Cleared.by_quiet(START + SECOND, 10 * SECOND))

    def test_a_trigger_puts_it_off(self) -> None:
        detector = IncidentDetector(rule(clear_condition=quiet(10)), aggregate_pattern())
        for at in (1, 11, 21):
            detector.trigger(hit(at, "a", "u"))
        assert detector.advance(START + 31 * SECOND) == []
        assert _states(detector) == [("a", 3, None)]
        assert len(detector.advance(START + 32 * SECOND)) == 1

    def test_a_later_trigger_opens_another_whether_or_not_the_clock_was_told(self) -> None:
        for told in (True, False):
            detector = IncidentDetector(rule(clear_condition=quiet(10)), aggregate_pattern())
            detector.trigger(hit(1, "a", "u"))
            if told:
                detector.advance(START + 50 * SECOND)
            detector.trigger(hit(12, "a", "u"))
            assert _states(detector) == [("a", 1, 11), ("a", 1, None)]

    def test_a_late_trigger_may_keep_it_active(self) -> None:
        detector = IncidentDetector(rule(clear_condition=quiet(10)), aggregate_pattern())
        detector.trigger(hit(1, "a", "u"))
        detector.advance(START + 15 * SECOND)
        detector.trigger(hit(9, "a", "u"))
        assert _states(detector) == [("a", 2, None)]
        assert len(detector.advance(START + 20 * SECOND)) == 1
        assert _states(detector) == [("a", 2, 19)]

    def test_a_rule_without_a_condition_never_clears(self) -> None:
        detector = IncidentDetector(rule(), aggregate_pattern())
        detector.trigger(hit(1, "a", "u"))
        assert detector.advance(START + 10**6 * SECOND) == []
        assert detector.clear({"hostName": "a"}, START + 5 * SECOND) == []
        assert _states(detector) == [("a", 1, None)]

    def test_what_it_says_of_an_earlier_run(self) -> None:
        detector = IncidentDetector(rule(clear_condition=quiet(10)), aggregate_pattern())
        detector.advance(START + 30 * SECOND)
        assert detector.cleared_after({}, START + 20 * SECOND) is None
        cleared = detector.cleared_after({}, START + 19 * SECOND)
        assert cleared is not None
        assert _seconds(cleared.time) == 29


class TestPattern:
    def test_it_clears_what_it_fits(self) -> None:
        detector, clearer = _detector()
        for at, host, user in ((1, "web", "u"), (2, "web", "v"), (3, "db", "u")):
            detector.trigger(hit(at, host, user))
        cleared = clearer.clear(hit(9, "WEB", "w"))
        assert [each.attributes["user"] for each in cleared] == ["u", "v"]
        assert {each.document["fortisiem.incident.status"] for each in cleared} == {"auto-cleared"}
        assert _states(detector) == [("web", 1, 9), ("web", 1, 9), ("db", 1, None)]
        assert clearer.clear(hit(10, "web", "w")) == []

    def test_a_later_trigger_opens_another(self) -> None:
        detector, clearer = _detector()
        detector.trigger(hit(1, "web", "u"))
        clearer.clear(hit(5, "web", "u"))
        detector.trigger(hit(6, "web", "u"))
        assert _states(detector) == [("web", 1, 5), ("web", 1, None)]
        assert len(clearer.clear(hit(7, "web", "u"))) == 1

    def test_one_that_came_before_the_trigger_clears_nothing(self) -> None:
        detector, clearer = _detector()
        clearer.clear(hit(5, "web", "u"))
        detector.trigger(hit(6, "web", "u"))
        assert _states(detector) == [("web", 1, None)]

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_in_one_instant_triggers_come_first_whatever_the_order(self, order: tuple[int, ...]) -> None:
        detector, clearer = _detector()
        steps: list[Callable[[], object]] = [
            lambda: detector.trigger(hit(1, "web", "u")),
            lambda: clearer.clear(hit(5, "web", "u")),
            lambda: detector.trigger(hit(5, "web", "u")),
        ]
        for number in order:
            steps[number]()
        assert _states(detector) == [("web", 2, 5)]

    @pytest.mark.parametrize(
        ("constraint", "fits"),
        [
            ("", True),
            ("Back.hostName = PH_RULE_Down.hostName AND Back.n > 3", True),
            ("Back.hostName = PH_RULE_Down.hostName AND Back.n > 12", False),
            ("ph_rule_down.user != back.hostName", True),
            ("PH_RULE_Down.user != Back.who", False),
            ('PH_RULE_Down.user = "MALLORY"', True),
            ('PH_RULE_Down.user = "eve"', False),
            ("Back.who = PH_RULE_Down.user", True),
            ("Back.missing = PH_RULE_Down.user", False),
            ("PH_RULE_Down.hostName < Back.n", False),
            ("Back.n = Back.n", True),
            ("Back.n = Back.hostName", False),
        ],
    )
    def test_constraints(self, constraint: str, fits: bool) -> None:
        maps = "hostName = Up.hostName, n = Up.COUNT(*), who = Up.user, missing = Up.SUM(x)"
        detector, clearer = _detector(constraint, maps)
        detector.trigger(hit(1, "web", "mallory"))
        assert bool(clearer.clear(hit(9, "web", "Mallory", count=12))) == fits

    def test_an_incident_without_a_joined_attribute_is_never_cleared(self) -> None:
        detector, clearer = _detector("Back.user = PH_RULE_Down.user", "user = Up.user")
        detector.trigger(hit(1, "web", None))
        assert clearer.clear(hit(2, "web", None)) == []
        assert detector.cleared_after({"hostName": "web"}, START) is None

    @pytest.mark.parametrize("order", [(3, 5, 9), (9, 5, 3), (5, 9, 3)])
    def test_what_it_says_of_an_earlier_run(self, order: tuple[int, ...]) -> None:
        detector, clearer = _detector()
        for at in order:
            clearer.clear(hit(at, "web", "u"))
        times = [detector.cleared_after({"hostName": "Web"}, START + at * SECOND) for at in (1, 3, 4, 9, 10)]
        assert [each and _seconds(each.time) for each in times] == [3, 3, 9, 9, None]
        assert detector.cleared_after({"hostName": "db"}, START) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["trigger", "clear"]), st.integers(0, 12), st.sampled_from("ab")), max_size=12
    )
)
def test_the_order_of_coming_counts_only_where_times_do(steps: list[tuple[str, int, str]]) -> None:
    """Against a naive account: of each host, triggers and clears by time, triggers first."""
    detector, clearer = _detector()
    for what, at, host in sorted(steps, key=lambda step: step[1]):
        if what == "trigger":
            detector.trigger(hit(at, host, "u"))
        else:
            clearer.clear(hit(at, host, "u"))
    expected: list[tuple[str, int, int | None]] = []
    for host in "ab":
        mine = {(at, what == "clear") for what, at, name in steps if name == host}
        count = 0
        for at, clears in sorted(mine):
            if not clears:
                count += 1
            elif count:
                expected.append((host, count, at))
                count = 0
        if count:
            expected.append((host, count, None))
    assert sorted(_states(detector), key=str) == sorted(expected, key=str)


class TestCheck:
    @pytest.mark.parametrize(
        ("constraint", "code"),
        [
            ("Other.hostName = PH_RULE_Down.hostName", "fortisiem-unknown-name"),
            ("Back.hostname = PH_RULE_Down.hostName", "fortisiem-unknown-name"),
            ("Back.hostName = PH_RULE_Down.procName", "fortisiem-unknown-name"),
            ("hostName = PH_RULE_Down.hostName", "fortisiem-unknown-name"),
            ("Back.hostName =", "fortisiem-syntax"),
            ("Back.hostName = PH_RULE_Down.hostName OR Back.hostName = 1", "fortisiem-unsupported"),
        ],
    )
    def test_what_is_wrong_is_told_and_the_rule_refused(self, constraint: str, code: str) -> None:
        made = rule(clear_condition=cleared_by(constraint))
        assert [each.code for each in check_clear(made)] == [code]
        with pytest.raises(DogwatchError) as refused:
            lower_clear(made, Schema.ecs())
        assert code in [each.code for each in refused.value.diagnostics if each.source == constraint]

    @pytest.mark.parametrize(("constraint", "maps"), [("", "n = Up.COUNT(*)"), ("Back.n > 5", "n = Up.COUNT(*)")])
    def test_nothing_that_joins_is_a_warning(self, constraint: str, maps: str) -> None:
        made = rule(clear_condition=cleared_by(constraint, maps))
        (problem,) = check_clear(made)
        assert (problem.code, problem.severity) == ("fortisiem-no-join", Severity.WARNING)
        detector = IncidentDetector(made, aggregate_pattern())
        detector.trigger(hit(1, "web", "u"))
        assert len(detector.clear({"n": "9"}, START + 5 * SECOND)) == 1

    @pytest.mark.parametrize("condition", [None, quiet(5), cleared_by("")])
    def test_nothing_is_wrong(self, condition: object) -> None:
        assert check_clear(rule(clear_condition=condition)) == []
