"""How people work, and how good they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value

from feedback.models import OutcomeReport, Planting, SecondRead
from metrics.models import CheckRollup, PersonRollup
from metrics.sums.base import Rows, Slice, bucket, hour, milliseconds, seconds
from metrics.sums.work import on_shown_output, production
from review.models import Decision

OVERTURNED = (SecondRead.Verdict.SECOND, SecondRead.Verdict.NEITHER)


def people(part: Slice) -> Iterable[PersonRollup]:
    """The decisions of each person in the hour they were made, and what they made of planted cases."""
    rows = Rows(PersonRollup, part)
    made = production(part).filter(part.during("decided_at"), decided_by__isnull=False).order_by()
    by = {"start": hour("decided_at"), "person": F("decided_by")}
    shown = on_shown_output()
    counts = {"n": Count("pk"), "on_shown": Count("pk", filter=shown)}
    changed = Count("pk", filter=shown & Q(override=True))
    for found in made.values(**by).annotate(**counts, changed=changed, spent=milliseconds("active_seconds")):
        row = _row(rows, found)
        row.decided, row.shown, row.overrides = found["n"], found["on_shown"], found["changed"]
        row.active_seconds = seconds(found["spent"])
    timed = made.filter(active_seconds__isnull=False, task__blind=False)
    for found in timed.values(**by, bucket=bucket(F("active_seconds"))).annotate(n=Count("pk")):
        _row(rows, found).active[str(found["bucket"])] = found["n"]
    for found in _checked(made).values(**by).annotate(n=Count("pk"), bad=Sum("is_wrong")):
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
    found = _checked(production(part).filter(part.during("decided_at"))).annotate(chance=chance).order_by()
    for group in found.values("chance", start=hour("decided_at")).annotate(n=Count("pk"), bad=Sum("is_wrong")):
        row = rows.at(group["start"], probability=group["chance"])
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
    """Known cases shown with a wrong output and answered. Naming every reader lets the database use its index."""
    readers = list(User.objects.values_list("pk", flat=True))
    answered = Planting.objects.filter(
        part.during("answered_at"), case_type_id=part.case_type_id, user__in=readers, wrong=True, caught__isnull=False
    )
    by = {"start": hour("answered_at"), "person": F("user")}
    found: Iterable[dict[str, Any]] = (
        answered.order_by().values(**by).annotate(n=Count("pk"), good=Count("pk", filter=Q(caught=True)))
    )
    for group in found:
        row = _row(rows, group)
        row.planted_wrong, row.planted_caught = group["n"], group["good"]


def _row(rows: Rows[PersonRollup], found: dict[str, Any]) -> PersonRollup:
    return rows.at(found["start"], user_id=found["person"])
