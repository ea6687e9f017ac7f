"""Names of events: an event that has no id of its own is named by its line, and repeats are told apart."""

from __future__ import annotations

from dataclasses import replace

from dogwatch.events.batch import Event


class EventNames:
    """Gives every event of a run one name, however often it is asked.

    Two lines with the same text and no id are two events: the second is named ``<hash>-2``. As the lines are
    alike, the names do not depend on the order in which files are read, nor on how they are split.
    """

    def __init__(self) -> None:
        self._arrivals: dict[str, list[int]] = {}

    def named(self, event: Event) -> Event:
        """The event under its final id."""
        if event.has_own_id:
            return event
        arrivals = self._arrivals.setdefault(event.id, [])
        if event.arrival not in arrivals:
            arrivals.append(event.arrival)
        number = arrivals.index(event.arrival) + 1
        return event if number == 1 else replace(event, id=f"{event.id}-{number}")
