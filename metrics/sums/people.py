"""How people work, and how good they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value

from feedback.models import OutcomeReport, Planting, SecondRead
from metrics.models import CheckRollup, PersonRollup
from metrics.sums.base import Rows, Slice, bucket, milliseconds, seconds
from metrics.sums.work import on_shown_output, production
from review.models import Decision

OVERTURNED = (SecondRead.Verdict.SECOND, SecondRead.Verdict.NEITHER)


def people(part: Slice) -> Iterable[PersonRollup]:
    """The decisions of each person in the hour they were made, and what they made of planted cases."""
    rows = Rows(PersonRollup, part)
    made = production(part).filter(decided_by__isnull=False)
    by = {"person": F("decided_by")}
    shown = on_shown_output()
    counts: dict[str, Any] = {"n": Count("pk"), "on_shown": Count("pk", filter=shown)}
    counts |= {"changed": Count("pk", filter=shown & Q(override=True)), "spent": milliseconds("active_seconds")}
    for found in part.grouped(made, "decided_at", by, **counts):
        row = _row(rows, found)
        row.decided, row.shown, row.overrides = found["n"], found["on_shown"], found["changed"]
        row.active_seconds = seconds(found["spent"])
    timed = made.filter(active_seconds__isnull=False, task__blind=False)
    spent = {"bucket": bucket(F("active_seconds"))}
    for found in part.grouped(timed, "decided_at", {**by, **spent}, n=Count("pk")):
        rows.count(_row(rows, found), "active", bucket=found["bucket"], count=found["n"])
    for found in part.grouped(_checked(made), "decided_at", by, n=Count("pk"), bad=Sum("is_wrong")):
        row = _row(rows, found)
        row.checked, row.wrong = found["n"], found["bad"]
    _planted(rows, part)
    return rows


def checks(part: Slice) -> Iterable[CheckRollup]:
    """Decisions of people that were checked, each once, and the wrong ones among them, by the chance to be checked.

    A reported decision stands for itself. A second read that is settled stands for all that could have been drawn.
    """
    rows = Rows(CheckRollup, part)
    chance = models.Case(models.When(reported=True, then=Value(1.0)), default=F("second_read__probability"))
    found = _checked(production(part)).annotate(chance=chance)
    for group in part.grouped(found, "decided_at", {"by": F("chance")}, n=Count("pk"), bad=Sum("is_wrong")):
        row = rows.at(group["start"], probability=group["by"])
        row.checked, row.wrong = group["n"], group["bad"]
    return rows


def _checked(made: QuerySet[Decision]) -> QuerySet[Decision]:
    """Those that were reported on or read again, with ``is_wrong`` 1 or 0."""
    reports = OutcomeReport.objects.filter(decision=OuterRef("pk"))
    known = made.annotate(reported=Exists(reports))
    found = known.filter(Q(reported=True) | Q(second_read__settled_at__isnull=False))
    wrong = Exists(reports.filter(correct=False)) | Q(second_read__verdict__in=OVERTURNED)
    return found.annotate(is_wrong=models.Case(models.When(wrong, then=Value(1)), default=Value(0)))


def _planted(rows: Rows[PersonRollup], part: Slice) -> None:
    """Known cases shown with a wrong output and answered, refreshers aside: their reader is warned. Naming every reader lets the database use its index."""
    readers = list(User.objects.values_list("pk", flat=True))
    answered = Planting.objects.filter(
        case_type_id=part.case_type_id, user__in=readers, wrong=True, caught__isnull=False, refresher=None
    )
    good = Count("pk", filter=Q(caught=True))
    for group in part.grouped(answered, "answered_at", {"person": F("user")}, n=Count("pk"), good=good):
        row = _row(rows, group)
        row.planted_wrong, row.planted_caught = group["n"], group["good"]


def _row(rows: Rows[PersonRollup], found: dict[str, Any]) -> PersonRollup:
    return rows.at(found["start"], user_id=found["person"])
