"""Names of events: an event that has no id of its own is named by its line, and repeats are told apart."""

from __future__ import annotations

from dataclasses import replace

from dogwatch.events.batch import Event

REMEMBERED = 200_000
"""Events that a run remembers to tell repeats by; the oldest are forgotten first, as a pipe has no end."""


class EventNames:
    """Gives every event that one rule found in a run one name, however often it is asked.

    Two lines with the same text and no id are two events: the second that is asked for is named ``<hash>-2``.
    As the lines are alike, the names do not depend on the order in which files are read, nor on how they are
    split. Each rule has names of its own, so that its alerts do not depend on the rules beside it.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str | None, str], dict[int, int]] = {}

    def named(self, event: Event) -> Event:
        """The event under its final id."""
        if event.has_own_id:
            return event
        numbers = self._numbers.setdefault((event.index, event.id), {})
        number = numbers.setdefault(event.arrival, len(numbers) + 1)
        if len(self._numbers) > REMEMBERED:
            del self._numbers[next(iter(self._numbers))]
        return event if number == 1 else replace(event, id=f"{event.id}-{number}")
