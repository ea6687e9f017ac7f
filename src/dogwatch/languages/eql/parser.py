"""From the text of an EQL query to its syntax tree, or to an error that says what was expected and where.

The expressions inside are read by ``expression``.
"""

from __future__ import annotations

from dogwatch.base.diagnostic import Span
from dogwatch.languages.eql import ast
from dogwatch.languages.eql.cursor import Cursor
from dogwatch.languages.eql.expression import parse_expression, parse_field
from dogwatch.languages.eql.tokens import Kind, Token

MAX_RUNS = 100
"""Most repetitions that ``with runs`` may ask for."""

MAX_STAGES = 1000
"""Most stages of a sequence, ``with runs`` written out."""

MAX_SAMPLE_FILTERS = 5
"""Most filters of a sample."""

_MAX_NANOS = 2**63 - 1
_NANOS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}


def parse(text: str) -> ast.Query:
    """The syntax tree of an EQL query.

    Args:
        text: The query, within the limits of ``scan``, nested at most ``MAX_DEPTH`` deep.

    Raises:
        DogwatchError: One diagnostic ``eql-syntax`` at the first place that is not EQL.
    """
    cursor = Cursor(text)
    body = _body(cursor)
    pipes: list[ast.Pipe] = []
    while cursor.at_symbol("|"):
        pipes.append(_pipe(cursor))
    if cursor.token.kind is not Kind.END:
        if isinstance(body, ast.EventFilter):
            cursor.refuse("the end of the query, `and`, `or` or `|`")
        cursor.refuse(
            "`[`, `until`, `|` or the end of the query" if isinstance(body, ast.Sequence) else "`[` or the end"
        )
    if pipes and isinstance(body, ast.Sample):
        raise cursor.error(pipes[0].span, "a sample takes no pipes")
    return ast.Query(body, tuple(pipes), text)


def duration_nanos(duration: ast.Duration) -> int:
    """The length of a ``maxspan`` in nanoseconds."""
    return duration.count * _NANOS[duration.unit]


def _body(cursor: Cursor) -> ast.EventFilter | ast.Sequence | ast.Sample:
    token = cursor.token
    if token.kind is Kind.END:
        raise cursor.error(
            token.span,
            "the query is empty",
            'write a category and a condition, such as `process where process.name == "sh"`',
        )
    if cursor.at_keyword("sequence"):
        return _sequence(cursor)
    if cursor.at_keyword("sample"):
        return _sample(cursor)
    if cursor.at_keyword("join"):
        raise cursor.error(
            token.span,
            "`join` is not supported, nor does Elasticsearch run it",
            "write a `sequence` or a `sample`",
        )
    return _event_filter(cursor)


def _event_filter(cursor: Cursor) -> ast.EventFilter:
    token = cursor.token
    if cursor.at_keyword("any"):
        category = None
    elif token.kind is Kind.STRING:
        category = str(token.value)
    elif token.kind is Kind.IDENTIFIER:
        category = token.text
    elif cursor.at_keyword("where"):
        raise cursor.error(
            token.span, "the event category is missing before `where`", "write `any where` for every category"
        )
    elif token.kind in (Kind.QUOTED, Kind.KEYWORD):
        what = "a name in backticks" if token.kind is Kind.QUOTED else f"the keyword `{token.text}`"
        raise cursor.error(
            token.span, f"an event category cannot be {what}", f'write it as a string: "{token.text}" where ...'
        )
    else:
        cursor.refuse("an event category such as `process`, or `any`")
    cursor.advance()
    if not cursor.at_keyword("where"):
        hint = f"a query begins with its event category: `{token.text} where ...`"
        if cursor.token.text.lower() == "where":
            hint = "keywords are written in lower case: `where`"
        elif cursor.at_symbol(".", "==", "!=", ":", "=", "<", ">", "<=", ">=", "(") or cursor.at_keyword(
            "in", "like", "regex"
        ):
            hint = f"a condition needs an event category before it: `any where {token.text}...`"
        cursor.refuse("`where` after the event category", hint=hint)
    where = cursor.advance()
    if cursor.token.kind is Kind.END or cursor.at_symbol("]", "|"):
        raise cursor.error(where.span, "there is no condition after `where`", "write `where true` for every event")
    condition = parse_expression(cursor)
    return ast.EventFilter(category, condition, token.span.to(condition.span))


