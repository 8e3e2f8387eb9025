"""A browser's part in the decision form: what it would send for fields that nobody touched."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from review.desk.fields import Field


def sent(fields: Sequence[Field], **changes: str | list[str]) -> QueryDict:
    """What comes back from a form, line ends as browsers write them; ``changes`` by the name of a control."""
    data = QueryDict(mutable=True)
    for one in fields:
        _send(one, data)
    for name, value in changes.items():
        data.setlist(name, [value] if isinstance(value, str) else value)
    return data


def _send(one: Field, data: QueryDict) -> None:
    if one.kind in ("object", "price"):
        inside: Sequence[Field] = one.parts
    elif one.kind == "table":
        inside = [*one.parts, *one.spares]
    else:
        _send_control(one, data)
        return
    for part in inside:
        _send(part, data)


def _send_control(one: Field, data: QueryDict) -> None:
    if one.options or one.kind == "boolean":
        texts = [option.text for option in one.options if option.chosen]
        data.setlist(one.input_name, texts if one.options else [one.text] if one.text else [])
    elif one.kind in ("longtext", "lines", "json"):
        lines = one.text.replace("\r\n", "\n").replace("\r", "\n")
        data[one.input_name] = lines.replace("\n", "\r\n")
    else:
        data[one.input_name] = one.text.replace("\r", "").replace("\n", "")
