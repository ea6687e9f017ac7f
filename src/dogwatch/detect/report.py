"""What a scan did, apart from what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.detect.awareness import BlindRule
from dogwatch.engine.passed import MAX_KEYS
from dogwatch.engine.profile import PlanProfile
from dogwatch.logic.predicate import Leaf
from dogwatch.rules.model import Rule


@dataclass(slots=True)
class ScanProfile:
    """What the rules of a scan cost, over all processes.

    Attributes:
        rules: The rules by number; patterns that clear incidents come last, under their rules once more.
        slots: For each of these the numbers of its predicates in ``plan.predicates``.
        leaves: The distinct questions asked of events, in the order of ``plan.leaves``.
        plan: What asking them cost.
        ordered: For each of ``rules``, nanoseconds of what follows events in their order: alerts, sequences,
            samples, windows and runs.
    """

    rules: tuple[Rule, ...]
    slots: list[range]
    leaves: tuple[Leaf, ...]
    plan: PlanProfile
    ordered: list[int]


@dataclass(slots=True)
class ScanReport:
    """What a scan did, apart from what reading did.

    Attributes:
        detections: Alerts (shells, not building blocks) or incidents, by rule instance.
        offered: Rule instances to which at least one event was offered.
        outside: Events outside the stretch of time asked for.
        notes: What the reader of the results should know.
        find_blind: Works out ``blind``.
        profile: What the rules cost, if that was asked for; complete when the scan is.
    """

    detections: Counter[str] = field(default_factory=Counter)
    offered: set[str] = field(default_factory=set)
    outside: int = 0
    notes: list[Diagnostic] = field(default_factory=list)
    find_blind: Callable[[], list[BlindRule]] = field(default=list, repr=False)
    profile: ScanProfile | None = field(default=None, repr=False)

    @property
    def blind(self) -> list[BlindRule]:
        """Rules that were offered events so far and found nothing, because none had the fields that they need.

        It is worked out when it is asked for, which takes about a tenth of a second for a thousand rules.
        """
        return self.find_blind()

    def found(self, rule_uuid: str) -> None:
        """Count a detection of a rule instance."""
        self.detections[rule_uuid] += 1

    def dropped(self, rule: Rule, count: int) -> None:
        """Note that a memory limit made a rule's matcher drop pending state."""
        if count:
            self.notes.append(
                Diagnostic(
                    "state-evicted",
                    f"{rule.label}: {count} pending sequences or groups were dropped at the memory limit",
                    Severity.WARNING,
                    hint="scan shorter stretches with --from and --to, so that fewer are pending at once",
                )
            )

    def without_group(self, rule: Rule, count: int) -> None:
        """Note that events were dropped for want of a grouping attribute, as was asked for."""
        if count:
            self.notes.append(
                Diagnostic(
                    "group-incomplete",
                    f"{rule.label}: {count} matching events lacked an attribute that the rule groups by, and were "
                    "dropped",
                    Severity.NOTICE,
                    hint="without the switch `null-groups` they join a group without that attribute",
                )
            )

    def suppressed(self, rule: Rule, count: int) -> None:
        """Note that exceptions kept incidents of a rule from being raised."""
        if count:
            self.notes.append(
                Diagnostic(
                    "incident-suppressed",
                    f"{rule.label} ({rule.name}): exceptions suppressed {count} of its triggers",
                    Severity.NOTICE,
                )
            )

    def forgotten(self, rule: Rule, details: int, clearings: int) -> None:
        """Note what was forgotten of a rule's incidents for want of room.

        Args:
            rule: The rule.
            details: How often the events of an incident were let go; it may have got others since.
            clearings: Occurrences of the clear pattern that incidents of earlier scans were not told of.
        """
        for count, what in (
            (details, "times the events of an incident were let go, and it is shown without them"),
            (clearings, "occurrences of its clear condition were not applied to incidents of earlier scans"),
        ):
            if count:
                self.notes.append(
                    Diagnostic(
                        "state-evicted",
                        f"{rule.label}: {count} {what}, for want of room",
                        Severity.WARNING,
                        hint="scan shorter stretches with --from and --to",
                    )
                )

    def lists_evicted(self, count: int) -> None:
        """Note that watch lists had more entries than are kept."""
        if count:
            self.notes.append(
                Diagnostic(
                    "state-evicted",
                    f"watch lists lost {count} entries for want of room",
                    Severity.WARNING,
                    hint="add a more selective attribute to the list, or empty lists that nobody tests",
                )
            )

    def echoes_left_out(self, count: int) -> None:
        """Note that incidents led to incidents without end."""
        if count:
            self.notes.append(
                Diagnostic(
                    "incident-chain",
                    f"{count} incidents were not offered to rules about incidents, as five others had led to each",
                    Severity.WARNING,
                    hint="look for rules that match each other's incidents, or their own",
                )
            )

    def left_open(self, rule: Rule, count: int, ended: str, *, reported: bool) -> None:
        """Note that sequences of a rule could still have been refuted when what it saw ended."""
        if count:
            became = "are reported and marked" if reported else "are left out"
            self.notes.append(
                Diagnostic(
                    "open-window",
                    f"{rule.label} ({rule.name}): {ended} ended within the time in which an event must not "
                    f"follow, for {count} of its matches, which {became}",
                    Severity.NOTICE,
                    hint="--open-windows chooses between report and omit",
                )
            )

    def piped(self, rule: Rule, kept: int, of: int, stretch: str) -> None:
        """Note that a rule's pipe kept fewer results than were found."""
        if kept < of:
            self.notes.append(
                Diagnostic(
                    "pipe-applied",
                    f"{rule.label} ({rule.name}): its pipe kept {kept} of {of} results of {stretch}",
                    Severity.NOTICE,
                    hint="in Kibana a pipe applies to each of a rule's runs, as it does with --as-scheduled",
                )
            )

    def not_piped(self, rules: Sequence[Rule]) -> None:
        """Note that rules with pipes run over a stream, which has no first or last result."""
        if rules:
            named = ", ".join(rule.label for rule in rules[:5])
            self.notes.append(
                Diagnostic(
                    "pipe-not-applied",
                    f"rules whose pipes keep the first or last results of a run report all of a followed stream: "
                    f"{named}{' ...' if len(rules) > 5 else ''}",
                    Severity.NOTICE,
                )
            )

    def came_too_late(self, rule: Rule, count: int) -> None:
        """Note that events of a followed stream came after the time for which a rule waits."""
        if count:
            self.notes.append(
                Diagnostic(
                    "event-too-late",
                    f"{rule.label}: {count} events came too late to count",
                    Severity.WARNING,
                    hint="scan the events from a file, where their order does not matter",
                )
            )

    def came_after_tolerance(self, count: int) -> None:
        """Note that events of a followed stream were later than FortiSIEM's rules of several subpatterns wait."""
        if count:
            self.notes.append(
                Diagnostic(
                    "event-too-late",
                    f"{count} events came too late for rules with several subpatterns, and did not count",
                    Severity.WARNING,
                    hint="wait longer with --tolerance, or scan the events from a file",
                )
            )

    def left_out_keys(self, count: int) -> None:
        """Note that events had more join keys than are followed."""
        if count:
            self.notes.append(
                Diagnostic(
                    "join-keys-left-out",
                    f"{count} join keys were not followed: an event may act under {MAX_KEYS} of a stage",
                    Severity.WARNING,
                    hint="many-valued join fields multiply; look at the events that hold so many values",
                )
            )


def heavy_rule(rule: Rule, reason: str, milliseconds: int) -> Diagnostic:
    """What to tell of a rule whose condition costs much.

    Args:
        rule: The rule.
        reason: What it does, as the predicate of a sentence about it.
        milliseconds: About how long that takes, once.
    """
    return Diagnostic(
        "rule-heavy",
        f"{rule.label} ({rule.name}) costs much: it {reason}, about {milliseconds:,} ms",
        Severity.WARNING,
        place=rule.place,
        hint="split its list, or ask for beginnings of texts or whole ones; the other rules are not slowed",
    )
