"""A plain rules model that reads four fields off a receipt: an example of a classifier of one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cases.classifiers.base import Answer, Brief, Question

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["merchant", "date", "total", "address"],
    "properties": {name: {"type": "string"} for name in ("merchant", "date", "total", "address")},
    "additionalProperties": False,
}
DATE = re.compile(r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b")
AMOUNT = re.compile(r"\b\d+[.]\d{2}\b")
ROAD = re.compile(r"\b(JALAN|JLN|LOT|NO\.?|TAMAN|\d{5})\b", re.IGNORECASE)


class ReceiptRules:
    """The first line is the merchant, the first date the date, the largest amount the total, lines of roads the address."""

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(str(question.payload["text"]).splitlines()) for question in questions]

    def _answer(self, lines: Sequence[str]) -> Answer:
        text = "\n".join(lines)
        dates, amounts = DATE.findall(text), AMOUNT.findall(text)
        output: Mapping[str, Any] = {
            "merchant": lines[0] if lines else "",
            "date": dates[0] if dates else "",
            "total": max(amounts, key=float, default=""),
            "address": " ".join(line for line in lines[1:8] if ROAD.search(line)),
        }
        return Answer(output=output, confidence=0.5, model="receipt-rules", model_version="1")
