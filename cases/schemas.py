"""Which JSON Schemas a case type may have: an object, bounded, closed in itself, with safe patterns and text labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from cases.outputs import (
    MAX_DEPTH,
    MAX_PROBLEMS,
    Problem,
    StrictValidator,
    checker,
    choices,
    label_of,
    labels_of,
    path_text,
    problems,
)
from cases.patterns import pattern_problem

__all__ = ["Problem", "check_schema", "checker", "choices", "label_of", "labels_of", "problems"]

MAX_BYTES = 65_536
MAX_NODES = 5_000  # after following references: nested definitions multiply
MAX_LABELS = 1_000
MAX_LABEL = 100
DRAFT = "https://json-schema.org/draft/2020-12/schema"
UNUSABLE = frozenset(
    {"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$vocabulary", "patternProperties"}
)
# Keywords whose values are data or names, not schemas.
NAMED = frozenset({"properties", "$defs", "dependentSchemas"})
DATA = frozenset({"enum", "const", "default", "examples", "required", "dependentRequired"})

Path = tuple[str | int, ...]


def check_schema(schema: Any) -> list[Problem]:
    """Whether this may be the output schema of a case type; empty when it may. Never raises."""
    return _shape(schema) or _meta(schema) or [*_Walk(schema).all(), *_label(schema)][:MAX_PROBLEMS]


def _shape(schema: Any) -> list[Problem]:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return [Problem("", _('The output is always an object: the schema needs "type": "object".'))]
    if _depth(schema) > MAX_DEPTH:
        return [Problem("", _("The schema is nested too deeply."))]
    try:
        size = len(json.dumps(schema, allow_nan=False).encode())
    except (TypeError, ValueError):
        return [Problem("", _("The schema contains something that is no JSON."))]
    if size > MAX_BYTES:
        return [Problem("", _("The schema is larger than %(limit)d bytes.") % {"limit": MAX_BYTES})]
    if schema.get("$schema", DRAFT).rstrip("#") != DRAFT if isinstance(schema.get("$schema", DRAFT), str) else True:
        return [Problem("$schema", _("Only draft 2020-12 is understood: %(draft)s") % {"draft": DRAFT})]
    return []


def _depth(value: Any) -> int:
    """Nesting, found level by level so that a hostile depth cannot exhaust the stack."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level, depth = [item for group in inner for item in group], depth + 1
    return depth


def _meta(schema: Mapping[str, Any]) -> list[Problem]:
    errors = StrictValidator(StrictValidator.META_SCHEMA).iter_errors(schema)
    return [
        Problem(path_text(error.absolute_path), error.message[:300])
        for error, _position in zip(errors, range(MAX_PROBLEMS), strict=False)
    ]


class _Walk:
    """Every subschema, with references followed, each problem told once and the whole bounded."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self.nodes = 0

    def all(self) -> list[Problem]:
        found = dict.fromkeys(self._node(self.schema, (), frozenset()))
        if self.nodes > MAX_NODES:
            return [Problem("", _("The schema grows too large once its references are followed."))]
        return list(found)

    def _node(self, node: Any, path: Path, open_refs: frozenset[str]) -> Iterator[Problem]:
        self.nodes += 1
        if self.nodes > MAX_NODES or not isinstance(node, dict):
            return
        for key, value in node.items():
            yield from self._keyword(key, value, (*path, key), open_refs)

    def _keyword(self, key: str, value: Any, path: Path, open_refs: frozenset[str]) -> Iterator[Problem]:
        if key in UNUSABLE:
            yield Problem(path_text(path), _("This keyword may not be used here."))
        elif key == "$ref":
            yield from self._reference(value, path, open_refs)
        elif key == "pattern" and (message := pattern_problem(value)):
            yield Problem(path_text(path), message)
        elif key not in DATA:
            for name, part in _parts(key, value):
                yield from self._node(part, (*path, *name), open_refs)

    def _reference(self, value: Any, path: Path, open_refs: frozenset[str]) -> Iterator[Problem]:
        if not isinstance(value, str) or not value.startswith("#"):
            yield Problem(path_text(path), _("Only references inside the schema itself (#/$defs/…) are followed."))
        elif value in open_refs or value == "#":
            yield Problem(path_text(path), _("This reference leads back to itself."))
        else:
            target = _pointed(self.schema, value)
            if target is None:
                yield Problem(path_text(path), _("This reference leads nowhere."))
            yield from self._node(target, path, open_refs | {value})


def _parts(key: str, value: Any) -> list[tuple[Path, Any]]:
    """The subschemas under a keyword, with the path from the keyword to each."""
    if isinstance(value, dict):
        return [((name,), part) for name, part in value.items()] if key in NAMED else [((), value)]
    if isinstance(value, list):
        return [((position,), part) for position, part in enumerate(value)]
    return []


def _pointed(schema: Any, reference: str) -> Any:
    """What a local JSON pointer points at, or None."""
    node = schema
    for part in reference.removeprefix("#").removeprefix("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(name)] if name.isdecimal() and name.isascii() and int(name) < len(node) else None
        else:
            node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict | bool) else None


def _label(schema: Mapping[str, Any]) -> list[Problem]:
    field = schema.get("properties", {}).get("label")
    if field is None:
        return []
    labels, path = choices(field), "properties.label"
    if not labels:
        is_text = isinstance(field, dict) and field.get("type") == "string"
        return [] if is_text else [Problem(path, _("A label is a text or a closed list of texts."))]
    if not all(isinstance(label, str) and 0 < len(label) <= MAX_LABEL for label in labels):
        return [Problem(path, _("Every label is a text of 1 to %(limit)d characters.") % {"limit": MAX_LABEL})]
    if len(set(labels)) != len(labels) or len(labels) > MAX_LABELS:
        return [Problem(path, _("Labels must differ, and there may be at most %(limit)d.") % {"limit": MAX_LABELS})]
    return []
