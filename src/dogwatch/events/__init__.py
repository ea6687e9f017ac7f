"""Events as batches of typed columns, and the readers that make them, one file a format."""
