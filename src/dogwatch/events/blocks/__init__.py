"""Blocks of JSON lines to batches, by a native parser; lines that it cannot be trusted with go a slower way."""
