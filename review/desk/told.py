"""An answer that is only shown: the machine's, or the one that waits for a second person; compared with another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from review.desk.aligned import aligned
from review.desk.fields import Field
from review.desk.filling import alike, filled
from review.desk.form import WHOLE, fields_of
from review.desk.reading import ABSENT


def told_of(
    schema: Mapping[str, Any], output: Mapping[str, Any] | None, *, other: Mapping[str, Any] | None = None
) -> list[Field]:
    """The fields of an answer, those beyond the schema too. Where ``other`` says something else, they tell what."""
    fields = fields_of(schema, output)
    known = {one.name for one in fields}
    beyond = {} if WHOLE in known else {name: value for name, value in (output or {}).items() if name not in known}
    fields += [filled(Field(name=name, kind="json", title=name, path=name), value) for name, value in beyond.items()]
    return fields if other is None else [_compared(one, _part(other, one)) for one in fields]


def _part(whole: Any, one: Field) -> Any:
    """What another's answer says in the place of this field."""
    if one.name == WHOLE:
        return whole
    return whole.get(one.name, ABSENT) if isinstance(whole, Mapping) else ABSENT


def _compared(one: Field, theirs: Any) -> Field:
    if one.kind == "table" and isinstance(theirs, list):
        return replace(one, parts=_rows(one, theirs))
    if one.parts and one.kind != "table":
        return replace(one, parts=tuple(_compared(part, _part(theirs, part)) for part in one.parts))
    if theirs is one.value or (theirs is not ABSENT and one.value is not ABSENT and alike(theirs, one.value)):
        return one
    if one.kind == "longtext" and isinstance(theirs, str):
        return replace(one, draft=theirs)
    return replace(one, other=filled(one, theirs).told)


def _rows(one: Field, theirs: list[Any]) -> tuple[Field, ...]:
    """The rows of both, in one order: those that only the other's answer has are ``removed``, those it lacks ``added``."""
    gone, found = filled(one, theirs).parts, []
    for here, there in aligned(one.value if isinstance(one.value, list) else [], theirs):
        if there is None:
            found += [replace(row, added=True) for row in one.parts[here : (here or 0) + 1]]
        elif here is None:
            found += [replace(row, removed=True) for row in gone[there : there + 1]]
        else:
            found.append(_compared(one.parts[here], theirs[there]))
    return tuple(found)
