"""From a row to a case: which column means what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from cases import strict_json
from cases.envelope import CaseIn, case_of, check_identifier, invalid
from cases.errors import Refused
from cases.imports.rows import Row

OWN_COLUMNS = ("requester", "priority")
UNKNOWN_CONFIDENCE = 0.0  # a label of unknown quality goes to a person


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of columns. A column without one is kept as metadata, which no model reads.

    Without a ``confidence`` column the labels of a file are predictions of confidence 0: a person looks at them all.
    """

    case_type: str
    source: str
    text: str = "text"
    label: str = ""
    confidence: str = ""
    identity: str = ""

    def meant(self) -> set[str]:
        return {self.text, self.label, self.confidence, self.identity, *OWN_COLUMNS}


@dataclass(frozen=True, slots=True)
class Truth:
    """An input with its right label."""

    external_id: str
    payload: dict[str, Any]
    label: str


def case_in(row: Row, columns: Columns) -> CaseIn | Refused:
    """The case in a row, or why there is none."""
    try:
        return case_of(_whole_case(row, columns) if "payload" in _sound(row) else _body(row, columns))
    except Refused as refusal:
        return refusal


def truth_in(row: Row, columns: Columns) -> Truth | Refused:
    """The labelled example in a row, or why there is none."""
    try:
        case = case_of({"case_type": columns.case_type, "payload": _payload(_sound(row), row, columns)})
        label = row.values.get(columns.label)
        if not isinstance(label, str) or not label.strip():
            return invalid(columns.label, "There is no label in this row.")
        external_id = _external_id(row, columns)
        check_identifier(external_id, path=columns.identity)
        return Truth(external_id, case.payload, label.strip())
    except Refused as refusal:
        return refusal


def _sound(row: Row) -> dict[str, Any]:
    if row.problem:
        raise invalid("row", row.problem)
    if found := strict_json.fault(row.values):
        raise invalid(found.path or "row", found.message)
    return dict(row.values)


def _whole_case(row: Row, columns: Columns) -> dict[str, Any]:
    """A line that is a case already keeps what it says and gets what it leaves out."""
    return {
        "case_type": columns.case_type,
        "source": columns.source,
        "external_id": _external_id(row, columns),
        **row.values,
    }


def _body(row: Row, columns: Columns) -> dict[str, Any]:
    values = dict(row.values)
    body: dict[str, Any] = {
        "case_type": columns.case_type,
        "source": columns.source,
        "external_id": _external_id(row, columns),
        "payload": _payload(values, row, columns),
        "metadata": {
            name: value for name, value in values.items() if name not in columns.meant() and value not in ("", None)
        },
    }
    body |= {name: values[name] for name in OWN_COLUMNS if values.get(name)}
    if columns.label and (label := values.get(columns.label)):
        body["prediction"] = {
            "output": {"label": label},
            "confidence": _confidence(values, columns),
            "model": columns.source[:120],
        }
    return body


def _payload(values: dict[str, Any], row: Row, columns: Columns) -> Any:
    if "payload" in values:
        return values["payload"]
    text = values.get(columns.text)
    if not isinstance(text, str) or not text.strip():
        raise invalid(columns.text, "There is no text in this row.")
    return {"text": text}


def _external_id(row: Row, columns: Columns) -> str:
    """The row's own id, or one that stays the same as long as the row stays the same and where it is."""
    own = row.values.get("external_id") or (row.values.get(columns.identity) if columns.identity else None)
    if own not in (None, ""):
        return str(own).strip()
    content = msgspec.json.encode(dict(row.values), order="deterministic")
    return f"row-{row.line}-{hashlib.sha256(content).hexdigest()[:12]}"


def _confidence(values: dict[str, Any], columns: Columns) -> float:
    given = values.get(columns.confidence) if columns.confidence else None
    if given in (None, ""):
        return UNKNOWN_CONFIDENCE
    try:
        return float(given if isinstance(given, str | int | float) else "")
    except ValueError as error:
        raise invalid(columns.confidence, "Send a number from 0 to 1.") from error
