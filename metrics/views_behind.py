"""The list of the cases behind a figure, paged by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cases.concealment import concealed_ids
from cases.errors import Invalid
from cases.models.choices import Priority, State
from metrics import looking, periods
from metrics.behind import FIGURES, NEEDED, Figure
from metrics.histograms import BINS
from metrics.periods import Period

TEMPLATE = "metrics/cases.html"
AT_ONCE = 50
MOST_COUNTED = 10_000
OWN = ("source", "mode", "by", "priority", "wrong", "bin", "said", "answered")
LONGEST = 200
BIG = 2**62


CHOICES = {
    "by": ("person", "policy"),
    "priority": tuple(map(str, Priority.values)),
    "bin": tuple(map(str, range(BINS))),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """The time, what narrows the figure, and the key to go on below."""

    period: Period
    query: dict[str, str]
    after: int


@dataclass(frozen=True, slots=True)
class Line:
    """One case of the list. Who is to read it blind gets neither its number nor what came of it."""

    pk: int
    case_id: int
    case_type: str
    state: str
    label: str
    at: datetime
    hidden: bool


@never_cache
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """Exactly what a figure counts; for who may see every case."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    user = request.user
    if not (user.is_staff and user.has_perm(looking.REPORTS) and looking.sees_cases(user)):
        raise PermissionDenied(_("You see sums, not the cases behind them."))
    figure = FIGURES.get(request.GET.get("figure", ""))
    if figure is None:
        raise Http404
    frame = {**admin.site.each_context(request), "title": figure.name, "errors": {}}
    try:
        wish = _read(request.GET)
    except Invalid as refusal:
        return render(request, TEMPLATE, {**frame, "errors": refusal.errors}, status=400)
    return render(request, TEMPLATE, {**frame, **_listed(request, user, figure, wish)})


def _listed(request: HttpRequest, user: User, figure: Figure, wish: Wish) -> dict[str, Any]:
    rows = figure.rows(wish.period, wish.query).order_by("-pk")
    count = rows.order_by()[: MOST_COUNTED + 1].count()
    found = list(_light(rows.filter(pk__lt=wish.after), figure)[: AT_ONCE + 1])
    lines = _lines(user, found[:AT_ONCE])
    onward = request.GET.copy()
    if len(found) > AT_ONCE:
        onward["after"] = str(lines[-1].pk)
    return {
        "figure": figure,
        "period": wish.period,
        "count": min(count, MOST_COUNTED),
        "more": count > MOST_COUNTED,
        "lines": lines,
        "onward": f"?{onward.urlencode()}" if len(found) > AT_ONCE else "",
        "narrowed": list(_narrowed(wish.query)),
    }


def _light(rows: Any, figure: Figure) -> Any:
    """Without the wide columns."""
    path = f"{figure.case}__" if figure.case else ""
    names = ("id", "case_type__name", "state", "label")
    return rows.values_list("pk", *(f"{path}{name}" for name in names), figure.moment)


def _lines(user: User, found: list[Any]) -> list[Line]:
    hidden = concealed_ids(user, [row[1] for row in found])
    return [
        Line(pk, case_id, kind, str(State(state).label), label, at, case_id in hidden)
        for pk, case_id, kind, state, label, at in found
    ]


def _narrowed(query: Mapping[str, str]) -> Iterator[str]:
    """What the figure was narrowed to, in words."""
    words = {
        "source": _("source %(x)s"),
        "mode": _("mode %(x)s"),
        "by": _("decided by a person") if query.get("by") == "person" else _("decided by policy"),
        "wrong": _("found wrong or changed"),
        "said": _("the machine said %(x)s"),
        "answered": _("a person answered %(x)s"),
    }
    for name, value in query.items():
        if name == "bin":
            yield _("confidence from %(x)s") % {"x": f"{int(value) / BINS:.2f}"}
        elif name == "priority":
            yield _("priority %(x)s") % {"x": Priority(int(value)).label}
        else:
            yield words[name] % {"x": value or "–"} if "%(x)s" in words[name] else words[name]


def _read(given: Mapping[str, str]) -> Wish:
    """What the address asks for. Raises: Invalid."""
    period = periods.read(given, now=datetime.now(UTC))
    query = {name: given[name] for name in OWN if name in given}
    errors = dict(_wrong(query, given["figure"]))
    after = given.get("after") or str(BIG)
    if not (after.isascii() and after.isdigit() and int(after[:20]) <= BIG):
        errors["after"] = [_("A whole number is needed.")]
    if errors:
        raise Invalid(_("Some parameters are not valid."), errors=errors)
    return Wish(period, query, int(after))


def _wrong(query: Mapping[str, str], figure: str) -> Iterator[tuple[str, list[str]]]:
    """What may not be so, by field."""
    yield from ((name, [_("This is needed.")]) for name in NEEDED.get(figure, ()) if name not in query)
    for name, value in query.items():
        if len(value) > LONGEST or "\0" in value:
            yield name, [_("This is no name that a figure could have.")]
        elif name in CHOICES and value not in CHOICES[name]:
            yield name, [_("Choose one of %(names)s.") % {"names": ", ".join(CHOICES[name])}]
