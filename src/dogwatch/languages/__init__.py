"""Rule languages: each a folder with tokens, parser, syntax tree, and the lowering into ``dogwatch.logic``."""
