"""How large an automaton a Perl-like regular expression asks for, before Hyperscan is asked to make it.

Hyperscan writes counted repetitions out: ``(.{1,500}a){50}`` is 25,000 positions, over which it would compute
for minutes. This pass multiplies the counts and refuses such a pattern at once.
"""

from __future__ import annotations

MAX_SIZE = 2000
"""Positions of the largest pattern that is compiled, which takes Hyperscan about half a second."""

_WIDE = 5
"""Positions of a dot, a class or a letter beyond ASCII: over UTF-8 it is several bytes in several ways."""

_WIDEST = 400
"""Positions of a Unicode property such as ``\\p{L}``, whose many ranges take Hyperscan as long as so many."""


def size(pattern: str) -> int:
    """Positions of the pattern, counted repetitions written out; more than ``MAX_SIZE`` is only an estimate.

    The pattern need not be well formed: what is wrong with it, the compiler says.
    """
    # For each open group its positions so far, and of its last part those that a repetition would multiply.
    groups = [(0, 0)]
    at = 0
    while at < len(pattern):
        done, last = groups[-1]
        char = pattern[at]
        at += 1
        match char:
            case "(":
                groups.append((0, 0))
            case ")" if len(groups) > 1:
                groups.pop()
                outer, before = groups[-1]
                groups[-1] = (outer + before, done + last)
            case "{":
                times, at = _times(pattern, at)
                groups[-1] = (done, min(last * times, MAX_SIZE + 1))
            case "?" | "*" | "+" | "|":
                pass
            case "[":
                wide, at = _char_class(pattern, at)
                groups[-1] = (done + last, wide)
            case "\\":
                escaped = pattern[at : at + 1]
                at += 1
                if escaped == "x" and pattern.startswith("{", at):
                    close = pattern.find("}", at, at + 40)
                    code = pattern[at + 1 : close]
                    groups[-1] = (done + last, 1 if len(code) <= 2 and code < "80" else _WIDE)
                    at = close + 1 or at
                elif escaped in ("p", "P"):
                    at = pattern.find("}", at, at + 40) + 1 or at
                    groups[-1] = (done + last, _WIDEST)
                else:
                    groups[-1] = (done + last, _WIDE if escaped.isalpha() else 1)
            case _:
                groups[-1] = (done + last, _WIDE if char == "." or not char.isascii() else 1)
    return sum(done + last for done, last in groups)


def _times(pattern: str, start: int) -> tuple[int, int]:
    """How often ``{n,m}`` repeats at most, and where it ends; once for a brace that is none."""
    end = pattern.find("}", start, start + 20)
    counts = [count for count in pattern[start : max(end, start)].split(",") if count]
    if end < 0 or not all(count.isascii() and count.isdigit() for count in counts):
        return 1, start
    return max([1, *map(int, counts)]), end + 1


def _char_class(pattern: str, start: int) -> tuple[int, int]:
    """What a class counts, and where it ends."""
    at = start + (pattern[start : start + 1] == "^")
    at += pattern[at : at + 1] == "]"
    wide = _WIDE
    while at < len(pattern) and pattern[at] != "]":
        wide += _WIDEST if pattern[at : at + 2] in ("\\p", "\\P") else 0
        at += 2 if pattern[at] == "\\" else 1
    return wide, at + 1
