"""Coverage-guided fuzzing of the parsers, run by hand: see README.md beside this file."""

from __future__ import annotations

import sys
from collections.abc import Callable

try:
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore] # no dependency of ours
except ImportError:
    sys.exit("atheris is not installed: pip install atheris, in an environment of its own (see README.md)")

with atheris.instrument_imports(include=["dogwatch"]):
    from dogwatch.base.diagnostic import DogwatchError
    from dogwatch.base.text import Fold
    from dogwatch.engine.regex.lucene import LuceneRegex
    from dogwatch.languages.eql import parser as eql
    from dogwatch.languages.fortisiem import parser as fortisiem
    from dogwatch.languages.kql import parser as kql
    from dogwatch.languages.lucene import parser as lucene

TARGETS: dict[str, Callable[[str], object]] = {
    "eql": eql.parse,
    "kql": kql.parse,
    "lucene": lucene.parse,
    "fortisiem": fortisiem.parse_filter,
    "regex": lambda text: LuceneRegex([text], Fold.ASCII).matches("a1 "),
}


def main() -> None:
    """Fuzz the parser that the first argument names; the others are libFuzzer's."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(TARGETS)} [libFuzzer's options]")
    name = sys.argv.pop(1)
    target = TARGETS[name]
    refused = ValueError if name == "regex" else DogwatchError

    def one(data: bytes) -> None:
        try:
            target(data.decode("utf-8", "replace"))
        except refused:
            return

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
