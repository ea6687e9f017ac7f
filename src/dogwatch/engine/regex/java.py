r"""Java's regular expressions in the words of Hyperscan, or a reason why they cannot be.

Hyperscan reads Perl's syntax. Most of Java's is the same text with the same meaning; this pass goes over a pattern
once and rewrites what differs (the dot, line ends, ``\u0041``, ``\p{Alpha}``), and refuses what Hyperscan would
read as something else. What Hyperscan itself refuses (look-around, back-references) is left to it.
See https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/regex/Pattern.html for the syntax.
"""

from __future__ import annotations

import string

_LINE_ENDS = r"\n\r\x{85}\x{2028}\x{2029}"
_VERTICAL = r"\n\x{b}\f\r\x{85}\x{2028}\x{2029}"
_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x{0}-\x{7f}",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": r"\x{20}-~",
    "Blank": r" \t",
    "Cntrl": r"\x{0}-\x{1f}\x{7f}",
    "XDigit": "0-9a-fA-F",
    "Space": r"\s",
}
"""Java's names for classes of ASCII characters, as ranges inside brackets."""

_CATEGORIES = frozenset(
    {"L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe"}
    | {"Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co"}
)
_SAME_ESCAPES = frozenset("tnrfaedDwWsShHbBAzZ")
"""Letters that mean the same after a backslash in both languages."""

_OUTSIDE_ONLY = frozenset("bBAzZ")
_HEX = frozenset(string.hexdigits)
_OCTAL = frozenset(string.octdigits)
_LAST = 0x10FFFF


def from_java(pattern: str) -> str:
    """The pattern as Hyperscan reads it, not yet anchored.

    Args:
        pattern: A regular expression of ``java.util.regex``.

    Raises:
        ValueError: It is malformed, or has no equal; the message completes "the regular expression ...".
    """
    return _Translator(pattern).run()


