"""Corrections and decisions as training files. The same data gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator

from cases.classifiers.texts import text_of
from cases.models import CaseType
from feedback.examples import learnable
from feedback.models import Correction

CSV_COLUMNS = [
    "correction",
    "case",
    "source",
    "label_before",
    "label_after",
    "before",
    "after",
    "why",
    "model",
    "model_version",
    "text",
    "at",
]
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
CONTROL_STARTS = ("\t", "\r", "\n")


def sft(case_type: CaseType) -> Iterator[str]:
    """One chat per line: the guidelines, the input, and the right output as the assistant's answer."""
    system = f"{case_type.name}\n\n{case_type.guidelines}".strip()
    for example in learnable(case_type):
        answer = json.dumps(example.output, ensure_ascii=False, sort_keys=True)
        turns = [("system", system), ("user", example.text), ("assistant", answer)]
        messages = [{"role": role, "content": content} for role, content in turns]
        yield json.dumps({"messages": messages}, ensure_ascii=False) + "\n"


def corrections_csv(case_type: CaseType) -> Iterator[str]:
    """One correction per line, with its lineage. What a spreadsheet would run as a formula is quoted."""
    yield _line(CSV_COLUMNS)
    rows = Correction.objects.filter(case__case_type=case_type, case__sampled=False).select_related(
        "case", "prediction"
    )
    for row in rows.order_by("pk").iterator(chunk_size=1000):
        yield _line(_cells(row))


def _cells(row: Correction) -> list[str]:
    model = row.prediction
    texts = [row.source, row.label_before, row.label_after, _json(row.before), _json(row.after), row.why]
    lineage = [model.model if model else "", model.model_version if model else "", text_of(row.case.payload)[0]]
    return [str(row.pk), str(row.case_id), *(_harmless(text) for text in texts + lineage), row.created_at.isoformat()]


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _harmless(text: str) -> str:
    risky = text.startswith(CONTROL_STARTS) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if risky else text


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)  # with "\n" alone, a bare CR would not be quoted
    return buffer.getvalue()


FORMATS: dict[str, Callable[[CaseType], Iterator[str]]] = {"sft": sft, "csv": corrections_csv}
