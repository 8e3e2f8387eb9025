"""The JSON of every call that does not read its body itself: bounded, and strict in the manner of `cases.strict_json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from cases import strict_json
from cases.api.bodies import raw_json
from cases.errors import Invalid


class StrictJson(BaseParser):
    """An empty body counts as an empty object; anything that could not be stored as sent is refused with its JSON path."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw = raw_json((parser_context or {})["request"])
        if not raw.strip():
            return {}
        try:
            value = strict_json.read(raw)
        except strict_json.NotJsonError as error:
            raise _invalid("body", str(error)) from error
        if found := strict_json.fault(value, depth=0):
            raise _invalid(found.path or "body", found.message)
        return value


def _invalid(path: str, message: str) -> Invalid:
    return Invalid(_("The request is not valid; see errors."), errors={path: [message]})
