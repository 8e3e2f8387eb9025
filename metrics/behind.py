"""The very cases behind a figure: for each, the rows that the rollups have counted, by their indexes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.models.choices import Reason
from feedback.models import OutcomeReport
from metrics.histograms import BINS
from metrics.periods import Period
from metrics.sums.base import CHECKS
from metrics.sums.certainty import _read_label as read_label
from metrics.sums.work import on_shown_output
from review.models import Decision, ReviewTask

Rows = QuerySet[Any]
Query = dict[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """What is counted: in words, its rows, the way from a row to its case, and the moment that counts it."""

    name: object
    rows: Callable[[Period, Query], Rows]
    case: str = ""  # path from the row to its case
    moment: str = ""


def _during(period: Period, moment: str) -> Q:
    return Q(**{f"{moment}__gte": period.start, f"{moment}__lt": period.end})


def _cases(period: Period, moment: str) -> Rows:
    rows = Case.objects.filter(_during(period, moment))
    return rows.filter(case_type=period.case_type) if period.case_type else rows


def _received(period: Period, query: Query) -> Rows:
    rows = _cases(period, "created_at")
    return rows.filter(source=query["source"]) if "source" in query else rows


def _routed(period: Period, query: Query) -> Rows:
    return _by_route(_cases(period, "routed_at"), period, query)


def _closed(period: Period, query: Query) -> Rows:
    return _by_route(_cases(period, "closed_at"), period, query)


def _by_route(cases: Rows, period: Period, query: Query) -> Rows:
    """By the first routing; a case reopened later keeps the route it first took."""
    if not (period.only.mode or {"mode", "by"} & set(query)):
        return cases
    automatic = Decision.objects.by_policy().filter(case=OuterRef("pk"), case_version=1)
    first = ReviewTask.objects.filter(case=OuterRef("pk"), planted=False).order_by("pk")
    why = models.Case(
        models.When(Exists(automatic), then=Value("")),
        default=Coalesce(Subquery(first.values("reason")[:1]), Value("")),
    )
    mode = Coalesce(
        Subquery(automatic.values("policy__mode")[:1]), Subquery(first.values("policy__mode")[:1]), Value("")
    )
    rows: Rows = cases.annotate(why=why, mode=mode)
    if period.only.mode or "mode" in query:
        rows = rows.filter(mode=query.get("mode", period.only.mode))
    automated = Q(why__in=["", str(Reason.SAMPLE)])
    if "by" in query:
        rows = rows.filter({"policy": automated, "person": ~automated}[query["by"]])
    return rows


def _tasks(period: Period, query: Query) -> Rows:
    rows = ReviewTask.objects.filter(planted=False).exclude(reason=Reason.SECOND_READ)
    if period.case_type:
        rows = rows.filter(case_type=period.case_type)
    if period.only.queue:
        rows = rows.filter(queue=period.only.queue)
    return rows.filter(priority=int(query["priority"])) if "priority" in query else rows


def _opened(period: Period, query: Query) -> Rows:
    return _tasks(period, query).filter(_during(period, "opened_at"))


def _ended(period: Period, query: Query) -> Rows:
    return _tasks(period, query).filter(_during(period, "closed_at"))


def _open(period: Period, query: Query) -> Rows:
    """Open when the time ended."""
    later = Q(closed_at__isnull=True) | Q(closed_at__gte=period.end)
    return _tasks(period, query).filter(later, opened_at__lt=period.end)


def _settled(period: Period, query: Query) -> Rows:
    """Decided in time, or due: whichever came first settles a task."""
    decided = Q(ending=ReviewTask.Ending.DECIDED)
    met = decided & Q(closed_at__lte=F("due_at")) & _during(period, "closed_at")
    late = decided & Q(closed_at__gt=F("due_at")) & _during(period, "due_at")
    unmet = Q(closed_at__isnull=True, due_at__lt=models.functions.Now()) & _during(period, "due_at")
    return _tasks(period, query).filter(met | late | unmet)


def _waiting(period: Period, query: Query) -> Rows:
    return _ended(period, query).filter(claimed_at__isnull=False)


def _decisions(period: Period) -> Rows:
    rows = Decision.objects.filter(_during(period, "decided_at"))
    return rows.filter(case__case_type=period.case_type) if period.case_type else rows


def _production(period: Period) -> Rows:
    """What people decided, checks of others' decisions left out."""
    rows = _decisions(period).filter(task__isnull=False).exclude(task__reason__in=CHECKS)
    return rows.filter(task__queue=period.only.queue) if period.only.queue else rows


