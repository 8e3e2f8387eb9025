"""What an alert collects when it is raised: the cases behind it, and what changed just before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from cases.models import AuditEvent, Case, Effect
from cases.models.choices import Reason
from feedback.models import ModelVersion, OutcomeReport, PromptVersion, Sample, SecondRead
from metrics.alerting.shapes import DAY, HOUR, Verdict
from metrics.alerting.sights import Subject
from metrics.models import Kind, SourceRollup, Span
from metrics.totals import AUTOMATED
from review.models import Decision, Policy, ReviewTask

MOST_CASES = 20
MOST_CHANGES = 10
MOST_EVENTS = 500
BEFORE = {Kind.POST_VALIDATION: 7 * DAY, Kind.OVERRIDE_OUT_OF_BAND: 7 * DAY, Kind.AUTOMATED_ERROR: 7 * DAY}
GROWN = 2.0  # times the usual, for a source to count as grown
LEAST_GROWN = 20
CONFIGURED = (
    *("casetype.changed", "case_type.configured", "queue.changed", "queue.configured", "calendar.changed"),
    *("calendar.configured", "policy.stopped", "webhookendpoint.changed", "webhook.configured", "webhook.disabled"),
    *("prompt.retired", "prompt.rolled_back"),
)


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    """What is refreshed at every look: the figures and the chart's series."""
    points = [
        [point.start.isoformat(), _rounded(point.value), _rounded(point.usual), point.count] for point in verdict.series
    ]
    return {"figures": verdict.figures, "series": points, "limit": verdict.limit}


def collected(kind: str, subject: Subject, *, now: datetime) -> dict[str, Any]:
    """What is gathered once, when it is raised."""
    since = now - BEFORE.get(Kind(kind), DAY)
    changes = sorted(changes_before(subject, since=since, now=now), key=lambda change: change["at"], reverse=True)
    return {"cases": cases_behind(kind, subject, now=now), "changes": changes[:MOST_CHANGES]}


def cases_behind(kind: str, subject: Subject, *, now: datetime) -> list[int]:
    """Ids of cases to look at, at most twenty. None for known cases: who they are stays secret."""
    find = CASES.get(Kind(kind))
    return list(dict.fromkeys(find(subject, now)))[:MOST_CASES] if find else []


def _routed(*reasons: str) -> Callable[[Subject, datetime], QuerySet[Any]]:
    def find(subject: Subject, now: datetime) -> QuerySet[Any]:
        rows = Case.objects.filter(case_type=subject.case_type_id, routed_at__gte=now - 2 * HOUR, routed_at__lte=now)
        rows = rows.filter(reason__in=reasons) if reasons else rows.exclude(reason__in=AUTOMATED)
        return rows.order_by("-routed_at").values_list("pk", flat=True)[:MOST_CASES]

    return find


def _slow(subject: Subject, now: datetime) -> QuerySet[Any]:
    made = Decision.objects.filter(decided_at__gte=now - 2 * HOUR, case__case_type=subject.case_type_id, shown=True)
    return made.order_by("-active_seconds").values_list("case_id", flat=True)[:MOST_CASES]


def _waiting(subject: Subject, now: datetime) -> QuerySet[Any]:
    rows = ReviewTask.objects.open().filter(queue=subject.queue_id, planted=False)
    return rows.order_by("due_at", "id").values_list("case_id", flat=True)[:MOST_CASES]


def _misread(*, automated: bool) -> Callable[[Subject, datetime], QuerySet[Any]]:
    def find(subject: Subject, now: datetime) -> QuerySet[Any]:
        rows = Sample.objects.filter(case__case_type=subject.case_type_id, read_at__gte=now - 28 * DAY, correct=False)
        rows = rows.filter(automated=True) if automated else rows
        return rows.order_by("-read_at").values_list("case_id", flat=True)[:MOST_CASES]

    return find


def _overturned(subject: Subject, now: datetime) -> list[int]:
    since = now - 7 * DAY
    verdicts = (SecondRead.Verdict.SECOND, SecondRead.Verdict.NEITHER)
    read = SecondRead.objects.filter(case_type=subject.case_type_id, settled_at__gte=since, verdict__in=verdicts)
    told = OutcomeReport.objects.filter(
        case__case_type=subject.case_type_id, reported_at__gte=since, correct=False, decision__task__isnull=False
    )
    found = [*read.order_by("-id").values_list("decision__case_id", flat=True)[:MOST_CASES]]
    return [*found, *told.order_by("-id").values_list("case_id", flat=True)[:MOST_CASES]]


