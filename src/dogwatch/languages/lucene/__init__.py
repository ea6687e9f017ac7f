"""Lucene query strings, as Elasticsearch's ``query_string`` runs them for a rule in that language."""
