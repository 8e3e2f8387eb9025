"""Refusals: what a verb raises when it will not do what was asked. The API and the admin turn them into their own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Refused(Exception):
    """A request that is not carried out, with a message a person can act on.

    ``errors`` maps a field (a JSON path such as ``payload.text``) to its messages.
    """

    status = 400
    code = "refused"

    def __init__(
        self, message: object, *, errors: Mapping[str, Sequence[object]] | None = None, code: str = ""
    ) -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.errors = {field: [str(text) for text in texts] for field, texts in (errors or {}).items()}
        self.code = code or self.code


class Invalid(Refused):
    status = 422
    code = "invalid"


class TooLarge(Refused):
    status = 413
    code = "too-large"


class Forbidden(Refused):
    """The user may see it and not do it."""

    status = 403
    code = "forbidden"


class Missing(Refused):
    """It does not exist, or the user may not know that it does."""

    status = 404
    code = "not-found"


class Conflict(Refused):
    """Somebody else was first, or what was shown is no longer so."""

    status = 409
    code = "conflict"
