"""How hypothesis tries: the same examples in every run of ``make test``, many others in ``make soak``.

What Dogwatch keeps between runs is kept in a folder of each test process, not in that of whoever runs the tests.
"""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

from dogwatch.base import keep

settings.register_profile("checks", derandomize=True)
settings.register_profile(
    "soak", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("checks")

_FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Before test modules are imported, some of which load rules."""
    folder = config.stash[_FOLDER] = tempfile.TemporaryDirectory(prefix="dogwatch-tests-")
    os.environ[keep.VARIABLE] = folder.name


def pytest_unconfigure(config: pytest.Config) -> None:
    """At the end of the run."""
    config.stash[_FOLDER].cleanup()
