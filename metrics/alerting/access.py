"""Row rules of alerts: who may see them sees them all, but what is about a person is for those who look after people."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q

from cases.access import EVERYTHING, scope_of
from metrics.models import Alert, Kind

PEOPLE = "feedback.view_flag"


@scope_of(Alert)
def alerts(user: User, verb: str) -> Q:
    return EVERYTHING if user.has_perm(PEOPLE) else ~Q(kind=Kind.CATCH_RATE)
