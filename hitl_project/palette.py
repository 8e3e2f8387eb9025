"""The command palette: the pages an account may open, what it may do, and the cases it may see, as JSON.

Pages and actions are sent once and searched in the browser; cases are looked up by number, by external id and by the
beginning of a requester, each answered by an index and bounded before the rule of whose they are is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.access import can, visible
from cases.models import Case
from hitl_project.navigation import Item, account_links, navigation
from review.desk.work import my_claims

MOST_CASES = 8
LARGEST_ID = 2**63 - 1
LONGEST_SEARCH = 200
MOST_LOOKED_AT = 200  # of those a requester's name begins, before asking which of them are this account's
SHORTEST_NAME = 2

Found = dict[str, Any]


@never_cache
@require_GET
def palette(request: HttpRequest) -> JsonResponse:
    """Without a query all pages and actions of the account; with one, the cases that answer it."""
    user = cast(User, request.user)
    term = request.GET.get("q", "").strip()
    if term:
        return JsonResponse({"groups": _groups((_("Cases"), cases_for(user, term)))})
    return JsonResponse({"groups": _groups((_("Actions"), list(actions_for(user))), *_pages(request))})


def _groups(*groups: tuple[str, list[Found]]) -> list[dict[str, Any]]:
    return [{"title": str(title), "items": items} for title, items in groups if items]


def _pages(request: HttpRequest) -> list[tuple[str, list[Found]]]:
    groups = [(str(group.title), [_page(item) for item in group.items]) for group in navigation(request)]
    return [*groups, (_("My account"), [_page(item) for item in account_links(request)])]


def _page(item: Item) -> Found:
    return {"title": str(item.title), "icon": item.icon, "url": item.url}


def actions_for(user: User) -> Iterator[Found]:
    """What the account may do from anywhere. The browser adds nothing of its own to it."""
    if can(user, "review.claim_reviewtask"):
        yield {"title": _("Next case"), "icon": "next", "post": reverse("desk:start")}
        for task in my_claims(user):
            title = _("Go on with #%(case)s") % {"case": task.case_id}
            hint = f"{task.case.case_type.name} · {task.queue.name}"
            yield {"title": title, "hint": hint, "icon": "hand", "url": reverse("desk:review", args=[task.pk])}
    yield {"title": _("Notices"), "icon": "bell", "url": reverse("admin:notices")}
    yield {"title": _("Light appearance"), "icon": "sun", "theme": "light"}
    yield {"title": _("Dark appearance"), "icon": "moon", "theme": "dark"}
    yield {"title": _("Appearance as the system has it"), "icon": "auto", "theme": "auto"}
    yield {"title": _("Print this page"), "icon": "print", "print": True}
    yield {"title": _("Sign out"), "icon": "out", "post": reverse("admin:logout")}


def cases_for(user: User, term: str) -> list[Found]:
    """The newest cases that a number, an external id or the beginning of a requester names, as far as they are theirs.

    Who sees cases only against a reason finds them by number and external id, and is told no more than that.
    """
    whole = user.has_perm("cases.view_case")
    verb = "cases.view_case" if whole else "cases.view_case_with_reason"
    if len(term) > LONGEST_SEARCH or not user.has_perm(verb) or not _storable(term):
        return []
    rows = visible(user, Case.everything.filter(pk__in=_candidates(term, by_name=whole)), verb)
    rows = rows.select_related("case_type").only(
        "case_type__name", "external_id", "idempotency_key", "copy_of", "requester", "state"
    )
    return [_case(case, whole=whole) for case in rows.order_by("-id")[:MOST_CASES]]


def _candidates(term: str, *, by_name: bool) -> list[int]:
    number = term.removeprefix("#")
    found = [int(number)] if number.isascii() and number.isdecimal() and int(number[:20]) <= LARGEST_ID else []
    if term.startswith("#"):
        return found
    found += Case.everything.filter(external_id=term).order_by("-id").values_list("pk", flat=True)[:MOST_CASES]
    if by_name and len(term) >= SHORTEST_NAME:
        named = Case.everything.filter(requester__gte=term, requester__lt=term + "\U0010ffff")
        found += named.order_by("requester", "-id").values_list("pk", flat=True)[:MOST_LOOKED_AT]
    return found


def _case(case: Case, *, whole: bool) -> Found:
    """No label and no confidence: somebody may have to read this case blind."""
    known = [case.requester if whole else "", case.reference, str(case.get_state_display())]
    return {
        "title": f"#{case.pk} {case.case_type.name}",
        "hint": " · ".join(filter(None, known)),
        "icon": "case",
        "url": reverse("admin:cases_case_change", args=[case.pk]),
    }


def _storable(text: str) -> bool:
    """Whether a database could be asked for it at all: neither NUL nor half a surrogate pair."""
    return "\x00" not in text and text.isprintable()
