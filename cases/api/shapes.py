"""The shapes of request bodies for the API's description, taken from the very types that check them."""

from __future__ import annotations

from typing import Any

import msgspec

from cases.envelope import MOST_CASES, CancelIn, CaseIn, PredictionIn


def shape_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """A struct as one JSON Schema without references."""
    (schema,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    shape: dict[str, Any] = _inlined(schema, parts)
    return shape


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"]], parts)
    return {name: _inlined(item, parts) for name, item in schema.items()}


CASE = {"application/json": shape_of(CaseIn)}
CASES = {
    "application/json": {
        "type": "object",
        "required": ["cases"],
        "properties": {"cases": {"type": "array", "maxItems": MOST_CASES, "items": shape_of(CaseIn)}},
    }
}
PREDICTION = {"application/json": shape_of(PredictionIn)}
CANCELLATION = {"application/json": shape_of(CancelIn)}
FILE = {
    "multipart/form-data": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
