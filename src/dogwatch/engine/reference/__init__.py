"""The reference evaluators: one document at a time, written to be obviously right."""

from dogwatch.engine.reference.predicate import evaluate

__all__ = ["evaluate"]
