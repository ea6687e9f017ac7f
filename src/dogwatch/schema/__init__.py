"""Field types, coercion of values as Elasticsearch would, and attribute maps between dialects."""
