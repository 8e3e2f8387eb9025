"""A dataset as files for training and for judging. The same dataset gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cases import schemas
from cases.models import CaseType
from feedback.models import DatasetItem

CSV_COLUMNS = [
    *("example", "side", "origin", "case", "decision", "correction", "label_before", "label_after", "before", "after"),
    *("why", "model", "model_version", "text"),
]
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
CONTROL_STARTS = ("\t", "\r", "\n")
SHOTS_PER_LABEL = 3
Items = Iterable[DatasetItem]
TRAIN, EVAL = DatasetItem.Side.TRAIN, DatasetItem.Side.EVAL


def sft(case_type: CaseType, items: Items) -> Iterator[str]:
    """One chat per line to learn from: the guidelines, the input, and the right output as the assistant's answer."""
    for item in items:
        if item.side == TRAIN:
            yield _json_line({"messages": [*_prompt(case_type, item), _assistant(item.output)]})


def dpo(case_type: CaseType, items: Items) -> Iterator[str]:
    """One pair per line to learn from: what a person said is preferred to what the machine had said."""
    for item in items:
        if item.side == TRAIN and item.rejected is not None:
            pair = {"chosen": [_assistant(item.output)], "rejected": [_assistant(item.rejected)]}
            yield _json_line({"prompt": _prompt(case_type, item), **pair})


def few_shot(case_type: CaseType, items: Items) -> Iterator[str]:
    """The newest few examples of every label to put into a prompt; corrections of the machine first."""
    taken: Counter[str] = Counter()
    learnt = [item for item in items if item.side == TRAIN]
    for item in sorted(learnt, key=lambda item: (item.rejected is None, -item.position)):
        label = schemas.label_of(item.output)
        if taken[label] < SHOTS_PER_LABEL:
            taken[label] += 1
            yield _json_line({"input": item.text, "output": item.output})


def judged(case_type: CaseType, items: Items) -> Iterator[str]:
    """One example per line to judge by: the input and the right output. None of them is in any other format."""
    for item in items:
        if item.side == EVAL:
            label = schemas.label_of(item.output)
            yield _json_line({"id": item.position, "input": item.text, "expected": item.output, "label": label})


def table(case_type: CaseType, items: Items) -> Iterator[str]:
    """Every example with its lineage. What a spreadsheet would run as a formula is quoted."""
    yield _line(CSV_COLUMNS)
    for item in items:
        yield _line(_cells(item))


def _prompt(case_type: CaseType, item: DatasetItem) -> list[dict[str, str]]:
    system = f"{case_type.name}\n\n{case_type.guidelines}".strip()
    return [{"role": "system", "content": system}, {"role": "user", "content": item.text}]


def _assistant(output: Mapping[str, Any]) -> dict[str, str]:
    return {"role": "assistant", "content": _json(output)}


def _cells(item: DatasetItem) -> list[str]:
    ids = [item.case_id, item.decision_id, item.correction_id]
    labels = [schemas.label_of(item.rejected) if item.rejected else "", schemas.label_of(item.output)]
    texts = [*labels, _json(item.rejected), _json(item.output), item.why, item.model, item.model_version, item.text]
    plain = [str(item.position), item.side, item.origin, *("" if number is None else str(number) for number in ids)]
    return [*plain, *(_harmless(text) for text in texts)]


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _json_line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"


def _harmless(text: str) -> str:
    risky = text.startswith(CONTROL_STARTS) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if risky else text


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)  # with "\n" alone, a bare CR would not be quoted
    return buffer.getvalue()


FORMATS: dict[str, Callable[[CaseType, Items], Iterator[str]]] = {
    "sft": sft,
    "dpo": dpo,
    "few-shot": few_shot,
    "eval": judged,
    "csv": table,
}
# What every line is, as JSON Schema; the table is a CSV of CSV_COLUMNS.
_TURN = {
    "type": "object",
    "required": ["role", "content"],
    "additionalProperties": False,
    "properties": {"role": {"enum": ["system", "user", "assistant"]}, "content": {"type": "string"}},
}
_TURNS = {"type": "array", "minItems": 1, "items": _TURN}
_PARTS: dict[str, dict[str, Any]] = {
    "sft": {"messages": {**_TURNS, "minItems": 3, "maxItems": 3}},
    "dpo": {"prompt": _TURNS, "chosen": _TURNS, "rejected": _TURNS},
    "few-shot": {"input": {"type": "string"}, "output": {"type": "object"}},
    "eval": {
        "id": {"type": "integer"},
        "input": {"type": "string"},
        "expected": {"type": "object"},
        "label": {"type": "string"},
    },
}
LINE_SCHEMAS: dict[str, dict[str, Any]] = {
    name: {"type": "object", "required": list(parts), "properties": parts, "additionalProperties": False}
    for name, parts in _PARTS.items()
}
