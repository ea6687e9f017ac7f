"""How hypothesis tries: the same examples in every run of ``make test``, many others in ``make soak``."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("checks", derandomize=True)
settings.register_profile(
    "soak", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("checks")
