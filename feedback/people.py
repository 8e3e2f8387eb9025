"""How the team catches planted errors, for those who lead it. By name, never by figure: nobody is ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet

from feedback.models import Flag, Planting
from feedback.shares import Share
from review.access import team

MOST_TOLD = 100
SEES_PEOPLE, SEES_SUMS = "feedback.view_flag", "cases.count_auditevent"


@dataclass(frozen=True, slots=True)
class Caught:
    """Planted errors of one case type: how many were answered, and how many of them caught."""

    case_type: str
    share: Share


@dataclass(frozen=True, slots=True)
class Person:
    user: User
    caught: list[Caught] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)


def people() -> list[Person]:
    """Everybody in the team, in the order of their names, in three queries."""
    members = list(team().filter(is_active=True).order_by("username"))
    caught: dict[int, list[Caught]] = defaultdict(list)
    for user_id, name, count, hits in _counted(_answered(members), "user_id", "case_type__name"):
        caught[user_id].append(Caught(name, Share(hits, count)))
    flags: dict[int, list[Flag]] = defaultdict(list)
    for flag in Flag.objects.filter(user__in=members, closed_at__isnull=True).select_related("case_type"):
        flags[flag.user_id].append(flag)
    return [Person(user, caught[user.pk], flags[user.pk]) for user in members]


def sums() -> list[Caught]:
    """The team as one, by case type: for those who may not be told of persons."""
    rows = _counted(_answered(None), "case_type__name")
    return [Caught(name, Share(hits, count)) for name, count, hits in rows]


def told_to(user: User) -> list[Planting]:
    """The known cases that somebody has answered and was told of, the newest first."""
    rows = Planting.objects.filter(user=user, told_at__isnull=False).select_related("gold", "case_type", "refresher")
    return list(rows.order_by("-answered_at")[:MOST_TOLD])


def _answered(members: Sequence[User] | None) -> QuerySet[Planting]:
    rows = Planting.objects.filter(wrong=True, caught__isnull=False, refresher=None)
    return rows if members is None else rows.filter(user__in=members)


def _counted(rows: QuerySet[Planting], *keys: str) -> Any:
    counted = rows.order_by(*keys[::-1]).values_list(*keys)
    return counted.annotate(count=Count("pk"), hits=Count("pk", filter=Q(caught=True)))
