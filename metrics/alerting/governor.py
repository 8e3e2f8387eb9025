"""The governor: above the limit of escalation it says so, with what each way out costs. It changes nothing by itself, ever.

`findings()` is for pages: the home page, the overview of the reports. The alert of kind `governor` is raised as all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, F, Q, Sum

from feedback.models import ModelVersion
from metrics import intervals, watches
from metrics.alerting import prices
from metrics.alerting.kinds.shares import above_level
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.parameters import complete
from metrics.alerting.shapes import DAY, HOURLY, State, total
from metrics.alerting.sights import Moment, share_sight
from metrics.alerting.tables import Tables
from metrics.intervals import Interval
from metrics.models import AlertRule, Kind, PersonRollup, SampleRollup, Span, WorkRollup
from metrics.periods import floor
from review.models import Policy

PACE_DAYS = 14
SAMPLE_DAYS = 28
MOST_SAMPLED = 3
FEWEST_READ = 20
CHECKED = "risk_coverage"


@dataclass(frozen=True, slots=True)
class Finding:
    """A case type above the limit within the last day, and the choices."""

    case_type_id: int
    key: str
    name: str
    share: float
    interval: Interval
    routed: int
    escalated: int
    limit: float
    certain: bool  # more than chance explains
    people: prices.People | None
    model: prices.Model | None
    sampling: tuple[prices.Sampling, ...]


def findings(*, now: datetime | None = None) -> list[Finding]:
    """Every case type above the limit, the furthest above first; empty where all is well."""
    now = now or datetime.now(UTC)
    tables = Tables(floor(now - DAY, Span.HOUR), now)
    settings = _settings()
    found = []
    for pk, series in tables.escalations.items():
        sight = share_sight(series, HOURLY, Moment(now, tables))
        whole = total([step.now for step in sight.steps])
        verdict = above_level(sight, settings)
        if (whole.share or 0) > settings["limit"] and verdict.state != State.UNKNOWN:
            row = tables.case_types[pk]
            bounds = intervals.clopper_pearson(whole.part, whole.whole)
            found.append(
                Finding(
                    case_type_id=pk,
                    key=row.key,
                    name=row.name,
                    share=whole.share or 0.0,
                    interval=bounds,
                    routed=whole.whole,
                    escalated=whole.part,
                    limit=settings["limit"],
                    certain=verdict.state == State.RAISE,
                    people=_people(pk, whole.part, now),
                    model=_model(pk, whole.share or 0.0),
                    sampling=_sampling(pk, tables, now),
                )
            )
    return sorted(found, key=lambda finding: -finding.share)


def _settings() -> dict[str, Any]:
    rule = AlertRule.objects.filter(kind=Kind.GOVERNOR, case_type=None, enabled=True).order_by("pk").first()
    return {
        "limit": watches.GOVERNOR,
        **complete(WATCHES[Kind.GOVERNOR].fields, rule.parameters if rule else {}),
        "trigger": "plain",
    }


def _people(case_type_id: int, per_day: int, now: datetime) -> prices.People | None:
    """At the pace of the last two weeks; people are those who decided on a usual day of them."""
    since = floor(now - PACE_DAYS * DAY, Span.DAY)
    work = WorkRollup.objects.within(Span.DAY, since, now).filter(case_type=case_type_id)
    sums = work.aggregate(seconds=Sum("active_seconds"), ended=Sum("ended"))
    pace = (sums["seconds"] or 0) / sums["ended"] if sums["ended"] else 0.0
    rows = PersonRollup.objects.within(Span.DAY, since, now).filter(case_type=case_type_id, decided__gt=0)
    days = [row["n"] for row in rows.order_by().values("start").annotate(n=Count("user_id", distinct=True))]
    present = round(sum(days) / len(days)) if days else 0
    return prices.people(per_day=per_day, seconds=pace, present=present)


def _model(case_type_id: int, escalation: float) -> prices.Model | None:
    """The newest version that was judged, against the one at work, at the threshold in force. None where it is at work itself."""
    rows = ModelVersion.objects.filter(case_type=case_type_id).order_by("-number")
    judged = [row for row in rows.only("number", "status", "metrics", "case_type")[:20] if row.metrics.get(CHECKED)]
    if not judged or judged[0].status == ModelVersion.Status.ACTIVE:
        return None
    policy = Policy.objects.filter(case_type=case_type_id, status=Policy.Status.ACTIVE).only("threshold").first()
    threshold = policy.threshold if policy else 1.0
    active = next((row for row in judged if row.status == ModelVersion.Status.ACTIVE), None)
    candidate = prices.coverage_at(judged[0].metrics[CHECKED], threshold) or 0.0
    present = prices.coverage_at(active.metrics[CHECKED], threshold) if active else 1 - escalation
    return prices.model(number=judged[0].number, candidate=candidate, present=present or 0.0, escalation=escalation)


def _sampling(case_type_id: int, tables: Tables, now: datetime) -> tuple[prices.Sampling, ...]:
    """Other case types, those with the most readings first."""
    rows = SampleRollup.objects.within(Span.DAY, floor(now - SAMPLE_DAYS * DAY, Span.DAY), now)
    others = rows.filter(~Q(case_type=case_type_id)).order_by().values(key=F("case_type_id"))
    sums = others.annotate(reads=Sum("read"), bad=Sum("wrong"), time=Sum("seconds"))
    read = sorted((row for row in sums if row["reads"] >= FEWEST_READ), key=lambda row: -row["reads"])
    return tuple(
        prices.sampling(
            name=tables.case_types[row["key"]].name,
            read=row["reads"],
            wrong=row["bad"],
            seconds=row["time"],
            days=SAMPLE_DAYS,
        )
        for row in read[:MOST_SAMPLED]
    )
