"""Readers of rule files, one format a module.

Each has a ``load`` function from a file's text to ``Loaded``: the rules that could be read, and a diagnostic
for whatever could not. None of them raises for what a file holds.
"""