def _sequence(cursor: Cursor) -> ast.Sequence:
    first = cursor.advance()
    keys = _keys(cursor)
    maxspan = None
    if cursor.at_keyword("with"):
        maxspan = _maxspan(cursor)
        if cursor.at_keyword("by"):
            raise cursor.error(
                cursor.token.span, "`by` comes before `with`", "write `sequence by ... with maxspan=...`"
            )
        if cursor.at_keyword("with"):
            raise cursor.error(cursor.token.span, "a sequence takes one `with maxspan=...`")
    terms: list[ast.Term] = []
    while cursor.at_symbol("[", "!["):
        terms.append(_term(cursor, "sequence"))
        if len(terms) > MAX_STAGES:
            raise cursor.error(terms[-1].span, f"the sequence has more than {MAX_STAGES:,} events")
    if not terms:
        cursor.refuse(
            "`[`, the first event of the sequence" if maxspan else "`by`, `with` or `[` after `sequence`"
        )
    if cursor.at_keyword("with", "by"):
        cursor.refuse("`[`, `until`, `|` or the end of the query")
    until = _until(cursor) if cursor.at_keyword("until") else None
    last = until or terms[-1]
    sequence = ast.Sequence(tuple(terms), keys, maxspan, until, first.span.to(last.span))
    _check_sequence(cursor, sequence, first)
    return sequence


def _check_sequence(cursor: Cursor, sequence: ast.Sequence, first: Token) -> None:
    stages = sum(term.runs for term in sequence.terms)
    if stages < 2:
        raise cursor.error(
            sequence.terms[0].span if sequence.until is None else first.span,
            "a sequence needs at least two events",
            "add a second `[...]`, or write the filter alone if one event is enough",
        )
    if stages > MAX_STAGES:
        raise cursor.error(first.span, f"the sequence has {stages:,} events, more than {MAX_STAGES:,}")
    missing = next((term for term in sequence.terms if term.missing), None)
    if missing is None:
        return
    if sequence.maxspan is None:
        raise cursor.error(
            missing.span,
            "a sequence with a missing event `![...]` needs a time limit",
            "write `with maxspan=...` after `sequence` or its `by` fields",
        )
    if all(term.missing for term in sequence.terms):
        raise cursor.error(missing.span, "a sequence needs at least one event that is not missing")


def _until(cursor: Cursor) -> ast.Term:
    cursor.advance()
    if cursor.at_symbol("!["):
        raise cursor.error(cursor.token.span, "`until` cannot be followed by a missing event")
    if not cursor.at_symbol("["):
        cursor.refuse("`[` after `until`")
    opening = cursor.token
    until = _term(cursor, "sequence")
    if until.runs != 1:
        raise cursor.error(opening.span.to(until.span), "`until` takes no `with runs`")
    if cursor.at_symbol("[", "!["):
        raise cursor.error(
            cursor.token.span, "`until` is the last part of a sequence", "move this event before `until`"
        )
    return until


def _sample(cursor: Cursor) -> ast.Sample:
    first = cursor.advance()
    keys = _keys(cursor)
    if cursor.at_keyword("with"):
        raise cursor.error(cursor.token.span, "a sample takes no `with`", "only a sequence has a `maxspan`")
    terms: list[ast.Term] = []
    while cursor.at_symbol("[", "!["):
        if cursor.at_symbol("!["):
            raise cursor.error(cursor.token.span, "a sample cannot hold a missing event `![...]`")
        terms.append(_term(cursor, "sample"))
    if not terms:
        cursor.refuse("`[`, the first filter of the sample" if keys else "`by` or `[` after `sample`")
    if cursor.at_keyword("until"):
        raise cursor.error(cursor.token.span, "a sample takes no `until`")
    if not 2 <= len(terms) <= MAX_SAMPLE_FILTERS:
        raise cursor.error(first.span, f"a sample has 2 to {MAX_SAMPLE_FILTERS} filters, not {len(terms)}")
    bare = next((term for term in terms if not keys and not term.keys), None)
    if bare is not None:
        raise cursor.error(
            bare.span, "a sample needs a join field", "write `sample by ...` or `by ...` after each filter"
        )
    return ast.Sample(tuple(terms), keys, first.span.to(terms[-1].span))


def _term(cursor: Cursor, parent: str) -> ast.Term:
    opening = cursor.open()
    body = _event_filter(cursor)
    end = cursor.close(opening, "`and`, `or` or `]`")
    keys = _keys(cursor)
    if keys:
        end = keys[-1].span
    runs = 1
    if cursor.at_keyword("with"):
        if parent == "sample":
            raise cursor.error(cursor.token.span, "a filter of a sample takes no `with`")
        runs, end = _runs(cursor)
        if cursor.at_keyword("by"):
            raise cursor.error(cursor.token.span, "`by` comes before `with`", "write `[...] by ... with runs=...`")
    return ast.Term(body, keys, runs, opening.text == "![", opening.span.to(end))


