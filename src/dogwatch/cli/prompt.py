"""``dogwatch search -i``: queries typed one after the other, with colours, completion and early word of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.text import printable
from dogwatch.languages.eql import tokens as eql
from dogwatch.languages.eql.functions import FUNCTIONS
from dogwatch.languages.eql.parser import parse as parse_eql
from dogwatch.languages.kql import tokens as kql
from dogwatch.languages.kql.parser import parse as parse_kql

MAX_COMPLETIONS = 200
"""Names offered at once."""

HELP = """\
Type a query and press Enter; an unfinished one goes on in the next line. Tab completes fields and functions.
  .language NAME   search in another language
  .size N          show at most N hits
  .help            show this
  .quit            leave (as does Ctrl-D)"""

_STYLE = Style.from_dict(
    {
        "keyword": "ansiblue bold",
        "function": "ansimagenta",
        "string": "ansigreen",
        "number": "ansicyan",
        "error": "ansired",
        "bottom-toolbar": "noreverse ansired",
    }
)
_EQL_STYLES = {
    eql.Kind.KEYWORD: "class:keyword",
    eql.Kind.TILDE_IDENTIFIER: "class:function",
    eql.Kind.STRING: "class:string",
    eql.Kind.INTEGER: "class:number",
    eql.Kind.DECIMAL: "class:number",
}
_KQL_KEYWORDS = frozenset({kql.Kind.AND, kql.Kind.OR, kql.Kind.NOT})
_NAME_CHARACTERS = frozenset("_@.~")

Answer = Callable[[str, str, int], None]
"""Runs a query and prints what it finds: language, query, most hits."""


@dataclass(slots=True)
class Conversation:
    """Queries over the same events, one after the other.

    Attributes:
        language: The language that queries are now written in.
        size: Most hits shown of a query.
        fields: Known fields with their types, for completion.
        languages: The languages to choose from.
        answer: Runs a query and prints its hits or its errors.
        say: Prints a line to the person.
    """

    language: str
    size: int
    fields: Mapping[str, str]
    languages: tuple[str, ...]
    answer: Answer
    say: Callable[[str], None]

    def hold(self, source: Input | None = None, screen: Output | None = None) -> None:
        """Ask for queries and answer them until the person leaves.

        Args:
            source: Where keys come from; the terminal if none is given.
            screen: Where the prompt is drawn; the terminal if none is given.
        """
        session: PromptSession[str] = PromptSession(
            message=lambda: f"{self.language}> ",
            lexer=_Colours(self),
            completer=_Names(self),
            complete_while_typing=True,
            multiline=True,
            prompt_continuation="...  ",
            key_bindings=_keys(self),
            bottom_toolbar=lambda: toolbar(self.language, get_app().current_buffer.text),
            style=_STYLE,
            input=source,
            output=screen,
        )
        while True:
            try:
                text = session.prompt().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text.startswith("."):
                if not self._obey(text):
                    return
            elif text:
                self.answer(self.language, text, self.size)

    def _obey(self, text: str) -> bool:
        """Carry out a command; says whether the conversation goes on."""
        match text.split():
            case [".quit" | ".exit"]:
                return False
            case [".language", name] if name in self.languages:
                self.language = name
            case [".size", count] if count.isascii() and count.isdigit() and len(count) < 10:
                self.size = int(count)
            case [".help"]:
                self.say(HELP)
            case [".language", *_]:
                self.say(f"choose a language: {', '.join(self.languages)}")
            case [".size", *_]:
                self.say("write a whole number, such as `.size 20`")
            case _:
                self.say(f"there is no command `{printable(text[:40])}`\n{HELP}")
        return True


def problem(language: str, text: str) -> Diagnostic | None:
    """What is wrong with a query as far as its grammar goes; ``None`` if nothing is, or nobody can tell yet."""
    parse = _PARSERS.get(language)
    if parse is None or text.startswith("."):
        return None
    try:
        parse(text)
    except DogwatchError as error:
        return error.diagnostics[0]
    return None


def is_unfinished(language: str, text: str) -> bool:
    """Whether a query breaks off: its first error reaches to its very end, or something opened is not closed."""
    found = problem(language, text)
    if found is None or found.span is None:
        return False
    return found.span.end >= len(text.rstrip()) or _is_open(text)


def toolbar(language: str, text: str) -> str:
    """One line about a query that is being typed: its error, unless it is only unfinished."""
    found = problem(language, text) if text.strip() else None
    if found is None or is_unfinished(language, text):
        return ""
    return f"{found.message} ({found.hint})" if found.hint else found.message


def coloured(language: str, text: str) -> Iterator[tuple[str, str]]:
    """A query in pieces, each with the class of its colour; what cannot be read is an error to its end."""
    at = 0
    try:
        for start, end, style in _WORDS[language](text) if language in _WORDS else ():
            if start > at:
                yield "", text[at:start]
            yield style, text[start:end]
            at = end
    except DogwatchError:
        yield "class:error", text[at:]
        return
    yield "", text[at:]


def completions(language: str, before: str, fields: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    """What the word before the cursor may become.

    Args:
        language: The query's language.
        before: The text before the cursor.
        fields: Known fields with their types.

    Yields:
        The word, how many characters of it are there already, and what it is.
    """
    word = _word_before(before)
    if not word:
        return
    found = 0
    for name, kind in _candidates(language, fields):
        if name.lower().startswith(word.lower()) and name != word:
            yield name, len(word), kind
            found += 1
            if found == MAX_COMPLETIONS:
                return


class _Colours(Lexer):
    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines: list[StyleAndTextTuples] = [[]]
        for style, piece in coloured(self._conversation.language, document.text):
            first, *others = piece.split("\n")
            lines[-1].append((style, first))
            lines += [[(style, other)] for other in others]
        return lambda number: lines[number] if number < len(lines) else []


class _Names(Completer):
    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002 - the library's signature
        found = completions(self._conversation.language, document.text_before_cursor, self._conversation.fields)
        for name, typed, kind in found:
            yield Completion(name, start_position=-typed, display_meta=kind)


def _keys(conversation: Conversation) -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_unfinished(conversation.language, buffer.text) and not buffer.text.endswith("\n"):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    return bindings


def _eql_words(text: str) -> Iterator[tuple[int, int, str]]:
    for token in eql.scan(text):
        style = _EQL_STYLES.get(token.kind, "")
        if token.kind is eql.Kind.IDENTIFIER and text[token.end : token.end + 1] == "(":
            style = "class:function"
        yield token.start, token.end, style


def _kql_words(text: str) -> Iterator[tuple[int, int, str]]:
    for token in kql.tokens(text):
        style = "class:keyword" if token.kind in _KQL_KEYWORDS else ""
        if token.text is not None and token.text.quoted:
            style = "class:string"
        yield token.span.start, token.span.end, style


def _candidates(language: str, fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if language == "eql":
        yield from ((function.name, "function") for function in FUNCTIONS.values())
        yield from ((word, "keyword") for word in sorted(eql.KEYWORDS))
    yield from fields.items()


def _word_before(text: str) -> str:
    start = len(text)
    while start and (text[start - 1].isalnum() or text[start - 1] in _NAME_CHARACTERS):
        start -= 1
    return text[start:]


def _is_open(text: str) -> bool:
    """Whether brackets outside strings are left open; a rough answer is enough to choose a line's end."""
    depth, quoted = 0, False
    for before, char in zip(f" {text}", text, strict=False):
        if char == '"' and before != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (char in "([{") - (char in ")]}")
    return depth > 0 and not quoted


_PARSERS: Mapping[str, Callable[[str], object]] = {"eql": parse_eql, "kql": parse_kql, "kuery": parse_kql}
_WORDS: Mapping[str, Callable[[str], Iterator[tuple[int, int, str]]]] = {
    "eql": _eql_words,
    "kql": _kql_words,
    "kuery": _kql_words,
}
