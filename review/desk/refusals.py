"""Which field a refusal's JSON path belongs to, inside objects and the rows of tables too."""

from __future__ import annotations

from collections.abc import Sequence

from review.desk.fields import Field
from review.desk.reading import ABSENT


def owner(fields: Sequence[Field], path: str) -> Field | None:
    """The innermost field at ``path`` (such as ``output.items[1].sku``), or None.

    A path counts the items of the output; rows that were removed are no items of it.
    """
    found = next((one for one in fields if _leads(one.input_name, path)), None)
    return None if found is None else _inside(found, path.removeprefix(found.input_name))


def _inside(one: Field, rest: str) -> Field:
    """``rest`` is what is left of the path below the field: ``[1].sku``, ``.sku``, or nothing."""
    rows = [row for row in one.parts if row.value is not ABSENT or row.faulty] if one.kind == "table" else one.parts
    for number, part in enumerate(rows):
        step = f"[{number}]" if one.kind == "table" else f".{part.name}"
        if _leads(step, rest):
            return _inside(part, rest.removeprefix(step))
    return one


def _leads(step: str, path: str) -> bool:
    return path == step or path.startswith((f"{step}.", f"{step}["))