def _shown(period: Period, query: Query) -> Rows:
    rows = _production(period).filter(on_shown_output())
    return rows.filter(override=True) if query.get("wrong") else rows


def _timed(*, blind: bool) -> Callable[[Period, Query], Rows]:
    return lambda period, _query: _production(period).filter(active_seconds__isnull=False, task__blind=blind)


def _checked(period: Period, query: Query) -> Rows:
    reported = Exists(OutcomeReport.objects.filter(decision=OuterRef("pk")))
    return _production(period).filter(Q(reported) | Q(second_read__settled_at__isnull=False))


def _sampled(period: Period, query: Query) -> Rows:
    """First decisions that were read as a sample."""
    rows = _decisions(period).filter(case_version=1, prediction__error="", sample__isnull=False)
    return rows.filter(sample__correct=False) if query.get("wrong") else rows


def _sampled_automated(period: Period, query: Query) -> Rows:
    return _sampled(period, query).filter(task__isnull=True)


def _certainty(period: Period, query: Query) -> Rows:
    """Those of one bin of the confidence; the last holds certainty itself."""
    number, rows = int(query["bin"]), _sampled(period, query)
    rows = rows.filter(prediction__confidence__gte=number / BINS)
    if period.only.version:
        model, version = period.only.model
        rows = rows.filter(prediction__model=model, prediction__model_version=version)
    return rows if number == BINS - 1 else rows.filter(prediction__confidence__lt=(number + 1) / BINS)


def _labels(period: Period, query: Query) -> Rows:
    return _shown(period, {}).filter(prediction__label=query["said"], label=query["answered"])


def _labels_sampled(period: Period, query: Query) -> Rows:
    rows: Rows = _sampled(period, {}).annotate(answer=read_label())
    return rows.filter(prediction__label=query["said"], answer=query["answered"])


FIGURES: dict[str, Figure] = {
    "received": Figure(_("Cases received"), _received, moment="created_at"),
    "routed": Figure(_("Cases routed"), _routed, moment="routed_at"),
    "closed": Figure(_("Cases closed"), _closed, moment="closed_at"),
    "opened": Figure(_("Tasks opened"), _opened, "case", "opened_at"),
    "ended": Figure(_("Tasks ended"), _ended, "case", "closed_at"),
    "open": Figure(_("Tasks open at the end"), _open, "case", "opened_at"),
    "settled": Figure(_("Tasks decided or due"), _settled, "case", "due_at"),
    "waiting": Figure(_("Tasks claimed and ended"), _waiting, "case", "closed_at"),
    "shown": Figure(_("Decisions on a shown output"), _shown, "case", "decided_at"),
    "active": Figure(_("Decisions with the machine's output, timed"), _timed(blind=False), "case", "decided_at"),
    "blind": Figure(_("Decisions read blind, timed"), _timed(blind=True), "case", "decided_at"),
    "checked": Figure(_("Human decisions that were checked"), _checked, "case", "decided_at"),
    "samples": Figure(_("Sampled cases that were read"), _sampled, "case", "decided_at"),
    "samples_automated": Figure(
        _("Decisions by policy that were read as a sample"), _sampled_automated, "case", "decided_at"
    ),
    "certainty": Figure(_("Sampled cases of one confidence"), _certainty, "case", "decided_at"),
    "labels": Figure(_("Decided on a shown output, by label"), _labels, "case", "decided_at"),
    "labels_sampled": Figure(_("Sampled cases, by label"), _labels_sampled, "case", "decided_at"),
}
NEEDED = {"certainty": ("bin",), "labels": ("said", "answered"), "labels_sampled": ("said", "answered")}
