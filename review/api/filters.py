from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.db.models.functions import Now

from cases.api.filters import StrictForm, YesNoFilter
from cases.models.choices import Reason
from review.models import Policy, Queue, ReviewTask


class TaskFilters(django_filters.FilterSet):  # type: ignore[misc]  # the library is untyped
    queue = django_filters.CharFilter(method="in_queue", max_length=64)
    reason = django_filters.ChoiceFilter(choices=Reason.choices, method="because")
    overdue = YesNoFilter(method="late")
    mine = YesNoFilter(method="own")
    held = YesNoFilter(method="on_hold")

    class Meta:
        model = ReviewTask
        fields: list[str] = []
        form = StrictForm

    def in_queue(self, rows: QuerySet[ReviewTask], name: str, value: str) -> QuerySet[ReviewTask]:
        return rows.filter(queue__in=Queue.objects.filter(key=value).values_list("pk", flat=True)[:1])

    def because(self, rows: QuerySet[ReviewTask], name: str, value: str) -> QuerySet[ReviewTask]:
        """Why a blind reader is asked tells what the machine said: such a task is not to be found by its reason."""
        found = rows.filter(reason=value)
        return found if value == Reason.SAMPLE else found.exclude(blind=True, first_answer__isnull=True)

    def late(self, rows: QuerySet[ReviewTask], name: str, value: bool) -> QuerySet[ReviewTask]:  # noqa: FBT001 - the library's signature
        return rows.filter(due_at__lt=Now()) if value else rows.exclude(due_at__lt=Now())

    def own(self, rows: QuerySet[ReviewTask], name: str, value: bool) -> QuerySet[ReviewTask]:  # noqa: FBT001 - the library's signature
        held = {"assignee": self.request.user, "lease_until__gt": Now()}
        return rows.filter(**held) if value else rows.exclude(**held)

    def on_hold(self, rows: QuerySet[ReviewTask], name: str, value: bool) -> QuerySet[ReviewTask]:  # noqa: FBT001 - the library's signature
        return rows.exclude(hold_reason="") if value else rows.filter(hold_reason="")


class PolicyFilters(django_filters.FilterSet):  # type: ignore[misc]  # the library is untyped
    case_type = django_filters.CharFilter(field_name="case_type__key", max_length=64)
    status = django_filters.ChoiceFilter(choices=Policy.Status.choices)

    class Meta:
        model = Policy
        fields: list[str] = []
        form = StrictForm
