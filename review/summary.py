"""The session summary: what one person decided today, for their own eyes. No ranking, and nobody else to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.utils import timezone

from cases.models.choices import Reason
from review.models import Approval, Decision, ReviewTask

MOST = 2_000  # decisions of one day
USUAL = 500  # decisions before today that say what is usual
LOOKED_BACK = 500  # decisions whose later fate is looked up
MOST_NEWS = 20
NEWS_DAYS = 14


@dataclass(frozen=True, slots=True)
class Row:
    """One case type's part of the day. ``seconds`` is the median of active seconds."""

    name: str
    decided: int
    changed: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class News:
    """What became of an earlier decision: ``how`` is sent_back, reported_error or reopened."""

    case_id: int
    how: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A day in figures. ``seconds`` and ``usual`` are medians of active seconds, None where nothing was measured."""

    since: datetime
    decided: int = 0
    approved: int = 0
    changed: int = 0
    rejected: int = 0
    together: int = 0
    raised: int = 0
    samples: int = 0
    second_approvals: int = 0
    seconds: float | None = None
    usual: float | None = None
    rows: list[Row] = field(default_factory=list)
    news: list[News] = field(default_factory=list)


def summary_of(user: User) -> Summary:
    """The account's day, since midnight where they are, in seven queries whatever they did."""
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = Decision.objects.filter(decided_by=user)
    today = list(
        mine.filter(decided_at__gte=since).order_by("-id").select_related("case__case_type").only(*_READ)[:MOST]
    )
    ended = ReviewTask.objects.filter(assignee=user, claimed_at__gte=since - timedelta(days=1), closed_at__gte=since)
    return Summary(
        since=since,
        decided=len(today),
        approved=sum(one.outcome == Decision.Outcome.APPROVE for one in today),
        changed=sum(one.override and one.outcome != Decision.Outcome.REJECT for one in today),
        rejected=sum(one.outcome == Decision.Outcome.REJECT for one in today),
        together=sum(one.batch_id is not None for one in today),
        raised=ended.filter(ending=ReviewTask.Ending.RAISED).count(),
        samples=ended.filter(ending=ReviewTask.Ending.DECIDED, reason=Reason.SAMPLE).count(),
        second_approvals=Approval.objects.filter(by=user, at__gte=since).count(),
        seconds=_median([one.active_seconds for one in today]),
        usual=_usual(user, before=since),
        rows=_by_case_type(today),
        news=_news(user),
    )


_READ = ("outcome", "override", "batch_id", "active_seconds", "case__case_type__name", "decided_by_id")


def _usual(user: User, *, before: datetime) -> float | None:
    earlier = Decision.objects.filter(decided_by=user, decided_at__lt=before, active_seconds__isnull=False)
    return _median(list(earlier.order_by("-id").values_list("active_seconds", flat=True)[:USUAL]))


def _median(seconds: Sequence[float | None]) -> float | None:
    known = [one for one in seconds if one is not None]
    return median(known) if known else None


def _by_case_type(decisions: Sequence[Decision]) -> list[Row]:
    groups: dict[str, list[Decision]] = {}
    for one in decisions:
        groups.setdefault(one.case.case_type.name, []).append(one)
    return [_row(name, groups[name]) for name in sorted(groups)]


def _row(name: str, decisions: Sequence[Decision]) -> Row:
    changed = sum(one.override for one in decisions)
    return Row(name, len(decisions), changed, _median([one.active_seconds for one in decisions]))


def _news(user: User) -> list[News]:
    """What was sent back, reported as wrong or reopened since, the newest first. Never of a case now read blind."""
    since = timezone.now() - timedelta(days=NEWS_DAYS)
    latest = Decision.objects.filter(decided_by=user).order_by("-id").values_list("pk", "case_id", "decided_at")
    mine = list(latest[:LOOKED_BACK])
    found = [*_sent_back([pk for pk, _case, _at in mine], since=since), *_put_up_again(mine, since=since)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST_NEWS]


def _sent_back(decisions: Sequence[int], *, since: datetime) -> list[News]:
    rows = Approval.objects.filter(decision__in=decisions, approved=False, at__gte=since)
    told = rows.order_by("-id").values_list("decision__case_id", "at", "note")[:MOST_NEWS]
    return [News(case_id, "sent_back", at, note) for case_id, at, note in told]


def _put_up_again(mine: Sequence[tuple[int, int, datetime]], *, since: datetime) -> list[News]:
    decided = {case_id: at for _pk, case_id, at in reversed(mine)}
    blind = ReviewTask.objects.open().filter(case=OuterRef("case"), blind=True, first_answer__isnull=True)
    again = ReviewTask.objects.filter(
        ~Exists(blind),
        case__in=list(decided),
        reason__in=[Reason.REPORTED_ERROR, Reason.REOPENED],
        opened_at__gte=since,
    )
    rows = again.order_by("-id").values_list("case_id", "reason", "opened_at", "note")[: 2 * MOST_NEWS]
    return [News(case_id, reason, at, note) for case_id, reason, at, note in rows if at > decided[case_id]]
