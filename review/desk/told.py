"""An answer that is only shown: the machine's, or the one that waits for a second person; compared with another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cases.passages import value_at
from review.desk.fields import NESTS, Field, mapped
from review.desk.filling import alike, filled
from review.desk.form import fields_of
from review.desk.reading import ABSENT


def told_of(
    schema: Mapping[str, Any], output: Mapping[str, Any] | None, *, other: Mapping[str, Any] | None = None
) -> list[Field]:
    """The fields of an answer, those beyond the schema too. Where ``other`` says something else, they tell what."""
    fields = fields_of(schema, output)
    known = {one.name for one in fields}
    beyond = {} if "" in known else {name: value for name, value in (output or {}).items() if name not in known}
    fields += [filled(Field(name=name, kind="json", title=name, path=name), value) for name, value in beyond.items()]
    return fields if other is None else mapped(fields, lambda one: _compared(one, other))


def _compared(one: Field, other: Mapping[str, Any]) -> Field:
    found = value_at(other, one.path) if one.path else None
    if one.kind == "table" and found and isinstance(found.value, list):
        return replace(one, missing=filled(one, found.value).parts[len(one.parts) :])
    if one.kind in NESTS:
        return one
    theirs = found.value if found else ABSENT
    if theirs is one.value or (theirs is not ABSENT and one.value is not ABSENT and alike(theirs, one.value)):
        return one
    if one.kind == "longtext" and isinstance(theirs, str):
        return replace(one, draft=theirs)
    return replace(one, other=filled(one, theirs).told)
