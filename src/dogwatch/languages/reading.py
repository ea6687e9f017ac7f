"""One query of KQL or of Lucene while it is lowered: what its fields are, and the problems met so far."""

from __future__ import annotations

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity, Span
from dogwatch.languages.fields import Fields
from dogwatch.languages.leaves import Unfit, UnfitValueError

_MOST_ERRORS = 20
"""Errors after which reading a hopeless query stops."""

_MOST_WIDE = 10
"""Conditions on many fields: each is written out for every known field. Elasticsearch takes fewer."""

_LONGEST_WIDE = 1000
"""Characters of such a condition."""

_MOST_SUGGESTIONS = 20


class Reading:
    """What is known of a query's fields, and what its author is to be told.

    Args:
        source: The query, which spans point into.
        fields: The fields that it may name.
        type_code: The code of an error about a value that its field cannot hold.
        unsupported_code: The code of an error about what cannot be run here.
    """

    def __init__(self, source: str, fields: Fields, *, type_code: str, unsupported_code: str) -> None:
        self.source = source
        self.fields = fields
        self.errors: list[Diagnostic] = []
        self.notes: list[Diagnostic] = []
        self._type_code = type_code
        self._unsupported_code = unsupported_code
        self._unknown: set[str] = set()
        self._wide = 0

    def may_be_wide(self, what: str, span: Span) -> bool:
        """Whether a condition may be written out for each field that fits; with an error if not.

        Args:
            what: What looks at many fields.
            span: The condition.
        """
        code = self._unsupported_code
        if not self.fields.are_known:
            message = f"{what} looks at every field, and the fields of the events are not known"
            self.error(code, message, span, "name the field")
            return False
        self._wide += 1
        if self._wide > _MOST_WIDE:
            self.error(code, f"more than {_MOST_WIDE} conditions look at every field", span, "name the fields")
            return False
        if span.end - span.start > _LONGEST_WIDE:
            message = f"a condition on every field is longer than {_LONGEST_WIDE:,} characters"
            self.error(code, message, span, "name the field")
            return False
        return True

    def may_be_asked(self, path: str, span: Span) -> bool:
        """Whether a field has values of its own to ask about; with an error if they are those of all its keys.

        Args:
            path: The field.
            span: Its name.
        """
        if self.fields.is_flattened(path):
            message = f"`{path}` is flattened, and all its keys at once are not looked at here"
            self.error(self._unsupported_code, message, span, f"name a key: `{path}.key`")
            return False
        return True

    def unknown_field(self, path: str, span: Span, hint: str | None = None) -> None:
        """Warn of a field that no schema knows, the first time; without a hint, with the name most like it."""
        if path in self._unknown:
            return
        self._unknown.add(path)
        if hint is None and len(self._unknown) <= _MOST_SUGGESTIONS:
            close = self.fields.suggestion(path)
            hint = f"did you mean `{close}`?" if close else None
        message = f"`{path}` is not in the event schema; it is read as a keyword"
        self.note("unknown-field", message, span, hint=hint, field=path)

    def note(
        self,
        code: str,
        message: str,
        span: Span,
        severity: Severity = Severity.WARNING,
        hint: str | None = None,
        field: str | None = None,
    ) -> None:
        """Keep a warning or a notice."""
        note = Diagnostic(code, message, severity, source=self.source, span=span, hint=hint, field=field)
        self.notes.append(note)

    def misfit(self, error: UnfitValueError, span: Span) -> None:
        """Keep the error that a value cannot be asked about."""
        code = self._type_code if error.reason is Unfit.TYPE else self._unsupported_code
        self.error(code, error.message, span, error.hint)

    def error(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Keep an error.

        Raises:
            DogwatchError: There are so many that looking on is no use.
        """
        self.errors.append(Diagnostic(code, message, source=self.source, span=span, hint=hint))
        if len(self.errors) >= _MOST_ERRORS:
            raise DogwatchError(self.errors)
