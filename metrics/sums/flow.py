"""What became of the cases: by their source, by their route, and by the version of the model that answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Count, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Value
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
    """Model and version of the answer that was routed: the one that policy decided on, else the newest at that time."""
    said = Prediction.objects.filter(case=OuterRef("pk"))
    then = said.filter(created_at__lte=OuterRef("routed_at")).order_by("-pk")

    def of(name: str) -> Any:
        newest = Coalesce(Subquery(then.values(name)[:1]), Subquery(said.order_by("pk").values(name)[:1]), NOTHING)
        return _by_policy(Coalesce(f"first__prediction__{name}", NOTHING), otherwise=newest)

    return {"said_by": of("model"), "said_in": of("model_version")}


def _routes(cases: QuerySet[Case], part: Slice, moment: str, **more: Any) -> Iterable[dict[str, Any]]:
    """Counts by mode and reason of the first routing; a case reopened later keeps the route it first took."""
    first = FilteredRelation("decisions", condition=Q(decisions__case_version=1))
    opened = ReviewTask.objects.filter(case=OuterRef("pk"), planted=False).order_by("pk")
    by = {
        "mode": _by_policy(
            F("first__policy__mode"), otherwise=Coalesce(Subquery(opened.values("policy__mode")[:1]), NOTHING)
        ),
        "why": _by_policy(NOTHING, otherwise=Coalesce(Subquery(opened.values("reason")[:1]), NOTHING)),
    }
    return part.grouped(cases.annotate(first=first), moment, {**by, **more}, count=Count("pk"))


def _by_policy(value: Any, *, otherwise: Any) -> models.Case:
    """What is so where policy decided at once: a join, where looking the rest up for every case would be dear."""
    decided = Q(first__isnull=False, first__task__isnull=True)
    return models.Case(models.When(decided, then=value), default=otherwise, output_field=models.CharField())