class _Translator:
    """Goes over a pattern once. ``_dotall`` is the state of the flag ``s``, innermost group last."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._dotall = [False]

    def run(self) -> str:
        while self._at < len(self._pattern):
            self._step()
        if len(self._dotall) > 1:
            raise ValueError("has a `(` that is not closed")
        return "".join(self._out)

    def _step(self) -> None:
        char = self._next()
        match char:
            case "\\":
                self._out.append(self._escape(in_class=False))
            case "[":
                self._class()
            case ".":
                self._out.append("(?s:.)" if self._dotall[-1] else f"[^{_LINE_ENDS}]")
            case "(":
                self._group()
            case ")":
                self._dotall.pop()
                if not self._dotall:
                    raise ValueError("has a `)` that closes nothing")
                self._out.append(char)
            case "{":
                self._count()
            case "*" | "+" | "?" | "|" | "^" | "$":
                self._out.append(char)
            case _:
                self._out.append(_literal(char))

    def _next(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

    def _peek(self, length: int = 1) -> str:
        return self._pattern[self._at : self._at + length]

    def _group(self) -> None:
        self._dotall.append(self._dotall[-1])
        if self._peek() == "*":
            raise ValueError("has nothing before a `*`")
        if self._peek() != "?":
            self._out.append("(")
            return
        self._at += 1
        for opening in ("<=", "<!", ":", "=", "!", ">"):
            if self._pattern.startswith(opening, self._at):
                self._at += len(opening)
                self._out.append(f"(?{opening}")
                return
        if self._peek() == "<":
            self._name()
            self._out.append("(?:")
            return
        self._flags()

    def _name(self) -> None:
        close = self._pattern.find(">", self._at)
        name = self._pattern[self._at + 1 : close]
        if close < 0 or not (name.isascii() and name.isalnum() and name[0].isalpha()):
            raise ValueError("has a group whose name is not closed or not made of letters and digits")
        self._at = close + 1

    def _flags(self) -> None:
        end = self._at
        while self._pattern[end : end + 1].isalpha() or self._pattern[end : end + 1] == "-":
            end += 1
        written, closing = self._pattern[self._at : end], self._pattern[end : end + 1]
        on, _, off = written.partition("-")
        if not written or closing not in (")", ":") or "-" in off:
            raise ValueError(f"has a group that begins with `(?{self._peek(1)}`, which Java does not know")
        strange = next((flag for flag in on + off if flag not in "is"), None)
        if strange is not None:
            raise ValueError(f"sets the flag `{strange}`, which is not supported")
        self._at = end + 1
        dotall = "s" in on or (self._dotall[-1] and "s" not in off)
        if closing == ")":
            # The flag holds until the end of the group around it.
            self._dotall.pop()
            if self._peek() in ("*", "+", "?", "{"):
                raise ValueError(f"has nothing before a `{self._peek()}`")
        self._dotall[-1] = dotall
        case = "i" if "i" in on else "-i" if "i" in off else ""
        if closing == ":":
            self._out.append(f"(?{case}:")
        elif case:
            self._out.append(f"(?{case})")

    def _count(self) -> None:
        close = self._pattern.find("}", self._at)
        least, comma, most = self._pattern[self._at : max(close, self._at)].partition(",")
        digits = least.isascii() and least.isdigit() and (not most or (most.isascii() and most.isdigit()))
        if close < 0 or not digits or not self._out:
            raise ValueError(r"has a `{` that begins no count; a brace itself is written `\{`")
        self._out.append(f"{{{least}{comma}{most}}}")
        self._at = close + 1

    def _class(self) -> None:
        negated = self._peek() == "^"
        self._at += negated
        out = ["[^" if negated else "["]
        first = True
        while True:
            if self._at >= len(self._pattern):
                raise ValueError("has a `[` that is not closed")
            char = self._next()
            if char == "]" and not first:
                break
            if char == "[":
                raise ValueError(r"has a `[` inside `[...]`, Java's union of classes; a bracket is written `\[`")
            if char == "&" and self._peek() == "&":
                raise ValueError("has `&&` inside `[...]`, Java's intersection of classes, which is not supported")
            if char == "\\":
                out.append(self._escape(in_class=True))
            elif char == "-":
                out.append(self._dash(first=first))
            else:
                out.append(_literal(char))
            first = False
        self._out.append("".join(out) + "]")

    def _dash(self, *, first: bool) -> str:
        return r"\-" if first or self._peek() == "]" else "-"

    def _escape(self, *, in_class: bool) -> str:
        if self._at >= len(self._pattern):
            raise ValueError("ends with a backslash")
        char = self._next()
        if char == "Q":
            return self._quoted()
        if char in ("v", "V", "R"):
            return self._vertical(char, in_class=in_class)
        if char in ("x", "u", "0", "c"):
            return _code(self._character(char))
        if char in ("p", "P"):
            return self._property(negated=char == "P", in_class=in_class)
        if in_class and char in _OUTSIDE_ONLY:
            raise ValueError(rf"has `\{char}` inside `[...]`, where it means nothing")
        if char in _SAME_ESCAPES:
            return f"\\{char}"
        if char.isdigit() or char == "k":
            raise ValueError("uses back-references, which cannot be matched in linear time")
        if char.isascii() and char.isalpha():
            raise ValueError(rf"has the escape `\{char}`, which is not supported")
        return _literal(char)

    def _vertical(self, char: str, *, in_class: bool) -> str:
        if not in_class:
            return rf"(?:\r\n|[{_VERTICAL}])" if char == "R" else f"[{'^' if char == 'V' else ''}{_VERTICAL}]"
        if char != "v":
            raise ValueError(rf"has `\{char}` inside `[...]`, which is not supported")
        return _VERTICAL

    def _quoted(self) -> str:
        close = self._pattern.find(r"\E", self._at)
        end = len(self._pattern) if close < 0 else close
        text = self._pattern[self._at : end]
        self._at = end if close < 0 else end + 2
        return "".join(map(_literal, text))

    def _character(self, letter: str) -> int:
        r"""The code of the character that ``\x``, ``\u``, ``\0`` or ``\c`` writes."""
        if letter == "x" and self._peek() == "{":
            close = self._pattern.find("}", self._at)
            digits = self._pattern[self._at + 1 : max(close, self._at + 1)]
            self._at = close + 1
            code = int(digits, 16) if 0 < len(digits) <= 6 and _HEX.issuperset(digits) else _LAST + 1
        elif letter == "c":
            code = ord(self._peek() or "\uffff") ^ 0x40
            self._at += 1
        elif letter == "0":
            length = 3 if self._peek() in ("0", "1", "2", "3") else 2
            digits = self._peek(length)
            while digits and not _OCTAL.issuperset(digits):
                digits = digits[:-1]
            self._at += len(digits)
            code = int(digits, 8) if digits else _LAST + 1
        else:
            length = 2 if letter == "x" else 4
            digits = self._peek(length)
            self._at += length
            code = int(digits, 16) if len(digits) == length and _HEX.issuperset(digits) else _LAST + 1
            if 0xD800 <= code <= 0xDBFF and self._peek(2) == r"\u":
                low = self._pattern[self._at + 2 : self._at + 6]
                if len(low) == 4 and _HEX.issuperset(low) and 0xDC00 <= int(low, 16) <= 0xDFFF:
                    self._at += 6
                    code = 0x10000 + ((code - 0xD800) << 10) + int(low, 16) - 0xDC00
        if code > _LAST or 0xD800 <= code <= 0xDFFF:
            raise ValueError(rf"has an escape `\{letter}` that names no character")
        return code

    def _property(self, *, negated: bool, in_class: bool) -> str:
        if self._peek() == "{":
            close = self._pattern.find("}", self._at)
            name = self._pattern[self._at + 1 : max(close, self._at + 1)]
            self._at = close + 1
        else:
            name = self._peek()
            self._at += 1
        ranges = _POSIX.get(name)
        if ranges is not None and (not in_class or not negated):
            if in_class:
                return ranges
            return f"[^{ranges}]" if negated else f"[{ranges}]"
        category = name.removeprefix("Is")
        if category not in _CATEGORIES:
            raise ValueError(rf"has the class `\p{{{name}}}`, which is not supported")
        return rf"\{'P' if negated else 'p'}{{{category}}}"


def _literal(char: str) -> str:
    return char if char.isalnum() and char.isascii() else _code(ord(char))


def _code(code: int) -> str:
    return f"\\x{{{code:x}}}"
