"""What a list of cases can be narrowed by: equality on indexed columns, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseType
from cases.models.choices import Priority, Reason, State

PRIORITY_NAMES = {priority.name.lower(): priority.value for priority in Priority}
PAGING = {"cursor", "page_size"}


class StrictForm(forms.Form):
    """A parameter that nobody knows would silently narrow nothing; it is refused instead."""

    def clean(self) -> dict[str, object]:
        for name in set(self.data) - set(self.fields) - PAGING:
            self.errors[name[:80]] = self.error_class([str(_("There is no such filter; leave it out."))])
        return self.cleaned_data


class MomentField(django_filters.fields.IsoDateTimeField):  # type: ignore[misc]  # the library is untyped
    def to_python(self, value: Any) -> datetime | None:
        """In UTC: at the ends of the calendar an offset leads out of it, which only the database would notice."""
        try:
            found: datetime | None = super().to_python(value)
            return found and found.astimezone(UTC)
        except OverflowError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]  # the library is untyped
    field_class = MomentField


class YesNoFilter(django_filters.TypedChoiceFilter):  # type: ignore[misc]  # the library is untyped
    """true, false, 1 or 0; anything else is refused, where the library would read it as no wish at all."""

    def __init__(self, **options: Any) -> None:
        choices = [(name, name) for name in ("true", "false", "1", "0")]
        super().__init__(choices=choices, coerce=lambda text: text in ("true", "1"), **options)


class CaseFilters(django_filters.FilterSet):  # type: ignore[misc]  # the library is untyped
    case_type = django_filters.CharFilter(method="of_type", max_length=64)
    state = django_filters.ChoiceFilter(choices=State.choices)
    source = django_filters.CharFilter(max_length=120)
    external_id = django_filters.CharFilter(max_length=200)
    requester = django_filters.CharFilter(max_length=200)
    priority = django_filters.ChoiceFilter(choices=[(name, name) for name in PRIORITY_NAMES], method="of_priority")
    label = django_filters.CharFilter(max_length=200)
    reason = django_filters.ChoiceFilter(choices=Reason.choices)
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Case
        fields: list[str] = []
        form = StrictForm

    def of_type(self, rows: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return rows.filter(case_type__in=CaseType.objects.filter(key=value).values_list("pk", flat=True)[:1])

    def of_priority(self, rows: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return rows.filter(priority=PRIORITY_NAMES[value])
