"""Which kind of field each part of an output schema is edited by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cases.outputs import choices
from review.desk import reading
from review.desk.fields import NUMBER, RADIO_LIMIT, Field, Option

LONG_TEXT = 160
DEEPEST = 4  # objects inside objects; what lies deeper is written as JSON
Schema = Mapping[str, Any]
AMOUNTS = {"number": "money", "integer": "money", "string": "moneytext"}


def fields_in(root: Schema, part: Schema, *, path: str = "", depth: int = 0, dense: bool = False) -> list[Field]:
    """An empty field per property of an object. ``dense`` ones fit into the cells of a table."""
    required = part.get("required")
    needed = set(required) if isinstance(required, list) else set()
    return [
        field_of(
            root,
            rule,
            name=str(name),
            path=f"{path}.{name}" if path else str(name),
            required=name in needed,
            depth=depth,
            dense=dense,
        )
        for name, rule in _properties(part).items()
    ]


def field_of(
    root: Schema, rule: Any, *, name: str, path: str, required: bool, depth: int = 0, dense: bool = False
) -> Field:
    """The empty field of one property, by what the schema says of it."""
    part, nullable = _plain(root, rule)
    items = _plain(root, part.get("items"))[0]
    kind = _kind(part, items, depth)
    if dense and kind == "radio":
        kind = "select"
    made = Field(
        name=name,
        kind=kind,
        title=str(part.get("title") or name.replace("_", " ").replace("-", " ").capitalize()),
        path=path,
        help=str(part.get("description", "")),
        required=required,
        nullable=nullable or None in choices(part),
        options=_options(items if kind == "checks" else part),
        attributes=_attributes(kind, part),
        currency=str(part.get("currency", ""))[:3],
    )
    return _with_inside(made, root, part, depth=depth, dense=dense)


def _with_inside(made: Field, root: Schema, part: Schema, *, depth: int, dense: bool) -> Field:
    if made.kind in ("object", "price"):
        inside = fields_in(root, part, path=made.path, depth=depth + 1, dense=dense or made.kind == "price")
        return replace(made, parts=tuple(_priced(inside) if made.kind == "price" else inside))
    if made.kind in ("table", "lines"):

        def row(place: int | str) -> Field:
            title = str(place + 1) if isinstance(place, int) else NUMBER
            at = f"{made.path}[{place}]"
            items = part.get("items")
            whole = field_of(root, items, name=title, path=at, required=True, depth=depth + 1, dense=True)
            return replace(whole, title=title)

        return replace(made, row=row)
    return made


def _priced(inside: Sequence[Field]) -> list[Field]:
    kinds = {"number": "money", "integer": "money", "text": "moneytext"}
    return [replace(one, kind=kinds.get(one.kind, one.kind)) if one.name == "amount" else one for one in inside]


def _plain(root: Schema, rule: Any) -> tuple[Schema, bool]:
    """A property's schema with references followed and a choice between null and one thing resolved to that thing."""
    part = _followed(root, rule)
    for word in ("anyOf", "oneOf"):
        ways = [_followed(root, way) for way in part.get(word) or ()]
        real = [way for way in ways if way.get("type") != "null"]
        if len(real) == 1 < len(ways):
            return {**{key: value for key, value in part.items() if key != word}, **real[0]}, True
    return part, "null" in _types(part)


def _followed(root: Schema, rule: Any) -> Schema:
    """A schema with its references into ``$defs`` followed, as far as they are plain."""
    part = rule if isinstance(rule, Mapping) else {}
    for _step in range(DEEPEST):
        reference = part.get("$ref", "")
        if not isinstance(reference, str) or not reference.startswith("#/$defs/"):
            break
        target = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
        if not isinstance(target, Mapping):
            break
        part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def _types(part: Schema) -> list[Any]:
    kinds = part.get("type")
    return [kinds] if isinstance(kinds, str) else list(kinds) if isinstance(kinds, list) else []


def _properties(part: Schema) -> Mapping[str, Any]:
    found = part.get("properties")
    return found if isinstance(found, Mapping) else {}


def _kind(part: Schema, items: Schema, depth: int) -> str:
    if allowed := choices(part):
        return "radio" if len(allowed) <= RADIO_LIMIT else "select"
    types = [one for one in _types(part) if one != "null"]
    kind = types[0] if len(types) == 1 else "object" if not types and _properties(part) else "json"
    if kind in AMOUNTS and part.get("format") == "money":
        return AMOUNTS[kind]
    if kind == "string":
        return _text_kind(part)
    if kind in ("array", "object"):
        return (_array_kind(part, items) if kind == "array" else _object_kind(part)) if depth < DEEPEST else "json"
    return str(kind) if kind in ("number", "integer", "boolean") else "json"


def _text_kind(part: Schema) -> str:
    if part.get("format") == "date":
        return "date"
    longest = part.get("maxLength")
    is_long = part.get("format") == "long" or (isinstance(longest, int) and longest > LONG_TEXT)
    return "longtext" if is_long else "text"


def _array_kind(part: Schema, items: Schema) -> str:
    if choices(items):
        return "checks"
    types = [one for one in _types(items) if one != "null"]
    if "prefixItems" in part or len(types) != 1 or types == ["array"]:
        return "json"
    return "lines" if types == ["string"] and "format" not in items else "table"


def _object_kind(part: Schema) -> str:
    inside = _properties(part)
    if not inside:
        return "json"
    amount = inside.get("amount")
    kinds = _types(amount) if isinstance(amount, Mapping) else []
    return "price" if set(inside) == {"amount", "currency"} and kinds[:1] and kinds[0] in AMOUNTS else "object"


def _options(part: Schema) -> tuple[Option, ...]:
    return tuple(Option(value=value, text=reading.text_of_choice(value)) for value in choices(part))


def _attributes(kind: str, part: Schema) -> dict[str, str]:
    """Hints for the browser. They are never the rule: the schema is checked on the server."""
    if kind in ("number", "integer", "money", "moneytext"):
        return {"inputmode": "numeric" if kind == "integer" else "decimal"}
    longest = part.get("maxLength")
    return {"maxlength": str(longest)} if kind in ("text", "longtext") and isinstance(longest, int) else {}
