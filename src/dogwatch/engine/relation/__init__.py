"""What the matcher of composite patterns is made of: matches, joins, memories, and the nodes of a relation."""