def _answered(subject: Subject, now: datetime) -> QuerySet[Any]:
    rows = Case.objects.filter(case_type=subject.case_type_id, created_at__lte=now)
    return rows.order_by("-id").values_list("pk", flat=True)[:MOST_CASES]


def _undelivered(subject: Subject, now: datetime) -> QuerySet[Any]:
    rows = Effect.objects.dead().filter(case__isnull=False).order_by("-id")
    return rows.values_list("case_id", flat=True)[:MOST_CASES]


CASES: dict[Kind, Callable[[Subject, datetime], Any]] = {
    Kind.ESCALATION_JUMP: _routed(),
    Kind.GOVERNOR: _routed(),
    Kind.CLASSIFIER_FAILING: _routed(Reason.CLASSIFIER_ERROR),
    Kind.RESOLUTION_DOUBLED: _slow,
    Kind.QUEUE_SATURATED: _waiting,
    Kind.SLA_ABOUT_TO_BREACH: _waiting,
    Kind.AUTOMATED_ERROR: _misread(automated=True),
    Kind.OVERRIDE_OUT_OF_BAND: _misread(automated=False),
    Kind.POST_VALIDATION: _overturned,
    Kind.CONFIDENCE_DRIFT: _answered,
    Kind.DEAD_EFFECTS: _undelivered,
}


def changes_before(subject: Subject, *, since: datetime, now: datetime) -> Iterator[dict[str, Any]]:
    """What was changed, and which traffic came or grew: time, kind and words, as plain JSON."""
    mine = Q(case_type=subject.case_type_id) if subject.case_type_id else Q()
    for policy in Policy.objects.filter(mine, activated_at__gte=since, activated_at__lte=now).select_related(
        "case_type"
    ):
        yield _change(policy.activated_at, "policy", str(policy), pk=policy.pk, why=policy.change_reason)
    for model in ModelVersion.objects.filter(mine, promoted_at__gte=since, promoted_at__lte=now).select_related(
        "case_type"
    ):
        yield _change(model.promoted_at, "model", str(model), pk=model.pk)
    for prompt in PromptVersion.objects.filter(mine, promoted_at__gte=since, promoted_at__lte=now):
        yield _change(prompt.promoted_at, "prompt", str(prompt), pk=prompt.pk)
    yield from _sources(mine, since=since, now=now)
    yield from _configuration(since, now)


def _configuration(since: datetime, now: datetime) -> Iterator[dict[str, Any]]:
    """From the newest events that concern no case, which an index finds."""
    rows = AuditEvent.objects.filter(case_id__isnull=True).order_by("-id")[:MOST_EVENTS]
    for event in rows:
        if event.action in CONFIGURED and since <= event.at <= now:
            named = next(
                (event.data[name] for name in ("name", "queue", "case_type", "webhook") if name in event.data), ""
            )
            yield _change(event.at, "configuration", f"{named} ({event.action})".strip(), why=event.actor)


def _sources(mine: Q, *, since: datetime, now: datetime) -> Iterator[dict[str, Any]]:
    """Traffic that is new, or that came much more than in the times of equal length before."""
    span: timedelta = now - since
    recent = _received(mine, since, now)
    usual = _received(mine, since - 7 * span, since)
    for source, count in recent.items():
        past = usual.get(source, 0) / 7
        if count >= LEAST_GROWN and count >= GROWN * past:
            kind = "source_grown" if past else "source_new"
            yield _change(since, kind, source, count=count, usual=round(past, 1))


def _received(mine: Q, start: datetime, end: datetime) -> dict[str, int]:
    rows = SourceRollup.objects.filter(mine).within(Span.HOUR, start, end).order_by().values("source")
    return {row["source"]: row["count"] for row in rows.annotate(count=Sum("received")) if row["count"]}


def _change(at: datetime | None, kind: str, words: str, **more: Any) -> dict[str, Any]:
    return {"at": (at or timezone.now()).isoformat(), "kind": kind, "words": words[:200], **more}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
