"""What every list of the back office has in common: rows by the rule of `cases.access`, and no query that grows with the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import FieldError
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cases.access import can, visible
from cases.errors import Refused

M = TypeVar("M", bound=models.Model)
COUNT_LIMIT = 1_000
MOST_CHOICES = 200
FILTER_SUFFIXES = ("__exact", "__id__exact", "__isnull", "__in")
LARGEST_ID = 2**63 - 1
LONGEST_SEARCH = 200


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Counts no further than a thousand rows: who needs the last page needs a filter."""

    @cached_property
    def count(self) -> int:
        rows = cast(models.QuerySet[Any], self.object_list)
        return len(rows.order_by().values_list("pk")[:COUNT_LIMIT])


class CalmChangeList(ChangeList):
    """A list that answers a nonsensical address with the plain list, never with an error."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> models.QuerySet[Any]:
        if not all(_storable(text) for texts in request.GET.lists() for text in texts[1]):
            raise IncorrectLookupParameters("NUL")
        try:
            return super().get_queryset(request, exclude_parameters)
        except (FieldError, ValueError, OverflowError) as fault:
            raise IncorrectLookupParameters(str(fault)) from fault

    def get_ordering_field(self, field_name: Any) -> Any:
        """Only by a column that an index serves, whatever the address asks for."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None


class VisibleFilter(admin.RelatedFieldListFilter):
    """Choices from the small table that a column points at, as far as the account may see it.

    Django's own "related only" filter asks the large table which of them occur, by a DISTINCT over all of it.
    """

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        related = field.remote_field.model
        rows = visible(account(request), related._default_manager.all(), view_verb(related))
        return [(row.pk, str(row)) for row in rows[:MOST_CHOICES]]


class BackOfficeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Read-only unless a subclass says otherwise. ``exact`` and ``prefix`` name the columns that a search looks in."""

    number: ClassVar[str] = "pk"  # the column that a number in the search box means
    exact: ClassVar[Sequence[str]] = ()
    prefix: ClassVar[Sequence[str]] = ()
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    actions: Any = None
    view_verbs: ClassVar[Sequence[str]] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what a filter offers: any other look-up would confirm what the list does not show."""
        names = [
            item if isinstance(item, str) else item[0] for item in self.list_filter if isinstance(item, str | tuple)
        ]
        allowed = {f"{name}{suffix}" for name in names for suffix in FILTER_SUFFIXES}
        allowed |= {str(getattr(item, "parameter_name", "")) for item in self.list_filter} - {"", "None"}
        return lookup in allowed

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CalmChangeList

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return self.seen(request, super().get_queryset(request))

    def seen(self, request: HttpRequest, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Those of the rows that the account may see."""
        found = [
            visible(account(request), rows, verb) for verb in self._view_verbs() if account(request).has_perm(verb)
        ]
        return found[0] if found else rows.none()

    def _view_verbs(self) -> Sequence[str]:
        return self.view_verbs or (view_verb(self.model),)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        if not (object_id.isascii() and object_id.isdecimal() and int(object_id[:20]) <= LARGEST_ID):
            return None
        return super().get_object(request, object_id, from_field)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.exact, *self.prefix)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """By number, by exact value or by its beginning: what an index can answer."""
        term = search_term.strip().lstrip("#")
        if not term:
            return queryset, False
        if len(term) > LONGEST_SEARCH or not _storable(term):
            return queryset.none(), False
        wanted = models.Q(**{self.number: int(term)}) if _is_id(term) else models.Q(pk__in=[])
        allowed = self.get_search_fields(request)
        for name in filter(allowed.__contains__, self.exact):
            wanted |= models.Q(**{name: term})
        for name in filter(allowed.__contains__, self.prefix):
            wanted |= models.Q(**{f"{name}__gte": term, f"{name}__lt": term + "\U0010ffff"})
        return queryset.filter(wanted), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[:1].upper() + title[1:], **(extra_context or {})})

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[Any], *place: Any, **more: Any
    ) -> HttpResponse | None:
        """Theirs, once the selected rows are numbers: a word among them would be an error of the server."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        data = request.POST.copy()
        data.setlist(ACTION_CHECKBOX_NAME, [number for number in chosen if _is_id(number)])
        request.POST = data  # type: ignore[assignment]  # a QueryDict again
        answer: HttpResponse | None = super().response_action(request, queryset, *place, **more)
        return answer

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return any(can(account(request), verb, obj) for verb in self._view_verbs())

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def view_verb(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}.view_{model._meta.model_name}"


def account(request: HttpRequest) -> User:
    return cast(User, request.user)


def tell(request: HttpRequest, refusal: Refused) -> None:
    """A refusal of a verb as a message of the admin."""
    texts = [refusal.message, *(text for texts in refusal.errors.values() for text in texts)]
    messages.error(request, " ".join(texts))


def badge(text: object, kind: str = "") -> SafeString:
    """A status with a word in it; colour only repeats it."""
    return format_html('<span class="cs-badge {}">{}</span>', f"cs-is-{kind}" if kind else "", text)


def _is_id(term: str) -> bool:
    return term.isascii() and term.isdecimal() and len(term) < len(str(LARGEST_ID))


def _storable(text: str) -> bool:
    """Whether a database could hold it at all: neither NUL nor half a surrogate pair."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
