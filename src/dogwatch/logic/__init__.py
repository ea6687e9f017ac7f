"""The one form that every rule language is lowered into: predicates, patterns, functions.

Where dialects differ (letter case, nulls, wildcards, many-valued fields) the difference is written in
the form itself, so that the engine knows no dialect.
"""
