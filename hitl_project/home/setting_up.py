"""Who sets things up: what is missing or has stopped, each with the page on which to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.access import can, visible
from cases.models import ApiToken, CaseType, Effect, WebhookEndpoint
from hitl_project.health import check_redis
from review.models import Policy, Queue

MOST_COUNTED = 100
MOST_NAMED = 3
SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Need:
    """Something to see to: ``text`` says what and for how many, ``word`` how much it presses."""

    text: str
    word: str
    kind: str
    url: str


def blocks(user: User) -> dict[str, Any]:
    sets_up = can(user, "cases.change_casetype")
    needs = [need for check in CHECKS for need in check()] if sets_up else []
    return {"sets_up": sets_up, "needs": [*needs, *dead_deliveries(user)]}


def dead_deliveries(user: User) -> list[Need]:
    """Deliveries that could not be sent, counted up to a hundred, for who may see them."""
    count = len(visible(user, Effect.objects.dead(), "cases.view_effect").values_list("pk")[:MOST_COUNTED])
    if not count:
        return []
    told = f"{count}+" if count == MOST_COUNTED else str(count)
    text = _("Deliveries that could not be sent: %(count)s") % {"count": told}
    return [Need(text, _("stopped"), "danger", f"{reverse('admin:cases_effect_changelist')}?status__exact=dead")]


def silent_workers() -> Iterator[Need]:
    for what, trouble in check_redis().items():
        text = _("Background work stands still: %(what)s %(trouble)s") % {"what": what, "trouble": trouble}
        yield Need(text, _("stopped"), "danger", reverse("readyz"))


def stopped_endpoints() -> Iterator[Need]:
    rows = WebhookEndpoint.objects.filter(enabled=False).exclude(disabled_reason="")
    text = _("Webhooks were switched off after a refusal: %(names)s")
    yield from _named(rows.values_list("key", flat=True), text, _("stopped"), "danger", "cases_webhookendpoint")


def case_types_without_policy() -> Iterator[Need]:
    active = Policy.objects.filter(case_type=OuterRef("pk"), status=Policy.Status.ACTIVE)
    text = _("Case types that no policy oversees: %(names)s")
    rows = CaseType.objects.filter(~Exists(active)).order_by("name").values_list("name", flat=True)
    yield from _named(rows, text, _("missing"), "warning", "cases_casetype")


def queues_without_people() -> Iterator[Need]:
    workers = Group.objects.filter(review_queues=OuterRef("pk"), user__is_active=True)
    text = _("Queues in which nobody works: %(names)s")
    rows = Queue.objects.filter(~Exists(workers)).order_by("name").values_list("name", flat=True)
    yield from _named(rows, text, _("missing"), "warning", "review_queue")


def tokens_ending_soon() -> Iterator[Need]:
    soon = ApiToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now(), expires_at__lt=timezone.now() + SOON)
    text = _("API tokens that end within 14 days, of: %(names)s")
    rows = soon.order_by("expires_at").values_list("user__username", flat=True)
    yield from _named(rows, text, _("soon"), "warning", "cases_apitoken")


CHECKS: tuple[Callable[[], Iterator[Need]], ...] = (
    silent_workers,
    stopped_endpoints,
    case_types_without_policy,
    queues_without_people,
    tokens_ending_soon,
)


def _named(rows: QuerySet[Any, str], text: str, word: str, kind: str, page: str) -> Iterator[Need]:
    """One need that names the first few of these rows, if there are any."""
    names = list(rows[: MOST_NAMED + 1])
    if names:
        told = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
        yield Need(text % {"names": told}, word, kind, reverse(f"admin:{page}_changelist"))
