"""The decision form, made from a case type's output schema: one field per property, read back without loss.

What a person did not touch comes back exactly as it was, whatever a browser makes of line ends and number formats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import QueryDict

from review.desk.fields import Field
from review.desk.filling import filled
from review.desk.kinds import fields_in
from review.desk.reading import ABSENT
from review.desk.refusals import owner
from review.desk.submitted import assembled, read_field

DIGITS = 9
WHOLE = ""  # the name of the one field of a schema that declares no properties


def fields_of(schema: Mapping[str, Any], output: Mapping[str, Any] | None) -> list[Field]:
    """The form of a schema, filled with an output where there is one."""
    if not isinstance(schema.get("properties"), Mapping) or not schema["properties"]:
        whole = Field(name=WHOLE, kind="json", title="", required=True)
        return [filled(whole, output if output is not None else ABSENT)]
    given = output or {}
    return _with_digits([filled(one, given.get(one.name, ABSENT)) for one in fields_in(schema, schema)])


def read(fields: Sequence[Field], data: QueryDict) -> list[Field]:
    """The same fields as a person filled them in."""
    return [read_field(one, data) for one in fields]


def faulty(fields: Sequence[Field]) -> bool:
    return any(one.faulty for one in fields)


def output_of(fields: Sequence[Field], shown: Mapping[str, Any] | None) -> dict[str, Any]:
    """The output that the fields make; what the machine said beyond the schema's properties is kept."""
    if len(fields) == 1 and fields[0].name == WHOLE:
        return fields[0].value if isinstance(fields[0].value, dict) else {}
    return assembled(fields, dict(shown or {}))


def with_errors(fields: Sequence[Field], errors: Mapping[str, Sequence[str]]) -> tuple[list[Field], list[str]]:
    """The fields with a refusal's messages beside them, and the messages that belong to no field."""
    rest: list[str] = []
    beside: dict[str, list[str]] = {}
    for path, texts in errors.items():
        found = owner(fields, path)
        (rest if found is None else beside.setdefault(found.input_name, [])).extend(texts)
    return [_told(one, beside) for one in fields], rest


def _told(one: Field, beside: Mapping[str, Sequence[str]]) -> Field:
    parts = tuple(_told(part, beside) for part in one.parts)
    return replace(one, parts=parts, errors=(*one.errors, *beside.get(one.input_name, ())))


def _with_digits(fields: list[Field]) -> list[Field]:
    """The first closed list of choices answers to the digits 1 to 9."""
    for position, one in enumerate(fields):
        if one.kind in ("radio", "checks"):
            options = tuple(
                replace(option, digit=str(number) if number <= DIGITS else "")
                for number, option in enumerate(one.options, start=1)
            )
            fields[position] = replace(one, options=options)
            break
    return fields