def _keys(cursor: Cursor) -> tuple[ast.Field, ...]:
    if not cursor.at_keyword("by"):
        return ()
    cursor.advance()
    keys = [_key(cursor)]
    while cursor.at_symbol(","):
        cursor.advance()
        keys.append(_key(cursor))
    return tuple(keys)


def _key(cursor: Cursor) -> ast.Field:
    key = parse_field(cursor, "a field name to join by")
    if cursor.at_symbol("(", "+", "-", "*", "/", "%") or cursor.token.kind is Kind.TILDE_IDENTIFIER:
        raise cursor.error(key.span.to(cursor.token.span), "a join key is a field, not an expression")
    return key


def _maxspan(cursor: Cursor) -> ast.Duration:
    cursor.advance()
    name = cursor.token
    if not cursor.at_keyword("maxspan"):
        hint = "`with runs` belongs after the closing `]` of an event" if name.text == "runs" else None
        cursor.refuse("`maxspan` after `with`", hint=hint)
    cursor.advance()
    _assign(cursor, "maxspan")
    count = _whole_number(cursor, "maxspan", "such as `maxspan=5m`")
    unit = cursor.token
    spelled = ", ".join(f"`{name}`" for name in ast.TIME_UNITS)
    if unit.kind is not Kind.IDENTIFIER:
        raise cursor.error(
            count.span,
            "`maxspan` needs a unit of time",
            f"write one of {spelled} after the number: `maxspan={count.text}s`",
        )
    if unit.text not in ast.TIME_UNITS:
        raise cursor.error(unit.span, f"`{unit.text}` is not a unit of `maxspan`", f"the units are {spelled}")
    cursor.advance()
    span = count.span.to(unit.span)
    duration = ast.Duration(int(count.value or 0), unit.text, span)
    if duration.count == 0:
        raise cursor.error(span, "`maxspan` must be longer than zero")
    if duration_nanos(duration) > _MAX_NANOS:
        raise cursor.error(
            span, "`maxspan` is too long", "the longest is about 106,000 days; without it there is no limit"
        )
    return duration


def _runs(cursor: Cursor) -> tuple[int, Span]:
    cursor.advance()
    name = cursor.token
    if name.kind is not Kind.IDENTIFIER or name.text != "runs":
        hint = "`with maxspan` belongs before the first `[`" if name.text == "maxspan" else None
        cursor.refuse("`runs` after `with`", hint=hint)
    cursor.advance()
    _assign(cursor, "runs")
    count = _whole_number(cursor, "runs", "such as `runs=3`")
    if cursor.token.kind is Kind.IDENTIFIER and cursor.token.start == count.end:
        raise cursor.error(cursor.token.span, "`runs` is a plain number without a unit")
    value = int(count.value or 0)
    if not 1 <= value <= MAX_RUNS:
        raise cursor.error(count.span, f"`runs` must be from 1 to {MAX_RUNS}")
    return value, count.span


def _assign(cursor: Cursor, name: str) -> None:
    if not cursor.at_symbol("="):
        cursor.refuse(
            f"`=` after `{name}`", hint=f"write `{name}=` with a single `=`" if cursor.at_symbol("==") else None
        )
    cursor.advance()


def _whole_number(cursor: Cursor, name: str, example: str) -> Token:
    token = cursor.token
    if cursor.at_symbol("-"):
        raise cursor.error(token.span, f"`{name}` cannot be negative", example)
    if token.kind is Kind.DECIMAL:
        raise cursor.error(token.span, f"`{name}` takes a whole number that fits 64 bits", example)
    if token.kind is not Kind.INTEGER:
        cursor.refuse(f"a whole number after `{name}=`", hint=example)
    return cursor.advance()


def _pipe(cursor: Cursor) -> ast.Pipe:
    bar = cursor.advance()
    name = cursor.token
    if name.kind is not Kind.IDENTIFIER:
        cursor.refuse(
            "the name of a pipe, such as `head`", hint="write `or` for a choice" if cursor.at_symbol("|") else None
        )
    if name.text not in ast.PIPES:
        raise cursor.error(name.span, f"there is no pipe `{name.text}`", "the pipes are `head` and `tail`")
    cursor.advance()
    args: list[ast.Expression] = []
    if cursor.token.kind is not Kind.END and not cursor.at_symbol("|"):
        args.append(parse_expression(cursor))
        while cursor.at_symbol(","):
            cursor.advance()
            args.append(parse_expression(cursor))
    end = args[-1].span if args else name.span
    return ast.Pipe(name.text, tuple(args), bar.span.to(end))
