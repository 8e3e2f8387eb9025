"""The pages of the reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cases.errors import Invalid
from cases.models import CaseType
from metrics import filters, looking, periods
from metrics.models import Span, VersionRollup
from metrics.pages import KINDS, Kind
from review.models import Policy, Queue

TEMPLATE = "metrics/report.html"
FIELDS = ("case_type", "from", "to", "interval", "queue", "mode", "version", "compare", "compare_from")
MOST_VERSIONS = 60


@dataclass(frozen=True, slots=True)
class Link:
    """A page or a preset to go to."""

    name: object
    address: str
    chosen: bool


@never_cache
@require_safe
def page(request: HttpRequest, key: str = "overview") -> HttpResponse:
    """One page of the reports. A wrong parameter is said beside its field, with status 400."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    kind = looking.kind_of(key)
    try:
        seen = looking.look(request, key)
    except Invalid as refusal:
        return render(request, TEMPLATE, {**_frame(request, kind), "errors": refusal.errors}, status=400)
    context = {"page": seen.page, "report": seen.ask.report, "look": seen.ask.look}
    return render(request, TEMPLATE, {**_frame(request, kind), **context})


def _frame(request: HttpRequest, kind: Kind) -> dict[str, Any]:
    """What the page shows whatever it is asked for."""
    query = request.GET
    own = bool(query.get("from") or query.get("to"))
    preset = "" if own else query.get("period") or periods.USUAL
    user = cast(User, request.user)
    return {
        **admin.site.each_context(request),
        "title": kind.title if kind.key != "overview" else _("Reports"),
        "kind": kind,
        "pages": _pages(request, user, kind),
        "may_subscribe": user.has_perm(looking.REPORTS),
        "preset": preset,
        "presets": [_preset(request, name, chosen=name == preset) for name in periods.PRESETS],
        "query": query.urlencode(),
        "errors": {},
        **_choices(request, kind),
    }


def _choices(request: HttpRequest, kind: Kind) -> dict[str, Any]:
    """What the filters offer."""
    return {
        "asked": {name: request.GET.get(name, "") for name in FIELDS},
        "case_types": CaseType.objects.order_by("name").only("key", "name"),
        "intervals": [(span.value, span.label) for span in periods.STEPS],
        "queues": Queue.objects.order_by("name").only("key", "name") if "queue" in kind.filters else None,
        "modes": Policy.Mode.choices if "mode" in kind.filters else None,
        "versions": _versions() if "version" in kind.filters else None,
        "comparisons": looking.COMPARISONS.items(),
    }


def _versions() -> list[tuple[str, str]]:
    """Those whose answers were used, the latest first."""
    rows = VersionRollup.objects.filter(span=Span.DAY).values_list("model", "model_version").distinct()
    named = sorted(rows[:MOST_VERSIONS], reverse=True)
    return [(filters.version_key(*row), filters.version_name(*row)) for row in named]


def _pages(request: HttpRequest, user: User, kind: Kind) -> list[Link]:
    """The navigation between the pages; the time and the case type go along."""
    query = request.GET.copy()
    for name in ("queue", "mode", "version"):
        query.pop(name, None)
    tail = f"?{query.urlencode()}" if query else ""
    return [
        Link(other.title, address_of(other) + tail, other is kind)
        for other in KINDS.values()
        if looking.may_see(user, other)
    ]


def address_of(kind: Kind) -> str:
    return reverse("reports:report") if kind.key == "overview" else reverse(f"reports:{kind.key}")


def _preset(request: HttpRequest, key: str, *, chosen: bool) -> Link:
    query = request.GET.copy()
    for name in ("from", "to", "interval"):
        query.pop(name, None)
    query["period"] = key
    return Link(periods.PRESETS[key][0], f"?{query.urlencode()}", chosen)
