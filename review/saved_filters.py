"""Filters kept under a name: saved, renamed, shared with everybody, deleted."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import journal
from cases.errors import Conflict, Invalid, Missing
from review.models import SavedFilter

SEE, LEAD = "review.view_reviewtask", "review.release_any_reviewtask"
MOST_PER_PAGE, MOST_LISTED = 30, 60
LONGEST_NAME, LONGEST_QUERY = 60, 1000
ADMIN = "admin"


def listed(user: User, page: str) -> list[SavedFilter]:
    """The filters of a page that are the user's own, and after them those that others share, by name."""
    theirs = SavedFilter.objects.filter(Q(user=user) | Q(shared=True), page=page).select_related("user")
    return sorted(theirs[:MOST_LISTED], key=lambda saved: (saved.user_id != user.pk, saved.name.casefold()))


def save(user: User, *, page: str, name: str, query: str, shared: bool = False, origin: str = ADMIN) -> SavedFilter:
    """Keep a list's query string under a name; the same name again replaces it.

    Raises: Forbidden, Invalid with the field, Conflict when one has too many.
    """
    demand(user, SEE)
    told, asked = _named(name), _query(query)
    with journal(actor=user, origin=origin) as log:
        own = SavedFilter.objects.filter(user=user, page=page)
        if not own.filter(name=told).exists() and own.count() >= MOST_PER_PAGE:
            raise Conflict(_("You have %(count)d filters here; delete one first.") % {"count": MOST_PER_PAGE})
        kept, _new = SavedFilter.objects.update_or_create(
            user=user, page=page, name=told, defaults={"query": asked, "shared": shared}
        )
        log("filter.saved", subject=kept, data={"name": told, "page": page, "shared": shared})
    return kept


def rename(filter_id: int, *, by: User, name: str, origin: str = ADMIN) -> SavedFilter:
    """Raises: Missing unless it is one's own, Invalid, Conflict when one has another of that name."""
    told = _named(name)
    with journal(actor=by, origin=origin) as log:
        kept = _own(filter_id, by)
        if SavedFilter.objects.filter(user=by, page=kept.page, name=told).exclude(pk=kept.pk).exists():
            raise Conflict(_("You have another filter of this name."))
        SavedFilter.objects.filter(pk=kept.pk).update(name=told)
        log("filter.renamed", subject=kept, data={"from": kept.name, "to": told})
        kept.name = told
    return kept


def share(filter_id: int, *, by: User, shared: bool = True, origin: str = ADMIN) -> SavedFilter:
    """Show a filter to everybody, or to its owner alone again. Who leads may end anybody's sharing.

    Raises: Missing.
    """
    with journal(actor=by, origin=origin) as log:
        kept = _own(filter_id, by, or_led=not shared)
        SavedFilter.objects.filter(pk=kept.pk).update(shared=shared)
        log("filter.shared" if shared else "filter.unshared", subject=kept, data={"name": kept.name})
        kept.shared = shared
    return kept


def delete(filter_id: int, *, by: User, origin: str = ADMIN) -> None:
    """Raises: Missing unless it is one's own."""
    with journal(actor=by, origin=origin) as log:
        kept = _own(filter_id, by)
        log("filter.deleted", subject=kept, data={"name": kept.name, "page": kept.page})
        kept.delete()


def _own(filter_id: int, user: User, *, or_led: bool = False) -> SavedFilter:
    demand(user, SEE)
    mine = Q(user=user) | Q(shared=True) if or_led and user.has_perm(LEAD) else Q(user=user)
    found = SavedFilter.objects.filter(mine, pk=filter_id).first()
    if found is None:
        raise Missing(_("There is no such filter, or it is not yours."))
    return found


def _named(name: str) -> str:
    told = " ".join(name.split())
    if not 0 < len(told) <= LONGEST_NAME or not told.isprintable():
        words = _("Give a name of 1 to %(count)d letters.") % {"count": LONGEST_NAME}
        raise Invalid(_("The filter was not saved."), errors={"name": [words]})
    return told


def _query(query: str) -> str:
    if len(query) > LONGEST_QUERY or not query.isascii() or not query.isprintable():
        raise Invalid(_("The filter was not saved."), errors={"query": [_("These filters are too long to be kept.")]})
    return query
