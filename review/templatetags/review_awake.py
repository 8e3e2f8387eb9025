"""What the desk's templates ask about second approvals and about staying awake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.auth.models import User

from cases.models import Case
from review import awake, coin, risk, shown
from review.models import Decision

register = template.Library()


@dataclass(frozen=True, slots=True)
class Care:
    """What this case asks of its reader: a reason for an approval, and the seconds before anything suggests one."""

    asks_reason: bool
    seconds_left: int


@register.filter
def held_digest(decision: Decision | None, case: Case) -> str:
    """What an approval is bound to: the held decision on this case as it stands on the page."""
    if decision is None:
        return ""
    decision.case = case  # known, so not to be read again
    return shown.digest_of_held(decision)


@register.simple_tag
def care_of(screen: Any) -> Care:
    """For a screen of `review.desk.screen`. A blind reader is shown nothing to approve, so nothing is asked of them."""
    if screen.task.blind or screen.prediction is None or screen.prediction.output is None:
        return Care(asks_reason=False, seconds_left=0)
    return Care(coin.asks_reason(screen.task), risk.seconds_short(screen.task, screen.prediction))


@register.simple_tag
def hints_for(user: User) -> list[str]:
    """What is worth saying to this person about their own pace, streak and breaks; nothing where they want none."""
    found = awake.awake_of(user)
    return found.hints if found else []
