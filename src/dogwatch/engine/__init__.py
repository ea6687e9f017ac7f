"""The engine: predicates, sequences, samples and windows over batches. It knows no language and no rule."""
