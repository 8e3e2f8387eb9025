"""Who leads: the team, what breaches next in its queues, and what waits for the leader's own yes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Max, Q
from django.utils import timezone

from cases.access import can, visible
from cases.models.choices import Reason
from hitl_project.home.work import lean
from review.access import desk_of, team
from review.forecast import Forecast
from review.models import Decision, Policy, Queue, ReviewTask
from review.queues import outlooks

MOST_PEOPLE = 50
MOST_LISTED = 10
MOST_FORESEEN = 12


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the team: what they hold now and what they decided since midnight."""

    user: User
    on_duty: bool
    claimed: int
    held: int
    decided: int
    last: datetime | None


def blocks(user: User) -> dict[str, Any]:
    leads = can(user, "review.release_any_reviewtask")
    return {
        "team": members() if leads else [],
        "outlook": foreseen(user) if leads else None,
        "leads": leads,
        "second": second_approvals(user),
        "proposed": proposed_policies(user),
    }


def members() -> list[Member]:
    """The active people who work in some ordinary queue: those on duty first, then the busiest."""
    people = list(team().filter(is_active=True).select_related("profile").order_by("username")[:MOST_PEOPLE])
    ids = [person.pk for person in people]
    hands, days = _hands(ids), _days(ids)
    found = [_member(person, hands.get(person.pk, {}), days.get(person.pk, {})) for person in people]
    return sorted(found, key=lambda member: (not member.on_duty, -member.decided, member.user.username))


def _member(person: User, hands: dict[str, Any], day: dict[str, Any]) -> Member:
    profile = getattr(person, "profile", None)
    return Member(
        user=person,
        on_duty=bool(profile and profile.on_duty),
        claimed=hands.get("claimed", 0),
        held=hands.get("held", 0),
        decided=day.get("decided", 0),
        last=day.get("last"),
    )


def _hands(ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = ReviewTask.objects.claimed().filter(assignee__in=ids).order_by().values("assignee")
    held = Count("pk", filter=~Q(hold_reason=""))
    counted = rows.annotate(claimed=Count("pk", filter=Q(hold_reason="")), held=held)
    return {row["assignee"]: {**row} for row in counted}


def _days(ids: list[int]) -> dict[int, dict[str, Any]]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Decision.objects.filter(decided_at__gte=midnight, decided_by__in=ids).order_by().values("decided_by")
    return {row["decided_by"]: {**row} for row in rows.annotate(decided=Count("pk"), last=Max("decided_at"))}


@dataclass(frozen=True, slots=True)
class Outlook:
    """The queues that will be late at the present pace, the worst first; ``known`` where there is a pace to speak of."""

    late: list[tuple[Queue, Forecast]]
    known: bool


def foreseen(user: User) -> Outlook:
    rows = visible(user, Queue.objects.order_by("name"), "review.view_queue")[:MOST_FORESEEN]
    known = [(queue, found) for queue, found in outlooks(rows, now=timezone.now()) if found is not None]
    late = sorted((each for each in known if each[1].late), key=lambda each: -each[1].late)
    return Outlook(late=late, known=bool(known))


def second_approvals(user: User) -> list[ReviewTask]:
    """Held decisions that wait for this account's second approval; never its own."""
    if not can(user, "review.approve_decision"):
        return []
    rows = ReviewTask.objects.open().filter(reason=Reason.SECOND_APPROVAL, queue__in=desk_of(user).queues)
    return list(lean(rows.exclude(case__decisions__decided_by=user))[:MOST_LISTED])


def proposed_policies(user: User) -> list[Policy]:
    """Changes of oversight that wait for this account's approval."""
    waiting = Policy.objects.filter(status=Policy.Status.PROPOSED).select_related("case_type")
    return list(visible(user, waiting, "review.approve_policy")[:MOST_LISTED])
