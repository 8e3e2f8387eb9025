"""From a request to a page: who asks, for which time, beside which other time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.errors import Invalid
from metrics import marks, periods
from metrics import report as reports
from metrics.charts.base import Look
from metrics.pages import KINDS, Ask, Kind, Page
from metrics.periods import Period

REPORTS, PEOPLE, OWN = "metrics.view_report", "feedback.view_flag", "review.claim_reviewtask"
WEEK = timedelta(days=7)
COMPARISONS = {
    "before": gettext_lazy("the time before"),
    "week": gettext_lazy("the same weekdays before"),
    "custom": gettext_lazy("a time of my own"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A page and what it was made from."""

    kind: Kind
    ask: Ask
    page: Page


def kind_of(key: str) -> Kind:
    """Raises: Http404."""
    if key not in KINDS:
        raise Http404
    return KINDS[key]


def may_see(user: User, kind: Kind) -> bool:
    """Reports need their permission; on the page of people everybody who works finds their own row."""
    if not user.is_staff:
        return False
    return can(user, REPORTS) or (kind.key == "people" and can(user, OWN))


def sees_cases(user: User) -> bool:
    """The very cases behind a figure: only for who may see all of them, else a list would not match its figure."""
    return can(user, "cases.view_every_case") and (
        can(user, "cases.view_case") or can(user, "cases.view_case_with_reason")
    )


def look(request: HttpRequest, key: str, *, on_paper: bool = False) -> Seen:
    """The page that is asked for. `on_paper` nothing leads to cases. Raises: Http404, PermissionDenied, Invalid by field."""
    kind = kind_of(key)
    user = cast(User, request.user)
    if not may_see(user, kind):
        raise PermissionDenied
    now = datetime.now(UTC)
    period, other = _asked(request.GET, kind, now=now)
    return make(kind, period, reader=user, now=now, other=other, on_paper=on_paper)


def make(
    kind: Kind, period: Period, *, reader: User, now: datetime, other: Period | None = None, on_paper: bool = False
) -> Seen:
    """The page of a time."""
    made = reports.build(period, now=now, needs=kind.needs, other=other)
    wage: float | None = settings.HUMAN_HOUR_COST
    seen = Look(period, now, other, marks.of(period), cases=not on_paper and sees_cases(reader), wage=wage)
    everybody = can(reader, REPORTS) and can(reader, PEOPLE)
    ask = Ask(made, seen, reader, everybody=everybody)
    return Seen(kind, ask, kind.make(ask))


def _asked(query: Mapping[str, str], kind: Kind, *, now: datetime) -> tuple[Period, Period | None]:
    """The time and the one beside it; filters that the page does not offer are left aside."""
    offered = {
        name: text for name, text in query.items() if name in kind.filters or name not in {"queue", "mode", "version"}
    }
    period = periods.read(offered, now=now)
    return period, _beside(offered, period)


def _beside(query: Mapping[str, str], period: Period) -> Period | None:
    chosen = query.get("compare") or ""
    if not chosen:
        return None
    if chosen == "before":
        return period.before
    if chosen == "week":
        return period.shifted(-WEEK * max(1, -(-(period.end - period.start) // WEEK)))
    errors: dict[str, list[str]] = {}
    if chosen != "custom":
        errors["compare"] = [_("Choose one of %(names)s.") % {"names": ", ".join(COMPARISONS)}]
    start = periods.moment(query, "compare_from", errors, whole_day=timedelta(0))
    if not errors and start is None:
        errors["compare_from"] = [_("Say when the other time begins.")]
    if errors or start is None:
        raise Invalid(_("Some parameters are not valid."), errors=errors)
    return period.shifted(periods.floor(start, period.span) - period.start)
