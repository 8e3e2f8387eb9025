"""What the machine said, and what that cost."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Count, F, Q, Sum, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from cases.models import Prediction
from metrics.models import MachineRollup
from metrics.sums.base import Rows, Slice, bucket, confidence_bin

CENTS = Decimal("0.000001")  # what a cost is kept in; SQLite adds them up as floats
NUMBER = r"^[0-9]{1,12}$"  # a plug-in may have written anything


def machine(part: Slice) -> Iterable[MachineRollup]:
    """Answers and failures in the hour they came; how long an answer took, and how sure it was."""
    rows = Rows(MachineRollup, part)
    said = Prediction.objects.filter(case__case_type_id=part.case_type_id)
    by = {"said_by": F("model"), "said_in": F("model_version")}
    answered = Q(error="")
    totals = part.grouped(
        said,
        "created_at",
        by,
        n=Count("pk", filter=answered),
        failed=Count("pk", filter=~answered),
        paid=Sum("cost"),
        tokens_in=Sum(_tokens("input")),
        tokens_out=Sum(_tokens("output")),
    )
    for found in totals:
        row = _row(rows, found)
        row.answers, row.errors = found["n"], found["failed"]
        row.cost = Decimal(found["paid"] or 0).quantize(CENTS)
        row.tokens_in, row.tokens_out = int(found["tokens_in"]), int(found["tokens_out"])
    latency = Cast("latency_ms", models.FloatField()) / Value(1000.0)
    for name, number in (("latency", bucket(latency)), ("confidence", confidence_bin("confidence"))):
        for found in part.grouped(said.filter(answered), "created_at", {**by, "number": number}, n=Count("pk")):
            rows.count(_row(rows, found), name, bucket=found["number"], count=found["n"])
    return rows


def _row(rows: Rows[MachineRollup], found: dict[str, Any]) -> MachineRollup:
    return rows.at(found["start"], model=found["said_by"], model_version=found["said_in"])


def _tokens(kind: str) -> Any:
    counted = models.When(
        Q(**{f"tokens__{kind}__regex": NUMBER}), then=Cast(KT(f"tokens__{kind}"), models.BigIntegerField())
    )
    return Coalesce(models.Case(counted, default=Value(0)), Value(0), output_field=models.BigIntegerField())
