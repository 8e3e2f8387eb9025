"""What became of the cases: by their source, by their route, and by the version of the model that answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from cases.models import Case, Prediction
from cases.models.choices import Reason
from metrics.models import FlowRollup, SourceRollup, VersionRollup
from metrics.sums.base import Rows, Slice
from metrics.sums.work import on_shown_output, production
from review.models import Decision, ReviewTask

AUTOMATED = ("", str(Reason.SAMPLE))  # no reason means that policy decided
NOTHING = Value("")


def flow(part: Slice) -> Iterable[FlowRollup]:
    """Cases received, routed and closed, each in the hour it happened."""
    rows = Rows(FlowRollup, part)
    cases = Case.objects.filter(case_type_id=part.case_type_id)
    for group in part.grouped(cases, "created_at", {}, count=Count("pk")):
        rows.at(group["start"], mode="", reason="").received += group["count"]
    for moment, column in (("routed_at", "routed"), ("closed_at", "closed")):
        for found in _routes(cases, part, moment):
            row = rows.at(found["start"], mode=found["mode"], reason=found["why"])
            setattr(row, column, getattr(row, column) + found["count"])
    return rows


def sources(part: Slice) -> Iterable[SourceRollup]:
    """Cases received by where they came from."""
    rows = Rows(SourceRollup, part)
    cases = Case.objects.filter(case_type_id=part.case_type_id)
    for found in part.grouped(cases, "created_at", {"origin": F("source")}, count=Count("pk")):
        rows.at(found["start"], source=found["origin"]).received = found["count"]
    return rows


def versions(part: Slice) -> Iterable[VersionRollup]:
    """Routes by the answer that was routed, and decisions by the answer that they were made on."""
    rows = Rows(VersionRollup, part)
    cases = Case.objects.filter(case_type_id=part.case_type_id)
    for found in _routes(cases, part, "routed_at", **_answer()):
        row = rows.at(found["start"], mode=found["mode"], model=found["said_by"], model_version=found["said_in"])
        row.routed += found["count"]
        row.escalated += found["count"] if found["why"] not in AUTOMATED else 0
    by_policy = Decision.objects.by_policy().filter(case__case_type_id=part.case_type_id)
    _decisions(rows, by_policy, part, automated=Q())
    shown = on_shown_output()
    _decisions(rows, production(part).filter(shown), part, shown=Q(), overrides=Q(override=True))
    return rows


def _decisions(rows: Rows[VersionRollup], made: QuerySet[Decision], part: Slice, **counters: Q) -> None:
    by = {
        "mode": F("policy__mode"),
        "said_by": Coalesce("prediction__model", NOTHING),
        "said_in": Coalesce("prediction__model_version", NOTHING),
    }
    counts = {f"n_{name}": Count("pk", filter=test) if test else Count("pk") for name, test in counters.items()}
    for found in part.grouped(made, "decided_at", by, **counts):
        row = rows.at(found["start"], mode=found["mode"], model=found["said_by"], model_version=found["said_in"])
        for name in counters:
            setattr(row, name, found[f"n_{name}"])


def _answer() -> dict[str, Any]:
    """Model and version of the newest answer when the case was routed; a later one was never routed by."""
    said = Prediction.objects.filter(case=OuterRef("pk"))
    then = said.filter(created_at__lte=OuterRef("routed_at")).order_by("-pk")
    return {
        name: Coalesce(Subquery(then.values(of)[:1]), Subquery(said.order_by("pk").values(of)[:1]), NOTHING)
        for name, of in (("said_by", "model"), ("said_in", "model_version"))
    }


def _routes(cases: QuerySet[Case], part: Slice, moment: str, **more: Any) -> Iterable[dict[str, Any]]:
    """Counts by mode and reason of the first routing; a case reopened later keeps the route it first took."""
    automatic = Decision.objects.by_policy().filter(case=OuterRef("pk"), case_version=1)
    first = ReviewTask.objects.filter(case=OuterRef("pk"), planted=False).order_by("pk")
    why = models.Case(
        models.When(Exists(automatic), then=NOTHING), default=Coalesce(Subquery(first.values("reason")[:1]), NOTHING)
    )
    mode = Coalesce(Subquery(automatic.values("policy__mode")[:1]), Subquery(first.values("policy__mode")[:1]), NOTHING)
    return part.grouped(cases, moment, {"mode": mode, "why": why, **more}, count=Count("pk"))
