"""A case type's schema in the dialect that structured output understands, and the way back.

"Strict" endpoints want every field required and no others; optional fields become nullable, and their nulls are
removed from the answer. What the dialect cannot say is checked afterwards against the true schema anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEPT = frozenset({"type", "enum", "const", "description", "title", "$ref", "minimum", "maximum"})
NULL = {"type": "null"}


class _NotStrictError(ValueError):
    """The schema leaves something open that the strict dialect must close."""


def envelope(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema of a whole answer (rationale, quotes, output) and whether it is strict."""
    try:
        inner, definitions, strict = _strict(schema), _definitions(schema, strict=True), True
    except _NotStrictError:
        inner, definitions, strict = dict(schema), _definitions(schema, strict=False), False
    inner.pop("$defs", None)
    inner.pop("$schema", None)
    fields = {
        "rationale": {"type": "string"},
        "quotes": {"type": "array", "items": {"type": "string"}},
        "output": inner,
    }
    whole = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return ({**whole, "$defs": definitions} if definitions else whole), strict


def without_nulls(output: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """The output without the nulls that stand for optional fields left out."""
    root = schema if root is None else root
    schema = _resolved(schema, root)
    if isinstance(output, list):
        items = schema.get("items", {})
        return [without_nulls(item, items, root) for item in output] if isinstance(items, Mapping) else output
    if not isinstance(output, dict):
        return output
    fields, required = schema.get("properties", {}), schema.get("required", [])
    return {
        key: without_nulls(value, _mapping(fields.get(key)), root)
        for key, value in output.items()
        if value is not None or key in required or _nullable(_resolved(_mapping(fields.get(key)), root))
    }


def _definitions(schema: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    definitions = _mapping(schema.get("$defs"))
    return {name: _strict(part) if strict else part for name, part in definitions.items()}


def _strict(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise _NotStrictError
    kept: dict[str, Any] = {key: value for key, value in schema.items() if key in KEPT}
    if isinstance(options := schema.get("anyOf") or schema.get("oneOf"), list):
        kept["anyOf"] = [_strict(option) for option in options]
    if schema.get("type") == "array":
        kept["items"] = _strict(schema.get("items"))
    if schema.get("type") == "object" or "properties" in schema:
        kept |= _closed(schema)
    if not kept:
        raise _NotStrictError
    return _typed(kept)


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    fields, required = _mapping(schema.get("properties")), schema.get("required", [])
    if not fields:
        raise _NotStrictError
    strict = {name: _strict(part) for name, part in fields.items()}
    made = {name: part if name in required else _or_null(part) for name, part in strict.items()}
    return {"type": "object", "properties": made, "required": list(made), "additionalProperties": False}


def _or_null(part: dict[str, Any]) -> dict[str, Any]:
    return part if _nullable(part) else {"anyOf": [part, NULL]}


def _typed(part: dict[str, Any]) -> dict[str, Any]:
    """Closed lists of texts say their type, which strict endpoints insist on."""
    values = part.get("enum", [part["const"]] if "const" in part else [])
    if values and "type" not in part and all(isinstance(value, str) for value in values):
        return {"type": "string", **part}
    return part


def _nullable(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind) or None in schema.get("enum", [])


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return _mapping(_mapping(root.get("$defs")).get(name)) if "$ref" in schema else schema


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
