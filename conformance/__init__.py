"""Conformance suites, cases with their expected answers, run on both evaluators; no part of the package."""
