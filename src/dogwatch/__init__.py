"""Dogwatch runs Elastic Security and FortiSIEM detection rules unchanged, anywhere Python runs."""
