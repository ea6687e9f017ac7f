"""The column evaluators: one leaf of a predicate over a whole batch of Arrow columns."""
