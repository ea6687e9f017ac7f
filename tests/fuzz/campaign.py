"""How many examples a campaign tries."""

from __future__ import annotations

from hypothesis import settings

_ORDINARY = settings.get_profile("default").max_examples


def campaign(quick: int) -> settings:
    """Settings for a campaign: ``quick`` examples, or as many as a profile says that was chosen on purpose."""
    chosen = settings.default.max_examples if settings.default else _ORDINARY
    return settings(deadline=None, max_examples=quick if chosen == _ORDINARY else chosen)
