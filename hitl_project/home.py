"""What stands on the home page: for whoever works at the desk, whoever leads, and whoever has just installed this."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from cases.access import can, visible
from cases.models import CaseType, Effect
from metrics import cards, periods, report
from review.desk.work import my_claims, my_day, queue_states, works_at_the_desk
from review.models import Policy

MOST_COUNTED = 100
HEADLINES = (
    "throughput_clock",
    "escalation_rate",
    "override_rate_sampled",
    "automated_error",
    "sla_attainment",
    "backlog",
)


def home_of(request: HttpRequest) -> dict[str, Any]:
    """The blocks of the home page that concern this account."""
    user = cast(User, request.user)
    at_the_desk = works_at_the_desk(user)
    queues = queue_states(user) if user.has_perm("review.view_queue") else []
    first_run = not CaseType.objects.exists()
    mine = [state for state in queues if state.mine]
    return {
        "title": _("Home"),
        "at_the_desk": at_the_desk,
        "queues": queues,
        "waiting": sum(state.waiting for state in mine),
        "claimed": sum(state.claimed for state in mine),
        "overdue": sum(state.overdue for state in queues),
        "my_claims": my_claims(user) if at_the_desk else [],
        "day": my_day(user) if at_the_desk else None,
        "dead": dead_effects(user),
        "proposed": proposed_policies(user),
        "headlines": headlines(user) if not first_run and not at_the_desk else [],
        "first_run": first_run,
    }


def headlines(user: User) -> list[cards.Card]:
    """A few of the report's figures, for those who lead by them."""
    if not can(user, "metrics.view_report"):
        return []
    now = datetime.now(UTC)
    made = report.build(periods.read(QueryDict(), now=now), now=now)
    return [cards.card(reading, made) for reading in made.readings if reading.measure.key in HEADLINES]


def dead_effects(user: User) -> int:
    """How many deliveries are parked as dead, counted up to a hundred."""
    return len(visible(user, Effect.objects.dead(), "cases.view_effect").values_list("pk")[:MOST_COUNTED])


def proposed_policies(user: User) -> list[Policy]:
    """Changes of oversight that wait for this account's approval."""
    waiting = Policy.objects.filter(status=Policy.Status.PROPOSED).select_related("case_type")
    return list(visible(user, waiting, "review.approve_policy")[:10])
